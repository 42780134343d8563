"""The algorithms, each with every convention that any library follows, as patterns.

What stands here as a maker has one argument for every convention; a recipe has their values.
"""

import functools as ft
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from lectopt import optimizers as _lectopt
from lectopt.combinators import chain, debiased, ratio, root
from lectopt.dialects import keras, optax, torch
from lectopt.dialects.optax.rules import scale_by_late_rprop
from lectopt.dialects.porting.frame import ARGUMENTS, split
from lectopt.dialects.porting.patterns import Mark, flat, key, marks, names_of, spellings
from lectopt.dialects.spelling import absent
from lectopt.primitives import (
    ema,
    mean_square,
    nesterov_ema,
    nesterov_ema_warmed,
    plus,
    rectification,
    running_max,
    scale,
    scale_by_learning_rate,
    trace,
    undampen_first,
)
from lectopt.transformation import Transformation

Settings = dict[str, Any]
BOOLS, POSITIONS = (False, True), ("outside", "inside")
PLACES = ("outside", "inside", "uncorrected")


class Pattern(NamedTuple):
    """One spelling of an algorithm: its family, its settings with marks, the key of its members and
    their names."""

    family: str
    settings: Settings
    key: tuple[Any, ...]
    names: tuple[str, ...]

    def whole(self, found: Settings) -> bool:
        """Whether nothing is missing that has a mark."""
        return set(marks(self.settings.values())) <= set(found)


def descent(
    learning_rate: Any,
    momentum: Any,
    position: str,
    nesterov: bool,
    dampening: Any,
    dampen_first: bool,
) -> Transformation:
    """Gradient descent, its rate inside or outside the velocity."""
    rate = scale_by_learning_rate(learning_rate)
    if absent(momentum):
        return rate
    velocity = trace(momentum, nesterov, dampening=dampening)
    if position == "inside":
        return chain(rate, velocity)
    first = [] if dampen_first else [undampen_first(dampening)]
    return chain(*first, velocity, rate)


def average(learning_rate: Any, decay: Any, corrected: bool) -> Transformation:
    """Descent along an average of the gradients."""
    mean = debiased(ema(decay)) if corrected else ema(decay)
    return chain(mean, scale_by_learning_rate(learning_rate))


def debiased_velocity(learning_rate: Any, decay: Any) -> Transformation:
    """The same, of a dampened velocity."""
    mean = debiased(trace(decay, dampening=decay))
    return chain(mean, scale_by_learning_rate(learning_rate))


def adam(
    learning_rate: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any,
    place: str,
    amsgrad: str | None,
    mean_corrected: bool,
) -> Transformation:
    """Adam and AMSGrad."""
    mean, square = ema(b1), mean_square(b2)
    match amsgrad:
        case "corrected":
            square = chain(debiased(square), running_max())
        case "raw":
            square = debiased(chain(square, running_max()))
        case "uncorrected":
            square = chain(square, running_max())
        case _:
            square = debiased(square)
    return _over(
        debiased(mean) if mean_corrected else mean, square, learning_rate, eps, eps_root, place
    )


def nadam(
    learning_rate: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any,
    place: str,
    psi: Any,
    paper: bool,
) -> Transformation:
    """Adam with a look-ahead in the mean."""
    mean = nesterov_ema(b1) if psi is None else nesterov_ema_warmed(b1, psi, paper)
    square = debiased(mean_square(b2))
    square = chain(square, scale(b2)) if paper else square
    return _over(mean, square, learning_rate, eps, eps_root, place)


def radam(
    learning_rate: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any,
    place: str,
    nesterov: bool,
    threshold: Any,
    fallback: Any,
) -> Transformation:
    """Adam that does without its denominator at first."""
    mean = nesterov_ema(b1) if nesterov else debiased(ema(b1))
    rectified = rectification(b2, threshold, fallback)
    return _over(mean, debiased(mean_square(b2)), learning_rate, eps, eps_root, place, rectified)


def rmsprop(
    learning_rate: Any,
    decay: Any,
    eps: Any,
    initial: Any,
    place: Any,
    centered: bool,
    momentum: Any,
    position: str,
    nesterov: bool,
    corrected: bool,
) -> Transformation:
    """RMSProp."""
    forms: Any = dict(inside="velocity", outside="heavy_ball")
    return _lectopt.rmsprop(
        learning_rate, decay, eps, initial, eps_placement=place, centered=centered,
        momentum=None if absent(momentum) else momentum, nesterov=nesterov,
        momentum_form=forms[position], bias_correction=corrected,
    )  # fmt: skip


def late_rprop(learning_rate: Any, **settings: Any) -> Transformation:
    """Optax's Rprop."""
    return chain(scale_by_late_rprop(learning_rate, **settings), scale_by_learning_rate(1.0))


def _over(
    mean: Transformation,
    square: Transformation,
    learning_rate: Any,
    eps: Any,
    eps_root: Any,
    place: Any,
    *after: Transformation,
) -> Transformation:
    if not absent(eps_root):
        square = chain(square, plus(eps_root))
    below = root(square, eps, place)
    direction = ratio(mean, chain(below, *after) if after else below)
    return chain(direction, scale_by_learning_rate(learning_rate))


NAMES = dict(eps_placement="place", initial_accumulator_value="initial")
FRAME = (*ARGUMENTS, "state_dtype", "weight_decay", "weight_decay_rate")


def _of(family: str, maker: Callable[..., Any], **options: Any) -> Iterator[Pattern]:
    """The patterns of a maker, whose arguments are the settings of the family."""
    for given, tx in spellings(maker, FRAME, **options):
        given.pop("learning_rate", None)
        settings = {NAMES.get(k, k): v for k, v in given.items()}
        core = split(tx).core
        yield Pattern(family, settings, key(core), names_of(core))


def _special() -> Iterator[Pattern]:
    numbers = dict.fromkeys(("b1", "b2", "eps"), (Mark,))
    roots = dict(eps_root=(0.0, Mark), place=PLACES)
    rate = dict(learning_rate=(Mark,))
    yield from _of(
        "sgd", descent, **rate, momentum=(0.0, Mark), position=POSITIONS, nesterov=BOOLS,
        dampening=(0.0, Mark), dampen_first=(True, False),
    )  # fmt: skip
    yield from _of("average", average, **rate, decay=(Mark,), corrected=BOOLS)
    yield from _of("debiased", debiased_velocity, **rate, decay=(Mark,))
    forms = ("shifted", "look_ahead")
    yield from _of("ahead", _lectopt.nesterov, form=forms)
    yield from _of(
        "adam", adam, **rate, **numbers, **roots, mean_corrected=(True, False),
        amsgrad=(None, "corrected", "raw", "uncorrected"),
    )  # fmt: skip
    yield from _of("nadam", nadam, **rate, **numbers, **roots, psi=(None, Mark), paper=BOOLS)
    yield from _of(
        "radam", radam, **rate, **numbers, **roots, nesterov=BOOLS,
        threshold=(Mark.of("threshold", 5.0),), fallback=("sgd", "skip"),
    )  # fmt: skip
    yield from _of(
        "rmsprop", rmsprop, **rate, decay=(Mark,), eps=(Mark,), initial=(Mark,), place=POSITIONS,
        centered=BOOLS, momentum=(0.0, Mark), position=POSITIONS, nesterov=BOOLS, corrected=BOOLS,
    )  # fmt: skip
    yield from _of("adagrad", _lectopt.adagrad, eps=(Mark,))
    yield from _of("adamax", _lectopt.adamax, eps=(Mark,), eps_placement=("in_max", "outside"))
    yield from _of("adadelta", _lectopt.adadelta, eps=(Mark,))
    yield from _of("rprop", _lectopt.rprop)
    steps = dict(eta_minus=(0.5,), eta_plus=(1.2,), min_step_size=(0.1,), max_step_size=(0.5,))
    names = {k: Mark.of(k, v[0]) for k, v in steps.items()}
    late = late_rprop(Mark.of("learning_rate", 0.1), **names)
    core = flat(late)
    yield Pattern("rprop", names | dict(variant="late"), key(core), names_of(core))
    yield from _of("asgd", _lectopt.asgd)


SPECIAL = frozenset(
    ("sgd", "momentum", "nesterov", "adam", "adamw", "amsgrad", "nadam", "radam", "rmsprop")
    + ("adagrad", "adamax", "adadelta", "rprop", "asgd", "sgld", "snr_sgd", "lookahead", "novograd")
)


# What nobody else computes so; a decay inside a mask is part of the algorithm.
OF_ONE_LIBRARY: dict[Callable[..., Transformation], Settings] = {
    **dict.fromkeys(
        (torch.Adafactor, torch.LBFGS, torch.Muon, keras.Adafactor, keras.Lamb), dict[str, Any]()
    ),
    **dict.fromkeys((keras.Muon, optax.contrib.muon), dict(weight_decay=(Mark,))),
}


def _all() -> Iterator[Pattern]:
    yield from _special()
    yield from _of("novograd", _lectopt.novograd, weight_decay=(0.0, Mark))
    for name in sorted(set(_lectopt.__all__) - SPECIAL):
        yield from _of(name, getattr(_lectopt, name))
    for maker, options in OF_ONE_LIBRARY.items():
        home = maker.__module__.split(".")[2]
        for pattern in _of(f"{home}.{maker.__name__}", maker, **options):
            pattern.settings.pop("lr", None)
            yield pattern


class _Made:
    """What an iterator has given so far; it is asked for more when that is not enough."""

    def __init__(self, source: Iterator[Pattern]):
        self.source, self.known = source, list[Pattern]()

    def __iter__(self) -> Iterator[Pattern]:
        yield from self.known
        for pattern in self.source:
            self.known.append(pattern)
            yield pattern


@ft.cache
def patterns() -> Iterable[Pattern]:
    """Those of the families above, then of every other optimizer as it is; made when needed."""
    return _Made(_all())
