"""Descents on a landscape: where an optimizer goes, at its tuned rate or as it is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.controls import evaluation_params
from lectopt.landscapes import Landscape
from lectopt.look_ahead import take_gradients_as_given
from lectopt.numerics import double
from lectopt.pictures.racers import Racer

LOWEST_RATE, HIGHEST_RATE, TRIED = 1e-4, 10.0, 200


@dataclass(frozen=True, eq=False)
class Descent:
    """What an optimizer did, in 64-bit numbers.

    Attributes:
      name: the optimizer's.
      path: the parameters at the start and after each step, `(steps + 1, *shape)`.
      values: the landscape's value at them.
      points: where the gradients were taken, `(steps, *shape)`; None if at the parameters.
      averages: what is to be evaluated in place of the parameters; None if nothing is.
      rate: the tuned one; None if it was not tuned.
      tried: the rates that were tried, in rising order; empty if none were.
      reached: the largest value in the last tenth of the steps at each; NaN where it diverged.
    """

    name: str
    path: np.ndarray
    values: np.ndarray
    points: np.ndarray | None = None
    averages: np.ndarray | None = None
    rate: float | None = None
    tried: Sequence[float] = ()
    reached: Sequence[float] = ()

    @property
    def label(self) -> str:
        """Its name, with the rate if that was tuned."""
        return self.name if self.rate is None else f"{self.name}, rate {self.rate:.3g}"


def descent(racer: Racer, landscape: Landscape, steps: int) -> Descent:
    """From the landscape's start; a maker's at the best of 200 rates, drawn log-uniformly between
    1e-4 and 10 at even quantiles and trained side by side, in one program.

    The best rate is the one whose largest value in the last tenth of the steps is the least: the
    last value alone may be low because the path happens to cross the minimum there. What is below
    the landscape's minimum, or the least value of its window where there is none, counts as that;
    of equals, the one with the least mean over all steps, then the least rate, is taken.

    Raises:
      ValueError: no rate, or the transformation itself, stays finite; or the rate cannot be traced.
    """
    with double():
        run = functools.partial(_run, racer, landscape, steps)
        if not racer.rate:
            return _made(racer.name, landscape, jax.jit(run)(0.0))
        # Even quantiles of loguniform(1e-4, 10), with three digits, so that what is printed is it.
        rates = np.array(
            [float(f"{x:.3g}") for x in np.geomspace(LOWEST_RATE, HIGHEST_RATE, TRIED)]
        )
        try:
            found = jax.jit(jax.vmap(run))(jnp.asarray(rates))
        except jax.errors.ConcretizationTypeError as error:
            raise ValueError(
                f"{racer.name!r} asks for its {racer.rate} as a Python number, so that 200 of them "
                f"cannot be tried in one program; give it built, {racer.name}(0.1)"
            ) from error
        values = np.asarray(_values(landscape, found[0]))
        finite = np.isfinite(found[0]).reshape(TRIED, -1).all(1) & np.isfinite(values).all(1)
        if not finite.any():
            raise ValueError(f"{racer.name!r} diverges on {landscape.name} at every rate")
        counted = np.maximum(np.where(finite[:, None], values, np.inf), floor(landscape))
        last = slice(-last_tenth(steps), None)
        best = np.lexsort((rates, counted.mean(1), counted[:, last].max(1)))[0]
        reached = np.where(finite, values[:, last].max(1), np.nan)
        chosen = jax.tree.map(lambda x: x[best], found)
        rate = float(rates[best])
        return _made(racer.name, landscape, chosen, rate=rate, tried=rates, reached=reached)


def last_tenth(steps: int) -> int:
    """How many of the last steps a rate is judged by."""
    return max(1, round(steps / 10))


def floor(landscape: Landscape) -> float:
    """The least value that counts: the minimum, or that of the window where there is none."""
    if landscape.lowest is not None:
        return landscape.lowest
    return -np.inf if landscape.window is None else float(surface(landscape)[2].min())


def surface(
    landscape: Landscape,
    window: tuple[tuple[float, float], tuple[float, float]] | None = None,
    points: int = 161,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The landscape over a window: the two coordinates, and the values `(points, points)`, whose
    rows belong to the second coordinate."""
    window = window or landscape.window
    assert window is not None
    x, y = (np.linspace(*ends, points) for ends in window)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(points, points, *landscape.start.shape)
    with double():
        return x, y, np.asarray(jax.jit(landscape)(grid))


def along(landscape: Landscape, paths: np.ndarray) -> np.ndarray:
    """The values at points `(..., *shape)`."""
    with double():
        return np.asarray(_values(landscape, paths))


def _values(landscape: Landscape, paths: Any) -> Any:
    return jax.jit(landscape.__call__)(paths)


def _run(racer: Racer, landscape: Landscape, steps: int, rate: Any) -> Any:
    """The path, the points of the gradients and the averages; None for what is as the path."""
    tx = take_gradients_as_given(racer.build(rate, steps))
    point_of: Callable[..., Any] = getattr(tx, "point", lambda params, state: params)
    update = optax.with_extra_args_support(tx).update
    start = jnp.asarray(landscape.start, float)

    def step(carry: Any, _: Any) -> Any:
        theta, state = carry
        point = point_of(theta, state)
        value, gradient = jax.value_and_grad(landscape)(point)
        more = dict(value=value, grad=gradient, value_fn=landscape)
        moves, state = update(gradient, state, theta, **more)
        after = optax.apply_updates(theta, moves)
        average = evaluation_params(state, after)
        kept = after, None if point is theta else point, None if average is after else average
        return (after, state), kept

    _, (path, points, averages) = jax.lax.scan(step, (start, tx.init(start)), length=steps)
    path = jnp.concatenate([start[None], path])
    if averages is not None:
        averages = jnp.concatenate([start[None], averages])
    return path, points, averages


def _made(name: str, landscape: Landscape, found: Any, **more: Any) -> Descent:
    path, points, averages = jax.tree.map(np.asarray, found)
    if averages is not None and np.array_equal(averages, path, equal_nan=True):
        averages = None
    return Descent(name, path, np.asarray(_values(landscape, path)), points, averages, **more)
