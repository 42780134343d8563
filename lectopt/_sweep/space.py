"""What a sweep runs over: every combination of hyperparameters, and the seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import optax

from lectopt._sweep.drawing import Sampler, draw
from lectopt.signatures import Signature
from lectopt.transformation import is_transformation

Maker = Callable[..., optax.GradientTransformation]
Space = Mapping[str, Sequence[Any] | np.ndarray | jax.Array]


def grids(
    optimizers: Mapping[str, Maker],
    space: Space | Mapping[str, Space],
    samples: int | None = None,
    sampler: Sampler = "sobol",
) -> dict[str, dict[str, np.ndarray]]:
    """The configurations of each optimizer: by hyperparameter, one number per configuration.

    Args:
        optimizers: Makers by name.
        space: By hyperparameter, a 1-D array of its values, or with `samples` a distribution; or
            such a mapping for each optimizer.
        samples: How many configurations are drawn, or None for all combinations.
        sampler: See `draw`.

    Returns:
        By optimizer and hyperparameter, an array of shape `(configurations,)`; the last
        hyperparameter varies fastest.

    Raises:
        ValueError: The names or the values do not fit, or a maker does not take a hyperparameter.
    """
    if not isinstance(optimizers, Mapping) or not optimizers:
        raise ValueError(
            'wanted optimizers by name, e.g. {"adam": optax.adam, "sgd": optax.sgd}, '
            f"got {optimizers!r}"
        )
    if not isinstance(space, Mapping):
        raise ValueError(f'wanted a space such as {{"learning_rate": [0.01, 0.1]}}, got {space!r}')
    spaces: Mapping[str, Any] = space
    nested = [isinstance(values, Mapping) for values in spaces.values()]
    if not any(nested):
        spaces = dict.fromkeys(optimizers, space)
    elif not all(nested) or set(space) != set(optimizers):
        raise ValueError(
            "wanted one space for all optimizers, or one for each of "
            f"{sorted(optimizers)} by name, got entries {sorted(space)}"
        )
    return {
        name: _grid(name, maker, spaces[name], samples, sampler)
        for name, maker in optimizers.items()
    }


def _grid(
    name: str, maker: Maker, space: Space, samples: int | None, sampler: Sampler
) -> dict[str, np.ndarray]:
    drawn = None if samples is None else draw(space, samples, sampler)
    axes = (
        {key: _axis(name, key, values) for key, values in space.items()}
        if drawn is None
        else {key: np.array([one[key] for one in drawn]) for key in space}
    )
    if is_transformation(maker):
        raise ValueError(
            f"optimizer {name!r}: wanted a maker that takes what the space gives, {sorted(axes)}, "
            f'got the optimizer {maker!r}. Write for example {{"{name}": lectopt.adam}}, without '
            "calling it."
        )
    try:
        Signature.foreign(maker, name).filled((), axes)
    except TypeError as error:
        raise ValueError(
            f"optimizer {name!r}: wanted a maker that takes exactly what the space gives, "
            f"{sorted(axes)}, got {maker!r}. {error} Fix other settings with "
            "functools.partial, or give each optimizer a space of its own"
        ) from error
    if drawn is not None:
        return axes
    grid = np.meshgrid(*axes.values(), indexing="ij")
    return {key: values.ravel() for key, values in zip(axes, grid, strict=True)}


def _axis(name: str, key: str, values: Sequence[Any] | np.ndarray | jax.Array) -> np.ndarray:
    axis = np.asarray(values)
    if axis.ndim != 1 or axis.size == 0 or axis.dtype.kind not in "iuf":
        raise ValueError(
            f"optimizer {name!r}: wanted a 1-D array of numbers for {key!r}, got {values!r}; "
            "write [0.1] for a single value, and one optimizer for each setting that is no number"
        )
    return axis


def listed_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """The seeds 0, ..., `seeds - 1`, or the ones that are listed.

    Raises:
        ValueError: There are none, some are no integers, or one comes twice.
    """
    listed = range(seeds) if isinstance(seeds, int | np.integer) else seeds
    found = tuple(listed)
    if not found or len(set(found)) < len(found):
        raise ValueError(f"wanted a positive number of seeds, or distinct integers, got {seeds!r}")
    for seed in found:
        positive_integer("each seed", seed, least=0)
    return tuple(map(int, found))


def positive_integer(name: str, value: int, least: int = 1) -> int:
    """The value, if it is an integer and at least `least`.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(f"wanted an integer for {name}, at least {least}, got {value!r}")
    return int(value)
