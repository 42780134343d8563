"""What is moved between the host and the device on purpose."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax

P = ParamSpec("P")
R = TypeVar("R")


def transferring(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator, for what runs in a thread of its own, in which the guard is set anew:
    `jax.transfer_guard` does not hold there, as what is moved is moved on purpose.
    """

    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.transfer_guard("allow"):
            return function(*args, **kwargs)

    return inner
