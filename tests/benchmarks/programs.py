"""What an update costs: to build, to trace, to compile, to run; in bytes, and beside torch's."""

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lectopt
from tests.benchmarks.claims import Claim, constant, process, wall
from tests.benchmarks.trees import TREES

RATE = 1e-3
PAIRS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "Adam": (lectopt.adam, optax.adam),
    "momentum": (
        lambda rate: lectopt.sgd(rate, momentum=0.9),
        lambda rate: optax.sgd(rate, momentum=0.9),
    ),
}
MORE: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "AdamW": (lectopt.adamw, optax.adamw),
    "RMSprop": (lectopt.rmsprop, optax.rmsprop),
    "Adagrad": (lectopt.adagrad, optax.adagrad),
    "Lion": (lectopt.lion, optax.lion),
}


def stepping(tx: Any) -> Any:
    """The update with its use, jitted with parameters and state given up. They come out in the
    order in which they went in: in another one XLA copies, 72 bytes a weight of Adam for 40."""

    def step(params: Any, state: Any, grads: Any) -> Any:
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    return jax.jit(step, donate_argnums=(0, 1))


def lowering(make: Callable[..., Any], tree: Any) -> Callable[[], object]:
    """Trace and lower the update of a newly built optimizer."""

    def call() -> object:
        tx = make(RATE)
        arguments = (tree, jax.eval_shape(tx.init, tree), tree)
        return jax.jit(lambda *args: tx.update(*args)).trace(*arguments).lower()

    return call


class Step:
    """A compiled step of `weights` weights in `leaves` leaves, run from where it stands."""

    def __init__(self, make: Callable[..., Any], weights: int, leaves: int) -> None:
        self.params = [jnp.ones(weights // leaves) for _ in range(leaves)]
        self.grads = [jnp.ones(weights // leaves) for _ in range(leaves)]
        tx = make(RATE)
        self.state = tx.init(self.params)
        self.step = stepping(tx).lower(self.params, self.state, self.grads).compile()

    def __call__(self) -> None:
        self.params, self.state = self.step(self.params, self.state, self.grads)
        jax.block_until_ready(self.params)

    def megabytes(self) -> float:
        """That the program reads and writes, as XLA counts."""
        cost = self.step.cost_analysis()
        return (cost[0] if isinstance(cost, list) else cost)["bytes accessed"] / 1e6


def copying(weights: int) -> Callable[[], object]:
    """Move as many bytes as Adam must: 28 a weight, read or written, by copies of an array."""
    arrays = [np.ones(weights, np.float32) for _ in range(2)]

    def call() -> None:
        for _ in range(3):  # 8 bytes a weight each
            np.copyto(arrays[1], arrays[0])
        np.copyto(arrays[1][: weights // 2], arrays[0][: weights // 2])

    return call


def torchs(weights: int, leaves: int) -> Callable[[], object]:
    """A step of PyTorch's Adam, by its fused kernel."""
    import torch

    params = [torch.nn.Parameter(torch.ones(weights // leaves)) for _ in range(leaves)]
    for p in params:
        p.grad = torch.ones_like(p)
    return torch.optim.Adam(params, RATE, fused=True).step


def claims(quick: bool) -> Iterator[Claim]:
    """The rows."""
    for name, (ours, _) in PAIRS.items():
        yield Claim(
            f"build {name}",
            process(lambda ours=ours: [ours(RATE) for _ in range(100)]),
            constant(100 * 0.1),
            peer="0.1 ms each",
            unit="ms / 100",
            at_most=1.0,
        )
    trees = ("200 leaves",) if quick else ("200 leaves", "1,000 leaves", "GPT-2", "ResNet-50")
    for tree in trees:
        for name, (ours, theirs) in PAIRS.items():
            shapes = TREES[tree]()
            yield Claim(
                f"trace and lower {name}, {tree}",
                process(lowering(ours, shapes)),
                process(lowering(theirs, shapes)),
                at_most=1.0,
                turns=5,
            )
    weights = 2_000_000 if quick else 20_000_000
    for name, (ours, theirs) in (PAIRS | MORE).items():
        for leaves in (1,) if quick or name in MORE else (1, 10, 100):
            mine, others = Step(ours, weights, leaves), Step(theirs, weights, leaves)
            size = f"{weights // 1_000_000} M weights in {leaves}"
            yield Claim(
                f"bytes of {name}, {size}",
                constant(mine.megabytes()),
                constant(others.megabytes()),
                unit="MB",
                at_most=1.001,
                turns=1,
            )
            yield Claim(
                f"a step of {name}, {size}", wall(mine), wall(others), at_most=1.05, turns=15
            )
            if name == "Adam" and leaves == 1:
                yield Claim(
                    f"a step of {name}, {size}",
                    wall(mine),
                    wall(copying(weights)),
                    peer="copying 28 bytes a weight",
                    note="XLA writes Adam in three passes on the CPU, 40 bytes a weight",
                )
                if importlib.util.find_spec("torch"):
                    yield Claim(
                        f"a step of {name}, {size}",
                        wall(mine),
                        wall(torchs(weights, leaves)),
                        peer="torch, fused",
                    )
