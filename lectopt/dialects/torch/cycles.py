"""PyTorch's cyclic schedulers, which move the momentum too.

By default they overwrite `momentum`, or the first of `betas`, of the optimizer, against the rate. A
schedule made here carries that second schedule with it, as `.momentum`, and the optimizers of this
dialect let it overwrite theirs. Others do not look: there write `sgd(cycle,
momentum=cycle.momentum)`, or `cycle_momentum=False`. One step of the scheduler is one update.
"""

import functools as ft
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import jax.numpy as jnp

from lectopt.dialects.spelling import formula
from lectopt.display import readable
from lectopt.schedules import Schedule
from lectopt.schedules.formula import Formula, quotient
from lectopt.settings import (
    Decay,
    Fraction,
    LearningRate,
    NonNegative,
    Numeric,
    Positive,
    Range,
    Steps,
)

Settings = Mapping[str, Any]
Turned = Callable[[Settings], Settings | None]
Momentum = Annotated[Numeric, Range(0, 1, False, "a momentum above zero", 0.9, True)]


class Cycle(Schedule):
    """A schedule for the rate, with one for the momentum."""

    def __init__(self, formula: Formula, settings: Settings, turned: Turned):
        """`turned` gives the settings with which it computes the momentum, None if it does not."""
        super().__init__(formula, settings)
        self.turned = turned

    @property
    def momentum(self) -> "CycledMomentum | None":
        """The schedule of the momentum, None if it is left as it is."""
        return None if self.turned(self.settings) is None else CycledMomentum(self)


@dataclass(frozen=True)
class CycledMomentum:
    """The momentum of a cyclic scheduler: high where the rate is low."""

    cycle: Cycle

    def __call__(self, count: Any) -> Any:
        """The momentum at update number `count`, from 0."""
        own = self.cycle
        return Schedule(own.formula, {**own.settings, **(own.turned(own.settings) or {})})(count)

    def __repr__(self) -> str:
        return f"{self.cycle!r}.momentum"


def cycle(turned: Turned, *raw: str) -> Callable[[Callable[..., Any]], Callable[..., Cycle]]:
    """`formula`, of what may move the momentum too."""

    def decorate(rule: Callable[..., Any]) -> Callable[..., Cycle]:
        make = formula("torch", raw)(rule)

        @ft.wraps(make)
        def moving(*args: Any, **kwargs: Any) -> Cycle:
            made = make(*args, **kwargs)
            return Cycle(made.formula, made.settings, turned)

        shown = readable(lambda: inspect.signature(make).replace(return_annotation=Cycle), rule)
        moving.__signature__ = shown  # pyright: ignore[reportAttributeAccessIssue]
        return moving

    return decorate


def _cyclic_turned(s: Settings) -> Settings | None:
    if not s["cycle_momentum"]:
        return None
    return dict(base_lr=s["max_momentum"], max_lr=s["base_momentum"])


@cycle(_cyclic_turned, "mode", "scale_fn", "scale_mode")
def CyclicLR(
    count: Any,
    *,
    base_lr: LearningRate[Any],
    max_lr: LearningRate[Any],
    step_size_up: Steps[Any] = 2000,
    step_size_down: Steps[Any] | None = None,
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
    gamma: NonNegative[Any] = 1.0,
    scale_fn: Any = None,
    scale_mode: Literal["cycle", "iterations"] = "cycle",
    cycle_momentum: bool = True,
    base_momentum: Decay[Any] = 0.8,
    max_momentum: Decay[Any] = 0.9,
) -> Any:
    """Up from `base_lr` to `max_lr` in a straight line, down again, and so on.

    The height of cycle number `n`, from 1, is multiplied by 1 (`"triangular"`), `2^(1 - n)`
    (`"triangular2"`) or `gamma^count` (`"exp_range"`).

    Args:
      base_lr: the lowest rate, at count 0; it takes the place of the optimizer's.
      max_lr: the highest rate, at count `step_size_up`.
      step_size_up: updates on the way up.
      step_size_down: updates on the way down; by default as many.
      mode: how the height changes, unless `scale_fn` says it.
      gamma: see above.
      scale_fn: factor of the height, a function of `n` or, with `scale_mode="iterations"`, of the
        count; it is traced.
      scale_mode: what `scale_fn` is a function of.
      cycle_momentum: whether the momentum moves from `max_momentum` to `base_momentum` and back.
      base_momentum: in [0, 1).
      max_momentum: in [0, 1).
    """
    total = step_size_up + (step_size_up if step_size_down is None else step_size_down)
    elapsed = quotient(count, total)
    cycle = jnp.floor(1 + elapsed)
    x, peak = 1 + elapsed - cycle, step_size_up / total
    height = jnp.where(x <= peak, x / peak, (x - 1) / (peak - 1))
    if scale_fn is not None:
        height = height * scale_fn(cycle if scale_mode == "cycle" else count)
    elif mode == "triangular2":
        height = height / 2 ** (cycle - 1)
    elif mode == "exp_range":
        height = height * gamma**count
    return base_lr + (max_lr - base_lr) * height


def _one_cycle_turned(s: Settings) -> Settings | None:
    if not s["cycle_momentum"]:
        return None
    low, high = s["base_momentum"], s["max_momentum"]
    return dict(max_lr=low, div_factor=low / high, final_div_factor=1.0)


@cycle(_one_cycle_turned, "anneal_strategy", "three_phase")
def OneCycleLR(
    count: Any,
    *,
    max_lr: LearningRate[Any],
    total_steps: Steps[Any] | None = None,
    epochs: Steps[Any] | None = None,
    steps_per_epoch: Steps[Any] | None = None,
    pct_start: Fraction[Any] = 0.3,
    anneal_strategy: Literal["cos", "linear"] = "cos",
    cycle_momentum: bool = True,
    base_momentum: Momentum[Any] = 0.85,
    max_momentum: Momentum[Any] = 0.95,
    div_factor: Positive[Any] = 25.0,
    final_div_factor: Positive[Any] = 1e4,
    three_phase: bool = False,
) -> Any:
    """Up from `max_lr / div_factor` to `max_lr`, then down to `max_lr / div_factor /
    final_div_factor`, and no further.

    The peak is at `pct_start total_steps - 1`, the end at `total_steps - 1`, the last update.

    Args:
      max_lr: the highest rate.
      total_steps: updates in the training; or give `epochs` and `steps_per_epoch`.
      epochs: epochs in the training.
      steps_per_epoch: updates in an epoch.
      pct_start: share of the updates on the way up, in [0, 1].
      anneal_strategy: half a cosine or a line.
      cycle_momentum: whether the momentum moves from `max_momentum` to `base_momentum` and back.
      base_momentum: above 0 and below 1.
      max_momentum: above 0 and below 1.
      div_factor: see above.
      final_div_factor: see above.
      three_phase: down to `max_lr / div_factor` as fast as up, the rest of the way after that.

    Raises:
      ValueError: the length of the training is not given.
    """
    if total_steps is None and (epochs is None or steps_per_epoch is None):
        raise ValueError(
            "OneCycleLR: the length of the training is not given. Write total_steps=, or epochs= "
            "and steps_per_epoch=."
        )
    total: Any = epochs * steps_per_epoch if total_steps is None else total_steps  # pyright: ignore
    first, last = max_lr / div_factor, max_lr / div_factor / final_div_factor
    peak = pct_start * total - 1
    ends, values = [peak, total - 1], [first, max_lr, last]
    if three_phase:
        ends, values = [peak, 2 * pct_start * total - 2, total - 1], [first, max_lr, first, last]
    lr = last
    phases = list(zip([0, *ends[:-1]], ends, values[:-1], values[1:], strict=True))
    for start, end, from_lr, to_lr in reversed(phases):
        share = (count - start) / jnp.where(end == start, 1, end - start)
        if anneal_strategy == "cos":
            share = (1 - jnp.cos(jnp.pi * share)) / 2
        lr = jnp.where(count <= end, from_lr + (to_lr - from_lr) * share, lr)
    return lr
