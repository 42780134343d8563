"""What a setting of an optimizer may be, and the range it must lie in.

Every numeric setting is a Python number, a scalar array, a tracer or a schedule `count -> value`.
Its range stands in the annotation of the argument (`b1: Decay`), and `checked` holds concrete
values against it when the optimizer is built: a wrong setting fails there, with its name, and not
as a NaN a thousand steps later.
"""

import functools as ft
import inspect
import math
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

P = ParamSpec("P")
T = TypeVar("T")

Schedule = Callable[[Any], Any]
# A number, a scalar array, a tracer or a schedule to the caller, and a tracer to the rule: no
# static type says both.
Numeric = Any


class Range(typing.NamedTuple):
    """The interval `[low, high)`, `[low, high]` if `closed`, without `low` itself if `above`, with
    words for the message."""

    low: float
    high: float
    closed: bool
    meaning: str
    example: float
    above: bool = False

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
    Numeric, Range(0, 1, False, "the share of the old average that is kept at each step", 0.9)
]
NonNegative = Annotated[Numeric, Range(0, math.inf, False, "a finite number, zero or more", 1e-8)]
Fraction = Annotated[Numeric, Range(0, 1, True, "a factor that makes smaller, or a share", 0.5)]
Growth = Annotated[Numeric, Range(1, math.inf, False, "a factor that makes larger", 1.2)]
Positive = Annotated[Numeric, Range(0, math.inf, False, "a finite number above zero", 1.0, True)]
Steps = Annotated[
    Numeric, Range(1, math.inf, False, "a number of updates or epochs, one or more", 10)
]
Count = Annotated[Numeric, Range(0, math.inf, False, "a number of updates, zero or more", 1000)]
RectificationThreshold = Annotated[
    Numeric, Range(4, math.inf, False, "a number of gradients; the variance exists above 4", 5.0)
]
EpsPlacement = Literal["outside", "inside", "uncorrected"]

# What users of Optax may still write, and what says the same here.
RENAMED = {
    "eps_root": 'eps_placement="inside" (sqrt(v + eps)) or "outside" (sqrt(v) + eps)',
    "eps_in_sqrt": 'eps_placement="inside" for True, "outside" for False',
    "bias_correction_mu": 'maximum_of="uncorrected" where both moments are not to be corrected',
    "bias_correction_nu": 'maximum_of="uncorrected" where both moments are not to be corrected',
    "mu_dtype": "state_dtype, the dtype of every slot",
    "accumulator_dtype": "state_dtype, the dtype of every slot",
}


def concrete(value: Any) -> bool:
    """Whether `value` is known now: neither a schedule nor a tracer."""
    return not callable(value) and not isinstance(value, Tracer)


def at(setting: Any, count: Any) -> Any:
    """The value of a setting at update number `count` (from 0): schedules are called."""
    return setting(count) if callable(setting) else setting


def _domains(annotation: Any) -> tuple[list[Range], list[Any]]:
    """The ranges and the literal choices that an annotation allows."""
    if typing.get_origin(annotation) is Annotated:
        return [m for m in annotation.__metadata__ if isinstance(m, Range)], []
    if typing.get_origin(annotation) is Literal:
        return [], list(typing.get_args(annotation))
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        ranges, choices = [], []
        for option in typing.get_args(annotation):
            more_ranges, more_choices = _domains(option)
            ranges, choices = ranges + more_ranges, choices + more_choices
        return ranges, choices + [None] * (type(None) in typing.get_args(annotation))
    return [], []


def _check(where: str, name: str, value: Any, annotation: Any) -> None:
    ranges, choices = _domains(annotation)
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
    hint = f"Write for example {name}={interval.example:g}."
    if callable(value):
        return
    if isinstance(value, bool | str) or not isinstance(
        value, int | float | np.ndarray | np.generic | jax.Array
    ):
        raise TypeError(
            f"{where}: {name} must be a number, a scalar array or a schedule (count -> value); "
            f"got {value!r}. {hint}"
        )
    if jnp.shape(value) != ():
        raise ValueError(
            f"{where}: {name} must be one number, got an array of shape {jnp.shape(value)}. "
            f"For many values write jax.vmap(lambda {name}: train({where}(...)))(values)."
        )
    if concrete(value) and float(value) not in interval:
        raise ValueError(
            f"{where}: {name} must lie in {interval} ({interval.meaning}); "
            f"got {float(value):g}. {hint}"
        )


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """Hold every argument against its annotation before `function` runs.

    Raises:
      ValueError: a concrete number outside its `Range`, or a string that is not one of its
        `Literal`s.
      TypeError: something that is no number, or a keyword that does not exist (with Optax's name
        translated).
    """
    signature = inspect.signature(function)
    where = function.__name__

    @ft.cache  # read at the first call, when every name in the annotations exists
    def hints() -> dict[str, Any]:
        return typing.get_type_hints(function, include_extras=True)

    @ft.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        renamed = [name for name in kwargs if name in RENAMED and name not in signature.parameters]
        if renamed:
            name = renamed[0]
            raise TypeError(f"{where}: there is no {name}= here. Write {RENAMED[name]}.")
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{where}{_shown(signature)}: {error}.") from None
        for name, value in bound.arguments.items():
            _check(where, name, value, hints().get(name))
        return function(*args, **kwargs)

    return wrapper


def _shown(signature: inspect.Signature) -> str:
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    return str(inspect.Signature(bare))


def frozen(value: Any) -> Any:
    """A hashable stand-in for a setting: equal settings have equal stand-ins.

    Arrays count by value, tracers and plain functions by identity, schedules by their own `==`.
    """
    if isinstance(value, Tracer):
        return ("tracer", id(value))
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        array = np.asarray(value)
        return (str(array.dtype), array.shape, array.tobytes())
    leaves, treedef = jax.tree.flatten(value)
    return value if jax.tree_util.treedef_is_leaf(treedef) else (treedef, *map(frozen, leaves))


def shown(value: Any) -> str:
    """How a setting prints: what one would write to get it."""
    if isinstance(value, Tracer):
        return f"<traced {value.dtype}>"
    if isinstance(value, np.ndarray | np.generic | jax.Array) and np.ndim(value) == 0:
        return repr(np.asarray(value).item())
    if isinstance(value, types.FunctionType):
        return value.__qualname__
    return repr(value)
