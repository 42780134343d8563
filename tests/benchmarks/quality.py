"""Which optimizer gets how far, at the same budget: tuned alike, from ten fresh seeds.

    python tests/benchmarks/quality.py [--quick] [--only WORD]

docs/which-optimizer.md has its tables.

Every optimizer is tuned over the same rates with three seeds, by the objective after the last step;
the best rate then trains from ten seeds that the tuning has not seen. Printed as Markdown: that
rate; how many decades of rates come within 10 % of its mean; the median of the ten final
objectives, and the least and the largest; and the median step at which the ten reach the level that
half of all trainings reach at some evaluation. The objective is that of the whole training set, as
the lectures mean it, and of the digits' validation images for the network.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

sys.path.insert(0, str(Path(__file__).parents[2]))

import lectopt  # noqa: E402
from lectopt import Problem, landscapes  # noqa: E402
from tests.benchmarks.run import header  # noqa: E402

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "sgd": lectopt.sgd,
    "momentum": partial(lectopt.momentum, decay=0.9),
    "nesterov": partial(lectopt.nesterov, decay=0.9),
    "adagrad": lectopt.adagrad,
    "adadelta": lectopt.adadelta,
    "rmsprop": lectopt.rmsprop,
    "adam": lectopt.adam,
    "nadam": lectopt.nadam,
    "radam": lectopt.radam,
    "lion": partial(lectopt.lion, weight_decay=0.0),
}
TUNING, FRESH = (0, 1, 2), tuple(range(100, 110))
RATES = np.logspace(-4, 1, 21)


def linear(x: Any, y: Any, loss: Callable[[Any, Any], Any]) -> Problem:
    """A linear model of standardised columns, with a loss per sample of output and target."""
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    y = np.asarray(y, np.float32)

    def init(key: jax.Array) -> Any:
        return {"w": 0.1 * jax.random.normal(key, (x.shape[1],)), "b": jnp.zeros(())}

    def per_sample(params: Any, batch: Any, key: jax.Array) -> Any:
        return loss(batch[0] @ params["w"] + params["b"], batch[1])

    def evaluate(params: Any, split: Any) -> Any:
        return {"objective": loss(split[0] @ params["w"] + params["b"], split[1])}

    data = {"train": (x, y), "validation": (x, y)}  # the objective is that of the training set
    return Problem(init, per_sample, data, 32, evaluate=evaluate, minimize="objective")


def breast_cancer() -> Problem:
    """Logistic regression of 569 samples with 30 columns."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return linear(x, y, lambda z, y: jnp.logaddexp(0, z) - y * z)


def diabetes() -> Problem:
    """Least squares of 442 samples with 10 columns."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    return linear(x, (y - y.mean()) / y.std(), lambda z, y: (z - y) ** 2)


class Network(nnx.Module):
    """64 pixels, 64 hidden units, 10 classes."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.hidden = nnx.Linear(64, 64, rngs=rngs)
        self.output = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.output(nnx.relu(self.hidden(x)))


def digits() -> Problem:
    """A network on 8 x 8 images of digits."""

    def loss(model: Network, batch: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(model(batch[0]), batch[1])

    return Problem.from_nnx(
        Network,
        loss,
        lectopt.training.digits(),
        64,
        evaluate=lambda model, split: {"objective": loss(model, split)},
        minimize="objective",
    )


def quadratic(noise: float) -> Problem:
    """Ten coordinates with curvatures from 1 to 1,000."""
    curvatures = jnp.asarray(np.logspace(0, 3, 10), jnp.float32)

    def loss(w: Any, batch: Any, key: jax.Array) -> Any:
        return jnp.vdot(curvatures, w**2) / 2 + noise * jnp.vdot(jax.random.normal(key, (10,)), w)

    def evaluate(w: Any, split: Any) -> Any:
        return {"objective": jnp.vdot(curvatures, w**2) / 2}

    def init(key: jax.Array) -> Any:
        return 1 + 0.1 * jax.random.normal(key, (10,))

    data = {"train": np.zeros((1, 0))}  # a step has to have a batch: of one empty sample
    return Problem(init, loss, data, 1, evaluate=evaluate, minimize="objective")


PROBLEMS: dict[str, tuple[Callable[[], Problem], int]] = {
    "Breast cancer, logistic regression": (breast_cancer, 400),
    "Diabetes, least squares": (diabetes, 400),
    "Digits, a network of 64 hidden units": (digits, 400),
    "A quadratic with condition number 1,000": (partial(quadratic, 0.0), 400),
    "The same with noise of deviation 10 in each gradient": (partial(quadratic, 10.0), 400),
    "Rosenbrock": (lambda: landscapes.rosenbrock().problem(), 400),
}


def rows(problem: Problem, steps: int, rates: Any) -> list[list[str]]:
    """A row for each optimizer, the best first."""
    space = {"learning_rate": rates}
    tuned = lectopt.sweep(problem, OPTIMIZERS, space, steps, seeds=TUNING, progress=False)
    best = {row["optimizer"]: row["learning_rate"] for row in tuned.best().to_dict("records")}
    decades = dict(tuned.band()[["optimizer", "decades"]].itertuples(index=False))
    chosen = {name: {"learning_rate": [rate]} for name, rate in best.items()}
    fresh = lectopt.sweep(problem, OPTIMIZERS, chosen, steps, seeds=FRESH, progress=False)
    column = fresh.problem_metric
    level = fresh.level(0.5)
    found = []
    for name, finals in fresh.table().groupby("optimizer")[column]:
        curves = fresh.curves().query("optimizer == @name")
        reached = curves[curves[column] <= level].groupby("seed")["step"].min()
        first = reached.reindex(list(FRESH)).fillna(np.inf).median()
        found.append((finals.median(), finals.min(), finals.max(), str(name), first))
    return [
        [name, f"{best[name]:.2g}", f"{decades[name]:.1f}", f"{median:.3g}", f"{low:.3g}"]
        + [f"{high:.3g}", "never" if first == np.inf else f"{first:.0f}"]
        for median, low, high, name, first in sorted(found)
    ]


HEAD = ["optimizer", "best rate", "decades within 10 %", "median", "least", "largest", "step"]


def main() -> None:
    """Print a table for each problem, as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="six rates")
    parser.add_argument("--only", metavar="WORD", default="", help="problems with this word")
    options = parser.parse_args()
    print(header())
    for name, (make, steps) in PROBLEMS.items():
        if options.only in name:
            print(f"\n### {name}, {steps} steps\n")
            for row in [HEAD, ["---"] * len(HEAD)]:
                print("| " + " | ".join(row) + " |")
            for row in rows(make(), steps, RATES[::4] if options.quick else RATES):
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
