"""Gaussian noise of a chosen temperature, from one key and no state but the step count.

The key of a draw is the user's key, folded with the number of the update and with the path of the
leaf. So a checkpoint holds no key, a run that is resumed draws what it would have drawn, and a leaf
that is masked out or None shifts the noise of no other.
"""

import hashlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt import numerics
from lectopt.lifting import treewise
from lectopt.settings import LearningRate, NonNegative
from lectopt.shards import varying_axes
from lectopt.signatures import checked
from lectopt.state_search import names
from lectopt.transformation import Transformation
from lectopt.trees import is_none
from lectopt.values import is_concrete


@treewise()
def _add_langevin_noise(
    updates: Any,
    count: Any,
    params: Any = None,
    *,
    learning_rate: LearningRate[Any],
    temperature: NonNegative[Any] = 1.0,
    key: Any,
) -> Any:
    scale = numerics.sqrt(2 * learning_rate * temperature)
    drawn = draw_key(key, count)

    def noisy(path: Any, u: Any, weight: Any) -> Any:
        if u is None:
            return None
        key = leaf_key(drawn, path, weight)
        return u + (scale * _normal(key, u)).astype(u.dtype)

    weights = updates if params is None else params
    return jax.tree_util.tree_map_with_path(noisy, updates, weights, is_leaf=is_none)


@checked
def add_langevin_noise(
    learning_rate: LearningRate, temperature: NonNegative = 1.0, *, key: Any
) -> Transformation:
    """`u + sqrt(2 learning_rate temperature) xi`, with `xi` standard normal and independent
    between weights and updates.

    After `scale_by_learning_rate(learning_rate)` it makes Langevin dynamics. The real and the
    imaginary part of a complex weight each get that noise.

    Inside `jax.shard_map`, weights that differ from shard to shard get noise of their own in every
    shard, and copies of one weight the same. The types say which are which: with
    `check_vma=False`, where they do not, all shards draw the same.

    Args:
      learning_rate: zero or more, or a schedule: that of the steps the noise belongs to.
      temperature: zero or more, or a schedule.
      key: a JAX key, typed or raw, or an integer seed; or what `repr` prints for a key, the
        name of its generator and its words. A traced one, as `jax.vmap` gives it, makes the noise
        of every configuration its own: `jax.vmap(lambda key: train(sgld(0.1, key=key)))(keys)`.
        Two optimizers with the same key draw the same noise for the same weight.

    Raises:
      ValueError: `key` is none of these, or holds several keys.

    Source: Welling and Teh 2011; TTIC 31230 (S3-04, S3-22).
    """
    return _add_langevin_noise(learning_rate, temperature, key=printable_key(key))


def draw_key(key: Any, count: Any) -> Any:
    """The key of one update, of a key as `printable_key` gives it."""
    return jax.random.fold_in(_typed(key), count)


def leaf_key(key: Any, path: Any, like: Any) -> Any:
    """The key of one leaf, and of one shard of it where `like` differs from shard to shard."""
    return _of_shard(_folded(key, path), like)


def _folded(key: Any, path: Any) -> Any:
    """A key for one leaf, from 64 bits of a hash of its path, so that no two leaves share one."""
    digest = hashlib.blake2b(repr(names(path)).encode(), digest_size=8).digest()
    for word in np.frombuffer(digest, "<u4"):
        key = jax.random.fold_in(key, word)
    return key


def _of_shard(key: Any, weight: Any) -> Any:
    """A key of its own for every shard of a weight that differs from shard to shard; copies of one
    weight must get the same noise, or they would part."""
    for axis in sorted(varying_axes(weight)):
        key = jax.random.fold_in(key, jax.lax.axis_index(axis))
    return key


def _normal(key: Any, like: Any) -> Any:
    """Standard normal numbers, shaped and sharded as `like`; for complex numbers in both parts."""
    sharding = jax.typeof(like).sharding
    explicit = jax.sharding.AxisType.Explicit in sharding.mesh.axis_types
    xi = jax.random.normal(key, like.shape, like.dtype, out_sharding=sharding if explicit else None)
    return xi * np.sqrt(2) if jnp.iscomplexobj(xi) else xi


def printable_key(key: Any) -> Any:
    """A key as a setting: a tracer or a seed as it is, else the name of its generator and its
    words, which print and compare."""
    wrong = (
        "key must be one JAX key or an integer seed; got {}. Write key=jax.random.key(0), "
        "and for many configurations jax.vmap(lambda key: train(sgld(..., key=key)))(keys)."
    )
    if isinstance(key, tuple):
        if not (len(key) > 1 and isinstance(key[0], str)):
            raise ValueError(wrong.format(repr(key)))
        return key
    if isinstance(key, bool) or not (isinstance(key, int) or hasattr(key, "dtype")):
        raise ValueError(wrong.format(repr(key)))
    if isinstance(key, int):
        return key
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    seed = jnp.issubdtype(key.dtype, jnp.integer) and key.ndim == 0
    raw = key.dtype == jnp.uint32 and key.ndim == 1
    if not (seed or raw or (typed and key.ndim == 0)):
        raise ValueError(wrong.format(f"an array of type {key.dtype}{list(key.shape)}"))
    if not is_concrete(key):
        return key
    if seed:
        return int(key)
    with jax.ensure_compile_time_eval():  # within jit a known key stays known
        key = _typed(key)
        return (str(jax.random.key_impl(key)), *np.asarray(jax.random.key_data(key)).tolist())


def _typed(key: Any) -> Any:
    """The typed key that a setting stands for."""
    if isinstance(key, tuple):
        impl, *words = key
        return jax.random.wrap_key_data(jnp.array(words, jnp.uint32), impl=impl)
    if isinstance(key, int) or key.ndim == 0 and jnp.issubdtype(key.dtype, jnp.integer):
        return jax.random.key(key)
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key
    return jax.random.wrap_key_data(key)
