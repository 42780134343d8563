"""Inside `jax.shard_map`: over which axes of the mesh a value differs from shard to shard."""

from typing import Any

import jax


def varying_axes(*values: Any) -> frozenset[str]:
    """The axes over which any of the values varies; none outside of `jax.shard_map`, and none with
    `check_vma=False`, where the types do not say."""
    types = map(jax.typeof, values)
    return frozenset().union(*map(_varying, types))


def _varying(kind: Any) -> frozenset[str]:
    # `vma` until JAX 0.9, a part of `manual_axis_type` since.
    return kind.vma if hasattr(kind, "vma") else kind.manual_axis_type.varying


def vary_over(axes: frozenset[str], value: Any) -> Any:
    """The same value, its type one that varies over these axes."""
    missing = sorted(axes - varying_axes(value))
    return jax.lax.pcast(value, tuple(missing), to="varying") if missing else value


def summed_over(axes: frozenset[str], value: Any) -> Any:
    """The sum of a value over those of the axes over which it varies."""
    own = sorted(axes & varying_axes(value))
    return jax.lax.psum(value, tuple(own)) if own else value
