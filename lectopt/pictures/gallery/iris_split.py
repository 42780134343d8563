"""The classes of Iris in a random part of it, and in a stratified one."""

from __future__ import annotations

from typing import Any

import numpy as np

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style
from lectopt.training.data import split_data

CLAIM = (
    "“Distribution of Iris flower classes upon random subsampling”: the shares of the classes "
    "drift, and stratified splits keep them. (STAT 479)"
)
SMALL = dict(splits=100)


def measure(splits: int = 1000, test: int = 45) -> dict[str, Any]:
    """How many of each class are in the test part of many splits, by chance and stratified."""
    from sklearn.datasets import load_iris

    classes = np.asarray(load_iris(return_X_y=True)[1])
    rng = np.random.default_rng(0)
    chance = np.array(
        [np.bincount(rng.permutation(classes)[:test], minlength=3) for _ in range(splits)]
    )
    shares = {"train": 1 - test / len(classes), "test": test / len(classes)}
    kept = np.array([
        np.bincount(split_data(seed, classes, shares, stratify=classes)["test"], minlength=3)
        for seed in range(20)
    ])  # fmt: skip
    n, k = len(classes), np.bincount(classes)[0]
    expected = np.sqrt(test * k / n * (1 - k / n) * (n - test) / (n - 1))
    return dict(chance=chance, stratified=kept, expected=expected, test=test)


def verdict(found: dict[str, Any]) -> Verdict:
    """The spread is that of drawing without replacement; stratified, a class is off by one."""
    chance, kept, test = found["chance"], found["stratified"], found["test"]
    off = np.abs(kept - test / 3).max()
    return Verdict(
        bool(abs(chance.std() / found["expected"] - 1) < 0.1 and off <= 1),
        f"of {test} test flowers {test / 3:.0f} should be of each class. By chance they are "
        f"{chance.min()} to {chance.max()} in {len(chance)} splits, with a standard deviation of "
        f"{chance.std():.2f} ({found['expected']:.2f} by the hypergeometric distribution); "
        f"stratified, {kept.min()} to {kept.max()}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The first splits class by class, and the counts of all."""
    left, right = figure.subplots(1, 2, width_ratios=[1.4, 1])
    names = ("setosa", "versicolor", "virginica")
    for k, name in enumerate(names):
        at = np.arange(6) + (k - 1) * 0.26
        counts = [*found["chance"][:5, k], found["stratified"][0, k]]
        left.bar(at, counts, width=0.24, color=style(k)["color"], label=name)
    left.axhline(found["test"] / 3, color="black", lw=0.8, ls=":")
    left.set_xticks(range(6), [*map(str, range(1, 6)), "stratified"])
    left.set(xlabel="split", title=f"flowers of each class among {found['test']}")
    left.set_ylim(0, 1.35 * found["chance"][:5].max())
    left.legend(ncols=3, fontsize=8)
    low, high = found["chance"].min(), found["chance"].max()
    bins = np.arange(low, high + 2) - 0.5
    for k, (name, counts) in enumerate(
        (("by chance", found["chance"]), ("stratified", found["stratified"]))
    ):
        right.hist(
            counts.ravel(), bins=bins, density=True, alpha=0.6, label=name, color=style(k)["color"]
        )
    right.set(xlabel="flowers of a class", title="all splits", yticks=[])
    right.legend(fontsize=8)
