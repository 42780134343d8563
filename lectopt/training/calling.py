"""A user's functions: whether they can be called as they are, and what is said where they fail."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from lectopt.trees import dtype_of

UNKNOWN = (  # what JAX raises where a program asks for the value of what it is traced with
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


def check_function(function: Any, name: str, *arguments: str) -> None:
    """Refuse what cannot be called with so many arguments.

    Args:
        function: What was given.
        name: Of the argument as which it was given.
        arguments: What it is called with, in words.

    Raises:
        ValueError: Saying what it is called with.
    """
    call = f"{name}({', '.join(arguments)})"
    if not callable(function):
        raise ValueError(f"wanted a function {call}, got {function!r}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of what is not written in Python
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise ValueError(
            f"{name} is called as {call}, and the one given takes {signature}: {error}. Write "
            f"lambda {', '.join(arguments)}: ..."
        ) from None


def shapes_of(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """The shapes of what a function returns, which is traced and not run.

    Args:
        what: The function and what it is given, in words.
        function: The function.
        *arguments: Arrays, or their shapes.

    Raises:
        ValueError: It cannot be traced, with the words of whoever says why.
    """
    try:
        return jax.eval_shape(function, *arguments)
    except ValueError:
        raise
    except UNKNOWN as error:
        asked = str(error).partition("\n")[0]
        raise ValueError(
            f"{what} asks for a number that is not known before it runs: {asked} It is compiled: "
            "write jnp for NumPy and float(), jnp.where for if."
        ) from error
    except Exception as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"{what} fails: {type(error).__name__}: {said}") from error


def described(tree: Any) -> str:
    """The dtypes and shapes of arrays."""
    leaves = [f"{dtype_of(x)}{list(jnp.shape(x))}" for x in jax.tree.leaves(tree)]
    return ", ".join(leaves[:4]) + ", ..." * (len(leaves) > 4)
