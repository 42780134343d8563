"""Configurations drawn from a space: evenly spread points, or random ones."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

Sampler = Literal["sobol", "random"]
BITS = 30  # of the coordinates of a Sobol point


def draw(
    distributions: Mapping[str, object], n: int, sampler: Sampler = "sobol", seed: int = 0
) -> list[dict[str, object]]:
    """Distinct configurations from a space; those of a smaller `n` are the first of them.

    The order of the names makes no difference.

    Args:
        distributions: By setting, a list or 1-D array of its values, each as likely; or an object
            with `ppf`, the inverse of a distribution function, as those of `scipy.stats` have.
        n: How many.
        sampler: `"sobol"`: scrambled Sobol points, which leave no gaps; `"random"`: independent
            draws.
        seed: Of the scrambling, or of the draws.

    Returns:
        By setting, Python numbers, or what the list holds.

    Raises:
        ValueError: There is no such sampler or distribution, or fewer than `n` configurations.
    """
    if sampler not in ("sobol", "random"):
        raise ValueError(f"wanted sampler 'sobol' or 'random', got {sampler!r}")
    names = sorted(distributions)
    quantiles = {name: quantile_function(name, distributions[name]) for name in names}
    found: dict[tuple[str, ...], dict[str, object]] = {}
    points = _sobol(len(names), seed) if sampler == "sobol" else _random(len(names), seed)
    most = _combinations(distributions)
    size = 1 << (n - 1).bit_length()
    for new in (size << max(0, i - 1) for i in itertools.count()):  # twice as many in all
        before = len(found)
        for point in points(new):
            drawn = {name: quantiles[name](u) for name, u in zip(names, point, strict=True)}
            drawn = {name: drawn[name] for name in distributions}
            found.setdefault(tuple(repr(drawn[name]) for name in names), drawn)
            if len(found) == n:
                return [*found.values()]
        if len(found) == (before if most == np.inf else most):
            break
    raise ValueError(
        f"wanted {n} samples, and the space has {len(found)} configurations; leave out samples= "
        "to train them all"
    )


def quantile_function(name: str, distribution: object) -> Callable[[float], object]:
    """From a number in (0, 1) to a value of the setting.

    Raises:
        ValueError: It is no distribution.
    """
    if callable(ppf := getattr(distribution, "ppf", None)):

        def quantile(u: float) -> object:
            told = f"{name}: ppf({u:.4g}) of {distribution_name(distribution)}"
            try:
                value: Any = np.asarray(ppf(u))[()]
            except Exception as error:
                raise ValueError(f"{told} raises {error!r}") from error
            if np.ndim(value) or not isinstance(value, np.number) or not np.isfinite(value):
                raise ValueError(
                    f"{told} is {value!r}, and no finite number; are its arguments right?"
                )
            whole = isinstance(value, np.integer) or is_discrete(distribution)
            return int(value) if whole else float(value)

        return quantile
    values = list_of(distribution)
    if not values:
        raise ValueError(
            f"{name}: wanted a list of values, or a distribution with ppf such as "
            f"scipy.stats.loguniform(1e-4, 1e-1), got {distribution!r}"
        )
    return lambda u: values[int(u * len(values))]


def distribution_name(distribution: object) -> str:
    """As it was made, where that is known; the `repr` of those of `scipy.stats` is an address."""
    kind = getattr(getattr(distribution, "dist", None), "name", None)
    if kind is None:
        return repr(distribution)
    args, words = getattr(distribution, "args", ()), getattr(distribution, "kwds", {})
    told = [*map(repr, args), *(f"{name}={x!r}" for name, x in words.items())]
    return f"{kind}({', '.join(told)})"


def is_discrete(distribution: object) -> bool:
    """Whether it is a distribution of whole numbers of `scipy.stats`, whose `ppf` gives floats."""
    return hasattr(getattr(distribution, "dist", distribution), "pmf")


def list_of(distribution: object) -> list[Any]:
    """The values of a list or a 1-D array, as Python numbers; else none."""
    if isinstance(distribution, str | bytes | Mapping):
        return []
    if isinstance(distribution, Sequence):
        return [x.item() if isinstance(x, np.generic) else x for x in distribution]
    array = np.asarray(distribution)
    return array.tolist() if array.ndim == 1 else []


def _combinations(distributions: Mapping[str, object]) -> float:
    """How many configurations there are, at most; inf where a distribution is continuous."""
    if any(hasattr(one, "ppf") for one in distributions.values()):
        return np.inf
    return float(np.prod([len({repr(x) for x in list_of(d)}) for d in distributions.values()]))


def _sobol(dimensions: int, seed: int) -> Callable[[int], np.ndarray]:
    from scipy.stats import qmc

    argument = "rng" if "rng" in inspect.signature(qmc.Sobol).parameters else "seed"
    random: dict[str, Any] = {argument: np.random.default_rng(seed)}  # the same numbers in both
    sobol = qmc.Sobol(dimensions, bits=BITS, **random)
    # A coordinate may be 0, whose quantile may lie outside (-inf of a normal distribution, one
    # below the least of `randint`): the middle of its cell is taken.
    return lambda size: sobol.random_base2(size.bit_length() - 1) + 0.5 ** (BITS + 1)


def _random(dimensions: int, seed: int) -> Callable[[int], np.ndarray]:
    random = np.random.default_rng(seed)
    return lambda size: np.maximum(random.random((size, dimensions)), 0.5**54)  # never 0
