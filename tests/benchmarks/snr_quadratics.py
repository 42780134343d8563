"""The signal-to-noise rule on noisy quadratics, beside SGD and Adam that were tuned for them.

    python tests/benchmarks/snr_quadratics.py

Prints the mean loss above the minimum, over seeds, and its ratio to what an independent
implementation, written from the lecture before this one, has measured on the same problems. Minutes
on a CPU; tests/optimizers/test_snr.py holds the beginning of the runs to a factor of 1.5.

Only the tuned methods have been shown the problem: their rates are the best of a grid for the last
time, on other seeds. The rule is told that the curvature is at most 1, no more.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lectopt

DIMENSIONS = 100
_random = np.random.default_rng(0)
ROTATION = np.linalg.qr(_random.standard_normal((DIMENSIONS, DIMENSIONS)))[0]
SCALES = 10 ** _random.uniform(-2, 1, DIMENSIONS)


@dataclass(frozen=True, eq=False)
class Quadratic:
    """`1/2 sum h z^2` with `z = rotation x` and gradients with noise of a known size."""

    curvatures: Any
    start: Any
    seeds: int
    times: tuple[int, ...]
    tuned: Mapping[str, tuple[float, float]]  # method -> the two numbers that MAKERS takes
    measured: Mapping[str, tuple[float, ...]]  # method -> losses at the times
    noise: Any = 1.0
    rotation: Any = None
    multiplicative: bool = False  # the noise is a multiple of the gradient, and vanishes with it

    def loss(self, x: Any) -> Any:
        """The loss above its minimum."""
        z = x if self.rotation is None else self.rotation @ x
        return jnp.sum(self.curvatures * z**2) / 2

    def gradient(self, x: Any, xi: Any) -> Any:
        """A sample of the gradient, from standard normal numbers."""
        exact = jax.grad(self.loss)(x)
        return exact + self.noise * (jnp.abs(exact) if self.multiplicative else 1) * xi


def losses(tx: Any, problem: Quadratic, seeds: int, times: tuple[int, ...]) -> np.ndarray:
    """The losses of every seed (first axis) at the times, in one compiled program."""
    at = jnp.array(times)

    def run(seed: Any) -> Any:
        key, start = jax.random.key(seed), jnp.asarray(problem.start)

        def step(carry: Any, t: Any) -> Any:
            x, state, seen = carry
            xi = jax.random.normal(jax.random.fold_in(key, t), x.shape, x.dtype)
            updates, state = tx.update(problem.gradient(x, xi), state, x)
            x = optax.apply_updates(x, updates)
            return (x, state, jnp.where(at == t + 1, problem.loss(x), seen)), None

        carry = (start, tx.init(start), jnp.zeros(len(times), start.dtype))
        return jax.lax.scan(step, carry, jnp.arange(times[-1]))[0][2]

    return np.asarray(jax.jit(jax.vmap(run))(jnp.arange(seeds)))


def mean_and_diverged(runs: np.ndarray, problem: Quadratic) -> tuple[np.ndarray, float]:
    """The mean over the runs that did not diverge, and the share of those that did.

    A run has diverged if it ends with 10 times the loss that it began with, or without a number.
    """
    kept = runs[:, -1] <= 10 * np.sum(problem.curvatures * problem.start**2) / 2
    mean = runs[kept].mean(0) if kept.any() else np.full(runs.shape[1], np.nan)
    return mean, 1 - kept.mean()


def decaying(maker: Callable[..., Any]) -> Callable[[float, float], Any]:
    """`maker` with the rate `rate / (1 + k t)`."""
    return lambda rate, k: maker((lambda count: rate / (1 + k * count)) if k else rate)


SNR: dict[str, Any] = {
    "snr_sgd": lectopt.snr_sgd(1.0),
    "snr_sgd, N <= 100": lectopt.snr_sgd(1.0, max_window=100),
    "snr_sgd, literal": lectopt.snr_sgd(1.0, literal=True, eps=1e-8),
}
MAKERS = {
    "snr_sgd, tuned": lambda rate, factor: lectopt.snr_sgd(0.5 / rate, noise_factor=factor),
    "SGD, constant": decaying(lectopt.sgd),
    "SGD, decaying": decaying(lectopt.sgd),
    "Adam, constant": decaying(lectopt.adam),
    "Adam, decaying": decaying(lectopt.adam),
}
NAN = float("nan")
HIGH = dict(start=np.full(DIMENSIONS, 3.0), curvatures=np.logspace(0, -2, DIMENSIONS), seeds=24)
TIMES = (100, 300, 1000, 3000, 10000, 20000)
LONG = (100, 300, 1000, 3000, 10000, 30000, 100000)
PROBLEMS = {
    "1 dimension": Quadratic(
        curvatures=np.ones(1),
        start=np.full(1, 10.0),
        seeds=400,
        times=LONG,
        tuned={
            "SGD, constant": (1e-4, 0.0),
            "SGD, decaying": (0.879923, 1.0),
            "Adam, constant": (1.78e-4, 0.0),
            "Adam, decaying": (1.778279, 1.0),
        },
        measured={
            "snr_sgd": (0.1363, 1.112e-2, 1.827e-3, 4.903e-4, 1.203e-4, 2.698e-5, 1.766e-5),
            "snr_sgd, N <= 100": (
                *(0.1363, 1.092e-2, 1.612e-3, 2.418e-4, 2.290e-4, 2.259e-4, 2.044e-4),
            ),
            "snr_sgd, literal": (
                *(0.1321, 1.020e-2, 1.780e-3, 4.890e-4, 1.496e-4, 5.732e-5, 2.839e-5),
            ),
            "SGD, constant": (49.01, 47.09, 40.93, 27.44, 6.766, 0.1238, 2.260e-5),
            "SGD, decaying": (5.399e-3, 1.845e-3, 4.807e-4, 1.504e-4, 5.04e-5, 1.61e-5, 4.937e-6),
            "Adam, constant": (49.82, 49.47, 48.25, 44.88, 34.11, 11.70, 4.192e-5),
            "Adam, decaying": (1.866, 0.4732, 4.718e-2, 2.017e-3, 9.017e-5, 2.294e-5, 5.812e-6),
        },
    ),
    "axis-aligned": Quadratic(
        **HIGH,
        times=TIMES,
        tuned={
            "snr_sgd, tuned": (5.0, 2.0),
            "SGD, constant": (0.004311, 0.0),
            "SGD, decaying": (0.117877, 0.002512),
            "Adam, constant": (0.004311, 0.0),
            "Adam, decaying": (0.117877, 0.002512),
        },
        measured={
            "snr_sgd": (31.59, 19.11, 12.44, 8.376, 5.177, 3.788),
            "snr_sgd, N <= 100": (31.54, 18.74, 11.40, 6.737, 3.059, 1.635),
            "snr_sgd, literal": (34.67, 19.91, 12.82, 8.749, 5.800, 4.632),
            "snr_sgd, tuned": (19.83, 7.069, 2.752, 0.9721, 0.2766, 0.1515),
            "SGD, constant": (64.74, 33.76, 10.40, 2.957, 0.5657, 0.2009),
            "SGD, decaying": (5.504, 2.768, 1.231, 0.4813, 0.1694, 8.627e-2),
            "Adam, constant": (79.06, 51.12, 13.33, 3.021, 0.5670, 0.2005),
            "Adam, decaying": (5.176, 2.722, 1.224, 0.4813, 0.1694, 8.612e-2),
        },
    ),
    "rotated": Quadratic(
        **HIGH,
        times=TIMES,
        rotation=ROTATION,
        tuned={
            "snr_sgd, tuned": (5.0, 2.0),
            "SGD, constant": (0.004311, 0.0),
            "SGD, decaying": (0.117877, 0.002512),
            "Adam, constant": (0.004311, 0.0),
            "Adam, decaying": (0.117877, 0.002512),
        },
        measured={
            "snr_sgd": (32.88, 19.60, 13.02, 8.822, 5.350, 3.824),
            "snr_sgd, N <= 100": (32.83, 18.81, 11.46, 6.849, 3.018, 1.568),
            "snr_sgd, literal": (36.54, 20.21, 13.46, 10.19, 8.316, 7.709),
            "snr_sgd, tuned": (27.12, 16.24, 5.852, 1.818, 0.4170, 0.1711),
            "SGD, constant": (71.97, 37.88, 10.63, 2.694, 0.4402, 0.1665),
            "SGD, decaying": (5.253, 2.540, 1.167, 0.4887, 0.1702, 8.682e-2),
            "Adam, constant": (83.45, 52.60, 14.51, 2.780, 0.4038, 0.1562),
            "Adam, decaying": (4.952, 2.406, 1.131, 0.4790, 0.1688, 8.570e-2),
        },
    ),
    "badly scaled noise": Quadratic(
        **HIGH,
        times=TIMES,
        noise=SCALES,
        tuned={
            "snr_sgd, tuned": (2.0, 2.0),
            "SGD, constant": (0.002031, 0.0),
            "SGD, decaying": (0.047706, 0.002512),
            "Adam, constant": (0.009152, 0.0),
            "Adam, decaying": (0.047706, 0.000501),
        },
        measured={
            "snr_sgd": (27.09, 18.88, 12.64, 7.851, 4.489, 3.259),
            "snr_sgd, N <= 100": (26.83, 17.47, 9.998, 5.220, 2.216, 1.196),
            "snr_sgd, literal": (NAN,) * 6,
            "snr_sgd, tuned": (32.19, 10.57, 4.285, 1.976, 0.8063, 0.5042),
            "SGD, constant": (79.99, 55.65, 22.72, 7.293, 1.839, 0.8077),
            "SGD, decaying": (15.17, 7.544, 3.725, 1.632, 0.6670, 0.3698),
            "Adam, constant": (60.28, 24.96, 7.761, 2.110, 0.6306, 0.3356),
            "Adam, decaying": (13.69, 5.652, 2.042, 1.038, 0.4478, 0.2155),
        },
    ),
    "noise that vanishes": Quadratic(
        **HIGH,
        times=TIMES,
        multiplicative=True,
        tuned={
            "snr_sgd, tuned": (0.5, 1.0),
            "SGD, constant": (0.837678, 0.0),
            "Adam, constant": (0.000957, 0.0),
        },
        measured={
            "snr_sgd": (29.33, 5.369, 0.8731, 7.756e-2, 2.842e-4, 2.537e-7),
            "snr_sgd, N <= 100": (29.33, 5.366, 0.8669, 7.650e-2, 2.740e-4, 2.358e-7),
            "snr_sgd, literal": (NAN,) * 6,
            "snr_sgd, tuned": (7.006, 1.399, 6.078e-2, 2.275e-4, 7.889e-11, 3.853e-18),
            "SGD, constant": (0.1125, 1.380e-3, 4.411e-9, 5.923e-24, 7.539e-75, 8.290e-148),
            "Adam, constant": (93.69, 85.40, 60.61, 17.36, 7.740e-14, 0.0),
        },
    ),
}


def main() -> None:
    """Print a table for every problem, or for those whose names are given."""
    jax.config.update("jax_enable_x64", True)
    for name, problem in PROBLEMS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        print(f"\n{name:24}" + "".join(f"{t:>18}" for t in problem.times), flush=True)
        tuned = {k: MAKERS[k](*numbers) for k, numbers in problem.tuned.items()}
        for method, tx in {**SNR, **tuned}.items():
            runs = losses(tx, problem, problem.seeds, problem.times)
            mean, diverged = mean_and_diverged(runs, problem)
            with np.errstate(invalid="ignore"):  # 0 / 0
                ratios = mean / np.array(problem.measured[method])
            cells = "".join(f"{m:11.3g} x{r:5.2f}" for m, r in zip(mean, ratios, strict=True))
            print(f"{method:24}{cells}{f'  diverged: {diverged:.0%}' if diverged else ''}")


if __name__ == "__main__":
    main()
