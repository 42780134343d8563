"""What the arguments of `sweep` may be, refused in words before anything runs."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from lectopt._sweep.opening import SECTIONS
from lectopt.transformation import is_transformation

SAMPLERS = ("sobol", "random")


def by_name(optimizers: Any) -> dict[str, Any]:
    """Optimizers by name, of several or of one.

    Raises:
        ValueError: There are none.
    """
    if isinstance(optimizers, Mapping) and optimizers:
        return dict(optimizers)
    if is_transformation(optimizers) or callable(optimizers):
        name = getattr(optimizers, "__name__", None) or getattr(optimizers, "name", "optimizer")
        return {str(name): optimizers}
    raise ValueError(
        'wanted optimizers by name, e.g. {"adam": optax.adam, "sgd": optax.sgd}, '
        f"got {optimizers!r}"
    )


def checked_tile(tile: Any) -> Any:
    """`"auto"`, or a number of lanes."""
    found = tile if isinstance(tile, str) and tile == "auto" else _whole(tile)
    if found is None:
        raise ValueError(f'wanted tile="auto" or a number of lanes, got {tile!r}')
    return found


def checked_samples(samples: Any, sampler: Any) -> int | None:
    """None, or how many configurations are drawn."""
    found = _whole(samples)
    if samples is not None and found is None:
        raise ValueError(f"wanted samples to be None or an integer, at least 1, got {samples!r}")
    if isinstance(sampler, str) and sampler not in SAMPLERS:
        raise ValueError(f"wanted sampler='sobol', 'random' or an optuna.Study, got {sampler!r}")
    if found is None and sampler == "random":
        raise ValueError(
            "sampler='random' draws configurations; say how many, samples=64, or leave it out to "
            "train all combinations"
        )
    return found


def checked_divergence(divergence_factor: Any) -> float:
    """When a loss is a divergence."""
    if not _number(divergence_factor) or not divergence_factor > 1:
        raise ValueError(f"wanted a divergence_factor above 1, or inf, got {divergence_factor!r}")
    return float(divergence_factor)


def checked_seconds(max_seconds: Any) -> float | None:
    """None, or a time."""
    if max_seconds is not None and not (_number(max_seconds) and max_seconds > 0):
        raise ValueError(f"wanted a positive number of max_seconds, got {max_seconds!r}")
    return max_seconds


def checked_changes(accept_changes: Any, directory: Any) -> Sequence[str]:
    """The sections in which a directory may hold something else."""
    given = [accept_changes] if isinstance(accept_changes, str) else [*accept_changes]
    if unknown := [name for name in given if name not in SECTIONS]:
        raise ValueError(
            f"accept_changes has {unknown[0]!r}; wanted some of {', '.join(SECTIONS)}, as the "
            "error about a change prints them"
        )
    if given and directory is None:
        raise ValueError("accept_changes is about what a directory holds; give directory=, too")
    return given


def checked_directory(directory: Any) -> Path | None:
    """None, or a path that is no file."""
    if directory is None:
        return None
    if not isinstance(directory, str | os.PathLike):
        raise ValueError(f'wanted a directory such as "runs/sweep", got {directory!r}')
    path = Path(directory)
    if path.is_file():
        raise ValueError(f"{path} is a file; give a directory, which need not exist yet")
    return path


def checked_executor(executor: Any) -> Any:
    """None, or workers elsewhere."""
    fits = callable(getattr(executor, "submit", None)) and not isinstance(executor, type)
    if executor is not None and not fits:
        raise ValueError(
            "wanted a concurrent.futures.Executor, as ProcessPoolExecutor() or Dask's "
            f"client.get_executor(), got {executor!r}"
        )
    return executor


def refuse_without_compilation() -> None:
    """A sweep is compiled programs; JAX's own error about it does not say so."""
    config: Any = jax.config
    if config.jax_disable_jit:
        raise ValueError(
            "a sweep is compiled programs, and jax_disable_jit forbids to compile. Turn it off, or "
            "look into a single training with fit."
        )


def _whole(x: Any) -> int | None:
    """A whole number of any type, at least 1, as Python's; else None."""
    try:
        found = None if isinstance(x, bool) else operator.index(x)
    except TypeError:
        return None
    return found if found is not None and found >= 1 else None


def _number(x: Any) -> bool:
    try:
        return not isinstance(x, bool | str) and float(x) == float(x)
    except (TypeError, ValueError):
        return False
