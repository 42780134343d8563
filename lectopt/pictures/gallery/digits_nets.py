"""Small networks on the handwritten digits, trained at several settings at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.training.data import digits

Network = list[tuple[Any, Any]]


def samples(count: int | None = None) -> dict[str, tuple[Any, Any]]:
    """The digits, with so many for the training at most."""
    parts = {name: (jnp.asarray(x), jnp.asarray(y)) for name, (x, y) in digits().items()}
    x, y = parts["train"]
    return parts | {"train": (x[:count], y[:count])}


def begin(key: Any, widths: Sequence[int], gain: float = 2.0) -> Network:
    """Normal weights of variance `gain` over the inputs, and no biases."""
    keys = jax.random.split(key, len(widths) - 1)
    return [
        (jnp.sqrt(gain / a) * jax.random.normal(k, (a, b)), jnp.zeros(b))
        for k, a, b in zip(keys, widths[:-1], widths[1:], strict=True)
    ]


def outputs(
    network: Network,
    x: Any,
    activation: Callable[..., Any],
    *,
    normalise: bool | str = False,
    keep: Any = 1.0,
    key: Any = None,
) -> Any:
    """The ten numbers whose softmax is the prediction.

    Args:
      network: as of `begin`.
      x: a batch.
      activation: of all layers but the last.
      normalise: standardise each hidden unit over the batch, before the activation; or `"after"`.
      keep: the probability that a hidden unit is kept, with a key.
      key: of dropout; without one nothing is dropped.
    """
    *hidden, (last, bias) = network
    for k, (w, b) in enumerate(hidden):
        x = x @ w
        x = standardised(x) if normalise is True else x
        x = activation(x + b[None])
        x = standardised(x) if normalise == "after" else x
        if key is not None:
            x = x * jax.random.bernoulli(jax.random.fold_in(key, k), keep, x.shape) / keep
    return x @ last + bias[None]


def standardised(x: Any) -> Any:
    """Each unit over the batch."""
    mean, variance = x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + 1e-5)


def losses(out: Any, y: Any) -> Any:
    """Cross-entropies."""
    return optax.softmax_cross_entropy_with_integer_labels(out, y)


def trained(
    make: Callable[..., Any],
    settings: Any,
    data: dict[str, tuple[Any, Any]],
    *,
    points: int,
    every: int,
    batch: int = 32,
    widths: Sequence[int] = (64, 32, 10),
    activation: Callable[..., Any] = jax.nn.relu,
    gain: float = 2.0,
    normalise: bool | str = False,
    dropout: bool = False,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Train one network for each setting, side by side from the same start.

    Args:
      make: from a setting to the optimizer; with `dropout` the setting is the probability of
        keeping a unit, and `make` takes nothing.
      settings: numbers.
      data: as of `samples`.
      points: how often loss and error are measured.
      every: updates between two measurements.
      batch: samples of an update.
      widths: of the layers.
      activation: of all but the last.
      gain: of the first weights.
      normalise: batch normalisation, as of `outputs`.
      dropout: see `make`.
      seed: of the weights and batches.

    Returns:
      `train`, the mean loss on the training part; `test`, that on the test part; `error`, the share
      of the test part that is wrong: all of shape (settings, points + 1), infinite after an
      overflow.
    """
    rows = np.random.default_rng(seed).integers(0, len(data["train"][1]), (points, every, batch))
    lanes = _lanes(make, activation, normalise, dropout)
    network = begin(jax.random.key(seed), widths, gain)
    found = lanes(jnp.asarray(settings, jnp.float32), network, data, rows)
    return {k: np.where(np.isfinite(v), v, np.inf) for k, v in found.items()}


@functools.lru_cache(8)
def _lanes(
    make: Callable[..., Any], activation: Callable[..., Any], normalise: bool | str, dropout: bool
) -> Any:
    """The compiled training of all settings, one for all seeds."""

    def measured(network: Any, data: Any) -> dict[str, Any]:
        found = {}
        for name in ("train", "test"):
            out = outputs(network, data[name][0], activation, normalise=normalise)
            found[name] = losses(out, data[name][1]).mean()
        found["error"] = (out.argmax(axis=1) != data["test"][1]).mean()
        return found

    def lane(setting: Any, network: Network, data: Any, rows: Any) -> dict[str, Any]:
        tx = make() if dropout else make(setting)
        x, y = data["train"]

        def loss(network: Any, rows: Any, key: Any) -> Any:
            out = outputs(network, x[rows], activation, normalise=normalise, keep=setting, key=key)
            return losses(out, y[rows]).mean()

        def step(carry: Any, rows: Any) -> Any:
            network, state = carry
            key = jax.random.key(jnp.sum(rows)) if dropout else None
            grads = jax.grad(loss)(network, rows, key)
            updates, state = tx.update(grads, state, network)
            return (optax.apply_updates(network, updates), state), None

        def block(carry: Any, rows: Any) -> Any:
            before = measured(carry[0], data)
            carry, _ = jax.lax.scan(step, carry, rows)
            return carry, before

        (network, _), found = jax.lax.scan(block, (network, tx.init(network)), rows)
        last = measured(network, data)
        return jax.tree.map(lambda a, b: jnp.concatenate([a, b[None]]), found, last)

    return jax.jit(jax.vmap(lane, (0, None, None, None)))
