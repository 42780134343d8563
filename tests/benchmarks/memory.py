"""What a donated update needs beside parameters, state and gradients."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import optax

import lectopt
from tests.benchmarks.claims import Claim, constant
from tests.benchmarks.programs import PAIRS, stepping

WEIGHTS = 5_000_000
FLAG = "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion"
COUNTED = "from tests.benchmarks import memory; print(memory.moved(memory.lectopt.adam(1e-3)))"
ROWS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "Adam": (lambda: lectopt.adam(1e-3), lambda: optax.adam(1e-3)),
    "momentum": (lambda: lectopt.sgd(0.1, momentum=0.9), lambda: optax.sgd(0.1, momentum=0.9)),
    "clipping, then AdamW": (
        lambda: lectopt.chain(lectopt.clip_by_global_norm(1.0), lectopt.adamw(1e-3)),
        lambda: optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3)),
    ),
}


def peak(tx: Any) -> tuple[float, float]:
    """Megabytes at the peak of a donated update, and those of its arguments."""
    params = jax.ShapeDtypeStruct((WEIGHTS,), jnp.float32)
    state = jax.eval_shape(tx.init, params)
    memory = stepping(tx).lower(params, state, params).compile().memory_analysis()
    arguments = memory.argument_size_in_bytes
    fresh = memory.output_size_in_bytes - memory.alias_size_in_bytes
    return (arguments + fresh + memory.temp_size_in_bytes) / 1e6, arguments / 1e6


def moved(tx: Any, turned: bool = False) -> float:
    """Bytes that a donated update reads and writes for each weight, as XLA counts; `turned`: state
    and weights come out in another order than they went in."""
    params = jax.ShapeDtypeStruct((WEIGHTS,), jnp.float32)
    state = jax.eval_shape(tx.init, params)

    def other(params: Any, state: Any, grads: Any) -> Any:
        updates, state = tx.update(grads, state, params)
        return state, optax.apply_updates(params, updates)

    step = jax.jit(other, donate_argnums=(0, 1)) if turned else stepping(tx)
    cost = step.lower(params, state, params).compile().cost_analysis()
    return (cost[0] if isinstance(cost, list) else cost)["bytes accessed"] / WEIGHTS


def moved_with_flag() -> float:
    """The same of Adam with a flag that has to be set before JAX starts."""
    env = os.environ | {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {FLAG}"}
    command = [sys.executable, "-c", COUNTED]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return float(ran.stdout)


def state_bytes(tx: Any, dtype: Any = jnp.float32) -> float:
    """Bytes of the state for each of a million weights in a matrix."""
    state = jax.eval_shape(tx.init, jax.ShapeDtypeStruct((1024, 1024), dtype))
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(state)) / 1024**2


def claims(quick: bool) -> Iterator[Claim]:
    """The rows."""
    del quick
    for name, (ours, theirs) in ROWS.items():
        words, fits = f"peak of a donated update, {name}", dict(unit="MB", turns=1)
        mine = lambda ours=ours: peak(ours())[0]  # noqa: E731
        yield Claim(
            words,
            mine,
            lambda ours=ours: peak(ours())[1],
            peer="parameters, state and gradients",
            at_most=None if "clip" in name else 1.05,
            **fits,
        )
        yield Claim(words, mine, lambda theirs=theirs: peak(theirs())[0], at_most=1.001, **fits)
    weight = dict(unit="bytes a weight", turns=1)
    what = "moved by a donated update of Adam"
    adam, optaxs = (make(1e-3) for make in PAIRS["Adam"])
    floor = dict(peer="the least, each array once", note="XLA makes three loops of it")
    yield Claim(what, lambda: moved(adam), constant(28.0), **weight, **floor)
    yield Claim(what, lambda: moved(adam), lambda: moved(optaxs), at_most=1.001, **weight)
    turned = f"{what}, outputs in another order"
    yield Claim(turned, lambda: moved(adam, True), lambda: moved(optaxs, True), **weight)
    flagged = f"{what}, with {FLAG}"
    yield Claim(flagged, moved_with_flag, constant(28.0), **weight, peer=floor["peer"])
    small = lectopt.quantise_state(adam)
    wide = dict(peer="Optax, float32", **weight)
    yield Claim(
        "state of Adam in 8 bits",
        lambda: state_bytes(small),
        lambda: state_bytes(optaxs),
        at_most=2.5 / 8,
        **wide,
    )
    yield Claim(
        "weight and state of Adam, bfloat16 at random and 8 bits",
        lambda: 2 + state_bytes(lectopt.round_stochastically(small), jnp.bfloat16),
        lambda: 4 + state_bytes(optaxs),
        at_most=4.5 / 12,
        **wide,
    )
