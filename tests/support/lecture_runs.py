"""What the tests of `lectopt.lectures` share: the lectures by name, and a parabola to run on."""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.lectures import cmu11785 as cmu
from lectopt.lectures import isi, liege, stat479, ttic31230
from tests.support.training import train_by_steps

LECTURES = dict(cmu11785=cmu, liege=liege, isi=isi, ttic31230=ttic31230, stat479=stat479)
NAMES = dict(cmu=cmu, liege=liege, isi=isi, ttic=ttic31230, stat=stat479)
STEPS, SIZE = 60, 6
CURVATURE = np.array([0.0, 0.0, 0.5, 2.0, 1.0, 0.1])
THETA = np.array([0.3, -0.7, 1.0, -2.0, 0.5, 3.0])
RATES = 0.05 * (1 + 0.5 * np.sin(np.arange(STEPS))) / (1 + 0.02 * np.arange(STEPS))
NOISE = np.random.default_rng(0).normal(size=(STEPS, SIZE))
NOISE[:, 0] = 0  # never a gradient
NOISE[:20, 1] = 0  # a late one
x64 = pytest.mark.usefixtures("x64")


def eta(count):
    """The rate that changes at every update."""
    return jnp.asarray(RATES)[count]


def functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The functions that a lecture's module offers."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__.startswith(module.__name__)
        and not name.startswith("_")
    }


def path(tx, curvature=CURVATURE, scale=1.0):
    """The parameters after every update, on a noisy parabola."""

    return train_by_steps(tx, THETA, lambda theta, t: scale * (NOISE[t] + curvature * theta), STEPS)


def built(call: str, **names: Any) -> Any:
    """What a row writes, by the short names of the lectures."""
    return eval(call, dict(eta=eta, chain=lectopt.chain, **NAMES), names)
