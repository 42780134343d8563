"""Which optimizer, and which learning rate? Nine optimizers on handwritten digits.

A small Flax network is trained with every optimizer, at every learning rate, from several random
starts. Trainings of an optimizer run side by side in one compiled program, on every core; after a
ninth and a third of the steps the better third of its learning rates goes on. The best one is
chosen on the validation images, and its accuracy is reported on the test images. Stop it with
Ctrl-C, or kill it: the same command goes on, and once it is done it trains nothing again.

    python examples/digits_sweep.py
    python examples/digits_sweep.py --steps 200 --rates 12 --seeds 2 --out runs/quick
"""

import argparse
import time
from functools import partial
from pathlib import Path

import jax
import numpy as np
import optax
from flax import nnx

import lectopt
from lectopt import Problem, SweepResult, pictures
from lectopt.training import digits

OPTIMIZERS = {
    "sgd": lectopt.sgd,
    "momentum, velocity": partial(lectopt.momentum, decay=0.9, form="velocity"),
    "momentum, heavy ball": partial(lectopt.momentum, decay=0.9, form="heavy_ball"),
    "momentum, ema": partial(lectopt.momentum, decay=0.9, form="ema"),
    "momentum, debiased ema": partial(lectopt.momentum, decay=0.9, form="debiased_ema"),
    "nesterov": partial(lectopt.nesterov, decay=0.9),
    "adagrad": lectopt.adagrad,
    "rmsprop": lectopt.rmsprop,
    "adam": lectopt.adam,
}


class Classifier(nnx.Module):
    """64 pixels, 128 hidden units, 10 classes."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.hidden = nnx.Linear(64, 128, rngs=rngs)
        self.output = nnx.Linear(128, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.output(nnx.relu(self.hidden(x)))


def loss(model: Classifier, batch: tuple[jax.Array, jax.Array]) -> jax.Array:
    x, y = batch
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()


def evaluate(model: Classifier, split: tuple[jax.Array, jax.Array]) -> dict[str, jax.Array]:
    x, y = split
    return {"accuracy": (model(x).argmax(axis=-1) == y).mean(), "loss": loss(model, split)}


def summary(result: SweepResult) -> str:
    """The best rate of each optimizer, one line each."""
    lines = [f"{'optimizer':22} {'best rate':>9}   {'test accuracy':15}   diverged"]
    for row in result.best().to_dict("records"):
        accuracy = f"{row['test_accuracy']:.2%}"
        if len(result.seeds) > 1:
            accuracy += f" ± {row['test_accuracy_sd']:.2%}"
        lines.append(
            f"{row['optimizer']:22} {row['learning_rate']:9.2g}   {accuracy:15}   "
            f"{row['diverged']} of {row['configurations']} rates"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=500, help="updates per training")
    parser.add_argument("--rates", type=int, default=24, help="learning rates, 1e-4 to 10")
    parser.add_argument("--seeds", type=int, default=3, help="random starts per rate")
    parser.add_argument("--out", type=Path, default=Path("runs/digits_sweep"), help="folder")
    arguments = parser.parse_args(argv)

    started = time.perf_counter()
    problem = Problem.from_nnx(
        Classifier, loss, digits(), batch_size=64, evaluate=evaluate, maximize="accuracy"
    )
    rates = np.logspace(-4, 1, arguments.rates)
    result = lectopt.sweep(
        problem,
        OPTIMIZERS,
        {"learning_rate": rates},
        arguments.steps,
        seeds=arguments.seeds,
        eval_every=max(1, arguments.steps // 10),
        halving=3,
        directory=arguments.out / f"{arguments.steps} steps",
    )
    if not result.complete:
        print(f"\n{result}\nstopped; the same command goes on")
        return

    result.table().to_csv(arguments.out / "table.csv", index=False)
    pictures.sensitivity(result, path=arguments.out / "sensitivity.png")
    trainings = len(OPTIMIZERS) * arguments.rates * arguments.seeds
    print(f"\n{trainings} trainings of {arguments.steps} steps on {problem}")
    print(f"took {time.perf_counter() - started:.0f} s with compilation\n")
    print(summary(result))
    print(f"\nwrote {arguments.out / 'table.csv'} and {arguments.out / 'sensitivity.png'}")


if __name__ == "__main__":
    main()
