"""A training that is killed goes on, and ends in the same bits.

This program trains in a process of its own, kills it with SIGKILL, as a machine that goes down
would, and makes the same call again. Nothing is written for that but `directory=`.

    python examples/resume_after_crash.py
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
import optax
from flax import nnx

import lectopt
from lectopt import Problem, Run, fit
from lectopt.training import digits


class CNN(nnx.Module):
    """With all that a state has: running statistics, dropout."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(1, 8, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(8, rngs=rngs)
        self.drop = nnx.Dropout(0.2, rngs=rngs)
        self.out = nnx.Linear(16 * 8, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.avg_pool(nnx.relu(self.norm(self.conv(x))), (2, 2), (2, 2))
        return self.out(self.drop(x.reshape(x.shape[0], -1)))


def loss(model, batch):
    return optax.softmax_cross_entropy_with_integer_labels(model(batch[0]), batch[1])


def train(directory: Path | None, steps: int) -> Run:
    problem = Problem.from_nnx(CNN, loss, digits(images=True), batch_size=32)
    average = lectopt.average_params(lectopt.averaging.exponential(0.99))
    optimizer = lectopt.chain(lectopt.adamw(1e-3), average)
    # A state is saved once a minute, and when a run stops. This run is short: it is made in two
    # parts, so that there is one to go on from.
    if directory is not None:
        fit(problem, optimizer, steps // 2, eval_every=50, directory=directory)
    return fit(problem, optimizer, steps, eval_every=50, directory=directory)


def main(steps: int = 1000) -> bool:
    """Whether the run that was killed has the bits of one that was not."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "run"
        process = subprocess.Popen([sys.executable, __file__, str(directory), str(steps)])
        lines = directory / "history.jsonl"
        wanted = steps // 2 + 1
        while process.poll() is None:  # until it is in the second half
            time.sleep(0.01)
            if lines.exists() and lines.read_bytes().count(b"\n") >= wanted:
                process.kill()
        process.wait()
        print(f"killed with {lines.read_bytes().count(bytes([10]))} of {steps} steps written")
        run = train(directory, steps)
    straight = train(None, steps)
    same = run.history.equals(straight.history)
    for name in ("params", "model_state", "opt_state"):
        both = (jax.tree.leaves(getattr(r, name)) for r in (run, straight))
        same &= all(np.array_equal(a, b) for a, b in zip(*both, strict=True))
    print(f"{run}\nthe same bits as the run that nobody disturbed: {same}")
    return same


if __name__ == "__main__":
    if len(sys.argv) == 3:
        train(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        main()
