"""`schedule`: from a formula in the count to a schedule.

A schedule is `count -> value`, with `count` the number of updates made before. It prints as one
would write it, compares by its settings, and every number in it may be traced.
"""

import functools as ft
import inspect
import math
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt import settings as _settings
from lectopt import values as _values
from lectopt.display import readable, signature_of
from lectopt.signatures import MISSING, Signature
from lectopt.transformation import LAST

Value = Annotated[
    _settings.Numeric, _settings.Range(0, math.inf, False, "a finite number, zero or more", 0.1)
]


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
      ... def inverse_log_decay(count, *, init: LearningRate[Any], base: Positive[Any] = 2.0):
      ...     return init / jnp.log(base + count)
      >>> inverse_log_decay(0.1)
      inverse_log_decay(init=0.1)
    """

    def decorate(rule: Callable[..., Any]) -> Callable[..., Schedule]:
        formula = Formula(rule, order, frozenset(raw))

        @ft.wraps(rule)
        def make(*args: Any, **kwargs: Any) -> Schedule:
            return Schedule(formula, formula.signature.bind(args, kwargs))

        make.__name__ = formula.name
        make.lifted = formula  # pyright: ignore[reportAttributeAccessIssue]
        shown = readable(lambda: formula.signature.bare.replace(return_annotation=Schedule), rule)
        make.__signature__ = shown  # pyright: ignore[reportAttributeAccessIssue]
        make.__annotations__ = {p.name: p.annotation for p in formula.parameters}
        return make

    return decorate


class Formula(_values.Importable):
    """What `schedule` was given, and the signature that follows from it."""

    def __init__(
        self,
        rule: Callable[..., Any],
        order: Callable[..., float] | None,
        raw: frozenset[str],
    ):
        self.rule, self.order, self.raw = rule, order, raw
        self.name = rule.__name__.removeprefix("_")
        own = list(signature_of(rule).parameters.values())[1:]
        self.parameters = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in own]
        self.signature = Signature(
            self.name,
            lambda: self.parameters,
            ft.partial(typing.get_type_hints, rule, include_extras=True),
        )
        self.defaults = {p.name: p.default for p in own if p.default is not MISSING}


class Schedule(_values.Value):
    """A formula of the count with its settings bound: an Optax schedule that prints and
    compares."""

    def __init__(self, formula: Formula, settings: Mapping[str, Any]):
        self.formula, self.settings = formula, settings
        self.name, self.defaults = formula.name, formula.defaults

    def __call__(self, count: Any) -> jax.Array:
        """The value at update number `count`, from 0, as a float32 scalar (float64 under x64); for
        an array of counts that of each."""
        if isinstance(count, int | np.integer):
            count = min(int(count), LAST)
        count = jnp.asarray(count)
        if count.ndim:  # a formula is one of one count, and may sum over what it likes
            return jnp.vectorize(lambda one: self(one))(count)
        with jax.named_scope(self.name):
            numbers = {
                name: setting
                if name in self.formula.raw
                else _wide(_values.value_at(setting, count))
                for name, setting in self.settings.items()
            }
            return jnp.asarray(self.formula.rule(count, **numbers), jnp.result_type(float))

    def _key(self) -> Any:
        return (*super()._key(), self.formula.key)


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
    if not isinstance(value, Schedule) or value.formula.order is None:
        return math.nan
    annotations = inspect.get_annotations(value.formula.rule)
    fixed = [
        setting
        for name, setting in value.settings.items()
        if name not in value.formula.raw and annotations.get(name) not in (Value, Value[Any])
    ]
    known = all(_values.is_concrete(setting) for setting in fixed)
    return float(value.formula.order(**value.settings)) if known else math.nan


def quotient(a: Any, b: Any) -> Any:
    """`a / b` in the default float; of whole numbers JAX would make a float32 even under x64."""
    return 1.0 * a / b


def between(low: Any, high: Any, share: Any) -> Any:
    """`low` at share 0, `high` at share 1, both exactly, and a line in between."""
    return (1 - share) * low + share * high
