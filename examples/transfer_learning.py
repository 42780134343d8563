"""Transfer learning: a network that knows the digits 0 to 4 learns 5 to 9 from a few images each.

The convolutions are taken over and the last layer is new. Three ways to go on from there, as in
ISI's lecture (S2-25): the convolutions frozen; unfrozen from the top, one after the other; with
smaller rates the lower the layer; and, beside them, all layers from scratch.

Transfer is no gain by itself. On these small images what five digits have taught was worth nothing
for the other five: with one or two images of each and 60 updates, from scratch came out 2 to 3
points ahead of the best of the three, of one seed. Try it with images of your own before you
believe in either.

    python examples/transfer_learning.py
"""

import math
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx

import lectopt
from lectopt import Problem, fit
from lectopt.training import digits


class CNN(nnx.Module):
    """Two convolutions, and a head for five classes."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.low = nnx.Conv(1, 16, (3, 3), rngs=rngs)
        self.high = nnx.Conv(16, 32, (3, 3), rngs=rngs)
        self.head = nnx.Linear(2 * 2 * 32, 5, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in (self.low, self.high):
            x = nnx.avg_pool(nnx.relu(layer(x)), (2, 2), (2, 2))
        return self.head(x.reshape(x.shape[0], -1))


def loss(model, batch):
    return optax.softmax_cross_entropy_with_integer_labels(model(batch[0]), batch[1])


def evaluate(model, batch):
    return {"accuracy": model(batch[0]).argmax(-1) == batch[1]}


def problem(model: Any, data: Any, batch_size: int) -> Problem:
    return Problem.from_nnx(model, loss, data, batch_size, evaluate=evaluate, maximize="accuracy")


def of_digits(first: int, each: int | None = None) -> Any:
    """Five digits from one on, as classes 0 to 4; of each of them so many training images."""
    parts = {}
    for name, (x, y) in digits(images=True).items():
        chosen = [np.flatnonzero(y == digit) for digit in range(first, first + 5)]
        if name == "train":
            chosen = [places[:each] for places in chosen]
        places = np.sort(np.concatenate(chosen))
        parts[name] = x[places], y[places] - first
    return parts


def main(known_steps: int = 400, steps: int = 200, each: int = 4) -> dict[str, float]:
    """The test accuracy of each way."""
    known = fit(problem(CNN, of_digits(0), 64), lectopt.adam(3e-3), known_steps)
    print(f"digits 0 to 4: {known}")
    trained = known.model

    def taken_over(rngs: nnx.Rngs) -> CNN:
        model = CNN(rngs)  # its head is new, in every seed another one
        for name in ("low", "high"):
            nnx.update(getattr(model, name), nnx.state(getattr(trained, name)))
        return model

    adam, never, half = lectopt.adam(3e-3), math.inf, steps // 2
    ways = {
        "frozen": (taken_over, lectopt.unfreeze_gradually({"(low|high)/.*": never}, adam)),
        "gradually unfrozen": (
            taken_over,
            lectopt.unfreeze_gradually({"high/.*": half // 2, "low/.*": half}, adam),
        ),
        "discriminative rates": (
            taken_over,
            lectopt.chain(adam, lectopt.scale_by_path({"low/.*": 0.05, "high/.*": 0.2})),
        ),
        "from scratch": (CNN, adam),
    }
    data, found = of_digits(5, each), {}
    print(f"digits 5 to 9, {each} training images of each")
    for name, (model, optimizer) in ways.items():
        run = fit(problem(model, data, len(data["train"][1])), optimizer, steps)
        assert run.best is not None
        found[name] = float(evaluate(run.best.model, data["test"])["accuracy"].mean())
        print(f"{name:22} test accuracy {found[name]:.1%}, best after {run.best.step} updates")
    return found


if __name__ == "__main__":
    main()
