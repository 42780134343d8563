"""A training that is killed, as a program: `python interrupted.py DIRECTORY SECONDS-OF-A-BLOCK`.

A convolutional network with running statistics and dropout; averages, micro-batches, a plateau. The
state is saved after every block. At the end the digest of all that the run has is printed.
"""

import hashlib
import json
import sys

import jax
import numpy as np
import optax
from flax import nnx

import lectopt
from lectopt.training import loop, store


class CNN(nnx.Module):
    def __init__(self, rngs):
        self.conv = nnx.Conv(1, 4, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(4, momentum=0.9, rngs=rngs)
        self.drop = nnx.Dropout(0.2, rngs=rngs)
        self.out = nnx.Linear(4 * 16, 3, rngs=rngs)

    def __call__(self, x):
        x = nnx.avg_pool(nnx.relu(self.norm(self.conv(x))), (2, 2), (2, 2))
        return self.out(self.drop(x.reshape(x.shape[0], -1)))


def make_data():
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 160)
    x = random.normal(size=(160, 8, 8, 1)).astype(np.float32) + y[:, None, None, None] / 2
    y = y.astype(np.int32)
    return {"train": (x[:110], y[:110]), "validation": (x[110:], y[110:])}


def loss(model, batch):
    each = optax.softmax_cross_entropy_with_integer_labels(model(batch[0]), batch[1])
    return each, {"spread": each.std()}


def evaluate(model, batch):
    return {"accuracy": model(batch[0]).argmax(-1) == batch[1]}


def train(directory, steps=400):
    problem = lectopt.Problem.from_nnx(
        CNN, loss, make_data(), 16, evaluate=evaluate, maximize="accuracy", micro_batch=8,
        last_batch="keep",
    )  # fmt: skip
    tx = lectopt.chain(
        lectopt.clip_by_global_norm(1.0),
        lectopt.adamw(3e-2),
        lectopt.reduce_on_plateau(factor=0.7, patience=1, mode="max"),
        lectopt.average_params(lectopt.averaging.exponential(0.8), every=3),
    )
    return lectopt.fit(
        problem, tx, steps, seed=3, eval_every=11, directory=directory, progress=False
    )


def digest(run):
    best = run.best.params, run.best.model_state
    found = hashlib.sha256(run.history.to_csv().encode() + run.evaluations.to_csv().encode())
    for x in jax.tree.leaves((run.params, run.model_state, run.opt_state, best)):
        found.update(np.asarray(x).tobytes())
    numbers = {"step": run.step, "best": run.best.step, "reason": run.stopped.reason}
    numbers["reductions"] = int(run.opt_state["plateau"]["reductions"])
    return {"digest": found.hexdigest(), **numbers}


if __name__ == "__main__":
    loop.SECONDS, store.SAVE_EVERY = float(sys.argv[2]), 0.0
    print(json.dumps(digest(train(sys.argv[1]))))
