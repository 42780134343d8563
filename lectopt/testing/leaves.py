"""Trees as people have them: with `None`, with a gradient missing, empty, scalar, with integers."""

from typing import Any

import jax
import jax.numpy as jnp

from lectopt.testing import trees
from lectopt.testing.registry import brief, check, during
from lectopt.testing.subject import Subject


@check
def none_leaves(subject: Subject) -> None:
    """A leaf that is None among parameters and gradients stays None and changes nothing else."""
    tx, bare = subject.build(), subject.bare
    path = subject.run(
        tx,
        params=trees.params() | {"frozen": None},
        gradients=lambda t: trees.gradients(t) | {"frozen": None},
    )
    for t, (found, expected) in enumerate(zip(path.updates, bare.updates, strict=True), 1):
        assert "frozen" in found and found["frozen"] is None, f"update {t} lacks the None"
        rest = {k: v for k, v in found.items() if k != "frozen"}
        trees.close(rest, expected, f"update {t} beside a None", rtol=1e-6, atol=1e-7)


@check
def missing_gradient(subject: Subject) -> None:
    """A gradient that is None where there is a weight is refused, or the weight and its part of the
    state are left alone."""
    tx, params = subject.build(), trees.params()
    _, state = subject.update(tx, trees.gradients(), tx.init(params), params)
    grads = trees.gradients(1)
    grads["dense"]["kernel"] = None
    try:
        updates, new = subject.update(tx, grads, state, params)
    except Exception:
        return
    assert updates["dense"]["kernel"] is None, "the update of a leaf without gradient is not None"
    after = dict(trees.named_leaves(new))
    for name, leaf in trees.named_leaves(state):
        if "'kernel'" in name:
            assert name in after, f"{name} is gone from the state, as its gradient was None"
            trees.same_bits(after[name], leaf, f"{name}, whose gradient was None,")


@check
def empty_tree(subject: Subject) -> None:
    """A tree without leaves has an empty update."""
    tx = subject.build()
    updates, _ = subject.update(tx, {}, tx.init({}), {})
    assert updates == {}, f"the update of an empty tree is {updates!r}"


@check
def scalar_leaf(subject: Subject) -> None:
    """A single number may be all the parameters."""
    tx, param = subject.build(), jnp.float32(0.7)
    updates, _ = subject.update(tx, jnp.float32(0.5), tx.init(param), param)
    trees.same_types(updates, param, "the update of a single number", weak=False)
    trees.finite(updates, "the update of a single number")


@check
def integer_leaves(subject: Subject) -> None:
    """An integer among the weights, which has no gradient, is refused with the name of its leaf; or
    it is accepted, and float weights beside it move as they do without it."""
    tx, steps = subject.build(), jnp.ones((2, 2), jnp.int32)
    try:
        path = subject.run(
            tx,
            1,
            params=trees.params() | {"steps": steps},
            gradients=lambda t: trees.gradients(t) | {"steps": steps},
        )
    except Exception as error:
        assert "steps" in str(error), f"an integer at ['steps'] is refused with {brief(error)}"
        return
    if subject.reduces:
        return
    rest: dict[str, Any] = {k: v for k, v in path.updates[0].items() if k != "steps"}
    trees.close(rest, subject.bare.updates[0], "an update beside an integer", 1e-6, 1e-7)


@check
def containers(subject: Subject) -> None:
    """Tuples, lists and nested dicts are trees as good as any, with `None` for a state or not."""
    tx = subject.build()
    for kind in (tuple, list):
        params = kind([trees.mixed("float32"), kind([jnp.ones(2)])])
        with during(f"an update of a {kind.__name__}"):
            updates = jax.eval_shape(
                lambda p: subject.update(tx, p, tx.init(p), p)[0],
                params,
            )
        trees.same_types(updates, params, f"the update of a {kind.__name__}", weak=False)
