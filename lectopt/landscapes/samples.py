"""The lectures' small problems with data: a line, clumps, clusters.

Their value is a mean over samples, so that `problem(batch_size=1)` is stochastic gradient descent.
The samples are drawn once, by a seed.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.landscapes.landscape import Landscape
from lectopt.landscapes.quadratics import whole


def line_through_the_origin(samples: int = 200, noise: float = 0.05) -> Landscape:
    """`mean_i (w x_i - y_i)^2 / 2`, sorted by `x`, with a slope of 3/2 left of 0 and 1/2 right of
    it, so that samples in their order pull `w` up and down.

    Args:
      samples: how many, 2 or more.
      noise: standard deviation of `y` around the two lines, zero or more.

    Source: CMU 11-785, "Find a linear regression line (through origin)".
    """
    n = whole("line_through_the_origin", "samples", samples)
    if n < 2 or not noise >= 0:
        raise ValueError(
            "line_through_the_origin: wanted 2 samples or more and noise of zero or more, got "
            f"samples={samples!r}, noise={noise!r}; write samples=200, noise=0.05"
        )
    x = np.linspace(-2, 2, n)
    y = np.where(x < 0, 1.5, 0.5) * x + noise * np.random.default_rng(5).normal(size=n)
    return _least_squares("line_through_the_origin", x[:, None], y)


def clumpy_data(
    clumps: int = 5, samples: int = 1000, spread: float = 0.0, dimension: int = 2
) -> Landscape:
    """`mean_i (w . x_i - y_i)^2 / 2` where the `x_i` stand in clumps: with a spread of 0 all of a
    clump are the same, and one of each would do.

    Args:
      clumps: how many, `dimension` or more.
      samples: how many in all, divided evenly; `clumps` or more.
      spread: how far the samples of a clump lie apart, in units of the distance between clumps,
        zero or more.
      dimension: number of parameters, 1 or more.

    Source: CMU 11-785, "Extreme example of data clotting", "Clumpy data".
    """
    k, n, d = (
        whole("clumpy_data", name, value)
        for name, value in dict(clumps=clumps, samples=samples, dimension=dimension).items()
    )
    if not d <= k <= n or not spread >= 0:
        raise ValueError(
            "clumpy_data: wanted dimension <= clumps <= samples and a spread of zero or more, got "
            f"dimension={d}, clumps={k}, samples={n}, spread={spread!r}; write "
            "clumpy_data(5, 1000, 0.1)"
        )
    rng = np.random.default_rng(3)
    clump, within, noise = rng.normal(size=(k, d)), rng.normal(size=(n, d)), rng.normal(size=n)
    member = np.arange(n) % k
    x = clump[member] + spread * within
    # The targets, too, are alike in a clump.
    y = x @ np.ones(d) + 0.3 * np.where(spread > 0, noise, noise[member])
    return _least_squares("clumpy_data", x, y)


def k_means(clusters: int = 3, samples: int = 300, spread: float = 0.3) -> Landscape:
    """`mean_i min_j |x_i - c_j|^2 / 2` over `clusters` centres in the plane. With a batch of one it
    is the online algorithm, `c_j += rate (x - c_j)` for the nearest `c_j`.

    Args:
      clusters: number of centres, and of the groups that the samples are drawn from, 1 or more.
      samples: how many, `clusters` or more.
      spread: standard deviation of a group, zero or more, the groups being on the unit circle.

    Source: CMU 11-785, "A simpler problem: K-means"; Sculley 2010.
    """
    k, n = whole("k_means", "clusters", clusters), whole("k_means", "samples", samples)
    if n < k or not spread >= 0:
        raise ValueError(
            "k_means: wanted at least as many samples as clusters and a spread of zero or more, "
            f"got samples={n}, clusters={k}, spread={spread!r}; write k_means(3, 300, 0.3)"
        )
    rng = np.random.default_rng(7)
    turn = 2 * np.pi * np.arange(k) / k
    centres = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    x = centres[np.arange(n) % k] + spread * rng.normal(size=(n, 2))

    def distance(theta: jax.Array, batch: jax.Array) -> jax.Array:
        apart = batch[:, None] - theta[None]
        return jnp.min(jnp.sum(apart**2, axis=-1), axis=1) / 2

    return Landscape("k_means", distance, x[:k].copy(), samples=x.astype(np.float32))


def _least_squares(name: str, x: np.ndarray, y: np.ndarray) -> Landscape:
    x, y = x.astype(np.float32), y.astype(np.float32)
    best, *_ = np.linalg.lstsq(x.astype(np.float64), y.astype(np.float64), rcond=None)
    lowest = float(np.mean((x @ best - y) ** 2) / 2)

    def error(theta: jax.Array, batch: tuple[jax.Array, jax.Array]) -> jax.Array:
        features, target = batch
        return (features @ theta - target) ** 2 / 2

    d = x.shape[1]
    made = Landscape(name, error, np.zeros(d), lowest, (tuple(best),), samples=(x, y))
    if d != 2:
        return made
    window = (best[0] - 2, best[0] + 2), (best[1] - 2, best[1] + 2)
    return replace(made, window=window)
