"""The paths of optimizers over a landscape, and the rate at which each does best."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt._sweep.result import SweepResult
from lectopt.controls.evaluation import evaluation_params
from lectopt.landscapes import Landscape
from lectopt.pictures.chosen import built

RATES = np.geomspace(1e-4, 10.0, 200)
FLOOR = 1e-12  # what is closer to the least value than this counts as being there


class Descent(NamedTuple):
    """One optimizer's way; all arrays begin with the start.

    Attributes:
      name: for the legend.
      points: parameters, of shape (steps + 1, d).
      evaluated: the parameters that one would use: averages, base points.
      asked: where the gradients were taken, of shape (steps, d).
      values: at `points`.
      rate: the rate that it was given by tuning, None for what was built already.
      tried: the rates that were tried, and what each came to; None without tuning.
    """

    name: str
    points: np.ndarray
    evaluated: np.ndarray
    asked: np.ndarray
    values: np.ndarray
    rate: float | None = None
    tried: tuple[np.ndarray, np.ndarray] | None = None


def named(racers: Any) -> dict[str, Any]:
    """The racers by name: a mapping, a list, or one; the best of a sweep.

    Raises:
      TypeError: one is neither a transformation nor a maker of one.
    """
    if isinstance(racers, SweepResult):
        return built(racers)
    if not isinstance(racers, Mapping):
        several = isinstance(racers, Sequence) and not isinstance(racers, str)
        listed = racers if several and not is_built(racers) else [racers]
        racers = {getattr(r, "__name__", None) or repr(r): r for r in listed}
    for name, racer in racers.items():
        if not is_built(racer) and not callable(racer):
            raise TypeError(
                f"{name} is no optimizer, got {racer!r}; write a maker, {{'adam': lectopt.adam}}, "
                "or a transformation, lectopt.adam(0.1)"
            )
    return dict(racers)


def is_built(racer: Any) -> bool:
    """Whether it is a transformation, which runs as it is, and no maker, which is tuned."""
    return hasattr(racer, "init") and hasattr(racer, "update")


def descend(tx: Any, landscape: Landscape, steps: int) -> dict[str, jax.Array]:
    """Run a transformation; traceable, so that its settings may be lanes."""
    tx_with = optax.with_extra_args_support(tx)
    start = jnp.asarray(landscape.start, jax.dtypes.canonicalize_dtype(float))

    def step(carry: Any, _: Any) -> Any:
        params, state = carry
        asked = tx.point(params, state) if hasattr(tx, "point") else params
        value, grad = jax.value_and_grad(landscape)(asked)
        extra = dict(value=value, grad=grad, value_fn=landscape)
        updates, state = tx_with.update(grad, state, params, **extra)
        params = optax.apply_updates(params, updates)
        return (params, state), (params, evaluation_params(state, params), asked)

    _, (points, evaluated, asked) = jax.lax.scan(step, (start, tx.init(start)), length=steps)
    points, evaluated = (jnp.concatenate([start[None], x]) for x in (points, evaluated))
    return dict(points=points, evaluated=evaluated, asked=asked, values=landscape(points))


class Tuning(NamedTuple):
    """What each of the rates came to (the less the better), and the best of them."""

    rate: float
    tried: tuple[np.ndarray, np.ndarray]


def run(name: str, racer: Any, landscape: Landscape, steps: int) -> Descent:
    """The way of a racer: a maker at the best of 200 rates from 1e-4 to 10, on a logarithmic scale;
    a transformation as it is."""
    if is_built(racer):
        return Descent(name, **_found(jax.jit(lambda: descend(racer, landscape, steps))()))
    make = by_rate(name, racer)
    tuning = tuned(name, racer, landscape, steps)
    found = _found(jax.jit(lambda rate: descend(make(rate), landscape, steps))(tuning.rate))
    return Descent(name, **found, **tuning._asdict())


def tuned(name: str, maker: Callable[..., Any], landscape: Landscape, steps: int) -> Tuning:
    """The best of the rates for so many steps on the landscape."""
    make = by_rate(name, maker)
    lanes = jax.jit(jax.vmap(lambda rate: descend(make(rate), landscape, steps)["values"]))
    came_to = scores(np.asarray(lanes(jnp.asarray(RATES))), landscape)
    return Tuning(float(RATES[int(np.argmin(came_to))]), (RATES, came_to))


def by_rate(name: str, maker: Callable[..., Any]) -> Callable[[Any], Any]:
    """The maker as a function of its learning rate; raises as `rate_name` does."""
    rate = rate_name(name, maker)
    return lambda value: maker(**{rate: value})


def rate_name(name: str, maker: Callable[..., Any]) -> str:
    """What the maker calls its learning rate.

    Raises:
      TypeError: it has no rate that can be given alone.
    """
    parameters = inspect.signature(maker).parameters
    rate = "learning_rate" if "learning_rate" in parameters else next(iter(parameters), "")
    needed = [p.name for p in parameters.values() if p.default is p.empty]
    if not rate or set(needed) - {rate}:
        raise TypeError(
            f"{name} takes {', '.join(parameters) or 'nothing'}; a maker is tuned by its learning "
            "rate alone: give the others by functools.partial, or a built transformation"
        )
    return rate


def scores(values: np.ndarray, landscape: Landscape) -> np.ndarray:
    """What each lane came to, the less the better: the geometric mean, over its steps, of how far
    it was above the least value, so that no rate wins by where it happens to be at the end. Where
    there is no least value, how many steps it took to fall below the window.

    Args:
      values: of shape (lanes, steps + 1).
    """
    if landscape.lowest is not None:
        gap = np.maximum(values[:, 1:] - landscape.lowest, FLOOR)
        return np.exp(np.log(np.where(np.isfinite(gap), gap, np.inf)).mean(axis=1))
    fallen = values <= bottom(landscape)
    return np.where(fallen.any(axis=1), fallen.argmax(axis=1), np.inf)


def bottom(landscape: Landscape) -> float:
    """The least value that the window shows."""
    assert landscape.window is not None  # as everywhere where there is no least value at all
    x, y = (np.linspace(low, high, 51) for low, high in landscape.window)
    return float(landscape(np.stack(np.meshgrid(x, y), axis=-1)).min())


def _found(arrays: dict[str, jax.Array]) -> dict[str, Any]:
    return {k: np.asarray(v) for k, v in arrays.items()}
