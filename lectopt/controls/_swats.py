"""SWATS: Adam until the learning rate that SGD would need has settled, then SGD with it."""

import functools as ft
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.combinators import chain
from lectopt.controls.switching import switch_when
from lectopt.lifting import leafwise, treewise
from lectopt.numerics import one_minus_power
from lectopt.optimizers._adam import adam
from lectopt.primitives.velocity import trace
from lectopt.schedules import relative
from lectopt.settings import Decay, LearningRate, NonNegative, Numeric, Range
from lectopt.signatures import checked
from lectopt.transformation import Transformation
from lectopt.trees import dtype_of, wide_dtype
from lectopt.values import is_concrete

AdamSteps = Annotated[
    Numeric,
    Range(2, np.inf, True, "after one update the average equals its only estimate", 1000),
]


@checked
def swats(
    learning_rate: LearningRate = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-9,
    *,
    switch_tol: NonNegative = 1e-9,
    relative: bool = False,
    min_adam_steps: AdamSteps = 2,
    state_dtype: Any = None,
) -> Transformation:
    """Adam, and once the rate that SGD would need has settled, SGD with momentum at that rate.

    Adam's move is `p = -learning_rate mu_hat / (sqrt(nu) + eps) * sqrt(1 - b2^k)`. The rate that
    makes `p` the projection of SGD's move upon it is `gamma = -p.p / p.g`, with inner products
    over all weights that have a gradient. At the first update `k >= min_adam_steps` where the
    average of `gamma`, `Lambda = lambda / (1 - b2^k)` with `lambda = b2 lambda + (1 - b2) gamma`,
    is positive and within `switch_tol` of the newest `gamma`, phase two begins: `v = b1 v + g`,
    `param - (1 - b1) Lambda s v`, from `v = 0`. Here `s = learning_rate(t) / learning_rate(0)`, so
    that a schedule acts on both phases.

    With the default tolerance, the paper's, the switch is a coincidence: in float32 two numbers of
    1/64 or more differ by less than 1e-9 only if they are the same. On noisy quadratics it did not
    come in 20000 updates, with 1e-5 it came after 8 to 842 of them, with 1e-3 after 2 to 5. And it
    is no proof that Lambda is safe: with `b1 = 0`, on `x^2 / 2` from 4.99959124847467e-4, two equal
    estimates of 2.00004 switch at `k = 2` to an SGD that diverges. Choose `min_adam_steps`, and
    `switch_tol` with `relative`, for the problem at hand.

    `optax.tree.get(opt_state, "switched_at")` is the `k` of the switch, or 0 before it;
    `optax.tree.get(opt_state, "sgd_rate")` is Lambda, or its estimate before.

    Args:
      learning_rate: Adam's, zero or more; or a schedule that does not start at 0.
      b1: decay of Adam's mean and momentum of SGD, in [0, 1).
      b2: decay of the mean square and of the average of `gamma`, in [0, 1).
      eps: epsilon, zero or more; added before the bias correction.
      switch_tol: how close `gamma` must come to its average, zero or more. 1e-9 in the paper.
      relative: whether `switch_tol` is a share of Lambda; not in the paper.
      min_adam_steps: updates that Adam makes at least, two or more.
      state_dtype: dtype of the moments and of the velocity.

    Raises:
      ValueError: the schedule is 0 at its start, and the rate of phase two is relative to that.

    Source: STAT 479 (S4-31); Keskar and Socher 2017, Algorithm 1, whose inner products are those of
    the whole model, and which does not exclude a negative Lambda.
    """
    velocity = trace(b1, dampening=b1, state_dtype=state_dtype)
    return switch_when(
        projected_rate_settles(b2, switch_tol, relative, min_adam_steps),
        adam(learning_rate, b1, b2, eps, eps_placement="uncorrected", state_dtype=state_dtype),
        chain(velocity, scale_by_sgd_rate(_relative(learning_rate))),
        restart_count=False,
    )


def _zero(params: Any) -> Any:
    dtypes = [jnp.finfo(wide_dtype(dtype_of(p))).dtype for p in jax.tree.leaves(params)]
    return jnp.zeros([], ft.reduce(np.promote_types, dtypes, np.dtype(np.float32)))


@treewise(rate_average=_zero, sgd_rate=_zero)
def projected_rate_settles(
    gradients: Any,
    state: Any,
    t: Any,
    proposed: Any,
    *,
    decay: Decay[Any] = 0.999,
    switch_tol: NonNegative[Any] = 1e-9,
    relative: bool = False,
    min_steps: AdamSteps[Any] = 2,
) -> Any:
    """The condition of `swats` for `switch_when`: the rate that SGD would need has settled.

    Its record is one number per model each: `rate_average`, the lambda of `swats`, and `sgd_rate`,
    its Lambda.

    Args:
      decay: of the average of the rates, in [0, 1).
      switch_tol: see `swats`.
      relative: see `swats`.
      min_steps: updates before which it does not hold, two or more.

    Source: STAT 479 (S4-31); Keskar and Socher 2017, section 2.1 and equation (4).
    """

    average, t = state.rate_average, jnp.asarray(t, state.rate_average.dtype)
    along = _inner(proposed, gradients, average.dtype)
    estimable = along != 0
    rate = -_inner(proposed, proposed, average.dtype) / jnp.where(estimable, along, 1)
    average = jnp.where(estimable, decay * average + (1 - decay) * rate, average)
    settled = average / one_minus_power(decay, t)
    near = jnp.abs(settled - rate) < switch_tol * (jnp.abs(settled) if relative else 1)
    holds = estimable & near & (settled > 0) & (t >= min_steps)
    return holds, dict(rate_average=average, sgd_rate=settled)


@leafwise()
def scale_by_sgd_rate(u: Any, sgd_rate: Any, *, scale: NonNegative[Any] = 1.0) -> Any:
    """Downhill at the rate that a condition of `switch_when` has measured: `-scale sgd_rate u`.

    Args:
      scale: zero or more, or a schedule.

    Source: STAT 479 (S4-31).
    """
    return -scale * sgd_rate * u


def _inner(a: Any, b: Any, dtype: Any) -> Any:
    """The real inner product of two trees; a leaf without a gradient is left out."""
    products = jax.tree.map(lambda x, y: jnp.sum(jnp.real(x * jnp.conj(y))), a, b)
    return sum((p.astype(dtype) for p in jax.tree.leaves(products)), jnp.zeros([], dtype))


def _relative(learning_rate: Any) -> Any:
    """`learning_rate(t) / learning_rate(0)`."""
    if not callable(learning_rate):
        return 1.0
    first = learning_rate(0)
    if is_concrete(first) and first == 0:
        raise ValueError(
            "swats: the schedule of the learning rate must not start at 0, because the rate of "
            "phase two is scaled by learning_rate(t) / learning_rate(0); got "
            f"{learning_rate!r}. Write a schedule that starts at a positive value."
        )
    return relative(learning_rate)
