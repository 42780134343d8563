"""From a live scheduler of PyTorch to a schedule of this dialect, for one parameter group."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lectopt.dialects.moving import library
from lectopt.dialects.torch import cycles, factors, schedulers, sequences
from lectopt.schedules import Schedule, shifted
from lectopt.transformation import Transformation

Settings = dict[str, Any]


def _named(*names: str) -> Callable[[Any, int], Settings]:
    """Arguments that the scheduler keeps under their names."""
    return lambda s, i: dict(lr=s.base_lrs[i]) | {name: getattr(s, name) for name in names}


def _cyclic(s: Any, i: int) -> Settings:
    up = s.total_size * s.step_ratio
    settings = dict(
        base_lr=s.base_lrs[i],
        max_lr=s.max_lrs[i],
        step_size_up=up,
        step_size_down=s.total_size - up,
        mode=s.mode,
        gamma=s.gamma,
        scale_fn=s._scale_fn_custom,
        scale_mode=s.scale_mode,
        cycle_momentum=s.cycle_momentum,
    )
    if s.cycle_momentum:
        settings |= dict(base_momentum=s.base_momentums[i], max_momentum=s.max_momentums[i])
    return settings


def _one_cycle(s: Any, i: int) -> Settings:
    group = s.optimizer.param_groups[i]
    settings = dict(
        max_lr=group["max_lr"],
        total_steps=s.total_steps,
        pct_start=(s._schedule_phases[0]["end_step"] + 1) / s.total_steps,
        anneal_strategy=s._anneal_func_type,
        three_phase=len(s._schedule_phases) == 3,
        div_factor=group["max_lr"] / group["initial_lr"],
        final_div_factor=group["initial_lr"] / group["min_lr"],
        cycle_momentum=s.cycle_momentum,
    )
    if s.cycle_momentum:
        settings |= {name: group[name] for name in ("base_momentum", "max_momentum")}
    return settings


def _of_epochs(s: Any, i: int, *names: str) -> Settings:
    return dict(schedulers=[_read(each, i, 1) for each in s._schedulers])


# For each scheduler its maker, and its arguments as the live one has them.
SCHEDULERS: dict[str, tuple[Callable[..., Schedule], Callable[[Any, int], Settings]]] = {
    "StepLR": (schedulers.StepLR, _named("step_size", "gamma")),
    "MultiStepLR": (
        schedulers.MultiStepLR,
        lambda s, i: _named("gamma")(s, i) | dict(milestones=sorted(s.milestones.elements())),
    ),
    "ExponentialLR": (schedulers.ExponentialLR, _named("gamma")),
    "ConstantLR": (schedulers.ConstantLR, _named("factor", "total_iters")),
    "LinearLR": (schedulers.LinearLR, _named("start_factor", "end_factor", "total_iters")),
    "PolynomialLR": (schedulers.PolynomialLR, _named("total_iters", "power")),
    "CosineAnnealingLR": (schedulers.CosineAnnealingLR, _named("T_max", "eta_min")),
    "CosineAnnealingWarmRestarts": (
        schedulers.CosineAnnealingWarmRestarts,
        _named("T_0", "T_mult", "eta_min"),
    ),
    "SWALR": (
        schedulers.SWALR,
        lambda s, i: (
            _named("anneal_epochs")(s, i)
            | dict(swa_lr=s.optimizer.param_groups[i]["swa_lr"], anneal_strategy=s._anneal_strategy)
        ),
    ),
    "LambdaLR": (
        factors.LambdaLR,
        lambda s, i: dict(lr=s.base_lrs[i], lr_lambda=s.lr_lambdas[i]),
    ),
    "MultiplicativeLR": (
        factors.MultiplicativeLR,
        lambda s, i: dict(lr=s.base_lrs[i], lr_lambda=s.lr_lambdas[i]),
    ),
    "SequentialLR": (
        sequences.SequentialLR,
        lambda s, i: _of_epochs(s, i) | dict(milestones=list(s._milestones)),
    ),
    "ChainedScheduler": (sequences.ChainedScheduler, _of_epochs),
    "CyclicLR": (cycles.CyclicLR, _cyclic),
    "OneCycleLR": (cycles.OneCycleLR, _one_cycle),
}


def position(scheduler: Any) -> int:
    """How many times it has been stepped."""
    if isinstance(scheduler, tuple | list):
        return position(scheduler[0])
    if type(scheduler).__name__ == "ChainedScheduler":
        return position(scheduler._schedulers[0])
    return int(scheduler.last_epoch)


def read_schedule(scheduler: Any, i: int, steps_per_epoch: int, made: int) -> tuple[Schedule, int]:
    """The schedule of group `i`, and how many updates further on it is at update number `made`.

    Raises:
      TypeError: a scheduler of somebody else.
      ValueError: the group has another rate than the scheduler gives it.
    """
    if isinstance(scheduler, tuple | list):
        rows = [_read(each, i, 1) for each in scheduler]
        schedule = sequences.ChainedScheduler(rows, steps_per_epoch=steps_per_epoch)
    else:
        schedule = _read(scheduler, i, steps_per_epoch)
    now = position(scheduler) * steps_per_epoch
    first = scheduler[0] if isinstance(scheduler, tuple | list) else scheduler
    group = first.optimizer.param_groups[i]
    rate, told = float(group["lr"]), float(schedule(now))
    if not np.isclose(rate, told, rtol=1e-3, atol=1e-5 * max(map(float, (rate, told)))):
        raise ValueError(
            f"Group {i} has the learning rate {rate:g}, and its scheduler, which has made "
            f"{position(scheduler)} steps, would give it {told:g}. Write scheduler=[first, second] "
            "if several step together, or learning_rate=."
        )
    in_step = made // steps_per_epoch == position(scheduler)  # in the middle of an epoch, too
    return schedule, 0 if in_step else now - made


def moved(schedule: Any, by: int) -> Any:
    """The schedule `by` updates further on."""
    return shifted(schedule, by) if by and callable(schedule) else schedule


def _read(scheduler: Any, i: int, steps_per_epoch: int) -> Schedule:
    torch, name = library("torch"), type(scheduler).__name__
    homes = (torch.optim.lr_scheduler, torch.optim.swa_utils)
    if name not in SCHEDULERS or type(scheduler) not in [getattr(h, name, None) for h in homes]:
        raise TypeError(
            f"scheduler must be one of PyTorch's {', '.join(SCHEDULERS)}, got "
            f"{type(scheduler).__module__}.{name}. Write learning_rate=, a schedule that is called "
            "with the number of all updates so far."
        )
    maker, arguments = SCHEDULERS[name]
    settings = {k: _plain(v) for k, v in arguments(scheduler, i).items()}
    whole = name in ("CyclicLR", "OneCycleLR")  # where one step is one update
    return maker(**settings) if whole else maker(**settings, steps_per_epoch=steps_per_epoch)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, library("torch").Tensor) else value


def plateau_of(scheduler: Any, i: int) -> tuple[Transformation, Mapping[str, Any]]:
    """A live `ReduceLROnPlateau` as a transformation after the optimizer, and its record."""
    group = scheduler.optimizer.param_groups[i]
    names = ("mode", "factor", "patience", "threshold", "threshold_mode", "cooldown", "eps")
    settings = {name: getattr(scheduler, name) for name in names}
    rate, lowest = float(_plain(group["lr"])), float(scheduler.min_lrs[i])
    tx = sequences.ReduceLROnPlateau(rate, min_lr=min(lowest, rate), **settings)
    return tx, dict(
        best_value=float(scheduler.best),
        plateau_count=scheduler.num_bad_epochs,
        cooldown_count=scheduler.cooldown_counter,
    )
