"""Parameter trees for the benchmarks: many small leaves, and three real models, of which only the
shapes exist.

The models are written out in Flax as their papers have them and are run by `jax.eval_shape` alone,
so that no weight is allocated. `gpt` may be made small, where a step is run.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

SHAPES = ((64, 64), (64,), (64, 128), (128,))
INPUT = (1, 224, 224, 3)


def leaves(number: int) -> dict[str, jax.ShapeDtypeStruct]:
    """As many leaves, of four shapes in turn."""
    shapes = [SHAPES[i % len(SHAPES)] for i in range(number)]
    return {f"leaf{i:04}": jax.ShapeDtypeStruct(s, jnp.float32) for i, s in enumerate(shapes)}


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions around a shortcut (He et al. 2015, figure 5)."""

    width: int
    stride: int = 1

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """The block of one image batch, statistics of the running average."""
        y = x
        for size, width, stride in ((1, 1, 1), (3, 1, self.stride), (1, 4, 1)):
            y = nn.Conv(width * self.width, (size, size), stride, use_bias=False)(nn.relu(y))
            y = nn.BatchNorm(use_running_average=True)(y)
        if x.shape != y.shape:
            x = nn.Conv(4 * self.width, (1, 1), self.stride, use_bias=False)(x)
            x = nn.BatchNorm(use_running_average=True)(x)
        return nn.relu(x + y)


class ResNet50(nn.Module):
    """Stages of 3, 4, 6 and 3 bottlenecks, 161 leaves, 25.6 million weights."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """The logits of the thousand classes."""
        x = nn.Conv(64, (7, 7), 2, use_bias=False)(x)
        x = nn.relu(nn.BatchNorm(use_running_average=True)(x))
        x = nn.max_pool(x, (3, 3), strides=(2, 2), padding="SAME")
        for stage, blocks in enumerate((3, 4, 6, 3)):
            for block in range(blocks):
                x = Bottleneck(64 * 2**stage, 2 if stage and not block else 1)(x)
        return nn.Dense(1000)(x.mean((1, 2)))


class Block(nn.Module):
    """A transformer layer with the norms before; `attention` makes what mixes the tokens."""

    width: int
    attention: Callable[[], nn.Module]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Attention and the layer of four times the width, each added to what came in."""
        x = x + self.attention()(nn.LayerNorm()(x))
        y = nn.Dense(4 * self.width)(nn.LayerNorm()(x))
        return x + nn.Dense(self.width)(nn.gelu(y))


class ViT(nn.Module):
    """ViT-B/16: patches of 16, 12 layers of width 768, 200 leaves, 86.6 million weights."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """The logits of the thousand classes, read at the class token."""
        x = nn.Conv(768, (16, 16), 16)(x).reshape(len(x), -1, 768)
        token = self.param("token", nn.initializers.zeros, (1, 1, 768))
        x = jnp.concatenate([jnp.broadcast_to(token, (len(x), 1, 768)), x], axis=1)
        x = x + self.param("places", nn.initializers.normal(0.02), (1, *x.shape[1:]))
        for _ in range(12):
            x = Block(768, lambda: nn.MultiHeadDotProductAttention(12, qkv_features=768))(x)
        return nn.Dense(1000)(nn.LayerNorm()(x)[:, 0])


class FusedAttention(nn.Module):
    """Causal attention with one matrix for queries, keys and values, as GPT-2 stores it."""

    width: int
    heads: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """What each token takes from the tokens before it."""
        parts = jnp.split(nn.Dense(3 * self.width)(x), 3, axis=-1)
        q, k, v = (part.reshape(*x.shape[:2], self.heads, -1) for part in parts)
        mask = nn.make_causal_mask(x[..., 0])
        return nn.Dense(self.width)(nn.dot_product_attention(q, k, v, mask=mask).reshape(x.shape))


class GPT(nn.Module):
    """GPT-2: the embedding is also the last matrix; 148 leaves, 124.4 million weights if small."""

    width: int = 768
    heads: int = 12
    layers: int = 12
    words: int = 50257
    places: int = 1024

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        """The logits of the next token."""
        embedding = nn.Embed(self.words, self.width)
        x = embedding(tokens) + nn.Embed(self.places, self.width)(jnp.arange(tokens.shape[1])[None])
        for _ in range(self.layers):
            x = Block(self.width, lambda: FusedAttention(self.width, self.heads))(x)
        return embedding.attend(nn.LayerNorm()(x))


def abstract(model: nn.Module, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Any:
    """The parameters of a model as shapes and dtypes."""
    variables = jax.eval_shape(model.init, jax.random.key(0), jax.ShapeDtypeStruct(shape, dtype))
    return variables["params"]


TREES: dict[str, Callable[[], Any]] = {
    "200 leaves": lambda: leaves(200),
    "1,000 leaves": lambda: leaves(1000),
    "4,000 leaves": lambda: leaves(4000),
    "ResNet-50": lambda: abstract(ResNet50(), INPUT),
    "ViT-B/16": lambda: abstract(ViT(), INPUT),
    "GPT-2": lambda: abstract(GPT(), (1, 8), jnp.int32),
    "small GPT": lambda: abstract(GPT(64, 4, 12, 512, 64), (1, 8), jnp.int32),
}
