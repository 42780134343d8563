"""Norms by layer: the arrays of a tree that share a place but for their own name.

The kernel and the bias of a layer are measured together: the gradient of a bias alone may be
nothing but rounding, as before a BatchNorm.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lectopt.norms import norm_by_largest
from lectopt.state_search import names
from lectopt.trees import dtype_of, is_inexact, wide_dtype


def layers_of(tree: Any) -> dict[str, list[Any]]:
    """The floating point leaves of each layer, by its name: `encoder/0` for the arrays
    `encoder/0/kernel` and `encoder/0/bias`. An array at the top is a layer of its own."""
    found: dict[str, list[Any]] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        place = names(path)
        if is_inexact(dtype_of(leaf)):
            found.setdefault("/".join(place[:-1] or place) or "params", []).append(leaf)
    return found


def norms_by_layer(tree: Any) -> dict[str, jax.Array]:
    """The Euclidean norm of each layer, in float32 or wider; one whose squares underflow is not 0,
    as that of a gradient that vanishes."""

    def norm(leaves: list[Any]) -> jax.Array:
        scale, norm = norm_by_largest(
            [jnp.asarray(x, wide_dtype(dtype_of(x))) for x in leaves if x.size]
        )
        return scale * norm

    return {name: norm(leaves) for name, leaves in layers_of(tree).items()}


def start_by_layer(params: Any) -> dict[str, Any]:
    """The record before the first update."""
    zeros = {name: jnp.zeros([], jnp.float32) for name in layers_of(params)}
    return {name: zeros for name in ("grad_norm", "update_ratio")}


def measured_by_layer(
    grad_norms: dict[str, Any], updates: Any, param_norms: dict[str, Any]
) -> dict[str, Any]:
    """The record of one update: the norm of the gradient, and that of the update over that of the
    weights, 0 while these are 0. A layer without a gradient has 0."""
    update_norms = norms_by_layer(updates)

    def ratio(name: str) -> Any:
        norm, size = update_norms.get(name, jnp.zeros([])), param_norms[name]
        return jnp.where(size == 0, 0, norm / jnp.where(size == 0, 1, size))

    zero = jnp.zeros([], jnp.float32)
    return dict(
        grad_norm={k: jnp.asarray(grad_norms.get(k, zero), jnp.float32) for k in param_norms},
        update_ratio={k: jnp.asarray(ratio(k), jnp.float32) for k in param_norms},
    )
