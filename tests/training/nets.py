"""Small models with what a step has to carry: dropout and running statistics."""

import flax.linen as nn
import jax.numpy as jnp
import optax
from flax import nnx


def cross_entropy(model, batch):
    x, y = batch
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y)


def accuracy(model, batch):
    return {"accuracy": model(batch[0]).argmax(-1) == batch[1]}


class NnxNet(nnx.Module):
    def __init__(self, rngs, rate=0.0):
        self.a, self.b = nnx.Linear(4, 8, rngs=rngs), nnx.Linear(8, 3, rngs=rngs)
        self.dropout = nnx.Dropout(rate, rngs=rngs)

    def __call__(self, x):
        return self.b(self.dropout(jnp.tanh(self.a(x))))


class LinenNet(nn.Module):
    rate: float = 0.0

    @nn.compact
    def __call__(self, x, train=False):
        x = jnp.tanh(nn.Dense(8, name="a")(x))
        return nn.Dense(3, name="b")(nn.Dropout(self.rate)(x, deterministic=not train))


class NnxNormed(nnx.Module):
    def __init__(self, rngs):
        self.a, self.b = nnx.Linear(4, 8, rngs=rngs), nnx.Linear(8, 3, rngs=rngs)
        self.norm = nnx.BatchNorm(8, momentum=0.9, epsilon=1e-5, rngs=rngs)

    def __call__(self, x):
        return self.b(jnp.tanh(self.norm(self.a(x))))


class LinenNormed(nn.Module):
    @nn.compact
    def __call__(self, x, train):
        x = nn.Dense(8, name="a")(x)
        x = nn.BatchNorm(not train, momentum=0.9, epsilon=1e-5, name="norm")(x)
        return nn.Dense(3, name="b")(jnp.tanh(x))


def told(model, batch):
    """The loss of a Linen module that wants to know whether it is trained."""
    return cross_entropy(lambda x: model(x, train=model.training), batch)
