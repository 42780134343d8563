"""The optimizer of a training: a transformation, or a function that is given what it asks for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import optax

from lectopt.training.blocks import Values
from lectopt.transformation import is_transformation

GIVEN = ("steps", "key")


def chosen(
    optimizer: Any, steps: int, key: jax.Array
) -> tuple[Callable[[Values], optax.GradientTransformation], Values]:
    """What makes the optimizer of traced values, and these values.

    A function is given what it asks for by name: `steps`, the updates of the run, and `key`, the
    seed's stream for the optimizer.

    Raises:
        ValueError: It is no transformation, and no function that can be called with these alone.
    """
    if is_transformation(optimizer):
        return lambda values: optimizer, {}
    if not callable(optimizer):
        hint = " Give what it holds: optimizer.tx." if hasattr(optimizer, "tx") else ""
        raise ValueError(
            "wanted an optimizer, lectopt.adam(1e-3) or any other Optax transformation, got "
            f"{optimizer if isinstance(optimizer, int | float | str) else type(optimizer)!r}.{hint}"
        )
    name = getattr(optimizer, "__name__", "the function")
    parameters = inspect.signature(optimizer).parameters
    missing = [
        p.name
        for p in parameters.values()
        if p.default is p.empty
        and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        and p.name not in GIVEN
    ]
    if missing:
        settings = ", ".join(f"{argument}=..." for argument in missing)
        raise ValueError(
            f"{name} must be given {', '.join(missing)}. Write {name}({settings}); a function may "
            "ask for steps and key alone."
        )
    fixed = {"steps": steps} if "steps" in parameters else {}

    def make(values: Values) -> optax.GradientTransformation:
        tx: Any = optimizer(**fixed, **values)
        if not is_transformation(tx):
            raise ValueError(f"{name} must return an Optax transformation, got {tx!r}")
        return tx

    return make, {"key": key} if "key" in parameters else {}
