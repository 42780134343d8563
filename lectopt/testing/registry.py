"""The list of checks, and what all of them have in common: their names and their messages."""

import contextlib
import functools as ft
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

if TYPE_CHECKING:
    from lectopt.testing.subject import Subject

Check = Callable[["Subject"], None]
CHECKS: dict[str, Check] = {}  # by name, in the order in which they run
_APPLIES: dict[str, Callable[["Subject"], Any]] = {}


def check(
    function: Check | None = None, *, applies: Callable[["Subject"], Any] = lambda subject: True
) -> Any:
    """Make `function(subject)` a check: its name is the check's, its docstring what is expected.

    Whatever it raises becomes an `AssertionError` that says so, with the error itself as its cause;
    `unittest.SkipTest` stays, since pytest and unittest both understand it.
    """
    if function is None:
        return ft.partial(check, applies=applies)
    name, expected = function.__name__, inspect.cleandoc(function.__doc__ or "")

    @ft.wraps(function)
    def checked(subject: "Subject") -> None:
        if name in subject.skipped:
            raise SkipTest(subject.skipped[name])
        tail = f"\nThe check {name!r} expects: {expected}"
        try:
            function(subject)
        except AssertionError as error:
            raise AssertionError(f"{subject.name}: {error}{tail}") from error.__cause__
        except SkipTest:
            raise
        except Exception as error:
            raise AssertionError(f"{subject.name}: {brief(error)}{tail}") from error

    CHECKS[name], _APPLIES[name] = checked, applies
    return checked


def brief(error: BaseException) -> str:
    """The type of an error and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}"


@contextlib.contextmanager
def during(what: str) -> Iterator[None]:
    """An error within becomes one that says what was being done."""
    try:
        yield
    except (AssertionError, SkipTest):
        raise
    except Exception as error:
        raise AssertionError(f"{what} raised {brief(error)}") from error


def checks_of(subject: "Subject") -> list[Check]:
    """The checks that make sense for `subject`; those that it skips are among them."""
    return [run for name, run in CHECKS.items() if _APPLIES[name](subject)]
