"""A small transformer that learns to write the documentation of Python, a character at a time.

The text is that of `help()`, which ships with Python. Parameters and activations are bfloat16, half
of the memory; the slots of the optimizer are float32 all the same. Batches are drawn on the device
by `sample`, from a text that is kept there once.

    python examples/character_transformer.py
"""

from pydoc_data.topics import topics
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import lectopt
from lectopt import Problem, Run, fit

LENGTH = 64  # characters of a window
HALF: Any = dict(dtype=jnp.bfloat16, param_dtype=jnp.bfloat16)


class Block(nnx.Module):
    """Attention to what stands before, and a layer for each character."""

    def __init__(self, width: int, heads: int, rngs: nnx.Rngs) -> None:
        self.norms = nnx.List([nnx.LayerNorm(width, rngs=rngs, **HALF) for _ in range(2)])
        self.attention = nnx.MultiHeadAttention(heads, width, decode=False, rngs=rngs, **HALF)
        self.up = nnx.Linear(width, 4 * width, rngs=rngs, **HALF)
        self.down = nnx.Linear(4 * width, width, rngs=rngs, **HALF)

    def __call__(self, x: jax.Array) -> jax.Array:
        mask = nnx.make_causal_mask(x[..., 0])
        x = x + self.attention(self.norms[0](x), mask=mask)
        return x + self.down(nnx.gelu(self.up(self.norms[1](x))))


class Transformer(nnx.Module):
    """From characters to the logits of the next one, at every place."""

    def __init__(self, letters: int, width: int, layers: int, rngs: nnx.Rngs) -> None:
        self.letters = nnx.Embed(letters, width, rngs=rngs, **HALF)
        self.places = nnx.Embed(LENGTH, width, rngs=rngs, **HALF)
        self.blocks = nnx.List([Block(width, 4, rngs) for _ in range(layers)])
        self.norm = nnx.LayerNorm(width, rngs=rngs, **HALF)
        self.out = nnx.Linear(width, letters, rngs=rngs, **HALF)

    def __call__(self, text: jax.Array) -> jax.Array:
        x = self.letters(text) + self.places(jnp.arange(text.shape[-1]))[None]
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x)).astype(jnp.float32)


def loss(model, batch):
    """Cross-entropy in nats a character, of each window."""
    logits = model(batch[:, :-1])
    return optax.softmax_cross_entropy_with_integer_labels(logits, batch[:, 1:]).mean(axis=-1)


def write(model: Transformer, letters: np.ndarray, begin: str, count: int) -> str:
    """The text that the model writes, drawn letter by letter."""
    text = np.searchsorted(letters, list(begin.rjust(LENGTH)))
    step = nnx.jit(lambda model, text, key: jax.random.categorical(key, model(text)[0, -1]))
    for i in range(count):
        text = np.append(text, step(model, text[None, -LENGTH:], jax.random.key(i)))
    return "".join(letters[text[LENGTH - len(begin) :]])


def main(steps: int = 200, width: int = 64, layers: int = 2, size: int = 400_000) -> Run:
    letters, codes = np.unique(list("\n".join(topics.values())[:size]), return_inverse=True)
    windows = codes[: len(codes) // (LENGTH + 1) * (LENGTH + 1)].reshape(-1, LENGTH + 1)
    windows = windows.astype(np.int32)
    split = len(windows) * 9 // 10
    data = {"train": windows[:split], "validation": windows[split : split + 256]}

    def sample(train: jax.Array, key: jax.Array, step: Any) -> jax.Array:
        """Windows that begin anywhere."""
        text = train.ravel()
        begins = jax.random.randint(key, (32, 1), 0, text.size - LENGTH)
        return text[begins + jnp.arange(LENGTH + 1)[None]]

    def matrices(params: Any) -> Any:
        return jax.tree.map(lambda x: x.ndim > 1, params)

    problem = Problem.from_nnx(
        lambda rngs: Transformer(len(letters), width, layers, rngs), loss, data, sample=sample
    )
    rate = lectopt.schedules.warmup_cosine(3e-3, steps, warmup=0.1)
    optimizer = lectopt.chain(
        lectopt.clip_by_global_norm(1.0), lectopt.adamw(rate, weight_decay=0.1, mask=matrices)
    )
    run = fit(problem, optimizer, steps)
    kinds = {str(x.dtype) for x in jax.tree.leaves(run.params)}
    print(run, f"parameters: {kinds}", sep="\n")
    print(run.evaluations.iloc[[0, -1]])
    print(write(run.model, letters, "The ", 200))
    return run


if __name__ == "__main__":
    main()
