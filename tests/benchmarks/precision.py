"""How far trajectories in narrow types are from those in float64, beside Optax's and torch's."""

import functools as ft
import importlib.util
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lectopt
from tests.benchmarks.claims import Claim, Measure

STEPS, WIDTH, SEEDS = 500, 2_000, 9
ROWS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "Adam": (lambda: lectopt.adam(1e-2), lambda: optax.adam(1e-2)),
    "RMSprop": (lambda: lectopt.rmsprop(1e-2), lambda: optax.rmsprop(1e-2)),
    "momentum": (lambda: lectopt.sgd(1e-2, momentum=0.9), lambda: optax.sgd(1e-2, momentum=0.9)),
    "Adagrad": (lambda: lectopt.adagrad(1e-1), lambda: optax.adagrad(1e-1)),
}


# Classes of torch.optim, each with what it is given.
TORCH: dict[str, tuple[str, dict[str, float]]] = {
    "Adam": ("Adam", dict(lr=1e-2)),
    "RMSprop": ("RMSprop", dict(lr=1e-2, alpha=0.9)),
    "momentum": ("SGD", dict(lr=1e-2, momentum=0.9)),
    "Adagrad": ("Adagrad", dict(lr=1e-1, initial_accumulator_value=0.1)),
}


@ft.cache
def gradients() -> np.ndarray:
    """Of many sizes, a sequence for each seed, beside one another."""
    draws = [np.random.default_rng(seed).normal(size=(STEPS, WIDTH)) for seed in range(SEEDS)]
    return np.concatenate(draws, axis=1) * np.tile(np.geomspace(1e-4, 1e2, WIDTH), SEEDS)


@ft.lru_cache(maxsize=8)
def path(make: Callable[[], Any], dtype: str) -> np.ndarray:
    """The weights after all steps."""
    tx, params = make(), jnp.ones(WIDTH * SEEDS, dtype)

    def step(carry: Any, g: Any) -> Any:
        params, state = carry
        updates, state = tx.update(g, state, params)
        return (optax.apply_updates(params, updates), state), None

    carry = params, tx.init(params)
    (params, _), _ = jax.jit(lambda c, g: jax.lax.scan(step, c, g))(
        carry, jnp.asarray(gradients(), dtype)
    )
    return np.asarray(params, np.float64)


@ft.lru_cache(maxsize=8)
def torch_path(name: str, dtype: str) -> np.ndarray:
    """The weights after all steps of a torch optimizer."""
    import torch

    params = torch.nn.Parameter(torch.ones(WIDTH * SEEDS, dtype=getattr(torch, dtype)))
    kind, settings = TORCH[name]
    optimizer = getattr(torch.optim, kind)([params], **settings)
    for g in torch.from_numpy(gradients()).to(params.dtype):
        params.grad = g
        optimizer.step()
    return params.detach().double().numpy()


def error(path: Callable[[Any, str], np.ndarray], of: Any, dtype: str) -> Measure:
    """The root mean square of the distance from the same optimizer in float64, of one sequence of
    gradients after the other: that of a narrow type is of a few large weights, and differs by a
    twentieth from one to the next."""
    seeds = itertools.count()

    def measure() -> float:
        with jax.enable_x64(True):
            exact = path(of, "float64")
        squares = (path(of, dtype) - exact).reshape(SEEDS, WIDTH)[next(seeds)] ** 2
        return float(np.nan_to_num(np.sqrt(np.mean(squares)), nan=np.inf))

    return measure


LATE = (10_000_000, 2**31 - 2)
MAKERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "Adam": (lectopt.adam, optax.adam),
    "RAdam": (lectopt.radam, optax.radam),
    "NAdam": (lambda rate: lectopt.adam(rate, nesterov=True), optax.nadam),
}


def late(make: Callable[[Any], Any], count: int) -> float:
    """The relative error of an update after so many, under a cosine that is half way down."""

    def update(dtype: Any) -> np.ndarray:
        rate = optax.cosine_decay_schedule(1e-2, 2 * count)
        tx, params = make(rate), jnp.linspace(0.1, 1, 100, dtype=dtype)
        state = jax.tree.map(
            lambda x: jnp.full_like(x, count) if x.dtype == jnp.int32 else params**2,
            tx.init(params),
        )
        updates, _ = tx.update(params, state, params)
        return np.asarray(updates, np.float64)

    with jax.enable_x64(True):
        exact = update(jnp.float64)
    found = float(np.abs(update(jnp.float32) / exact - 1).max())
    return float(np.nan_to_num(found, nan=np.inf))


def claims(quick: bool) -> Iterator[Claim]:
    """The rows."""
    del quick
    for name, (ours, theirs) in ROWS.items():
        for dtype in ("float32", "bfloat16", "float16"):
            what = f"error of {name} in {dtype}, {STEPS} steps"
            most = dict(unit="", at_most=1.01, turns=SEEDS)
            yield Claim(what, error(path, ours, dtype), error(path, theirs, dtype), **most)
            if importlib.util.find_spec("torch"):
                others = error(torch_path, name, dtype)
                yield Claim(what, error(path, ours, dtype), others, peer="torch", **most)
    for name, (ours, theirs) in MAKERS.items():
        for count in LATE:
            yield Claim(
                f"relative error of {name} in float32 at count {count:,}",
                lambda ours=ours, count=count: late(ours, count),
                lambda theirs=theirs, count=count: late(theirs, count),
                unit="",
                at_most=1.1,
                turns=1,
            )
