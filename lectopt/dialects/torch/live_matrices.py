"""What PyTorch's optimizers of matrices keep, in the layout of the JAX parameters."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

Layout = Literal["kept", "transposed"]


def layout(shape: tuple[int, ...], change: Callable[[Any], Any], name: str) -> Layout:
    """Whether a function of the map leaves a parameter as it is, or transposes a matrix.

    Raises:
      ValueError: it does something else, and the optimizer's rows and columns with it.
    """
    numbered = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    there = np.asarray(change(numbered))
    if np.array_equal(there, numbered):
        return "kept"
    if len(shape) == 2 and np.array_equal(there, numbered.T):
        return "transposed"
    raise ValueError(
        f"{name} looks at rows and columns, which the function beside the parameter of shape "
        f"{shape} mixes. Leave the parameter as it is, or write np.transpose beside a matrix."
    )


def row(state: Mapping[str, Any]) -> Any:
    """Adafactor's means along the last axis, once for each number of the parameter."""
    return _spread(state, "row_var", "col_var")


def column(state: Mapping[str, Any]) -> Any:
    """Adafactor's means along the axis before it, in the same way."""
    return _spread(state, "col_var", "row_var")


def _spread(state: Mapping[str, Any], own: str, other: str) -> Any:
    if state.get(own) is None:
        return None
    return state[own].expand(*map(max, zip(state[own].shape, state[other].shape, strict=True)))


def factored(slots: Mapping[str, Any], how: Layout) -> dict[str, Any]:
    """What is spread in `slots`, as `scale_by_last_axes` keeps it."""
    if "row" not in slots:
        return dict(slots)
    means, others = slots["row"], slots["column"]
    if how == "transposed":
        means, others = others, means
    return dict(slots) | dict(row=means[..., 0], column=others[..., 0, :])
