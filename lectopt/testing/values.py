"""What updates are made of: nothing but their arguments, finite at zero, and all that is given."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.testing import trees
from lectopt.testing.precision import stepwise
from lectopt.testing.probing import zeros
from lectopt.testing.registry import check, during
from lectopt.testing.subject import Subject


@check
def purity(subject: Subject) -> None:
    """`init` and `update` depend on their arguments alone and change none of them: the same call
    gives the same result, also of another transformation that was made by the same call."""
    tx, grads, params = subject.build(), trees.gradients(), trees.params()
    trees.same_bits(tx.init(params), tx.init(params), "the state of a second init")
    state = tx.init(params)
    kept = jax.tree.map(jnp.copy, state)
    first = subject.update(tx, grads, state, params)
    trees.same_bits(state, kept, "the state given to update, afterwards,")
    trees.same_bits(grads, trees.gradients(), "the gradient given to update, afterwards,")
    trees.same_bits(
        subject.update(tx, grads, state, params), first, "(update, state) of a second, equal call"
    )
    other = subject.build()
    trees.same_bits(
        subject.update(other, grads, other.init(params), params),
        first,
        "(update, state) of a second, equal transformation",
    )


@check
def zero_gradients(subject: Subject) -> None:
    """Where a gradient is zero, from the start or for a while, nothing becomes NaN or infinite."""

    def gradients(t: int) -> Any:
        given = trees.gradients(t)
        return given | {"dense": zeros(given["dense"])} if t != 1 else zeros(given)

    path = subject.run(subject.build(), 4, gradients=gradients)
    trees.finite(path.updates, "the update")
    trees.finite(path.state, "the state")


@check
def zero_gradients_in_half_precision(subject: Subject) -> None:
    """In float16 and bfloat16 a gradient of zero, or of 1e-7, gives a finite update, and a weight
    that would rest in float32 rests: an epsilon such as 1e-8 is zero in float16, and 0/0 is NaN."""
    rests = not subject.moves_without_gradient
    for dtype in ("float16", "bfloat16"):
        start = trees.params(dtype)
        tiny = jax.tree.map(lambda p: jnp.full_like(p, 1e-7), start)
        grads = tiny | {"dense": zeros(start["dense"])}
        with stepwise():
            path = subject.run(subject.build(), 3, start, lambda t, grads=grads: grads)
        for t, update in enumerate(path.updates, 1):
            trees.finite(update, f"update {t} in {dtype}")
            # Another weight that moves may move it: a common norm, a common step.
            if rests and not subject.reduces:
                for name, leaf in trees.named_leaves(update["dense"]):
                    moved = np.asarray(leaf, np.float32)
                    assert not moved.any(), (
                        f"update {t} in {dtype} is {trees.shown(moved)} at ['dense']{name}, "
                        "where the gradient is 0"
                    )


@check
def parameters_left_out(subject: Subject) -> None:
    """`update(grads, state)` without parameters says that it needs them, or gives the same updates
    as with them: it does not quietly leave out a weight decay."""
    tx, state, given = subject.build(), None, trees.params()
    state = tx.init(given)
    for t in range(2):
        grads = trees.gradients(t)
        extra = subject.extra(grads, given)
        try:
            without, _ = tx.update(grads, state, **extra)
        except Exception:
            return
        updates, state = tx.update(grads, state, given, **extra)
        trees.close(without, updates, "the update without parameters", rtol=1e-6, atol=1e-7)
        given = optax.apply_updates(given, updates)


def _spied(inner: optax.GradientTransformation, seen: list[Any]) -> Any:
    inner = optax.with_extra_args_support(inner)

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        seen.append(extra)
        return inner.update(updates, state, params, **extra)

    return optax.GradientTransformationExtraArgs(inner.init, update)


@check
def extra_arguments(subject: Subject) -> None:
    """An update takes keyword arguments that it does not know (if it takes any), and hands all of
    them on to a transformation that it was made with."""
    grads, params = trees.gradients(), trees.params()
    extra = subject.extra(grads, params) | dict(unknown=None)
    seen: dict[str, list[Any]] = {}
    changes = {}
    for name, value in subject.settings.items():
        if isinstance(value, optax.GradientTransformation):
            changes[name] = _spied(value, seen.setdefault(name, []))
    tx = subject.make(**{**subject.settings, **changes})
    if not isinstance(tx, optax.GradientTransformationExtraArgs):
        assert not seen, (
            f"it is an optax.GradientTransformation without extra arguments, so {', '.join(seen)} "
            "gets none; make it an optax.GradientTransformationExtraArgs"
        )
        return
    with during("an update with the keyword unknown=None"):
        tx.update(grads, tx.init(params), params, **extra)
    for name, calls in seen.items():
        for lost in set(extra) - {key for call in calls for key in call}:
            raise AssertionError(f"{name} was not given the keyword {lost!r}")
