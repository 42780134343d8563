"""What a setting of an optimizer may be, and the range it must lie in.

Every numeric setting is a Python number, a scalar array, a tracer or a schedule `count -> value`.
Its range stands in the annotation of the argument (`b1: Decay`), and `checked` holds concrete
values against it when the optimizer is built: a wrong setting fails there, with its name, and not
as a NaN a thousand steps later.
"""

import math
import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.values import is_concrete, shown

__all__ = [
    "Count",
    "Decay",
    "EpsPlacement",
    "Fraction",
    "Growth",
    "LearningRate",
    "NonNegative",
    "Number",
    "Numeric",
    "Positive",
    "Range",
    "RectificationThreshold",
    "Scalar",
    "Schedule",
    "Steps",
]

Schedule = Callable[[Any], Any]
Scalar = float | np.number | np.ndarray | jax.Array
Number = Scalar | Schedule
# To a type checker `Decay` is a `Number`; what cannot follow a schedule is a `Decay[Scalar]`, and a
# rule, which gets the value at the step, has `Decay[Any]`.
if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Numeric = TypeVar("Numeric", default=Number)
else:
    Numeric = typing.TypeVar("Numeric")


class Range(typing.NamedTuple):
    """The interval `[low, high)`, `[low, high]` if `closed`, without `low` itself if `above`, with
    words for the message."""

    low: float
    high: float
    closed: bool
    meaning: str
    example: float
    above: bool = False
    fine: bool = False  # what matters is the distance to `high`, which half precision does not have

    def __contains__(self, value: object) -> bool:
        number = typing.cast(float, value)
        from_below = self.low < number or (number == self.low and not self.above)
        return from_below and (number < self.high or (self.closed and number == self.high))

    def __str__(self) -> str:
        left, right = "(" if self.above else "[", "]" if self.closed else ")"
        return f"{left}{self.low:g}, {self.high:g}{right}"


LearningRate = Annotated[
    Numeric,
    Range(0, math.inf, False, "a step size; the minus sign of descent is added here", 1e-3),
]
Decay = Annotated[
    Numeric,
    Range(0, 1, False, "the share of the old average that is kept at each step", 0.9, fine=True),
]
NonNegative = Annotated[Numeric, Range(0, math.inf, False, "a finite number, zero or more", 0.01)]
Bound = Annotated[Numeric, Range(0, math.inf, True, "zero or more; math.inf for no bound", 5.0)]
PositiveBound = Annotated[
    Numeric, Range(0, math.inf, True, "above zero; math.inf for no bound", 1.0, True)
]
Fraction = Annotated[Numeric, Range(0, 1, True, "a factor that makes smaller, or a share", 0.5)]
Growth = Annotated[Numeric, Range(1, math.inf, False, "a factor that makes larger", 1.2)]
Positive = Annotated[Numeric, Range(0, math.inf, False, "a finite number above zero", 1.0, True)]
Steps = Annotated[
    Numeric, Range(1, math.inf, False, "a number of updates or epochs, one or more", 10)
]
Count = Annotated[
    Numeric, Range(0, math.inf, True, "a number of updates, zero or more; math.inf for never", 1000)
]
Period = Annotated[
    Numeric, Range(1, math.inf, True, "a number of updates, one or more; math.inf for never", 10)
]
RectificationThreshold = Annotated[
    Numeric, Range(4, math.inf, True, "a number of gradients; the variance exists above 4", 5.0)
]
EpsPlacement = Literal["outside", "inside", "uncorrected"]


def surely_positive(value: Any) -> bool:
    """Whether a number is known now to be above zero, in float32 too."""
    return is_concrete(value) and float(value) >= float(jnp.finfo(jnp.float32).tiny)


def domains(annotation: Any) -> tuple[list[Range], list[Any]]:
    """The ranges and the literal choices that an annotation allows."""
    if typing.get_origin(annotation) is Annotated:
        return [m for m in annotation.__metadata__ if isinstance(m, Range)], []
    if typing.get_origin(annotation) is Literal:
        return [], list(typing.get_args(annotation))
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        ranges, choices = [], []
        for option in typing.get_args(annotation):
            more_ranges, more_choices = domains(option)
            ranges, choices = ranges + more_ranges, choices + more_choices
        return ranges, choices + [None] * (type(None) in typing.get_args(annotation))
    return [], []


def check(where: str, name: str, value: Any, annotation: Any, default: Any = None) -> None:
    """Hold one argument against its annotation.

    The message names the argument's `default` as an example, if that is a number in the range.

    Raises:
      ValueError: a concrete number outside its `Range`, or what is not one of its `Literal`s.
      TypeError: something that is no number.
    """
    ranges, choices = domains(annotation)
    if not ranges:
        if choices and value not in choices:
            allowed = ", ".join(map(repr, choices))
            raise ValueError(
                f"{where}: {name} must be one of {allowed}; got {value!r}. "
                f"Write for example {name}={choices[0]!r}."
            )
        return
    if value is None and choices:
        return
    (interval,) = ranges
    usual = isinstance(default, int | float) and default in interval
    hint = f"Write for example {name}={default if usual else interval.example:g}."
    if callable(value):
        options = (annotation, *typing.get_args(annotation))
        if any(getattr(option, "__origin__", None) == Scalar for option in options):
            raise TypeError(
                f"{where}: {name} must be one number for the whole training, and no schedule; "
                f"got {shown(value)}. {hint}"
            )
        return
    if isinstance(value, bool | str) or not isinstance(
        value, int | float | np.ndarray | np.generic | jax.Array
    ):
        raise TypeError(
            f"{where}: {name} must be a number, a scalar array or a schedule (count -> value); "
            f"got {value!r}. {hint}"
        )
    if np.shape(value) != ():
        raise ValueError(
            f"{where}: {name} must be one number, got an array of shape {np.shape(value)}. "
            f"For many values write jax.vmap(lambda {name}: train({where}(...)))(values)."
        )
    _check_digits(where, name, value, interval)
    if is_concrete(value) and float(value) not in interval:
        raise ValueError(
            f"{where}: {name} must lie in {interval} ({interval.meaning}); "
            f"got {float(value):g}. {hint}"
        )


def _check_digits(where: str, name: str, value: Any, interval: Range) -> None:
    if not interval.fine or not hasattr(value, "dtype") or not _is_half(value.dtype):
        return
    raise TypeError(
        f"{where}: {name} arrives in {value.dtype}, which has hardly a number next to "
        f"{interval.high:g}. Give it in float32. Where optax.inject_hyperparams has made it so, "
        f"because the weights are {value.dtype}, write optax.inject_hyperparams({where}, "
        "hyperparam_dtype=jnp.float32)(...)."
    )


def _is_half(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize < 4
