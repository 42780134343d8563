"""The learning rate range test: one short training in which the rate grows from step to step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from lectopt.training.fitting import fit
from lectopt.training.history import pandas
from lectopt.training.problem import Problem
from lectopt.training.starting import parts_of
from lectopt.transformation import is_transformation

if TYPE_CHECKING:
    from pandas import DataFrame

SMOOTHING = 0.9  # of the losses: an average over about ten steps, with bias correction
NOISE = 3.0  # so many standard deviations of the losses at the lowest rates are no divergence


@dataclass(frozen=True, eq=False, repr=False)
class RangeTest:
    """What a range test found.

    Args:
        table: A row for each step up to where the loss diverged: `learning_rate`, `loss`, and
            `smoothed`, the loss averaged over about ten steps.
        steepest: The rate, up to `lowest`, at which the smoothed loss fell fastest, per factor of
            the rate. NaN if it never fell.
        lowest: The rate at which it was lowest; somewhat below it is the largest rate to use, as
            the peak of a cycle. NaN if it never fell.
        diverged: The rate at which the smoothed loss rose above where it had begun, by more than
            three standard deviations of the first losses, or at which something was no longer
            finite; None if that was not reached.
    """

    table: DataFrame
    steepest: float
    lowest: float
    diverged: float | None

    def __repr__(self) -> str:
        rates = f"steepest={self.steepest:.3g}, lowest={self.lowest:.3g}"
        end = "not reached" if self.diverged is None else f"{self.diverged:.3g}"
        return f"RangeTest({rates}, diverged={end})"


def learning_rate_range_test(
    problem: Problem,
    maker: Callable[..., Any],
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    *,
    seed: int = 0,
    start: Any = None,
) -> RangeTest:
    """Which rates an optimizer can use: train once, with a rate that grows from `low` to `high`.

    The rate of step `t` is `low (high / low)^(t / (steps - 1))`. A step in the end remembers those
    before it, so that the rates found are a little late; take what is between `steepest` and
    `lowest`, and judge it on validation data.

    Args:
        problem: What is trained.
        maker: `maker(learning_rate) -> optimizer`, for a schedule: `lectopt.adam`, or a function of
            your own around it.
        low: The first rate, above 0.
        high: The last one, above `low`.
        steps: Updates, at least 10.
        seed: As for `fit`.
        start: As for `fit`; by default the first parameters.

    Raises:
        ValueError: An argument does not fit.

    Source: Smith 2017, Cyclical Learning Rates for Training Neural Networks, 3.3 (STAT 479, S4-12;
    ISI, S2-16).
    """
    if not 0 < low < high < math.inf:
        raise ValueError(f"wanted rates 0 < low < high, got low={low!r} and high={high!r}")
    if not isinstance(steps, int | np.integer) or isinstance(steps, bool) or steps < 10:
        raise ValueError(f"wanted an integer for steps, at least 10, got {steps!r}")
    if is_transformation(maker) or not callable(maker):
        raise ValueError(
            "wanted a function of the learning rate that returns an optimizer, such as "
            f"lectopt.adam or lambda rate: lectopt.momentum(rate, 0.9), got {maker!r}"
        )
    if start is not None:
        given = parts_of(start)
        start = {k: given[k] for k in ("params", "model_state") if given.get(k) is not None}
    growth = math.log(high / low) / (steps - 1)

    def rate(count: Any) -> Any:
        return low * jnp.exp(growth * count)

    run = fit(
        problem, maker(rate), steps, seed=seed, start=start, eval_every=steps,
        on_nonfinite="skip", progress=False,
    )  # fmt: skip
    return read_range_test(
        low * np.exp(growth * np.arange(steps)),
        run.recorded.column("loss"),
        run.recorded.column("skipped") > 0,
    )


def read_range_test(rates: np.ndarray, losses: np.ndarray, bad: np.ndarray) -> RangeTest:
    """What the losses at growing rates say; `bad` are steps after which something is not finite."""
    weights = SMOOTHING ** np.arange(len(losses))
    finite = np.where(np.isfinite(losses), losses, 0.0)
    smoothed = np.convolve(finite, weights)[: len(losses)] / np.cumsum(weights)
    early = losses[: max(len(losses) // 10, 1)]
    begun, noise = early.mean(), early.std()
    ended = bad | ~np.isfinite(losses) | (smoothed > begun + NOISE * noise + 1e-6 * abs(begun))
    end = int(ended.argmax()) if ended.any() else len(losses)
    table = pandas().DataFrame(
        dict(learning_rate=rates[:end], loss=losses[:end], smoothed=smoothed[:end]),
        index=pandas().RangeIndex(end, name="step"),
    )
    steepest = lowest = float("nan")
    kept = smoothed[:end]
    if end > 1 and kept.min() < begun - noise:
        at = int(kept.argmin())
        steepest, lowest = float(rates[np.gradient(kept)[: at + 1].argmin()]), float(rates[at])
    return RangeTest(table, steepest, lowest, float(rates[end]) if end < len(losses) else None)
