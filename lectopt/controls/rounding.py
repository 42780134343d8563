"""Parameters in bfloat16 that follow a training in float32 in the mean.

A bfloat16 has eight bits: a weight that is to move by less than a 512th of its size stays where it
is if it is rounded to the nearest. Rounded up or down at random it moves now and then, and in the
mean by as much as it should.
"""

from typing import Any

import jax
import jax.numpy as jnp

from lectopt.primitives.noise import draw_key, leaf_key, printable_key
from lectopt.signatures import checked
from lectopt.transformation import Context, State, Transformation
from lectopt.trees import dtype_of, is_none, leaves_like
from lectopt.wrapping import AnyTransformation, as_transformation


class RoundedAtRandom(Transformation):
    """A transformation whose updates leave bfloat16 parameters where they should be in the mean."""

    def entries(self) -> dict[str, Any]:
        """See `Transformation`."""
        return self.parts[0].entries()

    def start(self, params: Any) -> State:
        """See `Transformation`."""
        return self.parts[0].start(params)

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """See `Transformation`."""
        updates, new = self.parts[0].step(updates, state, now)
        rows, treedef = jax.tree_util.tree_flatten_with_path(updates, is_leaf=is_none)
        params = leaves_like(updates, {"params": now.params}, "params")
        narrow = [
            u is not None and dtype_of(param) == jnp.bfloat16
            for (_, u), param in zip(rows, params, strict=True)
        ]
        if not any(narrow):
            return updates, new
        key = draw_key(self.settings["key"], now.number())
        leaves = [
            rounding_update(param, u, leaf_key(key, path, u)) if yes else u
            for (path, u), param, yes in zip(rows, params, narrow, strict=True)
        ]
        return treedef.unflatten(leaves), new

    def point_at(self, params: Any, state: State, count: Any) -> Any:
        """See `Transformation`."""
        return self.parts[0].point_at(params, state, count)


@checked
def round_stochastically(inner: AnyTransformation, *, key: Any = 0) -> Transformation:
    """The same optimizer for parameters in bfloat16, which are rounded up or down at random: in the
    mean they are what the exact update makes of them. Outermost, since nothing may change its
    updates.

    Its updates are such that a bfloat16 weight, after `optax.apply_updates` has added and rounded
    to the nearest, is one of two around the exact sum, with a mean that is the sum; next to each
    other, where an update changes the weight by less than its half. The state is that of `inner`:
    with `round_stochastically(quantise_state(adam(1e-3)))` state and weights are 4.03 bytes a
    weight. Leaves of other dtypes are left alone.

    Args:
      inner: a lectopt or Optax transformation.
      key: of the rounding: a JAX key or an integer seed.

    Returns:
      A transformation with the state of `inner`, whose `update` needs the parameters.

    Raises:
      TypeError: `inner` is not a gradient transformation.
      ValueError: `key` is no key, or `update` was not given the parameters.

    Source: Gupta et al. 2015; Zamirai et al. 2021, Revisiting BFloat16 Training.
    """
    part = as_transformation(inner)
    return RoundedAtRandom(
        name="round_stochastically", settings=dict(key=printable_key(key)), parts=(part,),
        keys=part.keys, counted=True, by_leaf=False,
    )  # fmt: skip


def rounding_update(param: Any, update: Any, key: Any) -> Any:
    """What to add to a bfloat16 so that it becomes, in the mean, what `update` would make of it.

    Of the two bfloat16 around the sum, one below and one above, the updates that lead there are
    rounded down and up. The sums that they make, rounded to the nearest, are then around the exact
    one, too, and are drawn so that it is their mean.
    """
    start, update = param.astype(jnp.float32), update.astype(jnp.float32)
    wanted = start + update
    down = _below(_below(wanted) - start)
    up = -_below(-(-_below(-wanted) - start))
    low, high = (_nearest(start + move) for move in (down, up))
    share = jnp.where(high == low, 0, (wanted - low) / jnp.where(high == low, 1, high - low))
    drawn = jnp.where(jax.random.uniform(key, share.shape) < share, up, down)
    return jnp.where(jnp.isfinite(wanted), drawn, update)


def _below(x: Any) -> Any:
    """The largest bfloat16 that is no larger than a float32."""
    bits = jax.lax.bitcast_convert_type(x, jnp.uint32)
    kept = bits & jnp.uint32(0xFFFF0000)  # toward 0
    away = (x < 0) & (bits != kept)
    return jax.lax.bitcast_convert_type(kept + away * jnp.uint32(0x10000), jnp.float32)


def _nearest(x: Any) -> Any:
    """The bfloat16 next to a float32; a cast there and back a compiler may leave out."""
    return jax.lax.reduce_precision(x, exponent_bits=8, mantissa_bits=7)
