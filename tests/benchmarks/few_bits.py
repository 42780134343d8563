"""What few bits cost: the loss of trainings with a small state or bfloat16 weights, beside float32.

    python tests/benchmarks/few_bits.py [--only WORD]

A convolutional network on digits and a character transformer on the documentation of Python, both
with AdamW at one rate, from ten seeds. Each row is paired with float32 seed by seed: the mean of
the differences of the validation loss with its 95 % interval, beside the deviation of float32 over
the seeds. "within noise": the interval has 0 in it.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax import nnx

sys.path.insert(0, str(Path(__file__).parents[2]))

import lectopt  # noqa: E402
from lectopt import Problem  # noqa: E402
from tests.benchmarks.run import header  # noqa: E402

SEEDS, LENGTH, WIDTH = 10, 32, 32
T_95 = 2.262  # of Student's distribution with nine degrees of freedom


class CNN(nn.Module):
    """Two convolutions with batch normalisation, and a layer for the classes."""

    dtype: Any

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        half = dict(param_dtype=self.dtype)
        for width in (8, 16):
            x = nn.Conv(width, (3, 3), use_bias=False, **half)(x)
            x = nn.relu(nn.BatchNorm(use_running_average=not train, momentum=0.9, **half)(x))
            x = nn.avg_pool(x, (2, 2), (2, 2))
        return nn.Dense(10, **half)(x.reshape(x.shape[0], -1)).astype(jnp.float32)


def digits(dtype: Any) -> Problem:
    """The digits, as images."""

    def loss(model: Any, batch: Any) -> Any:
        logits = model(batch[0], train=model.training)
        return optax.softmax_cross_entropy_with_integer_labels(logits, batch[1])

    data = lectopt.training.digits(images=True)
    return Problem.from_linen(
        CNN(dtype),
        loss,
        data,
        64,
        evaluate=lambda model, split: {"objective": loss(model, split)},
        minimize="objective",
    )


class Transformer(nnx.Module):
    """One block of attention, and a layer for each character."""

    def __init__(self, letters: int, dtype: Any, rngs: nnx.Rngs) -> None:
        half = dict(param_dtype=dtype, rngs=rngs)
        self.letters = nnx.Embed(letters, WIDTH, **half)
        self.places = nnx.Embed(LENGTH, WIDTH, **half)
        self.norms = nnx.List([nnx.LayerNorm(WIDTH, **half) for _ in range(3)])
        self.attention = nnx.MultiHeadAttention(4, WIDTH, decode=False, **half)
        self.up = nnx.Linear(WIDTH, 4 * WIDTH, **half)
        self.down = nnx.Linear(4 * WIDTH, WIDTH, **half)
        self.out = nnx.Linear(WIDTH, letters, **half)

    def __call__(self, text: jax.Array) -> jax.Array:
        x = self.letters(text) + self.places(jnp.arange(text.shape[-1]))[None]
        mask = nnx.make_causal_mask(x[..., 0])
        x = x + self.attention(self.norms[0](x), mask=mask)
        x = x + self.down(nnx.gelu(self.up(self.norms[1](x))))
        return self.out(self.norms[2](x)).astype(jnp.float32)


def characters(dtype: Any) -> Problem:
    """The documentation of Python, a character at a time."""
    letters, codes = np.unique(list("\n".join(topics.values())[:200_000]), return_inverse=True)
    windows = codes[: len(codes) // (LENGTH + 1) * (LENGTH + 1)].reshape(-1, LENGTH + 1)
    windows = windows.astype(np.int32)
    split = len(windows) * 9 // 10

    def loss(model: Any, batch: Any) -> Any:
        logits = model(batch[:, :-1])
        return optax.softmax_cross_entropy_with_integer_labels(logits, batch[:, 1:]).mean(-1)

    return Problem.from_nnx(
        lambda rngs: Transformer(len(letters), dtype, rngs),
        loss,
        {"train": windows[:split], "validation": windows[split : split + 128]},
        16,
        evaluate=lambda model, split: {"objective": loss(model, split)},
        minimize="objective",
    )


PROBLEMS: dict[str, tuple[Callable[[Any], Problem], int]] = {
    "digits, a convolutional network": (digits, 300),
    "characters, a transformer": (characters, 400),
}


def quantised(learning_rate: Any) -> Any:
    """AdamW with 8 bits a number in all slots that are not tiny."""
    return lectopt.quantise_state(lectopt.adamw(learning_rate), least=64)


def rounded(learning_rate: Any) -> Any:
    """AdamW for bfloat16 weights that are rounded at random."""
    return lectopt.round_stochastically(lectopt.adamw(learning_rate))


def both(learning_rate: Any) -> Any:
    """Both."""
    return lectopt.round_stochastically(quantised(learning_rate))


WIDE = {"float32": lectopt.adamw, "state in 8 bits": quantised}
NARROW = {
    "bfloat16 weights, to the nearest": lectopt.adamw,
    "bfloat16 weights, at random": rounded,
    "bfloat16 weights at random, state in 8 bits": both,
}


def finals(make: Callable[[Any], Problem], steps: int) -> dict[str, Any]:
    """The last validation losses of every row, a number for each seed."""
    found = {}
    for dtype, rows in ((jnp.float32, WIDE), (jnp.bfloat16, NARROW)):
        space = {"learning_rate": [3e-3]}
        result = lectopt.sweep(make(dtype), rows, space, steps, seeds=SEEDS, progress=False)
        for name, part in result.table().groupby("optimizer"):
            by_seed = part.set_index("seed")[result.problem_metric]
            found[str(name)] = by_seed.reindex(range(SEEDS)).to_numpy()  # NaN where it diverged
    return found


def state_bytes(make: Callable[[Any], Problem], row: str) -> float:
    """Bytes of the state for each weight."""
    dtype, maker = (jnp.float32, WIDE[row]) if row in WIDE else (jnp.bfloat16, NARROW[row])
    problem = make(dtype)
    params = jax.eval_shape(lambda key: problem.start(key)[0], jax.random.key(0))
    state = jax.eval_shape(maker(3e-3).init, params)
    weights = sum(x.size for x in jax.tree.leaves(params))
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(state)) / weights


def main() -> None:
    """Print a table for each problem."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="WORD", default="", help="problems with this word")
    options = parser.parse_args()
    print(header())
    for name, (make, steps) in PROBLEMS.items():
        if options.only not in name:
            continue
        losses = finals(make, steps)
        base = losses["float32"]
        print(
            f"\n### {name}, {steps} steps: {base.mean():.4f} in float32, ± {base.std(ddof=1):.4f}\n"
        )
        head = ("AdamW with", "bytes of state a weight", "mean difference", "95 % interval")
        print(f"| {' | '.join(head)} | within noise |\n|" + " - |" * 5)
        for row, values in losses.items():
            if row == "float32":
                continue
            differences = values - base
            if np.isnan(differences).any():
                lost = np.isnan(differences).sum()
                print(
                    f"| {row} | | {lost} of {SEEDS} diverged, or their losses are missing | | no |"
                )
                continue
            half = T_95 * differences.std(ddof=1) / np.sqrt(SEEDS)
            low, high = differences.mean() - half, differences.mean() + half
            verdict = "yes" if low <= 0 <= high else "better" if high < 0 else "no"
            mean, size = differences.mean(), state_bytes(make, row)
            print(
                f"| {row} | {size:.2f} | {mean:+.4f} | {low:+.4f} to {high:+.4f} | {verdict} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
