"""Ways to get gradient descent with momentum wrong, each with the check that catches it."""

import functools as ft
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tests.testing.momentum import around, decayed, made, momentum

BUGS: dict[str, Callable[..., optax.GradientTransformation]] = {}  # by the check that catches it


def bug(check: str) -> Callable[[Any], Any]:
    def register(maker: Any) -> Any:
        BUGS[check] = maker
        return maker

    return register


@bug("runs")
def no_name(learning_rate: Any) -> Any:
    return around(learning_rate, lambda u, s, g: (u, s | {"best": s["bets"]}))


@bug("update_dtypes")
def float32_out(learning_rate: Any) -> Any:
    def wide(u: Any, s: Any, g: Any) -> Any:
        return jax.tree.map(lambda x: x.astype(jnp.float32), u), s

    return around(learning_rate, wide)


@bug("state_dtypes")
def widening_slot(learning_rate: Any) -> Any:
    def rule(g: Any, m: Any, p: Any) -> Any:
        return decayed(g, m.astype(jnp.float32), learning_rate, 0.9)

    return made(rule, lambda p: jnp.zeros_like(p, dtype=jnp.bfloat16))


@bug("state_structure")
def growing_state(learning_rate: Any) -> Any:
    return around(learning_rate, lambda u, s, g: (u, s | {"last": g}))


@bug("state_leaves")
def python_count(learning_rate: Any) -> Any:
    def count(u: Any, s: Any, g: Any) -> Any:
        return u, s | {"count": s["count"] + 1}

    return around(learning_rate, count, lambda params: {"count": 0})


@bug("none_leaves")
def none_is_a_leaf(learning_rate: Any) -> Any:
    def half(u: Any, s: Any, g: Any) -> Any:
        is_none = lambda x: x is None  # noqa: E731
        return jax.tree.map(lambda x: jnp.zeros(2) if x is None else x, u, is_leaf=is_none), s

    return around(learning_rate, half)


@bug("missing_gradient")
def zero_for_none(learning_rate: Any) -> Any:
    inner = momentum(learning_rate)

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        updates = jax.tree.map(
            lambda s, g: jnp.zeros_like(s) if g is None else g, state["trace"], updates
        )
        return inner.update(updates, state, params)

    return optax.GradientTransformationExtraArgs(inner.init, update)


@bug("empty_tree")
def longest(learning_rate: Any) -> Any:
    return around(learning_rate, lambda u, s, g: (u, s) if max(map(jnp.size, _leaves(u))) else 0)


@bug("scalar_leaf")
def by_rows(learning_rate: Any) -> Any:
    return made(lambda g, m, p: (g - 0 * g.mean(-1, keepdims=True), m))


@bug("integer_leaves")
def precise(learning_rate: Any) -> Any:
    return around(learning_rate, lambda u, s, g: (u, s) if [*map(_eps, _leaves(g))] else 0)


@bug("containers")
def dicts_only(learning_rate: Any) -> Any:
    return around(learning_rate, lambda u, s, g: (dict(u.items()), s))


@bug("purity")
def count_outside(learning_rate: Any) -> Any:
    calls: list[None] = []

    def later(u: Any, s: Any, g: Any) -> Any:
        calls.append(None)
        return jax.tree.map(lambda x: x / len(calls), u), s

    return around(learning_rate, later)


@bug("zero_gradients")
def normalised(learning_rate: Any) -> Any:
    return made(lambda g, m, p: (-learning_rate * g / abs(g), m))


@bug("zero_gradients_in_half_precision")
def small_epsilon(learning_rate: Any) -> Any:
    return made(lambda g, m, p: (-learning_rate * g / (abs(g) + jnp.asarray(1e-8, g.dtype)), m))


@bug("parameters_left_out")
def quiet_decay(learning_rate: Any) -> Any:
    def rule(g: Any, m: Any, p: Any) -> Any:
        return decayed(g if p is None else g + 0.1 * p, m, learning_rate, 0.9)

    return made(rule)


@bug("as_its_twin")
@bug("as_optax")
def first_undamped(learning_rate: Any, momentum: Any = 0.9) -> Any:
    def rule(g: Any, m: Any, p: Any) -> Any:
        return decayed((1 - momentum) * g, m, learning_rate, momentum)

    return made(rule)


@bug("traced_settings")
def branch(learning_rate: Any) -> Any:
    return momentum(learning_rate if learning_rate < 1 else 1.0)


@bug("vmap_over_settings")
@bug("vmap_over_parameters")
def on_the_host(learning_rate: Any) -> Any:
    def rule(g: Any, m: Any, p: Any) -> Any:
        like = jax.ShapeDtypeStruct(g.shape, g.dtype)
        return jax.pure_callback(lambda x, r: np.asarray(x * r), like, g, -learning_rate), m

    return made(rule)


@ft.partial(jax.tree_util.register_dataclass, data_fields=["x"], meta_fields=["calls"])
class Counted:
    """A pytree with a count that is no array, and that Flax has not been told of."""

    def __init__(self, x: Any, calls: int):
        self.x, self.calls = x, calls


def _counting(learning_rate: Any, more: int) -> Any:
    def count(u: Any, s: Any, g: Any) -> Any:
        return u, s | {"last": Counted(s["last"].x, s["last"].calls + more)}

    return around(learning_rate, count, lambda params: {"last": Counted(jnp.zeros(2), 0)})


@bug("compiled_step")
def static_count(learning_rate: Any) -> Any:
    return _counting(learning_rate, 1)


@bug("msgpack_checkpoint")
def foreign_container(learning_rate: Any) -> Any:
    return _counting(learning_rate, 0)


@bug("uncompiled_calls")
def compiled_inside(learning_rate: Any) -> Any:
    def doubled(updates: Any) -> Any:
        return jax.tree.map(lambda u: 2 * u, updates)

    return around(learning_rate, lambda u, s, g: (jax.jit(lambda x: doubled(x))(u), s))


@bug("leaked_tracers")
def keeps_the_last(learning_rate: Any) -> Any:
    last: list[Any] = []

    def keep(u: Any, s: Any, g: Any) -> Any:
        last.append(u)
        return u, s

    return around(learning_rate, keep)


@bug("rank_promotion")
def row_of_ones(learning_rate: Any) -> Any:
    return made(lambda g, m, p: (g * jnp.ones(g.shape[-1:], g.dtype), m))


@bug("differentiable")
def constant_rate(learning_rate: Any) -> Any:
    return momentum(jax.lax.stop_gradient(learning_rate))


@bug("differentiable_at_zero")
def root_at_zero(learning_rate: Any) -> Any:
    return made(lambda g, m, p: (-learning_rate * g * jnp.sqrt(g * g), m))


@bug("donation")
def one_buffer(learning_rate: Any) -> Any:
    def init(params: Any) -> Any:
        return {"last": jax.tree.map(jnp.asarray, params)}

    return around(learning_rate, lambda u, s, g: (u, s), init)


@bug("extra_arguments")
def drops_keywords(learning_rate: Any, inner: Any) -> Any:
    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        return inner.update(updates, state, params)

    return optax.GradientTransformationExtraArgs(inner.init, update)


@bug("in_masked")
def by_place(learning_rate: Any) -> Any:
    def last(u: Any, s: Any, g: Any) -> Any:
        return {**u, "gain": jax.tree.map(lambda x: 2 * x, u["gain"])}, s

    return around(learning_rate, last)


@bug("sharded")
@bug("sharded_explicitly")
def on_every_device(learning_rate: Any) -> Any:
    return made(
        lambda g, m, p: decayed(g, m, learning_rate, 0.9), lambda p: jnp.zeros(p.shape, p.dtype)
    )


@bug("slots")
def keeps_two(learning_rate: Any) -> Any:
    start = lambda p: jnp.zeros((2, *p.shape), p.dtype)  # noqa: E731
    return made(lambda g, m, p: (g, m), start)


def _leaves(tree: Any) -> Any:
    return jax.tree.leaves(tree)


def _eps(leaf: Any) -> float:
    return float(jnp.finfo(leaf.dtype).eps)
