"""One of several processes that train together: `python together.py PORT N-OF-THEM ME DIRECTORY`.

Each has two devices. Hidden units are divided over the devices of a process, the batches over
processes. The first one prints what came out.
"""

import json
import signal
import sys

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import AxisType, Mesh

import lectopt
from lectopt import Problem, fit
from lectopt.training import store

X = np.random.default_rng(0).normal(size=(112, 4)).astype(np.float32)
DATA = {"train": (X[:72], X[:72].sum(1)), "validation": (X[72:], X[72:].sum(1))}
COLUMNS = nnx.with_partitioning(nnx.initializers.lecun_normal(), (None, "model"))


class Net(nnx.Module):
    def __init__(self, rngs):
        self.a = nnx.Linear(4, 8, use_bias=False, kernel_init=COLUMNS, rngs=rngs)
        self.norm = nnx.BatchNorm(8, momentum=0.9, rngs=rngs)
        self.drop = nnx.Dropout(0.2, rngs=rngs)
        self.b = nnx.Linear(8, 1, rngs=rngs)

    def __call__(self, x):
        return self.b(self.drop(jnp.tanh(self.norm(self.a(x)))))[:, 0]


def loss(model, batch):
    return (model(batch[0]) - batch[1]) ** 2


def train(steps, directory=None, **changes):
    tx = lectopt.chain(
        lectopt.clip_by_global_norm(1.0),
        lectopt.adamw(0.02),
        lectopt.average_params(lectopt.averaging.exponential(0.9)),
    )
    problem = Problem.from_nnx(Net, loss, DATA, 24, micro_batch=8)
    return fit(problem, tx, steps, seed=1, eval_every=10, directory=directory, **changes)


def own_batches():
    """This process's share of each batch, in the order of the data."""
    begin = 12 * jax.process_index()
    return (tuple(a[i + begin : i + begin + 12] for a in DATA["train"]) for i in range(0, 72, 24))


def streamed(batches, steps=9):
    data = {**DATA, "train": batches}
    problem = Problem.from_nnx(lambda rngs: nnx.Linear(4, 1, rngs=rngs), linear_loss, data)
    return fit(problem, lectopt.adam(0.1), steps, eval_every=3)


def linear_loss(model, batch):
    return (model(batch[0])[:, 0] - batch[1]) ** 2


def told(run):
    """What a run has, as far as this process knows it."""
    kept = [x for x in jax.tree.leaves((run.params, run.model_state)) if x.is_fully_replicated]
    return {
        "loss": run.history["loss"].tolist(),
        "evaluations": run.evaluations.to_numpy().tolist(),
        "kept": [np.asarray(x).ravel().tolist() for x in kept],
        "stopped": run.stopped,
        "best": run.best.step,
    }


def main(port, count, me, directory):
    jax.config.update("jax_num_cpu_devices", 2)
    jax.distributed.initialize(f"127.0.0.1:{port}", count, me)
    store.SAVE_EVERY = 0.0
    kind = (AxisType.Explicit,) * 2
    devices = np.array(jax.devices()).reshape(count, 2)  # the rows are the processes

    def interrupt(run):
        if me == count - 1 and run.step == 20:  # one of them gets a signal
            signal.raise_signal(signal.SIGTERM)

    with jax.set_mesh(Mesh(devices, ("data", "model"), axis_types=kind)):
        stopped = train(40, directory, callbacks=[interrupt])
        run = train(40, directory)  # goes on
        again = train(40, directory)  # is there
        kernel = run.params["a"]["kernel"]
        of_batches = streamed(own_batches)
    if me == 0:
        found = {
            name: told(r) for name, r in dict(run=run, again=again, batches=of_batches).items()
        }
        whole = kernel.is_fully_addressable, kernel.sharding.shard_shape(kernel.shape)
        print(json.dumps({**found, "stopped": stopped.stopped, "kernel": whole}))
    jax.distributed.shutdown()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), sys.argv[4])
