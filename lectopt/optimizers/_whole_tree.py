"""Optimizers that need the whole tree: Prodigy, which finds its own rate, and Lookahead, which goes
back."""

import functools as ft
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from lectopt.lifting import treewise
from lectopt.numerics import abs_sq, one_minus_power, sqrt
from lectopt.settings import Decay, Fraction, LearningRate, NonNegative, Period, Positive
from lectopt.trees import is_none, leaves_like, or_else, wide_dtype, widened_copy


def _inner(g: Any, start: Any, param: Any) -> Any:
    return jnp.sum(jnp.real(g * jnp.conj(start - param)))


def _zeros(params: Any, state_dtype: Any) -> Any:
    def zeros(param: Any) -> Any:
        return jnp.zeros_like(param, dtype=state_dtype or wide_dtype(jnp.result_type(param)))

    return jax.tree.map(zeros, params)


@treewise(
    mu=_zeros,
    nu=_zeros,
    grad_sum=_zeros,
    params0="params",
    estim_lr="estim_lr0",
    numerator_weighted=0.0,
)
def prodigy(
    updates: Any,
    state: Any,
    params: Any,
    t: Any,
    *,
    learning_rate: LearningRate[Any] = 1.0,
    b1: Decay[Any] = 0.9,
    b2: Decay[Any] = 0.999,
    b3: Decay[Any] | None = None,
    eps: NonNegative[Any] = 1e-8,
    estim_lr0: Positive[Any] = 1e-6,
    estim_lr_coef: Positive[Any] = 1.0,
    weight_decay: NonNegative[Any] = 0.0,
    safeguard_warmup: bool = False,
    state_dtype: Any = None,
) -> Any:
    """Prodigy: Adam whose rate is a lower bound on the distance to the solution, found on the way.

    With the estimate `d` and `rate = d learning_rate sqrt(1 - b2^t) / (1 - b1^t)`: `mu = b1 mu +
    (1 - b1) d g`, `nu = b2 nu + (1 - b2) (d g)^2`; over the whole tree `r = b3 r + (d/d0) rate <g,
    x0 - x>` and `s = b3 s + (d/d0) rate g`; the new `d = max(d, estim_lr_coef r / |s|_1)`, and
    `param - rate (mu / (sqrt(nu) + d eps) + weight_decay param)` with the new `d` beside epsilon.
    While no gradient has come, or the rate is 0, `d` stays (where Optax gives NaN).

    Args:
      learning_rate: a factor on the rate that is found, zero or more; or a schedule.
      b1: decay of the mean, in [0, 1).
      b2: decay of the mean square, in [0, 1).
      b3: decay of `r` and `s`; by default `sqrt(b2)`.
      eps: epsilon, zero or more.
      estim_lr0: first estimate `d0`, above zero.
      estim_lr_coef: factor on the estimate, above zero.
      weight_decay: zero or more, multiplied by the rate.
      safeguard_warmup: leave the learning rate out of `s`, for a warm-up.
      state_dtype: dtype of `mu`, `nu` and `s`.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: Mishchenko and Defazio 2023 (Algorithm 4), with the bias correction of Optax and of the
    authors' code.
    """
    del state_dtype
    leaves_like(updates, {"params": params}, "params")
    d, b3 = state.estim_lr, sqrt(b2) if b3 is None else b3
    rate = d * learning_rate * sqrt(one_minus_power(b2, t)) / one_minus_power(b1, t)
    part, weight = d / estim_lr0, d if safeguard_warmup else rate
    each = ft.partial(_each, updates)

    mu = each(lambda g, m: b1 * m + (1 - b1) * d * g, state.mu)
    nu = each(lambda g, v: b2 * v + (1 - b2) * abs_sq(d * g), state.nu)
    grad_sum = each(lambda g, s: b3 * s + part * weight * g, state.grad_sum)
    away = optax.tree.sum(each(_inner, state.params0, params))
    numerator = b3 * state.numerator_weighted + part * rate * away
    length = optax.tree.sum(each(lambda g, s: jnp.sum(jnp.abs(s)), grad_sum))
    found = estim_lr_coef * numerator / jnp.where(length == 0, 1, length)
    new_d = jnp.where(length == 0, d, jnp.maximum(d, found))

    def move(g: Any, m: Any, v: Any, param: Any) -> Any:
        below = sqrt(v) + new_d * eps
        return -rate * (m / jnp.where(below == 0, jnp.inf, below) + weight_decay * param)

    slots = dict(
        mu=or_else(mu, state.mu),
        nu=or_else(nu, state.nu),
        grad_sum=or_else(grad_sum, state.grad_sum),
        params0=state.params0,
        estim_lr=new_d,
        numerator_weighted=numerator,
    )
    return each(move, mu, nu, params), slots


def _each(updates: Any, rule: Callable[..., Any], *trees: Any) -> Any:
    """`rule(gradient, ...)` of every leaf that has a gradient; None for the others."""

    def of_leaf(g: Any, *others: Any) -> Any:
        return None if g is None else rule(g, *others)

    return jax.tree.map(of_leaf, updates, *trees, is_leaf=is_none)


def _no_average(params: Any, fast_optimizer: Any) -> None:
    del params
    if fast_optimizer.last:
        raise ValueError(
            "lookahead moves the weights after its fast optimizer, and an average inside would not "
            "see it. Write chain(lookahead(fast_optimizer), average_params(...))."
        )


@treewise(slow_params="params", check=_no_average)
def lookahead(
    updates: Any,
    state: Any,
    params: Any,
    t: Any,
    *,
    fast_optimizer: optax.GradientTransformation,
    sync_period: Period[Any] = 6,
    slow_step_size: Fraction[Any] = 0.5,
    reset_state: bool = False,
) -> Any:
    """Lookahead: `sync_period` steps of an optimizer forward, then back to a point on the way.

    At every `sync_period`-th update `slow = slow + slow_step_size (fast - slow)`, and the weights
    become `slow`; in between they are what the optimizer makes of them. `evaluation_params` gives
    the slow weights.

    Args:
      fast_optimizer: any transformation.
      sync_period: updates between two returns, one or more; 5 or 10 in the paper, `math.inf` for
        none.
      slow_step_size: in [0, 1]; 0.5 or 0.8 in the paper.
      reset_state: begin anew with the state of the optimizer at every return, and with the number
        of the update that its bias corrections see. (Its schedules go on, where Optax's begin
        anew.)

    Raises:
      ValueError: `update` was not given the parameters; from `init`, `fast_optimizer` keeps an
        average of the parameters.

    Source: Zhang et al. 2019 (Algorithm 1).
    """
    inner: Any = fast_optimizer
    own = jnp.mod(t - 1, sync_period) + 1  # the number of the update since the last return
    moves, after = inner(updates, t=own) if reset_state else inner(updates)
    synced = own == sync_period
    leaves, treedef = jax.tree.flatten(moves, is_leaf=is_none)
    slow_leaves = leaves_like(moves, state, "slow_params", may_lack=True)
    weights = leaves_like(moves, {"params": params}, "params")

    def returned(move: Any, slow: Any, weight: Any) -> tuple[Any, Any]:
        if move is None:
            return None, slow
        new = jnp.where(synced, slow + slow_step_size * (weight + move - slow), slow)
        return jnp.where(synced, new - weight, move), new

    pairs = [returned(*row) for row in zip(leaves, slow_leaves, weights, strict=True)]
    if reset_state:
        fresh = inner.tx.start(jax.tree.map(widened_copy, params))
        after = jax.tree.map(lambda new, first: jnp.where(synced, first, new), after, fresh)
    moves, slow = (treedef.unflatten([pair[k] for pair in pairs]) for k in (0, 1))
    return moves, dict(slow_params=slow, fast_optimizer=after)
