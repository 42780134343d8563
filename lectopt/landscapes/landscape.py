"""`Landscape`: a function to descend, with what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.training.problem import Problem

Point = tuple[float, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Landscape:
    """A function of a few parameters, where to start on it, and where its minima are.

    Attributes:
      name: the maker's.
      formula: of one point, an array of shape `start.shape`, and for a landscape of samples of a
        batch of them: its value there, for each sample.
      start: where descents begin, of shape `(d,)`, or `(k, d)` for `k` centres.
      lowest: the least value, None where it is not known or there is none.
      minima: where the value is the least, each of the shape of `start`; empty where unknown.
      window: what a picture shows, `((low, high), (low, high))`; None if there are not two
        parameters.
      samples: what the value is the mean over, a pytree of arrays with a common first axis; None
        where it is no mean.
    """

    name: str
    formula: Callable[..., jax.Array]
    start: np.ndarray
    lowest: float | None = None
    minima: tuple[Any, ...] = ()
    window: tuple[tuple[float, float], tuple[float, float]] | None = None
    samples: Any = None

    def __call__(self, theta: Any) -> jax.Array:
        """The value at one point of shape `start.shape`, or at all of `(..., *start.shape)`."""
        theta = jnp.asarray(theta)
        if theta.shape[theta.ndim - self.start.ndim :] != self.start.shape:
            raise ValueError(
                f"{self.name} is a function of an array of shape {self.start.shape}, got "
                f"{theta.shape}; write for example {self.name}(...)({self.start.tolist()})"
            )
        points = theta.reshape(-1, *self.start.shape)
        return jax.vmap(self._value)(points).reshape(theta.shape[: theta.ndim - self.start.ndim])

    def _value(self, theta: jax.Array) -> jax.Array:
        if self.samples is None:
            return self.formula(theta)
        return self.formula(theta, jax.tree.map(jnp.asarray, self.samples)).mean()

    def problem(self, noise: float = 0.0, *, batch_size: int | None = None) -> Problem:
        """A `Problem` whose parameters are the point.

        Its metric is `"value"`, the value without noise. All seeds start at `start`.

        Args:
          noise: standard deviation of the normal noise in each coordinate of the gradient, zero or
            more. The loss of a step is `f(theta) + noise xi . theta`, with a new `xi` each step.
          batch_size: samples a step, for a landscape of samples; None for all.

        Raises:
          ValueError: `noise` is negative, or there are no samples to take a batch of.
        """
        if not noise >= 0:
            raise ValueError(f"wanted noise of zero or more, got {noise!r}; write noise=1.0")
        if batch_size is not None and self.samples is None:
            raise ValueError(f"{self.name} is no mean over samples; write noise= for noisy steps")

        def loss(theta: jax.Array, batch: Any, key: jax.Array) -> jax.Array:
            value = self.formula(theta) if self.samples is None else self.formula(theta, batch)
            if noise == 0:
                return value
            return value + noise * jnp.vdot(jax.random.normal(key, theta.shape), theta)

        def evaluate(theta: jax.Array, split: Any) -> dict[str, jax.Array]:
            value = self.formula(theta) if self.samples is None else self.formula(theta, split)
            return {"value": value}

        # So that a picture of what a sweep found knows where that was.
        vars(evaluate)["landscape"] = self

        return Problem(
            init=lambda key: jnp.asarray(self.start, jax.dtypes.canonicalize_dtype(float)),
            loss=loss,
            # A step has to have a batch: of one empty sample, where the function is no mean.
            data={"train": np.zeros((1, 0)) if self.samples is None else self.samples},
            batch_size=batch_size,
            evaluate=evaluate,
            minimize="value",
        )

    def __repr__(self) -> str:
        said = [self.name, f"{self.start.size} parameter{'s' * (self.start.size != 1)}"]
        if self.lowest is not None:
            where = " and ".join(str(_rounded(m)) for m in self.minima[:4])
            said.append(f"minimum {self.lowest:.6g}{f' at {where}' if where else ''}")
        return f"Landscape({', '.join(said)}, start {_rounded(self.start)})"


def _rounded(point: Any) -> list[Any]:
    return [float(f"{x:.6g}") for x in np.ravel(point)]
