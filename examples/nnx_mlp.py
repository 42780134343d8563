"""A Flax NNX network on handwritten digits: the shortest training that is worth having.

The weights to use are those of the best evaluation. With a directory, the same command goes on
where it was broken off.

    python examples/nnx_mlp.py --epochs 20 --directory runs/mlp
"""

import argparse

import jax
import optax
from flax import nnx

import lectopt
from lectopt import Problem, Run, fit
from lectopt.training import digits


class MLP(nnx.Module):
    """64 pixels, a hidden layer, 10 classes."""

    def __init__(self, width: int, rngs: nnx.Rngs) -> None:
        self.hidden = nnx.Linear(64, width, rngs=rngs)
        self.out = nnx.Linear(width, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.out(nnx.relu(self.hidden(x)))


def loss(model, batch):
    """One number a sample: their mean is minimised."""
    x, y = batch
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y)


def evaluate(model, batch):
    x, y = batch
    return {"accuracy": model(x).argmax(-1) == y}


def train(width: int = 128, epochs: float = 20, directory: str | None = None) -> Run:
    data = digits()
    problem = Problem.from_nnx(
        lambda rngs: MLP(width, rngs), loss, data, batch_size=64, evaluate=evaluate,
        maximize="accuracy",
    )  # fmt: skip
    optimizer = lectopt.adamw(lectopt.cosine_decay(3e-3, problem.steps(epochs)), weight_decay=1e-2)
    run = fit(problem, optimizer, epochs=epochs, directory=directory)
    assert run.best is not None
    test = evaluate(run.best.model, data["test"])["accuracy"].mean()
    print(run)
    print(run.evaluations.tail(3))
    print(f"test accuracy of the best weights, after {run.best.step} updates: {test:.2%}")
    return run


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=float, default=20)
    parser.add_argument("--directory")
    train(**vars(parser.parse_args()))
