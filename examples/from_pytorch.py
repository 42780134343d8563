"""A PyTorch run, taken over in the middle: two parameter groups, a scheduler, a BatchNorm.

The weights, the buffers, the moments of AdamW and the place in the schedule are carried over; the
updates that follow are those that PyTorch would have made. This program first makes the run that it
takes over; it needs PyTorch.

    python examples/from_pytorch.py
"""

import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx

from lectopt import Problem, Run, fit
from lectopt.dialects import torch
from lectopt.training import digits


class CNN(nnx.Module):
    """The same network as that of `Theirs`."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(1, 8, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(8, momentum=0.9, epsilon=1e-5, rngs=rngs)
        self.out = nnx.Linear(8 * 16, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.avg_pool(nnx.relu(self.norm(self.conv(x))), (2, 2), (2, 2))
        return self.out(x.reshape(x.shape[0], -1))


def theirs(path: Path, steps: int, total: int, data: Any) -> tuple[Any, Any, Any]:
    """A PyTorch network, its optimizer and its scheduler after some steps, from a checkpoint."""
    import torch as pt  # type: ignore[reportMissingImports]

    pt.manual_seed(0)
    net: Any = pt.nn.Module()
    net.conv, net.norm = pt.nn.Conv2d(1, 8, 3, padding=1), pt.nn.BatchNorm2d(8)
    net.out = pt.nn.Linear(8 * 16, 10)

    def logits(x: Any) -> Any:
        x = pt.nn.functional.avg_pool2d(pt.relu(net.norm(net.conv(x))), 2)
        return net.out(x.permute(0, 2, 3, 1).reshape(len(x), -1))  # channels last, as Flax has them

    decayed = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimizer = pt.optim.AdamW(groups, lr=1e-3)
    warm = max(total // 20, 1)
    schedulers = [
        pt.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=warm),
        pt.optim.lr_scheduler.CosineAnnealingLR(optimizer, total - warm),
    ]
    scheduler = pt.optim.lr_scheduler.SequentialLR(optimizer, schedulers, milestones=[warm])

    if not path.exists():
        x, y = data["train"]
        x = pt.from_numpy(x).permute(0, 3, 1, 2).contiguous()
        y = pt.from_numpy(y).long()
        for _ in range(steps):
            batch = pt.randint(0, len(y), (64,))
            optimizer.zero_grad()
            pt.nn.functional.cross_entropy(logits(x[batch]), y[batch]).backward()
            optimizer.step()
            scheduler.step()
        parts = dict(model=net, optimizer=optimizer, scheduler=scheduler)
        pt.save({name: part.state_dict() for name, part in parts.items()}, path)
    checkpoint = pt.load(path)
    net.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    scheduler.load_state_dict(checkpoint["scheduler"])
    return net, optimizer, scheduler


def loss(model, batch):
    return optax.softmax_cross_entropy_with_integer_labels(model(batch[0]), batch[1])


def evaluate(model, batch):
    return {"accuracy": model(batch[0]).argmax(-1) == batch[1]}


def main(directory: Path, before: int = 400, total: int = 1000) -> Run:
    """`before` steps in PyTorch, and the rest of `total` here."""
    data = digits(images=True)
    net, optimizer, scheduler = theirs(directory / "checkpoint.pt", before, total, data)

    def kernel(weight: np.ndarray) -> np.ndarray:
        return weight.transpose(2, 3, 1, 0)  # OIHW to HWIO

    weights = {
        "conv": {"kernel": (net.conv.weight, kernel), "bias": net.conv.bias},
        "norm": {"scale": net.norm.weight, "bias": net.norm.bias},
        "out": {"kernel": (net.out.weight, np.transpose), "bias": net.out.bias},
    }
    buffers = {"norm": {"mean": net.norm.running_mean, "var": net.norm.running_var}}
    tx, opt_state = torch.from_optimizer(optimizer, weights, scheduler=scheduler)
    print(tx)

    problem = Problem.from_nnx(
        CNN, loss, data, batch_size=64, evaluate=evaluate, maximize="accuracy"
    )
    start = {
        "params": torch.read_params(weights),
        "model_state": torch.read_params(buffers),
        "opt_state": opt_state,
        "step": before,
    }
    run = fit(problem, tx, total, start=start, directory=directory / "run")
    print(run, run.history[["loss", "learning_rate"]].iloc[[0, 1, -1]], sep="\n")
    return run


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder))
