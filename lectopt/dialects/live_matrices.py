"""What optimizers of matrices keep elsewhere, in the layout of the JAX parameters."""

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


def factored(slots: Mapping[str, Any], how: Layout) -> dict[str, Any]:
    """`row` and `column`, each spread over the shape of the parameter so that they follow a
    transposition, as `scale_by_last_axes` keeps them."""
    if "row" not in slots:
        return dict(slots)
    means, others = slots["row"], slots["column"]
    if how == "transposed":
        means, others = others, means
    return dict(slots) | dict(row=means[..., 0], column=others[..., 0, :])
