"""Tracing: settings that are tracers, `jit`, `vmap`, and how often something is compiled."""

import gc
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.testing import trees
from lectopt.testing.precision import QUICKLY, double, stepwise
from lectopt.testing.registry import check, during
from lectopt.testing.subject import Subject

_COMPILED = "/jax/core/compile/backend_compile_duration"
_compilations: list[str] = []


def compilations() -> list[str]:
    """One entry for each program compiled so far, and from now on: the same list, which grows. JAX
    tells it to a listener only, and whoever clears the listeners clears this one, so that it is
    tried out first."""
    for _ in range(2):
        before = len(_compilations)
        jax.jit(lambda: jnp.zeros(()))()  # a new function: compiled
        if len(_compilations) > before:
            return _compilations
        jax.monitoring.register_event_duration_secs_listener(
            lambda event, *_, **__: _compilations.append(event) if event == _COMPILED else None
        )
    raise RuntimeError(f"this version of JAX does not report what it compiles as {_COMPILED!r}")


def _floats(subject: Subject) -> bool:
    return bool(subject.floats)


@check(applies=_floats)
def traced_settings(subject: Subject) -> None:
    """Every setting that is a float may be a tracer, as in `jax.jit(lambda rate: ...)`: no `if` and
    no `float()` of it. A setting that shapes the program belongs to the whole numbers, strings and
    booleans."""

    def one(settings: dict[str, Any]) -> Any:
        path = subject.run(subject.build(**settings), 1)
        return path.updates, path.state

    constant = jax.eval_shape(lambda: one({}))
    for name, value in subject.floats.items():
        with during(f"a traced {name}"):
            traced = jax.eval_shape(one, {name: jnp.asarray(value)})
        trees.same_types(traced, constant, f"(updates, state) with a traced {name}", weak=False)


@check(applies=_floats)
def vmap_over_settings(subject: Subject) -> None:
    """One vmap over all floats at once gives what a loop over their values gives."""

    def updates(settings: dict[str, Any]) -> Any:
        tx = subject.build(**settings)
        return subject.run(tx, 3, trees.params("float64"), trees.gradients64).updates

    first, second = ({k: x * v for k, v in subject.floats.items()} for x in (1.0, 0.9))
    alone = [subject.exact.updates]
    with double(), stepwise():
        swept = jax.vmap(updates)(jax.tree.map(lambda *values: jnp.array(values), first, second))
        alone.append(updates(second))
    _lanes_are(swept, alone, "lane")


@check
def vmap_over_parameters(subject: Subject) -> None:
    """One vmap over several models, with their gradients, gives what a loop over them gives."""

    def updates(lane: Any) -> Any:
        def gradients(t: int) -> Any:
            return jax.tree.map(lambda g: lane["size"] * g, trees.gradients64(t))

        return subject.run(subject.build(), 3, lane["params"], gradients).updates

    alone = [subject.exact.updates]
    with double(), stepwise():
        first, second = (
            dict(params=trees.params("float64", size), size=jnp.asarray(size))
            for size in (1.0, 0.4)
        )
        batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), first, second)
        swept = jax.vmap(updates)(batch)
        alone.append(updates(second))
    _lanes_are(swept, alone, "model")


def _lanes_are(swept: Any, alone: list[Any], what: str) -> None:
    for i, expected in enumerate(alone):
        found = jax.tree.map(lambda x, i=i: np.asarray(x)[i], swept)
        trees.close(found, expected, f"an update of {what} {i}", rtol=1e-7, atol=1e-9)


@check
def compiled_step(subject: Subject) -> None:
    """A step under `jit` that donates parameters and state is traced once for all its calls, and
    moves as the uncompiled one does."""
    tx, traces = subject.build(), []

    def step(grads: Any, state: Any, params: Any) -> Any:
        traces.append(None)
        updates, state = subject.update(tx, grads, state, params)
        return updates, optax.apply_updates(params, updates), state

    with double(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Some donated buffers were not usable")
        compiled = jax.jit(step, donate_argnums=(1, 2), compiler_options=QUICKLY)
        updates = []
        params = trees.params("float64")
        state = tx.init(params)
        for t in range(3):
            update, params, state = compiled(trees.gradients64(t), state, params)
            updates.append(update)
            assert len(traces) == 1, (
                f"it was traced again at call {t + 1}: a dtype, a weak type or a static field of "
                "the state differs from call to call"
            )
    trees.close(updates, subject.exact.updates, "a compiled update", rtol=1e-7, atol=1e-9)


@check
def uncompiled_calls(subject: Subject) -> None:
    """`update` called without `jit` compiles nothing once it has run: a fresh closure given to
    `cond`, `scan` or `jit` at every call is compiled at every call, and stays in memory."""
    compiled, tx, params = compilations(), subject.build(), trees.params()
    state = tx.init(params)
    for t in range(4):
        grads, before = trees.gradients(t), len(compiled)
        _, state = subject.update(tx, grads, state, params)
        new = len(compiled) - before
        assert t < 3 or not new, f"call {t + 1} of update compiled {new} programs"


@check
def leaked_tracers(subject: Subject) -> None:
    """No tracer outlives the trace that made it, in a closure, a cache or an attribute."""
    gc.freeze()  # JAX searches all other objects for whoever keeps a tracer, for half a minute
    try:
        tx = subject.build()
        with jax.checking_leaks():
            jax.eval_shape(lambda p: subject.run(tx, 1, p).updates, trees.params())
    finally:
        gc.unfreeze()


@check
def rank_promotion(subject: Subject) -> None:
    """Arrays of different rank are broadcast explicitly (`jax_numpy_rank_promotion="raise"`)."""
    tx, params = subject.build(), trees.mixed("float32")
    with jax.numpy_rank_promotion("raise"):
        jax.eval_shape(
            lambda p: subject.update(tx, p, tx.init(p), p), jax.tree.map(np.asarray, params)
        )
