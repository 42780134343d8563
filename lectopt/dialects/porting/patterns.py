"""Patterns: optimizers with marks in the place of numbers, and what a real one has there.

A maker is read backwards by calling it with marks: where a mark comes out in the composition, the
setting of an equal composition stands. So the wiring of an algorithm is written once.
"""

import inspect
import itertools
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from lectopt.compositions import Chain
from lectopt.dialects.spelling import absent
from lectopt.schedules import Schedule
from lectopt.settings import domains
from lectopt.sharing import walk
from lectopt.transformation import Transformation
from lectopt.values import is_concrete, key_of

MOST = 512  # spellings of one maker
# Makers calculate with the first three; of all choices of Muon there are more than `MOST`.
HELD = dict(ns_steps=5, history_size=100, adam_lr_ratio=1, preconditioning="frobenius")
HELD |= dict(adaptive=False)


class Mark(float):
    """A number that stands for the setting of this name, or for a multiple of it. No two have the
    same value."""

    name: str
    factor: float
    made = itertools.count(1)

    @classmethod
    def of(cls, name: str, example: float) -> "Mark":
        """A mark in the range of the example."""
        value = example * (1 - 2**-20 / next(cls.made)) if example != 1 else 1 + 2**-20
        return cls._with(value, name, 1.0)

    @classmethod
    def _with(cls, value: float, name: str, factor: float) -> "Mark":
        mark = cls(value)
        mark.name, mark.factor = name, factor
        return mark

    def __mul__(self, other: Any) -> Any:
        if getattr(other, "ndim", 0):
            return float(self) * other
        return self._with(float(self) * other, self.name, self.factor * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self * (1 / other)

    def __neg__(self) -> Any:
        return -1 * self

    def setting(self, value: Any) -> Any:
        """The setting of which `value` is the multiple."""
        return value if self.factor == 1 or not is_concrete(value) else value / self.factor


def flat(tx: Transformation) -> list[Transformation]:
    """The members of a chain, of those inside it too."""
    return [p for part in tx.parts for p in flat(part)] if isinstance(tx, Chain) else [tx]


def key(parts: Sequence[Transformation]) -> tuple[Any, ...]:
    """What tells a chain of these members from others."""
    seen: dict[int, int] = {}
    return tuple(part._key_among(seen) for part in parts)


def names_of(parts: Iterable[Transformation]) -> tuple[str, ...]:
    """The names of all that the members are made of: what is alike has the same."""
    inside = (part for tx in parts for part in walk(tx))
    return tuple(part.name for part in inside if not isinstance(part, Chain))


def originals(parts: Iterable[Transformation]) -> dict[Any, Any]:
    """The settings of the members by what stands for them in keys."""
    return {key_of(v): v for tx in parts for part in walk(tx) for v in part.settings.values()}


def bound(pattern: Any, value: Any, found: dict[str, Any]) -> bool:
    """Whether a value is like a pattern; then `found` has what stands in the place of its marks."""
    if isinstance(pattern, Mark):
        if pattern.factor != 1 and not isinstance(value, int | float):
            return False
        setting = pattern.setting(value)
        return key_of(found.setdefault(pattern.name, setting)) == key_of(setting)
    if isinstance(pattern, tuple | list):
        same = isinstance(value, tuple | list) and len(value) == len(pattern)
        if same and len(pattern) == 2 and pattern[0] == value[0] == "state_dtype":
            return found.setdefault("state_dtype", value[1] or pattern[1]) is not False
        return same and all(map(lambda p, v: bound(p, v, found), pattern, value))
    if isinstance(pattern, Schedule) and isinstance(value, Schedule):
        return bound(pattern._key(), value._key(), found)
    return (
        type(pattern) is type(value)
        and key_of(pattern) == key_of(value)
        or (
            isinstance(pattern, int | float) and isinstance(value, int | float) and pattern == value
        )
    )


def spellings(
    maker: Callable[..., Any], left_out: Iterable[str] = (), **options: Sequence[Any]
) -> Iterator[tuple[dict[str, Any], Any]]:
    """Calls of a maker, all its choices in turn and its numbers marked, and what they make.

    Args:
      maker: of transformations.
      left_out: arguments that keep their defaults.
      options: what to try for an argument, where it is not what the annotation says; `Mark`
        itself is a mark.
    """
    arguments, parameters = {}, inspect.signature(maker).parameters
    two_eps = "eps_root" in parameters  # of which each has a place only if the other is 0
    for name, p in parameters.items():
        hint = _hint(maker, name)
        if name in HELD and HELD[name] == p.default:
            arguments[name] = [p.default]
        elif name in options:
            arguments[name] = [_marked(name, hint) if o is Mark else o for o in options[name]]
        elif name not in left_out and (tried := _tried(name, p.default, hint, two_eps)):
            arguments[name] = tried
    for values in itertools.islice(itertools.product(*arguments.values()), MOST):
        given = dict(zip(arguments, values, strict=True))
        try:
            yield given, maker(**given)
        except (TypeError, ValueError):  # choices that exclude one another
            continue


def _hint(maker: Callable[..., Any], name: str) -> Any:
    hint = inspect.unwrap(maker).__annotations__.get(name) or maker.__annotations__.get(name)
    return hint


def _marked(name: str, hint: Any) -> Mark:
    ranges, _ = domains(hint)
    return Mark.of(name, ranges[0].example if ranges else 0.5)


def _tried(name: str, default: Any, hint: Any, two_eps: bool) -> list[Any]:
    if typing.get_origin(hint) is tuple:
        members = enumerate(typing.get_args(hint))
        return [tuple(_marked(f"{name}[{i}]", member) for i, member in members)]
    ranges, choices = domains(hint)
    if ranges:
        optional = [default] if default is None or absent(default) else []
        optional += [0.0] if two_eps and name == "eps" and not optional else []
        return [*optional, _marked(name, hint)]
    if hint is Any and name == "f_min":  # any number
        return [Mark.of(name, 0.5)]
    if hint is bool:
        return [bool(default), not default]
    return choices


def values(found: Mapping[str, Any], parts: Iterable[Transformation]) -> dict[str, Any]:
    """What was found, as it was written."""
    written = originals(parts)
    return {k: written.get(v, v) if isinstance(v, tuple) else v for k, v in found.items()}


def filled(pattern: Any, found: Mapping[str, Any]) -> Any:
    """A pattern with what was found in the place of its marks."""
    if isinstance(pattern, Mark):
        return found[pattern.name]
    return type(pattern)(filled(p, found) for p in pattern) if type(pattern) is tuple else pattern


def marks(settings: Iterable[Any]) -> Iterator[str]:
    """The names of the marks in some settings, of those in schedules too."""
    for value in settings:
        if isinstance(value, Mark):
            yield value.name
        elif isinstance(value, tuple):
            yield from marks(value)
        elif isinstance(value, Schedule):
            yield from marks(value.settings.values())
