"""`schedule`: from a formula in the count to a schedule.

A schedule is `count -> value`, with `count` the number of updates made before. It prints as one
would write it, compares by its settings, and every number in it may be traced.
"""

import functools as ft
import inspect
import math
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt import settings as _settings
from lectopt import values as _values
from lectopt.signatures import Signature

Value = Annotated[
    _settings.Numeric, _settings.Range(0, math.inf, False, "a finite number, zero or more", 0.1)
]
LAST = np.iinfo(np.int32).max - 1  # the counter of the updates stops there; count + 1 fits


def schedule(
    order: Callable[..., float] | None = None, raw: Iterable[str] = ()
) -> Callable[[Callable[..., Any]], Callable[..., "Schedule"]]:
    """Make of a formula `rule(count, *, settings)` a function from settings to a `Schedule`.

    The settings are checked against their annotations. When the schedule is called, those that are
    schedules themselves are read at the same count, and floats are widened to the default float.

    Args:
      order: function of the settings: the `p` for which the value stays between two positive
        multiples of `k^-p`; infinite if it falls faster than every power or ends at 0; NaN if
        neither is known. It is asked only if all settings but `Value`s and `raw` ones are plain
        numbers.
      raw: names of the settings that the rule gets as they are, schedules uncalled.

    Example:
      >>> from lectopt import schedule
      >>> from lectopt.settings import LearningRate, Positive
      >>> @schedule()
      ... def inverse_log_decay(count, *, init: LearningRate, base: Positive = 2.0):
      ...     return init / jnp.log(base + count)
      >>> inverse_log_decay(0.1)
      inverse_log_decay(init=0.1)
    """

    def decorate(rule: Callable[..., Any]) -> Callable[..., Schedule]:
        name = rule.__name__.removeprefix("_")
        parameters = [
            p.replace(kind=p.POSITIONAL_OR_KEYWORD)
            for p in list(inspect.signature(rule).parameters.values())[1:]
        ]
        signature = Signature(
            name, parameters, lambda: typing.get_type_hints(rule, include_extras=True)
        )

        @ft.wraps(rule)
        def make(*args: Any, **kwargs: Any) -> Schedule:
            return Schedule(rule, signature.bind(args, kwargs), order, frozenset(raw))

        make.__name__ = name
        make.__signature__ = signature.bare  # pyright: ignore[reportAttributeAccessIssue]
        make.__annotations__ = {p.name: p.annotation for p in parameters}
        return make

    return decorate


@dataclass(frozen=True, eq=False, repr=False)
class Schedule:
    """A rule of the count with its settings bound: an Optax schedule that prints and compares."""

    rule: Callable[..., Any]
    settings: Mapping[str, Any]
    order: Callable[..., float] | None = None
    raw: frozenset[str] = frozenset()

    def __call__(self, count: Any) -> jax.Array:
        """The value at update number `count`, from 0, as a float32 scalar (float64 under x64)."""
        if isinstance(count, int | np.integer):
            count = min(int(count), LAST)
        count = jnp.asarray(count)
        with jax.named_scope(self.name):
            numbers = {
                name: setting if name in self.raw else _wide(_values.value_at(setting, count))
                for name, setting in self.settings.items()
            }
            return jnp.asarray(self.rule(count, **numbers), jnp.result_type(float))

    @property
    def name(self) -> str:
        """What makes it: `cosine_decay`, ..."""
        return self.rule.__name__.removeprefix("_")

    def _identity(self) -> tuple[Any, ...]:
        values = tuple((k, _values.key_of(v)) for k, v in sorted(self.settings.items()))
        return (self.rule, values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        default = {p.name: p.default for p in inspect.signature(self.rule).parameters.values()}
        values = [
            f"{k}={_values.shown(v)}"
            for k, v in self.settings.items()
            if _values.key_of(v) != _values.key_of(default[k])
        ]
        return f"{self.name}({', '.join(values)})"


def _wide(number: Any) -> Any:
    """Floats in the default float; whole numbers stay whole, so that big counts divide exactly."""
    if isinstance(number, int):
        return number if number <= LAST else float(number)
    if number is None or jnp.issubdtype(jnp.result_type(number), jnp.integer):
        return number
    return jnp.asarray(number, jnp.result_type(float))


def order_of(value: Any) -> float:
    """The `p` for which a number or schedule falls like `k^-p`, with NaN for not known (see
    `schedule`)."""
    if _values.is_concrete(value):
        return 0.0 if value > 0 else math.inf if value == 0 else math.nan
    if not isinstance(value, Schedule) or value.order is None:
        return math.nan
    annotations = inspect.get_annotations(value.rule)
    fixed = [
        setting
        for name, setting in value.settings.items()
        if name not in value.raw and annotations.get(name) != Value
    ]
    known = all(_values.is_concrete(setting) for setting in fixed)
    return float(value.order(**value.settings)) if known else math.nan


def quotient(a: Any, b: Any) -> Any:
    """`a / b` in the default float; of whole numbers JAX would make a float32 even under x64."""
    return 1.0 * a / b


def between(low: Any, high: Any, share: Any) -> Any:
    """`low` at share 0, `high` at share 1, both exactly, and a line in between."""
    return (1 - share) * low + share * high
