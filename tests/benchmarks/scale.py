"""What an update costs as weights, leaves, lanes and devices grow, beside Optax's."""

import functools as ft
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import optax

import lectopt
from tests.benchmarks.claims import Claim, Measure, constant, process
from tests.benchmarks.programs import RATE, stepped

PAIRS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "Adam": (lambda: lectopt.adam(RATE), lambda: optax.adam(RATE)),
    "clipping, then AdamW": (
        lambda: lectopt.chain(lectopt.clip_by_global_norm(1.0), lectopt.adamw(RATE)),
        lambda: optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(RATE)),
    ),
}
DEVICES = 8
# Printed by a process that is told to have so many devices before it imports JAX.
SHARDED = """
import os
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count={devices}"
import jax, jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec
from tests.benchmarks.scale import PAIRS
mesh = jax.make_mesh(({devices},), ("x",))
params = {{k: jnp.ones(64) for k in "abc"}}
params = jax.device_put(params, NamedSharding(mesh, PartitionSpec("x")))
for name in PAIRS:
    for make in PAIRS[name]:
        tx = make()
        state = jax.jit(tx.init)(params)
        text = jax.jit(tx.update).lower(params, state, params).compile().as_text()
        print(sum(" = " in line and any(w + "(" in line or w + "-start(" in line for w in {words})
                  for line in text[text.index("ENTRY"):].splitlines()))
"""
COLLECTIVES = ("all-reduce", "all-gather", "all-to-all", "reduce-scatter", "collective-permute")


@ft.cache
def collectives() -> list[float]:
    """How many every update of a pair makes, ours and Optax's in turn: those in a branch, as of a
    norm that has overflowed, are left out."""
    code = SHARDED.format(devices=DEVICES, words=COLLECTIVES)
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(line) for line in ran.stdout.split()]


class Lanes:
    """A compiled step of many trainings of a hundred weights, run from where it stands."""

    def __init__(self, make: Callable[..., Any], lanes: int) -> None:
        def step(params: Any, state: Any, grads: Any, rate: Any) -> Any:
            updates, state = make(rate).update(grads, state, params)
            return optax.apply_updates(params, updates), state

        self.params = self.grads = jnp.ones((lanes, 100))
        self.rates = jnp.full(lanes, RATE)
        self.state = jax.vmap(make(RATE).init)(self.params)
        self.step = jax.jit(jax.vmap(step))

    def __call__(self) -> None:
        self.params, self.state = self.step(self.params, self.state, self.grads, self.rates)
        jax.block_until_ready(self.params)


@ft.lru_cache(maxsize=2)
def prepared(make: Callable[..., Any], lanes: int) -> Lanes:
    """Lanes that have been run."""
    step = Lanes(make, lanes)
    step()
    return step


def laned(make: Callable[..., Any], lanes: int) -> Measure:
    """The time of a step of all lanes."""
    return lambda: process(prepared(make, lanes), 20)()


def claims(quick: bool) -> Iterator[Claim]:
    """The rows."""
    sizes = ((1_000, 1), (100_000, 1), (100_000, 100))
    if not quick:
        sizes += ((10_000_000, 1), (100_000_000, 1), (1_000_000, 1_000))
    few = dict(at_most=1.1, turns=9)
    for weights, leaves in sizes:
        repeats = 20 if weights < 10_000_000 else 3
        both = (stepped(make, weights, leaves, repeats) for make in (lectopt.adam, optax.adam))
        yield Claim(f"a step of Adam, {weights:,} weights in {leaves:,}", *both, **few)
    for lanes in (1, 64) if quick else (1, 64, 1024):
        both = (laned(make, lanes) for make in (lectopt.adam, optax.adam))
        yield Claim(f"a step of Adam, 100 weights in {lanes} lanes", *both, **few)
    for i, name in enumerate(PAIRS):
        words = f"collectives of {name}, 3 leaves on {DEVICES} devices"
        wanted = 0.0 if name == "Adam" else 1.0
        yield Claim(
            words,
            lambda i=i: collectives()[2 * i],
            constant(wanted or 1.0),
            peer="none" if wanted == 0 else "one all-reduce",
            unit="",
            at_most=0.0 if wanted == 0 else 1.0,
            turns=1,
        )
        ours, theirs = (lambda i=i, j=j: collectives()[2 * i + j] for j in (0, 1))
        yield Claim(words, ours, theirs, unit="", turns=1)
