"""What an update costs: to build, to trace, to compile, to run; in bytes, and beside torch's."""

import functools as ft
import importlib.util
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lectopt
from tests.benchmarks.claims import Claim, Measure, constant, process, wall
from tests.benchmarks.rows import adam_by_hand
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


@ft.lru_cache(maxsize=1)
def shapes_of(name: str) -> Any:
    """The shapes of a tree."""
    return TREES[name]()


TORCH = {"fused": "one pass, 28 bytes a weight", "foreach": "", "loop": ""}
SHARES = {"Adam": 1 / 3, "momentum": 1 / 2}


def stepping(tx: Any) -> Any:
    """The update with its use, jitted with parameters and state given up. They come out in the
    order in which they went in: in another one XLA copies, 72 bytes a weight of Adam for 40."""

    def step(params: Any, state: Any, grads: Any) -> Any:
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    return jax.jit(step, donate_argnums=(0, 1))


def lowering(make: Callable[..., Any], name: str) -> Callable[[], object]:
    """Trace and lower the update of a newly built optimizer."""

    def call() -> object:
        tx, tree = make(RATE), shapes_of(name)
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


@ft.lru_cache(maxsize=2)
def prepared(make: Callable[..., Any], weights: int, leaves: int) -> Step:
    """A step that has been run, of which ours and another's are kept."""
    step = Step(make, weights, leaves)
    step()
    return step


def stepped(make: Callable[..., Any], weights: int, leaves: int, repeats: int = 5) -> Measure:
    """The time of a step."""
    return lambda: process(prepared(make, weights, leaves), repeats)()


def compiling(make: Callable[..., Any], tree: str) -> Measure:
    """The time of compiling a step that is lowered already."""

    def measure() -> float:
        tx, shapes = make(RATE), shapes_of(tree)
        lowered = stepping(tx).lower(shapes, jax.eval_shape(tx.init, shapes), shapes)
        start = time.process_time()
        lowered.compile()
        return 1e3 * (time.process_time() - start)

    return measure


@ft.lru_cache(maxsize=2)
def uncompiled(make: Callable[..., Any], leaves: int) -> Callable[[], object]:
    """An update without `jit`, which has been run."""
    tx, params = make(RATE), {f"leaf{i}": jnp.ones((8, i % 2 + 1)) for i in range(leaves)}
    state = tx.init(params)

    def call() -> object:
        return jax.block_until_ready(tx.update(params, state, params))

    call()
    return call


def copying(weights: int) -> Callable[[], object]:
    """Move as many bytes as Adam must: 28 a weight, read or written, by copies of an array."""
    arrays = [np.ones(weights, np.float32) for _ in range(2)]

    def call() -> None:
        for _ in range(3):  # 8 bytes a weight each
            np.copyto(arrays[1], arrays[0])
        np.copyto(arrays[1][: weights // 2], arrays[0][: weights // 2])

    return call


def torchs(weights: int, leaves: int, **how: bool) -> Callable[[], object]:
    """A step of PyTorch's Adam."""
    import torch

    params = [torch.nn.Parameter(torch.ones(weights // leaves)) for _ in range(leaves)]
    for p in params:
        p.grad = torch.ones_like(p)
    return torch.optim.Adam(params, RATE, **how).step


def made(quick: bool) -> Iterator[Claim]:
    """What it costs to make a program of an optimizer."""
    for name, (ours, _) in PAIRS.items():
        yield Claim(
            f"build {name}",
            process(lambda ours=ours: [ours(RATE) for _ in range(100)], 5),
            constant(100 * 0.1),
            peer="0.1 ms each",
            unit="ms / 100",
            at_most=1.0,
        )
    some = ("200 leaves",)
    many = some if quick else (*some, "1,000 leaves", "GPT-2", "ResNet-50", "ViT-B/16")
    for tree in many:
        for name, (ours, theirs) in PAIRS.items():
            yield Claim(
                f"trace and lower {name}, {tree}",
                process(lowering(ours, tree)),
                process(lowering(theirs, tree)),
                at_most=SHARES[name],
                turns=3 if quick else 5,
            )
    for tree in some if quick else (*some, "GPT-2", "1,000 leaves"):
        for name, (ours, theirs) in PAIRS.items():
            yield Claim(
                f"compile {name}, {tree}",
                compiling(ours, tree),
                compiling(theirs, tree),
                at_most=0.9,
                turns=3,
            )
    for leaves in (2, 20):
        for name, (ours, theirs) in PAIRS.items():
            yield Claim(
                f"an uncompiled update of {name}, {leaves} leaves",
                lambda ours=ours, n=leaves: process(uncompiled(ours, n), 20)(),
                lambda theirs=theirs, n=leaves: process(uncompiled(theirs, n), 20)(),
                at_most=0.5,
            )


def claims(quick: bool) -> Iterator[Claim]:
    """The rows."""
    yield from made(quick)
    weights = 2_000_000 if quick else 20_000_000
    for name, (ours, theirs) in (PAIRS | MORE).items():
        for leaves in (1,) if quick or name in MORE else (1, 10, 100):
            size = f"{weights // 1_000_000} M weights in {leaves}"
            yield Claim(
                f"bytes of {name}, {size}",
                lambda ours=ours, n=leaves: prepared(ours, weights, n).megabytes(),
                lambda theirs=theirs, n=leaves: prepared(theirs, weights, n).megabytes(),
                unit="MB",
                at_most=1.001,
                turns=1,
            )
            mine = stepped(ours, weights, leaves)
            others = stepped(theirs, weights, leaves)
            yield Claim(f"a step of {name}, {size}", mine, others, at_most=1.05, turns=15)
            if name == "Adam" and leaves == 1:
                yield Claim(
                    f"a step of {name}, {size}",
                    mine,
                    lambda: process(copying(weights), 5)(),
                    peer="copying 28 bytes a weight",
                    note="XLA writes Adam in three passes on the CPU, 40 bytes a weight",
                )
                by_hand = stepped(adam_by_hand, weights, leaves)
                yield Claim(f"a step of {name}, {size}", mine, by_hand, peer="JAX, by hand")
                for how, note in TORCH.items() if importlib.util.find_spec("torch") else ():
                    choice = {"fused": how == "fused", "foreach": how == "foreach"}
                    yield Claim(
                        f"a step of {name}, {size}",
                        lambda ours=ours: wall(prepared(ours, weights, 1), 5)(),
                        lambda how=choice: wall(torchs(weights, 1, **how), 5)(),
                        peer=f"torch, {how}",
                        unit="ms wall",
                        note=note,
                    )
