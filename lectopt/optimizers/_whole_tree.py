"""Optimizers that need the whole tree: Prodigy, which finds its own rate, and Lookahead, which goes
back."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from lectopt.lifting import treewise
from lectopt.numerics import abs_sq, one_minus_power, sqrt
from lectopt.settings import Decay, Fraction, LearningRate, NonNegative, Positive, Steps
from lectopt.trees import is_none, leaves_like, wide_dtype, widened_copy


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
    learning_rate: LearningRate = 1.0,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    b3: Decay | None = None,
    eps: NonNegative = 1e-8,
    estim_lr0: Positive = 1e-6,
    estim_lr_coef: Positive = 1.0,
    weight_decay: NonNegative = 0.0,
    safeguard_warmup: bool = False,
    state_dtype: Any = None,
) -> Any:
    """Prodigy: Adam whose rate is a lower bound on the distance to the solution, found on the way.

    With the estimate `d` and `rate = d learning_rate sqrt(1 - b2^t) / (1 - b1^t)`: `mu = b1 mu + (1
    - b1) d g`, `nu = b2 nu + (1 - b2) (d g)^2`; over the whole tree `r = b3 r + (d/d0) rate <g, x0
    - x>` and `s = b3 s + (d/d0) rate g`; the new `d = max(d, estim_lr_coef r / |s|_1)`, and `param
    - rate (mu / (sqrt(nu) + d eps) + weight_decay param)` with the new `d` beside epsilon. While no
    gradient has come, or the rate is 0, `d` stays (where Optax gives NaN).

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
    d, b3 = state.estim_lr, sqrt(b2) if b3 is None else b3
    rate = d * learning_rate * sqrt(one_minus_power(b2, t)) / one_minus_power(b1, t)
    weight = d if safeguard_warmup else rate
    gradients, treedef = jax.tree.flatten(updates, is_leaf=is_none)
    names = ("mu", "nu", "grad_sum", "params0")
    columns = {name: leaves_like(updates, state, name) for name in names}
    weights = leaves_like(updates, {"params": params}, "params")
    here = [k for k, g in enumerate(gradients) if g is not None]

    def each(rule: Any, *lists: Any) -> list[Any]:
        return [rule(*(x[k] for x in lists)) for k in here]

    def total(numbers: list[Any]) -> Any:
        return sum(numbers, jnp.zeros([], d.dtype))

    g = {k: gradients[k] for k in here}
    mu = each(lambda m, g: b1 * m + (1 - b1) * d * g, columns["mu"], g)
    nu = each(lambda v, g: b2 * v + (1 - b2) * abs_sq(d * g), columns["nu"], g)
    part = d / estim_lr0
    grad_sum = each(lambda s, g: b3 * s + part * weight * g, columns["grad_sum"], g)
    away = each(
        lambda g, x0, x: jnp.sum(jnp.real(g * jnp.conj(x0 - x))), g, columns["params0"], weights
    )
    numerator = b3 * state.numerator_weighted + part * rate * total(away)
    length = total([jnp.sum(jnp.abs(s)) for s in grad_sum])
    found = estim_lr_coef * numerator / jnp.where(length == 0, 1, length)
    new_d = jnp.where(length == 0, d, jnp.maximum(d, found))

    def step(k: int, m: Any, v: Any) -> Any:
        below = sqrt(v) + new_d * eps
        return -rate * (m / jnp.where(below == 0, jnp.inf, below) + weight_decay * weights[k])

    moves = {k: step(k, m, v) for k, m, v in zip(here, mu, nu, strict=True)}

    def tree(old: list[Any], new: list[Any]) -> Any:
        own = dict(zip(here, new, strict=True))
        return treedef.unflatten([own.get(k, x) for k, x in enumerate(old)])

    slots = dict(
        mu=tree(columns["mu"], mu),
        nu=tree(columns["nu"], nu),
        grad_sum=tree(columns["grad_sum"], grad_sum),
        params0=state.params0,
        estim_lr=new_d,
        numerator_weighted=numerator,
    )
    return treedef.unflatten([moves.get(k) for k in range(len(gradients))]), slots


@treewise(slow_params="params")
def lookahead(
    updates: Any,
    state: Any,
    params: Any,
    t: Any,
    *,
    fast_optimizer: optax.GradientTransformation,
    sync_period: Steps = 6,
    slow_step_size: Fraction = 0.5,
    reset_state: bool = False,
) -> Any:
    """Lookahead: `sync_period` steps of an optimizer forward, then back to a point on the way.

    At every `sync_period`-th update `slow = slow + slow_step_size (fast - slow)`, and the weights
    become `slow`; in between they are what the optimizer makes of them. `evaluation_params` gives
    the slow weights.

    Args:
      fast_optimizer: any transformation.
      sync_period: updates between two returns, one or more; 5 or 10 in the paper.
      slow_step_size: in [0, 1]; 0.5 or 0.8 in the paper.
      reset_state: begin anew with the state of the optimizer at every return, and with the number
        of the update that its bias corrections see. (Its schedules go on, where Optax's begin
        anew.)

    Raises:
      ValueError: `update` was not given the parameters.

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
