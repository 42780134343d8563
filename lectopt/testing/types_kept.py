"""Types: updates in the gradient's dtype, a state that keeps the form `init` gave it."""

import functools as ft
from typing import Any

import jax
import jax.numpy as jnp
import optax

from lectopt.testing import trees
from lectopt.testing.precision import double
from lectopt.testing.registry import check, during
from lectopt.testing.subject import Subject

_DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64")


@ft.lru_cache(maxsize=8)
def _traced(subject: Subject, dtype: str) -> tuple[Any, Any, Any, Any]:
    """The first parameters and state, and the updates and state after two updates, as types.

    A transformation may refuse complex numbers, but not change them."""
    tx, params = subject.build(), trees.mixed(dtype)

    def twice(params: Any) -> Any:
        state, updates = tx.init(params), None
        first = state
        for _ in range(2):
            updates, state = subject.update(tx, params, state, params)
        return first, updates, state

    try:
        first, updates, state = jax.eval_shape(twice, params)
    except Exception:
        if dtype == "complex64":
            return params, {}, params, {}
        raise
    return params, first, updates, state


@check
def runs(subject: Subject) -> None:
    """It can be made, and an update of two matrices can be traced, given `params` and, if that is
    not enough, `value=`, `value_fn=` and `grad=`. Nothing else can be checked where this fails."""
    _ = subject.needs


@check
def update_dtypes(subject: Subject) -> None:
    """Updates come back with the shapes and dtypes of the gradients, from float16 to complex64."""
    with double():
        for dtype in _DTYPES:
            with during(f"an update of {dtype} weights"):
                params, _, updates, _ = _traced(subject, dtype)
            trees.same_types(updates, params, f"the update for {dtype} gradients", weak=False)


@check
def state_structure(subject: Subject) -> None:
    """The containers and entries of the state are those that init made, after every update."""
    with double():
        _, first, _, state = _traced(subject, "float32")
        trees.same_structure(state, first, "the state after two updates")


@check
def state_dtypes(subject: Subject) -> None:
    """Shapes and dtypes of the state are those that init gave, after every update and in every
    precision: otherwise it is no carry of a scan, and a step compiles twice."""
    with double():
        for dtype in _DTYPES:
            with during(f"an update of {dtype} weights"):
                _, first, _, state = _traced(subject, dtype)
            # What changed its structure is reported by that check.
            if jax.tree.structure(first) == jax.tree.structure(state):
                trees.same_types(state, first, f"the state of {dtype} weights, after two updates,")


@check
def state_leaves(subject: Subject) -> None:
    """Every leaf of the state is an array of JAX, before and after an update: a Python number would
    be frozen into the program, or be lost by a checkpoint."""
    tx, params = subject.build(), trees.params()
    state = tx.init(params)
    for when in ("init", "an update"):
        for name, leaf in trees.named_leaves(state):
            assert isinstance(leaf, jax.Array), f"{name} is {trees.type_of(leaf)} after {when}"
        _, state = subject.update(tx, trees.gradients(), state, params)


@check
def abstract_parameters(subject: Subject) -> None:
    """`jax.eval_shape(init, params)` gives the types that init gives, so that the state can be
    planned, sharded and restored before it exists."""
    tx, params = subject.build(), trees.mixed("float32")
    trees.same_types(jax.eval_shape(tx.init, params), tx.init(params), "the abstract state")


@check
def control_flow(subject: Subject) -> None:
    """Parameters and state are a carry of `scan`, and an update one branch of `cond`."""
    tx, params = subject.build(), trees.mixed("float32")

    def step(carry: Any, _: Any) -> Any:
        params, state = carry
        updates, new = subject.update(tx, params, state, params)
        moved = optax.apply_updates(params, updates)
        return jax.lax.cond(jnp.bool_(True), lambda: (moved, new), lambda: (params, state)), None

    jax.eval_shape(lambda c: jax.lax.scan(step, c, length=2), (params, tx.init(params)))
