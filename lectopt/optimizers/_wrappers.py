"""Optimizers around others: SAM, which first goes uphill, and Mechanic, which finds a scale."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from lectopt.lifting import treewise
from lectopt.norms import plain_norm, scaled_norm
from lectopt.numerics import sqrt
from lectopt.settings import NonNegative, Positive, Scalar, Steps
from lectopt.trees import dtype_of, is_inexact, is_none, leaves_like, wide_dtype, widened_copy


@treewise()
def normalize(updates: Any) -> Any:
    """The whole gradient over its Euclidean norm, `g / |g|`; 0 where the norm is 0.

    Source: Foret et al. 2021, SAM.
    """
    leaves = jax.tree.leaves(updates)
    if not leaves:
        return updates
    scale, norm = scaled_norm(leaves)
    none = (scale == 0) | (norm == 0)

    def unit(u: Any) -> Any:
        in_scale = u / jnp.where(none, 1, scale).astype(u.real.dtype)
        return jnp.where(none, 0, in_scale / jnp.where(none, 1, norm).astype(u.real.dtype))

    return jax.tree.map(unit, updates)


def _apart(params: Any, *, state_dtype: Any) -> Any:
    def zeros(param: Any) -> Any:
        dtype = dtype_of(param)
        if not is_inexact(dtype):
            return None
        return jnp.zeros_like(param, dtype=state_dtype or wide_dtype(dtype))

    return jax.tree.map(zeros, params)


@treewise(look_ahead=_apart)
def sam(
    updates: Any,
    state: Any,
    params: Any,
    count: Any,
    *,
    optimizer: optax.GradientTransformation,
    adv_optimizer: optax.GradientTransformation,
    sync_period: Steps[Any] = 2,
    reset_state: bool = True,
    state_dtype: Any = None,
) -> Any:
    """Sharpness-aware minimization: the gradient of a step is taken a little uphill.

    Of `sync_period` updates all but the last go uphill, against the step of `adv_optimizer`; the
    last one goes back to where they began and takes the step of `optimizer` there, with the
    gradient found uphill. `evaluation_params` gives the weights without the climb. With
    `adv_optimizer = chain(normalize(), sgd(rho))` and a period of 2 it is SAM, with two updates for
    a step.

    Args:
      optimizer: any transformation; a step of it is one in `sync_period` updates.
      adv_optimizer: any transformation; its step times -1 is the climb.
      sync_period: updates for a step, one or more; with 1 there is no climb.
      reset_state: begin anew with the state of `adv_optimizer` after every step.
      state_dtype: dtype of the climb so far.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: Foret et al. 2021 (Algorithm 1).
    """
    del state_dtype
    climb: Any = adv_optimizer
    descend: Any = optimizer
    steps, within = count // sync_period, count % sync_period
    last = within == sync_period - 1
    leaves, treedef = jax.tree.flatten(updates, is_leaf=is_none)
    ahead = treedef.unflatten(leaves_like(updates, state, "look_ahead", may_lack=True))
    base = _minus(params, ahead)
    climbs = within if reset_state else count - steps
    up, climbed = climb(updates, count=climbs, t=climbs + 1)
    down, after = descend(updates, params=base, count=steps, t=steps + 1)

    def moved(a: Any, u: Any, d: Any) -> Any:
        return None if d is None else jnp.where(last, d - a, -u)

    def kept(a: Any, u: Any, d: Any) -> Any:
        return a if d is None else jnp.where(last, 0, a - u)

    moves, left = (jax.tree.map(f, ahead, up, down, is_leaf=is_none) for f in (moved, kept))
    begun = climb.record
    if reset_state:
        begun = climb.tx.start(jax.tree.map(widened_copy, params))
    after, climbed = (
        jax.tree.map(lambda new, old: jnp.where(last, new, old), *pair)
        for pair in ((after, descend.record), (begun, climbed))
    )
    return moves, dict(look_ahead=left, optimizer=after, adv_optimizer=climbed)


def _minus(params: Any, ahead: Any) -> Any:
    def base(p: Any, a: Any) -> Any:
        return p if a is None else p - a.astype(jnp.result_type(p))

    return jax.tree.map(base, params, ahead, is_leaf=is_none)


def _numbers(params: Any, *, num_betas: Any) -> Any:
    del params
    return jnp.zeros(int(num_betas), jnp.result_type(float))


def _scales(params: Any, *, num_betas: Any, s_init: Any) -> Any:
    return _numbers(params, num_betas=num_betas) + s_init


@treewise(x0="params", r=_numbers, m=_numbers, v=_numbers, s=_scales)
def mechanize(
    updates: Any,
    state: Any,
    params: Any,
    *,
    base_optimizer: optax.GradientTransformation,
    weight_decay: NonNegative[Any] = 1e-2,
    eps: NonNegative[Any] = 1e-8,
    s_init: Positive[Any] = 1e-6,
    num_betas: Steps[Scalar] = 6,
) -> Any:
    """Mechanic: an optimizer's steps, scaled by a sum of bets on whether larger ones would have
    paid.

    With the sum of the steps so far, `D = (x0 - param) / (sum(s) + eps)`, and `h = <g +
    weight_decay sum(s) |g| / (|param| + eps) param, D>`, for each `b = 1 - 0.1^k` with `k` from 1
    to `num_betas`: `r = b r + clip(h, -m, m) s` with the old `m`, `m = max(b m, |h| + eps)`, `v =
    b^2 v + h^2`, and `s = (s_init / num_betas m + max(0, r)) / (sqrt(v) + eps)`. The weights become
    `x0 - sum(s) (D - u)`, with the optimizer's step `u`.

    Args:
      base_optimizer: any transformation whose steps have a size worth scaling.
      weight_decay: for the bets alone, zero or more.
      eps: epsilon, zero or more.
      s_init: the first scale, above zero.
      num_betas: how many bets there are, one or more; it shapes the state.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: Cutkosky, Defazio and Mehta 2023 (Algorithm 1), with the clipping of their code.
    """
    inner: Any = base_optimizer
    moves, after = inner(updates)
    leaves, treedef = jax.tree.flatten(updates, is_leaf=is_none)
    weights, starts, steps = (
        leaves_like(updates, record, key, may_lack=True)
        for record, key in (({"params": params}, "params"), (state, "x0"), ({"u": moves}, "u"))
    )
    rows = [row for row in zip(leaves, weights, starts, steps, strict=True) if row[0] is not None]
    whole = jnp.sum(state.s)
    gone = [(x0 - w) / (whole + eps) for _, w, x0, _ in rows]
    size = plain_norm([jnp.asarray(w) for _, w, _, _ in rows]) + eps
    share = plain_norm([g for g, *_ in rows]) / jnp.where(size == 0, 1, size)
    pull = weight_decay * whole * share
    products = (
        jnp.sum(jnp.real(jnp.conj(g + pull * w) * d))
        for (g, w, _, _), d in zip(rows, gone, strict=True)
    )
    h = sum(products, jnp.zeros([]))
    b = 1 - 0.1 ** jnp.arange(1.0, state.s.size + 1)
    m = jnp.maximum(b * state.m, jnp.abs(h) + eps)
    v = b**2 * state.v + h**2
    r = b * state.r + jnp.clip(h, -state.m, state.m) * state.s
    below = sqrt(v) + eps
    s = (s_init / state.s.size * m + jnp.maximum(0, r)) / jnp.where(below == 0, 1, below)
    ends = iter(
        [x0 - jnp.sum(s) * (d - u) - w for (_, w, x0, u), d in zip(rows, gone, strict=True)]
    )
    out = treedef.unflatten([None if g is None else next(ends) for g in leaves])
    return out, dict(x0=state.x0, r=r, m=m, v=v, s=s, base_optimizer=after)
