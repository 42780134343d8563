"""Data for small trainings: split it, and standardise it.

A data set is any pytree of arrays that share their first axis, the samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike

SPLITS = ("train", "validation", "test")


def count_samples(data: Any, name: str = "the data") -> int:
    """The number of samples: the length of the first axis, which all arrays of `data` share.

    Args:
        data: A pytree of arrays, each of shape `(n, ...)`.
        name: What the error message calls the data.

    Raises:
        ValueError: There is no array, one has no axis, or their lengths differ.
    """
    shapes = {
        jax.tree_util.keystr(path): np.shape(x)
        for path, x in jax.tree_util.tree_leaves_with_path(data)
    }
    if not shapes or any(shape == () for shape in shapes.values()):
        raise ValueError(
            f"{name}: wanted arrays whose first axis is the samples, got shapes {shapes}; give "
            "e.g. a pair (x, y) of shapes (n, features) and (n,)"
        )
    lengths = {shape[0] for shape in shapes.values()}
    if len(lengths) > 1:
        raise ValueError(
            f"{name}: wanted the same number of samples in every array, got shapes {shapes}"
        )
    return lengths.pop()


def split_data(
    seed: int | jax.Array,
    data: Any,
    fractions: Sequence[float] | Mapping[str, float] = (0.6, 0.2, 0.2),
    *,
    stratify: ArrayLike | None = None,
) -> dict[str, Any]:
    """Divide the samples at random into disjoint parts that together are all of them.

    Args:
        seed: An integer, or a JAX key.
        data: A pytree of arrays with a common first axis.
        fractions: The share of each part, positive, of sum 1: three numbers for `"train"`,
            `"validation"` and `"test"`, or a mapping from names of your own.
        stratify: One class label per sample, shape `(n,)`: each class is divided in these shares,
            to within one sample.

    Returns:
        The parts by name, each with the structure of `data`, in shuffled order, as NumPy arrays.

    Raises:
        ValueError: The shares are not positive with sum 1, a part would be empty, or the labels do
            not fit the data.

    Source: ISI (S2-01); STAT 479 (S4-06).
    """
    n = count_samples(data)
    if not isinstance(fractions, Mapping):
        if len(fractions) != len(SPLITS):
            raise ValueError(
                f"wanted one fraction for each of {SPLITS}, got {fractions}; name other parts in a "
                'mapping, e.g. {"train": 0.8, "test": 0.2}'
            )
        fractions = dict(zip(SPLITS, fractions, strict=True))
    shares = np.asarray(list(fractions.values()), float)
    if not (shares > 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise ValueError(
            f"wanted positive fractions of sum 1, got {dict(fractions)} of sum {shares.sum():g}"
        )
    labels = np.zeros(n) if stratify is None else np.asarray(stratify)
    if labels.shape != (n,):
        raise ValueError(
            f"wanted one label for each of the {n} samples, got stratify of shape {labels.shape}"
        )

    order = np.asarray(
        jax.random.permutation(jax.random.key(seed) if isinstance(seed, int) else seed, n)
    )
    ends = np.cumsum(shares)[:-1]
    classes = [
        np.flatnonzero(labels[order] == label) for label in np.unique(labels)
    ]  # places in `order`
    pieces = [np.split(places, np.round(ends * len(places)).astype(int)) for places in classes]
    parts = [order[np.sort(np.concatenate(part))] for part in zip(*pieces, strict=True)]
    if empty := [name for name, part in zip(fractions, parts, strict=True) if len(part) == 0]:
        raise ValueError(
            f"{n} samples are too few for {dict(fractions)}: nothing is left for {empty}"
        )
    return {
        name: jax.tree.map(lambda x, part=part: np.asarray(x)[part], data)
        for name, part in zip(fractions, parts, strict=True)
    }


def standardize(
    inputs: Mapping[str, ArrayLike], fit: str = "train"
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Shift and scale every feature by what it is on one split: `(x - mean) / sd`.

    The mean and the standard deviation come from the split `fit` alone, so that nothing is learned
    from the others. A feature that is constant there carries no scale: its `sd` is set to 1.

    Args:
        inputs: Arrays of shape `(n, ...)` by split name.
        fit: The split that sets mean and standard deviation.

    Returns:
        The standardised splits, the mean and the standard deviation (of the population, shape
        `(...)`), all float32.

    Raises:
        ValueError: There is no split of the name `fit`.

    Source: Liège (S1-31).
    """
    if fit not in inputs:
        raise ValueError(
            f"wanted a split {fit!r} to take mean and standard deviation from, got {sorted(inputs)}"
        )
    fitted = np.asarray(inputs[fit], np.float64)
    mean = fitted.mean(axis=0)
    sd = np.where(np.ptp(fitted, axis=0) > 0, fitted.std(axis=0), 1.0)
    scaled = {
        name: ((np.asarray(x, np.float64) - mean) / sd).astype(np.float32)
        for name, x in inputs.items()
    }
    return scaled, mean.astype(np.float32), sd.astype(np.float32)


def digits(
    seed: int | jax.Array = 0,
    fractions: Sequence[float] = (0.6, 0.2, 0.2),
    *,
    images: bool = False,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Handwritten digits: 1797 images of 8 x 8 grey pixels in ten classes, from scikit-learn.

    Args:
        seed: An integer, or a JAX key, for the stratified split.
        fractions: The shares of train, validation and test.
        images: Whether `x` is images of one channel, `(n, 8, 8, 1)`, for convolutions.

    Returns:
        `{"train": (x, y), "validation": ..., "test": ...}`: `x` float32 of shape `(n, 64)`, or that
        of images, standardised pixel by pixel on the training part, and `y` int32 of shape `(n,)`.

    Raises:
        ImportError: scikit-learn is missing.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError('digits() needs scikit-learn: pip install "lectopt[demo]"') from error
    x, y = map(np.asarray, load_digits(return_X_y=True))
    parts = split_data(seed, (x, y.astype(np.int32)), fractions, stratify=y)
    scaled, _, _ = standardize({name: x for name, (x, _) in parts.items()})
    shape = (-1, 8, 8, 1) if images else (-1, 64)
    return {name: (scaled[name].reshape(shape), y) for name, (_, y) in parts.items()}
