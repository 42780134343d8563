"""What is moved between the host and the device on purpose."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax

P = ParamSpec("P")
R = TypeVar("R")


def transferring(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: `jax.transfer_guard` does not hold in this function, which moves on purpose what
    it is given and what it records. It is of a thread: those that it starts need their own.
    """

    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.transfer_guard("allow"):
            return function(*args, **kwargs)

    return inner
