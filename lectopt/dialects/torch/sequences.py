"""PyTorch's schedulers of schedulers, and the one that watches the loss."""

from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp

from lectopt.controls.plateau import Evaluations, Factor, Threshold, reduce_on_plateau
from lectopt.dialects.spelling import spelled
from lectopt.dialects.torch.cycles import Cycle, Settings, cycle
from lectopt.dialects.torch.schedulers import ConstantLR
from lectopt.schedules import Schedule, shifted
from lectopt.settings import NonNegative, Positive, Scalar, Steps
from lectopt.transformation import Transformation
from lectopt.values import is_concrete, shown

MULTIPLYING = (
    "StepLR", "MultiStepLR", "ExponentialLR", "ConstantLR", "LinearLR", "PolynomialLR",
    "MultiplicativeLR",
)  # fmt: skip
HOME = "dialects.torch."
GOING_ON = (HOME + "MultiplicativeLR", HOME + "SWALR")  # from the rate that they find


def _cycling(schedulers: Sequence[Schedule]) -> list[Cycle]:
    return [s for s in schedulers if isinstance(s, Cycle) and s.momentum is not None]


def _turned(member: Cycle) -> Schedule:
    return Schedule(member.formula, {**member.settings, **(member.turned(member.settings) or {})})


def _sequence_turned(s: Settings) -> Settings | None:
    """The cycles of the momentum in their turns. Before the first it is where the last that was
    made has put it, and elsewhere as the one before has left it."""
    members, ends = s["schedulers"], [*s["milestones"], 0]
    if not (cycles := _cycling(members)):
        return None
    moves, start, held = [], 0, _turned(cycles[-1])(0)
    for member, end in zip(members, ends, strict=True):
        if _cycling([member]):
            moves.append(_turned(member))
            held = moves[-1](max((end - start) * s["steps_per_epoch"] - 1, 0))
        else:
            moves.append(ConstantLR(held, 1.0))
        start = end
    return dict(schedulers=moves)


def _chain_turned(s: Settings) -> Settings | None:
    cycles = _cycling(s["schedulers"])
    return dict(schedulers=[_turned(cycles[-1])]) if cycles else None


@cycle(_sequence_turned, "schedulers", "milestones")
def SequentialLR(
    count: Any,
    *,
    schedulers: Sequence[Schedule],
    milestones: Sequence[int],
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """One scheduler after another, each counting from 0 where it takes over; see `lectopt.join`.

    `SequentialLR([LinearLR(0.1, 0.01, total_iters=5), CosineAnnealingLR(0.1, 95)], [5])`.

    Args:
      schedulers: schedules of this module, each with its own rate. `MultiplicativeLR` and `SWALR`
        go on from the rate of the one before it, as in PyTorch; a cycle of the momentum has its
        turn as that of the rate, and the momentum stays where it ends. A first one that is a
        `SequentialLR` itself is a step ahead, as in PyTorch.
      milestones: epochs that are the first of the next scheduler.
      steps_per_epoch: see `StepLR`; the schedulers have their own.

    Raises:
      ValueError: the wrong number of milestones, or a scheduler of schedulers that PyTorch refuses.
    """
    if len(milestones) != len(schedulers) - 1:
        raise ValueError(
            f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} milestones, "
            f"got {len(milestones)}. "
            "Write for example SequentialLR([LinearLR(0.1), ExponentialLR(0.1, 0.9)], [5])."
        )
    inside = [each.name.removeprefix(HOME) for each in schedulers]
    if "ChainedScheduler" in inside or "SequentialLR" in inside[1:]:
        raise ValueError(
            "SequentialLR: a ChainedScheduler inside, or a SequentialLR that is not the first, is "
            "an error in PyTorch or has other rates than it says. Write one SequentialLR with all "
            "milestones, or the chain outside."
        )
    before, begun = schedulers[0], 0
    if inside[0] == "SequentialLR":
        before = shifted(before, steps_per_epoch)
    value = before(count)
    for following, epoch in zip(schedulers[1:], milestones, strict=True):
        start = epoch * steps_per_epoch
        if following.name in GOING_ON:
            factor = following.settings.get("lr_lambda", lambda epoch: 1.0)(0)
            following = with_rate(following, before(jnp.maximum(start - 1 - begun, 0)) * factor)
        value = jnp.where(count < start, value, following(jnp.maximum(count - start, 0)))
        before, begun = following, start
    return value


@cycle(_chain_turned, "schedulers")
def ChainedScheduler(
    count: Any, *, schedulers: Sequence[Schedule], steps_per_epoch: Steps[Any] = 1
) -> Any:
    """Several schedulers that step together, each changing the rate that the others leave.

    Of schedulers that multiply the rate it is the product. `CosineAnnealingLR` moves it between
    bounds, and others set it: with one of them PyTorch's recursion is made from the start at every
    update.

    Args:
      schedulers: schedules of this module that have the same `lr`, in the order of their steps.
      steps_per_epoch: see `StepLR`; it takes the place of that of the schedulers.
    """
    epoch = count // steps_per_epoch
    by_epoch = [_with(s, steps_per_epoch=1) for s in schedulers]
    if all(s.name.removeprefix(HOME) in MULTIPLYING for s in by_epoch):
        product = by_epoch[0](epoch)
        for member in by_epoch[1:]:
            product = product * with_rate(member, 1.0)(epoch)
        return product
    first = by_epoch[0].settings.get("lr", 0.0)
    for member in by_epoch:
        first = _first(member, first)

    def step(n: Any, rate: Any) -> Any:
        for member in by_epoch:
            rate = _next(member, rate, n)
        return rate

    return jax.lax.fori_loop(1, epoch + 1, step, jnp.asarray(first, jnp.result_type(float)))


def with_rate(schedule: Schedule, lr: Any) -> Schedule:
    """The schedule with another first rate."""
    return _with(schedule, lr=lr)


def _with(schedule: Schedule, **settings: Any) -> Schedule:
    kept = {k: v for k, v in settings.items() if k in schedule.settings}
    return Schedule(schedule.formula, {**schedule.settings, **kept})


def _first(member: Schedule, rate: Any) -> Any:
    name = member.name.removeprefix(HOME)
    if name in MULTIPLYING:
        return with_rate(member, 1.0)(0) * rate
    return rate if name == "CosineAnnealingLR" else member(0)


def _next(member: Schedule, rate: Any, n: Any) -> Any:
    """PyTorch's recursion: the rate after step `n` of one of the schedulers."""
    name, s = member.name.removeprefix(HOME), member.settings
    if name in MULTIPLYING:
        shape = with_rate(member, 1.0)
        before = shape(n - 1)
        return rate * jnp.where(before == 0, 1, shape(n) / jnp.where(before == 0, 1, before))
    if name == "SequentialLR":
        return _next_in_turn(s["schedulers"], s["milestones"], rate, n)
    if name == "SWALR":
        past, now = (_with(member, lr=0.0, swa_lr=1.0)(k) for k in (n - 1, n))
        left = jnp.where(past == 1, 0, (1 - now) / jnp.where(past == 1, 1, 1 - past))
        return s["swa_lr"] + (rate - s["swa_lr"]) * left
    if name != "CosineAnnealingLR":
        return member(n)
    low, wave = s["eta_min"], jnp.pi / s["T_max"]
    rising = rate + (s["lr"] - low) * (1 - jnp.cos(wave)) / 2
    turned = (n - 1 - s["T_max"]) % (2 * s["T_max"]) == 0
    lift = 1 + jnp.cos(wave * (n - 1))
    going = (1 + jnp.cos(wave * n)) / jnp.where(turned, 1, lift) * (rate - low) + low
    return jnp.where(turned, rising, going)


def _next_in_turn(members: Sequence[Schedule], milestones: Sequence[int], rate: Any, n: Any) -> Any:
    """`_next` of the one of a sequence whose turn it is; the first step of a turn sets the rate."""
    found = _next(members[0], rate, n)
    for member, start in zip(members[1:], milestones, strict=True):
        first = member(0)
        if member.name in GOING_ON:
            first = rate * member.settings.get("lr_lambda", lambda epoch: 1.0)(0)
        own = jnp.maximum(n - start, 1)
        taken = jnp.where(n == start, first, _next(member, rate, own))
        found = jnp.where(n < start, found, taken)
    return found


@spelled()
def ReduceLROnPlateau(
    lr: Positive[Scalar],
    mode: Literal["min", "max"] = "min",
    factor: Factor[Scalar] = 0.1,
    patience: Evaluations = 10,
    threshold: Threshold = 1e-4,
    threshold_mode: Literal["rel", "abs"] = "rel",
    cooldown: Evaluations = 0,
    min_lr: NonNegative[Scalar] = 0.0,
    eps: NonNegative[Scalar] = 1e-8,
) -> Transformation:
    """Reduce the rate by `factor` when the evaluations have not improved `patience + 1` times.

    It is a transformation that scales the updates, to be chained after the optimizer:
    `chain(torch.SGD(lr=0.1), torch.ReduceLROnPlateau(0.1))`. It wants the loss with every
    update: `update(grads, state, params, value=loss, evaluated=new)`, and acts on that update: pass
    the validation loss of an epoch with the first update of the next, and `evaluated=False` with
    the others. `ASGD` and `Rprop` cannot be slowed down from outside.

    Args:
      lr: the rate of the optimizer, a number above zero.
      mode: whether the value is to fall or to rise.
      factor: of a reduction, in [0, 1).
      patience: so many evaluations without improvement are tolerated. Keras reduces one earlier.
      threshold: what counts as better: by a share of the best value (`"rel"`), or by so much. For
        values below zero the share is taken of the magnitude, where PyTorch's `best (1 -
        threshold)` would ask for less than an improvement.
      threshold_mode: `"rel"` or `"abs"`.
      cooldown: evaluations after a reduction that are not counted.
      min_lr: the smallest rate.
      eps: a reduction by less than this is not made.

    Raises:
      ValueError: a number out of its range.

    Source: `torch.optim.lr_scheduler.ReduceLROnPlateau`; see `lectopt.reduce_on_plateau`.
    """
    modes: Any = dict(rel="relative", abs="absolute")
    return reduce_on_plateau(
        factor,
        patience,
        mode=mode,
        threshold=threshold,
        threshold_mode=modes[threshold_mode],
        cooldown=cooldown,
        min_scale=_last_rate(lr, factor, min_lr, eps) / lr,
    )


def _last_rate(lr: Any, factor: Any, min_lr: Any, eps: Any) -> float:
    """Where PyTorch's reductions end: at `min_lr`, or when one would be no more than `eps`."""
    if not all(map(is_concrete, (lr, factor, min_lr, eps))) or min_lr > lr:
        raise ValueError(
            "ReduceLROnPlateau: lr, factor, min_lr and eps must be plain numbers, with min_lr at "
            f"most lr; got {', '.join(map(shown, (lr, factor, min_lr, eps)))}. "
            "Write for example ReduceLROnPlateau(0.1)."
        )
    while lr - (lower := max(lr * factor, min_lr)) > eps:
        lr = lower
    return lr
