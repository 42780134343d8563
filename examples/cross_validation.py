"""Choose a learning rate by cross-validation, with scikit-learn's splitters and scaler.

A tenth of the handwritten digits is put aside as the test set. The others are divided into folds
with equal shares of the classes; each fold is once what is validated on, while the network trains
on the rest. Pixels are standardised by what they are on the training part of the fold, and on
nothing else. The rate with the best mean accuracy over folds and seeds then trains on all but the
test set, which is looked at once.

    python examples/cross_validation.py
    python examples/cross_validation.py --folds 3 --steps 100 --rates 4 --seeds 1
"""

import argparse
import time
from typing import Any

import jax
import numpy as np
import optax
import pandas as pd
from flax import nnx
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler

import lectopt
from lectopt import Problem, fit, sweep

Batch = tuple[jax.Array, jax.Array]
Split = tuple[np.ndarray, np.ndarray]


class Classifier(nnx.Module):
    """64 pixels, 32 hidden units, 10 classes."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.hidden = nnx.Linear(64, 32, rngs=rngs)
        self.output = nnx.Linear(32, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.output(nnx.relu(self.hidden(x)))


def loss(model: Classifier, batch: Batch) -> jax.Array:
    x, y = batch
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y)


def evaluate(model: Classifier, batch: Batch) -> dict[str, jax.Array]:
    x, y = batch
    return {"accuracy": model(x).argmax(-1) == y}


def problem(train: Split, **others: Split) -> Problem:
    """The network on splits whose pixels are standardised by the training part."""
    scaler: Any = StandardScaler().fit(train[0])
    data = {
        name: (scaler.transform(x).astype(np.float32), y.astype(np.int32))
        for name, (x, y) in dict(train=train, **others).items()
    }
    return Problem.from_nnx(Classifier, loss, data, 64, evaluate=evaluate, maximize="accuracy")


def cross_validate(
    x: np.ndarray, y: np.ndarray, folds: int, rates: np.ndarray, seeds: int, steps: int
) -> pd.DataFrame:
    """A row for each fold, rate and seed, with the accuracy on the fold."""
    splitter = StratifiedKFold(folds, shuffle=True, random_state=0)
    tables = []
    for fold, (rest, held_out) in enumerate(splitter.split(x, y)):
        of_fold = problem((x[rest], y[rest]), validation=(x[held_out], y[held_out]))
        result = sweep(
            of_fold, {"adam": lectopt.adam}, {"learning_rate": rates},
            seeds=seeds, steps=steps, progress=False,
        )  # fmt: skip
        tables.append(result.table().assign(fold=fold))
    return pd.concat(tables, ignore_index=True)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--rates", type=int, default=8, help="learning rates, 1e-4 to 0.1")
    parser.add_argument("--seeds", type=int, default=2, help="random starts per rate and fold")
    parser.add_argument("--steps", type=int, default=300, help="updates per training")
    arguments = parser.parse_args(argv)

    started = time.perf_counter()
    images: Any = load_digits()
    x, x_test, y, y_test = map(
        np.asarray,
        train_test_split(
            images.data, images.target, test_size=0.1, stratify=images.target, random_state=0
        ),
    )
    rates = np.logspace(-4, -1, arguments.rates)
    table = cross_validate(x, y, arguments.folds, rates, arguments.seeds, arguments.steps)

    # The standard error is over folds: the seeds of one fold share its data.
    folds = table.groupby(["learning_rate", "fold"]).validation_accuracy.mean().unstack()
    scores = pd.DataFrame({"accuracy": folds.mean(axis=1), "error": folds.sem(axis=1)})
    print("learning rate   accuracy on the folds")
    for rate, row in scores.iterrows():
        print(f"{rate:13.2g}   {row.accuracy:.2%} ± {row.error:.2%}")

    best = float(scores.accuracy.idxmax())
    of_all = problem((x, y), test=(x_test, y_test))
    run = fit(of_all, lectopt.adam(best), arguments.steps, progress=False)
    test = of_all.metrics(run.params, of_all.data["test"])["accuracy"]
    print(f"\nchosen: {best:.2g}; trained on all {len(y)} other digits, it gets {test:.2%}")
    print(f"of the {len(y_test)} test digits right ({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
