"""Train one network, get five: a snapshot ensemble on handwritten digits.

The learning rate falls along half a cosine, jumps back up, and falls again. Where it is lowest the
network sits in a minimum, and a snapshot of it is taken; the high rate then carries it to another
one. The snapshots of a training vote by the mean of their softmax outputs. All of this costs one
training, so the rival is a single network that had all the updates, along one cosine.

The network is small and the rate high, so that its minima differ. The snapshots of a wide network
agree on these images, and their vote gains nothing.

Trainings from several random starts run side by side in one compiled scan. The method is that of
Huang et al. (ICLR 2017), the slide "learning rate as temperature" of TTIC 31230.

    python examples/snapshot_ensemble.py
    python examples/snapshot_ensemble.py --steps 300 --cycles 3 --last 2 --seeds 2 --out /tmp/quick
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import lectopt
from lectopt.training import batch_indices, digits

FRACTIONS = (0.6, 0.1, 0.3)  # of the images, to train on, to validate, to test
BATCH_SIZE, RATE, WEIGHT_DECAY = 32, 0.2, 3e-3


class Classifier(nnx.Module):
    """64 pixels, 10 hidden units, 10 classes: so few that one minimum is not like another."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.hidden = nnx.Linear(64, 10, rngs=rngs)
        self.output = nnx.Linear(10, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.output(nnx.relu(self.hidden(x)))


def train(key: Any, data: Any, schedule: Any, cycles: int, length: int) -> tuple[Any, ...]:
    """Train, and take a snapshot after each of `cycles` times `length` updates.

    Returns the test softmax of every snapshot, shape `(cycles, images, 10)`, and the learning rate
    and the training loss of every update.
    """
    init_key, data_key = jax.random.split(key)
    graph, start = nnx.split(Classifier(nnx.Rngs(init_key)))
    l2 = lectopt.add_decayed_weights(WEIGHT_DECAY)
    tx = lectopt.monitor(lectopt.chain(l2, lectopt.momentum(schedule, 0.9)))
    x, y = data["train"]

    def loss(params: Any, chosen: jax.Array) -> jax.Array:
        logits = nnx.merge(graph, params)(x[chosen])
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[chosen]).mean()

    def update(carry: Any, step: jax.Array) -> tuple[Any, Any]:
        params, opt_state = carry
        chosen = batch_indices(data_key, step, len(x), BATCH_SIZE)
        value, grads = jax.value_and_grad(loss)(params, chosen)
        updates, opt_state = tx.update(grads, opt_state, params)
        rate = lectopt.metrics(opt_state)["learning_rate"]
        return (optax.apply_updates(params, updates), opt_state), (rate, value)

    def cycle(carry: Any, number: jax.Array) -> tuple[Any, Any]:
        carry, curves = jax.lax.scan(update, carry, number * length + jnp.arange(length))
        snapshot = nnx.merge(graph, carry[0])
        return carry, (jax.nn.softmax(snapshot(data["test"][0])), curves)

    _, (votes, curves) = jax.lax.scan(cycle, (start, tx.init(start)), jnp.arange(cycles))
    return votes, *jax.tree.map(jnp.ravel, curves)


def accuracy(votes: np.ndarray, labels: np.ndarray) -> str:
    """Mean and standard deviation over the starts; `votes` has shape `(starts, images, 10)`."""
    right = (votes.argmax(axis=-1) == labels).mean(axis=-1)
    return f"{right.mean():.2%} ± {right.std():.2%}"


def draw(curves: dict[str, tuple[np.ndarray, np.ndarray]], length: int, path: Path) -> None:
    """Rate and training loss of one start against the updates, with the snapshots marked."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('the figure needs matplotlib: pip install "lectopt[demo]"') from error

    figure = Figure(figsize=(8, 5), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(1, 2))
    for (name, (rates, losses)), colour in zip(curves.items(), ("#0072B2", "#999999"), strict=True):
        # The geometric mean over an epoch: single batches differ a lot.
        smooth = np.exp(np.convolve(np.log(losses), np.ones(33) / 33, mode="valid"))
        above.plot(rates, color=colour)
        below.plot(np.arange(len(smooth)) + 16, smooth, color=colour, label=name)
    rates, losses = next(iter(curves.values()))
    ends = np.arange(length, len(rates) + 1, length)
    for number, end in enumerate(ends, start=1):
        for axes in (above, below):
            axes.axvline(end, color="#D55E00", linestyle="--", linewidth=1)
        above.annotate(
            f"snapshot {number}",
            (end, RATE),
            xytext=(-3, 2),
            textcoords="offset points",
            ha="right",
            color="#D55E00",
            fontsize="small",
        )
    above.set(ylabel="learning rate", ylim=(0, 1.2 * RATE))
    below.set(xlabel="updates", ylabel="training loss, mean over an epoch")
    below.set(yscale="log", xlim=(0, 1.005 * len(rates)))
    below.legend(loc="upper right", framealpha=1, edgecolor="none")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    figure.savefig(temporary, dpi=150, format=path.suffix[1:])
    os.replace(temporary, path)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=1000, help="updates per training")
    parser.add_argument("--cycles", type=int, default=5, help="snapshots per training")
    parser.add_argument("--last", type=int, default=3, help="how many of the last snapshots vote")
    parser.add_argument("--seeds", type=int, default=8, help="random starts")
    parser.add_argument("--out", type=Path, default=Path("runs/snapshot_ensemble"), help="folder")
    arguments = parser.parse_args(argv)
    if not 1 <= arguments.last <= arguments.cycles <= arguments.steps:
        parser.error("wanted 1 <= last <= cycles <= steps")

    started = time.perf_counter()
    length = -(-arguments.steps // arguments.cycles)
    steps = length * arguments.cycles
    data = jax.tree.map(jnp.asarray, digits(0, FRACTIONS))
    labels = np.asarray(data["test"][1])
    keys = jax.random.split(jax.random.key(0), arguments.seeds)

    def run(schedule: Any, cycles: int, length: int) -> tuple[np.ndarray, ...]:
        trainings = jax.jit(jax.vmap(lambda key: train(key, data, schedule, cycles, length)))
        return jax.device_get(trainings(keys))

    restarts = lectopt.cosine_restarts(init=RATE, steps=steps, cycles=arguments.cycles)
    votes, *curves = run(restarts, arguments.cycles, length)
    single, *single_curves = run(lectopt.cosine_decay(init=RATE, steps=steps), 1, steps)

    figure = arguments.out / "snapshots.png"
    first = {"cosine with restarts": curves, "one cosine": single_curves}
    draw({name: (rates[0], losses[0]) for name, (rates, losses) in first.items()}, length, figure)
    print(f"{arguments.seeds} trainings of {steps} updates each way, {len(labels)} test images")
    print(f"took {time.perf_counter() - started:.0f} s with compilation\n")
    print(f"{'':34}test accuracy (mean and sd over the starts)")
    print(f"{'one cosine over all updates':34}{accuracy(single[:, 0], labels)}")
    for number in range(arguments.cycles):
        print(f"{f'snapshot {number + 1} alone':34}{accuracy(votes[:, number], labels)}")
    for last in sorted({arguments.last, arguments.cycles}):
        mean = votes[:, -last:].mean(axis=1)
        print(f"{f'ensemble of the last {last}':34}{accuracy(mean, labels)}")
    print(f"\nwrote {figure}")


if __name__ == "__main__":
    main()
