"""`spelled`: functions that take another library's arguments, by its names, order and defaults.

What is out of range, unknown, or of no use here is refused, with the reason.
"""

import functools as ft
import typing
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, ParamSpec, TypeVar

import jax

from lectopt import settings as _settings
from lectopt import values as _values
from lectopt.display import show
from lectopt.schedules import Schedule, schedule
from lectopt.signatures import Signature, say_that_it_makes

P = ParamSpec("P")
T = TypeVar("T")
Adapt = Callable[[str, dict[str, Any]], dict[str, Any]]


class Unneeded(NamedTuple):
    """An argument that stands in the signature and must keep its default, and why."""

    reason: str


def spelled(adapt: Adapt | None = None) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Check the arguments of a function against its annotations before it runs.

    Besides what `lectopt.settings` can check these are pairs, `tuple[Decay, Decay]`, and arguments
    annotated `Annotated[Any, Unneeded(reason)]`.

    Args:
      adapt: `(name of the function, arguments) -> arguments`, applied first.

    Raises:
      TypeError: an argument that does not exist; the message names those that do.
      ValueError: one that is out of range, or not needed.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        return held(Spelling.of(function), function, adapt)

    return decorate


class Spelling(Signature):
    """A signature in which there may be pairs and arguments that are not needed."""

    def check(self, name: str, value: Any) -> None:
        """Hold one argument against its annotation."""
        annotation, default = self.hints[name], self.defaults[name]
        for note in getattr(annotation, "__metadata__", ()):
            if isinstance(note, Unneeded) and value is not default and value != default:
                raise ValueError(
                    f"{self.where}: {name} is not needed here. {note.reason} Leave it out."
                )
        if typing.get_origin(annotation) is not tuple:
            return super().check(name, value)
        members = typing.get_args(annotation)
        if not isinstance(value, tuple | list) or len(value) != len(members):
            raise ValueError(
                f"{self.where}: {name} must be {len(members)} numbers, got {value!r}. "
                f"Write for example {name}={default!r}."
            )
        for i, (member, kind) in enumerate(zip(value, members, strict=True)):
            _settings.check(self.where, f"{name}[{i}]", member, kind, default[i])

    def overview(self) -> str:
        """The arguments by name: most of these functions have many."""
        return f"The arguments are {', '.join(self.defaults)}."


def held(
    signature: Spelling, function: Callable[..., Any], adapt: Adapt | None = None
) -> Callable[..., Any]:
    """`function` with this signature, as `spelled` does it; it is called with names only."""

    @ft.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], list) and args[0] and isinstance(args[0][0], dict):
            raise TypeError(
                f"{signature.where}: leave the groups of parameters out, which are given to init "
                "and update. Write mask= where only the weight decay differs, and else "
                "optax.partition of an optimizer for each group."
            )
        _, values = signature.filled(args, kwargs)
        values = values if adapt is None else adapt(signature.where, values)
        for name, value in values.items():
            signature.check(name, value)
        return function(**values)

    show(wrapper)
    say_that_it_makes(wrapper)
    return wrapper


def absent(value: Any) -> bool:
    """Whether a setting leaves its part of the algorithm out: None or a plain 0."""
    return value is None or (_values.is_concrete(value) and not callable(value) and value == 0)


def local(dialect: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a rule that only one dialect has print with its module: `dialects.optax.plus(...)`."""
    return _values.printed_in(f"dialects.{dialect}")


def formula(
    dialect: str, raw: tuple[str, ...] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Schedule]]:
    """`schedule` for a formula that only one library has, printed as `local` does it.

    It is called once when it is made, so that what the formula raises is raised there.

    Args:
      dialect: name of the module that exports it.
      raw: see `lectopt.schedule`.
    """

    def decorate(rule: Callable[..., Any]) -> Callable[..., Schedule]:
        make = schedule(raw=raw)(local(dialect)(rule))

        @ft.wraps(make)
        def made(*args: Any, **kwargs: Any) -> Schedule:
            result = make(*args, **kwargs)
            jax.eval_shape(result, 0)
            return result

        return made

    return decorate


Name = Annotated[Any, Unneeded("Nothing is looked up by name.")]
