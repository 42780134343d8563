"""A Flax Linen CNN with BatchNorm and dropout on handwritten digits, with averaged weights.

The loss says when the model trains: `train=model.training`. Gradients are clipped, the rate is cut
when the validation accuracy does not rise, and the weights to use are averages, for which the
running statistics of the BatchNorm are made anew.

    python examples/linen_cnn.py
"""

import flax.linen as nn
import jax
import optax

import lectopt
from lectopt import Problem, Run, fit
from lectopt.training import digits


class CNN(nn.Module):
    """Two convolutions; the second one after a pool."""

    width: int = 16

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        for width in (self.width, 2 * self.width):
            x = nn.Conv(width, (3, 3), use_bias=False)(x)
            x = nn.relu(nn.BatchNorm(use_running_average=not train, momentum=0.9)(x))
            x = nn.avg_pool(x, (2, 2), (2, 2))
        x = nn.Dropout(0.3, deterministic=not train)(x.reshape(x.shape[0], -1))
        return nn.Dense(10)(x)


def loss(model, batch):
    x, y = batch
    logits = model(x, train=model.training)
    return optax.softmax_cross_entropy_with_integer_labels(logits, y)


def evaluate(model, batch):
    x, y = batch
    return {"accuracy": model(x, train=False).argmax(-1) == y}


def train(width: int = 16, epochs: float = 15) -> Run:
    data = digits(images=True)
    problem = Problem.from_linen(
        CNN(width), loss, data, batch_size=64, evaluate=evaluate, maximize="accuracy"
    )
    optimizer = lectopt.chain(
        lectopt.clip_by_global_norm(1.0),
        lectopt.adamw(3e-3),
        lectopt.reduce_on_plateau(factor=0.5, patience=3, mode="max"),
        lectopt.average_params(lectopt.averaging.exponential(0.98)),
    )
    run = fit(problem, optimizer, epochs=epochs, eval_every="epoch", patience=8)
    assert run.best is not None
    test = evaluate(run.best.model, data["test"])["accuracy"].mean()
    print(run, run.stopped, sep="\n")
    print(run.history[["loss", "grad_norm", "learning_rate"]].tail(3))
    print(f"test accuracy of the best averaged weights: {test:.2%}")
    return run


if __name__ == "__main__":
    train()
