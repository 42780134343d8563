"""K-means three ways: by passes over all samples, and sample by sample with two rates."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

import lectopt
from lectopt.landscapes import Landscape, k_means
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.passes import descend, orders
from lectopt.pictures.style import style

CLAIM = "“A simpler problem: K-means. SGD converges faster, but to a poorer minimum.” (CMU 11-785)"
SMALL = dict(samples=600, clusters=8, passes=8, seeds=2)
WAYS = ("Lloyd", "SGD, rate 1 / count", "SGD, rate 0.05")


def measure(
    samples: int = 4000, clusters: int = 20, passes: int = 20, seeds: int = 5
) -> dict[str, Any]:
    """The objective over all samples, by samples seen, of every seed's start: uniform data."""
    runs: dict[str, list[np.ndarray]] = {name: [] for name in WAYS}
    every = samples // 20
    formula = k_means(clusters).formula
    for seed in range(seeds):
        data = np.random.default_rng(seed).uniform(size=(samples, 2)).astype(np.float32)
        ground = Landscape("k_means", formula, data[:clusters].copy(), samples=data)
        value = jax.jit(jax.vmap(ground))
        runs[WAYS[0]].append(np.asarray(value(_lloyd(data, clusters, passes))))
        counted = lectopt.chain(lectopt.scale_by_visit_count(), lectopt.scale_by_learning_rate(1.0))
        for name, tx in zip(WAYS[1:], (counted, lectopt.sgd(0.05)), strict=True):
            way = descend(tx, ground, orders(samples, passes, True, seed))
            seen = way.reshape(-1, clusters, 2)[every - 1 :: every]
            runs[name].append(np.asarray(value(np.concatenate([ground.start[None], seen]))))
    steps = {name: every if name != WAYS[0] else samples for name in WAYS}
    return dict(runs={k: np.array(v) for k, v in runs.items()}, every=steps, samples=samples)


def _lloyd(data: np.ndarray, clusters: int, passes: int) -> np.ndarray:
    centres = [data[:clusters]]
    for _ in range(passes):
        near = ((data[:, None] - centres[-1]) ** 2).sum(-1).argmin(1)
        own = [data[near == j] for j in range(clusters)]
        centres.append(
            np.stack([x.mean(0) if len(x) else c for x, c in zip(own, centres[-1], strict=True)])
        )
    return np.stack(centres)


def verdict(found: dict[str, Any]) -> Verdict:
    """After one pass SGD is lower; in the end it is higher."""
    lloyd, counted, constant = (found["runs"][name] for name in WAYS)
    each = found["samples"] // found["every"][WAYS[1]]
    first = counted[:, each].mean() / lloyd[:, 1].mean()
    last = counted[:, -1].mean() / lloyd[:, -1].mean()
    other = constant[:, -1].mean() / lloyd[:, -1].mean()
    return Verdict(
        bool(first < 1 < last),
        f"after one pass the mean objective of SGD (1 / count) is {first:.3f} times that of "
        f"Lloyd's algorithm, after all passes {last:.3f} times; of SGD at 0.05 {other:.3f} times "
        f"({len(lloyd)} starts, uniform data).",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The objective by samples seen."""
    axes = figure.subplots()
    for k, (name, runs) in enumerate(found["runs"].items()):
        seen = np.arange(runs.shape[1]) * found["every"][name] / found["samples"]
        axes.fill_between(seen, runs.min(0), runs.max(0), color=style(k)["color"], alpha=0.15, lw=0)
        axes.plot(seen, np.median(runs, axis=0), lw=1.5, label=name, **style(k))
    axes.set(xlabel="passes over the samples", ylabel="objective", xscale="symlog", yscale="log")
    axes.set_xlim(0, None)
    axes.legend(loc="upper right")
