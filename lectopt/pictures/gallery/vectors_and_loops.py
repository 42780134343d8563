"""The time that a sample's gradient takes: alone, in a batch, and in a loop of Python."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.digits_nets import begin, losses, outputs, samples
from lectopt.pictures.style import style

CLAIM = (
    "Mini-batches take more computation for an update, and “we compensate by being able to perform "
    "batch processing”. (CMU 11-785; ISI: “relatively efficient with Python vectorization”)"
)
SMALL = dict(sizes=(1, 256), repeats=10)


def measure(
    sizes: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024), repeats: int = 20
) -> dict[str, Any]:
    """Seconds for a sample of the gradient of a small network on digits: compiled, for a batch of
    each size; and in a loop over the samples of the batch. The least of several times."""
    x, y = samples()["train"]
    network = begin(jax.random.key(0), (64, 64, 10))

    @jax.jit
    def gradient(network: Any, x: Any, y: Any) -> Any:
        return jax.grad(lambda n: losses(outputs(n, x, jax.nn.relu), y).mean())(network)

    vectors, loops = [], []
    for size in sizes:
        rows = np.arange(size) % len(y)
        bx, by = jnp.asarray(x[rows]), jnp.asarray(y[rows])
        vectors.append(_least(gradient, [(network, bx, by)], repeats) / size)
        few = [(network, bx[k : k + 1], by[k : k + 1]) for k in range(min(size, 16))]
        loops.append(_least(gradient, few, repeats) / len(few))
    return dict(sizes=np.array(sizes), vectors=np.array(vectors), loops=np.array(loops))


def _least(function: Any, calls: Sequence[tuple[Any, ...]], repeats: int) -> float:
    """Seconds of the fastest of several rounds of calls, after one that compiles."""
    times = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        jax.block_until_ready([function(*call) for call in calls])
        times.append(time.perf_counter() - begun)
    return min(times[1:])


def verdict(found: dict[str, Any]) -> Verdict:
    """The largest batch is at least twice as cheap a sample."""
    gain = found["loops"][-1] / found["vectors"][-1]
    return Verdict(
        bool(gain > 2),
        f"a sample's gradient takes {1e6 * found['loops'][-1]:.0f} µs in a loop and "
        f"{1e6 * found['vectors'][-1]:.1f} µs in a batch of {found['sizes'][-1]}, {gain:.0f} times "
        f"less; an update with that batch takes "
        f"{found['vectors'][-1] * found['sizes'][-1] / found['vectors'][0]:.1f} times as long as "
        "one with a single sample. (On the machine that made this page.)",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """Time for a sample, and for an update, by size."""
    left, right = figure.subplots(1, 2)
    sizes = found["sizes"]
    for k, name in enumerate(("loops", "vectors")):
        label = {"loops": "in a loop", "vectors": "as one batch"}[name]
        left.plot(sizes, 1e6 * found[name], marker="o", ms=4, lw=1.5, label=label, **style(k))
        right.plot(sizes, 1e6 * found[name] * sizes, marker="o", ms=4, lw=1.5, **style(k))
    for axes, title in ((left, "µs for a sample"), (right, "µs for all samples of an update")):
        axes.set(xscale="log", yscale="log", xlabel="samples of an update", title=title)
    left.legend()
