"""Averages of the iterates: parameters to evaluate that are a mean of those that were trained.

The last iterate of stochastic gradient descent carries the noise of the last gradients. An average
sheds it, and the best rates that the lectures prove are those of averages. A scheme says how large
a share of the average the newest iterate `w` gets; `average + share (w - average)` is all the rest.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lectopt.controls.evaluation import AHEAD, AVERAGE, SHARE
from lectopt.lifting import treewise
from lectopt.numerics import one_minus_power
from lectopt.settings import Count, Decay, Fraction, NonNegative
from lectopt.signatures import checked
from lectopt.state_search import entries, names
from lectopt.transformation import State, Transformation
from lectopt.trees import dtype_of, is_none, leaves_like, wide_dtype, widened_copy
from lectopt.values import Value, value_at

PARAMS = "params"  # a slot that starts as a copy of the parameters

Mix = Callable[[Any, Any, Any], Any]  # (average, old share, new share) -> average with the iterate


class Scheme(Value):
    """How iterates are averaged: a value, made by `polynomial_decay`, `uniform`, `exponential` or
    `suffix`.

    `share(t, **settings)` is the weight of iterate number `t`, from 1, in the average of all.
    """

    def __init__(self, name: str, share: Callable[..., Any], settings: Mapping[str, Any]):
        self.name, self.share, self.settings = name, share, settings

    def step(self, state: State, mix: Mix, t: Any, count: Any) -> State:
        """The entries of the state after iterate number `t`, with which the average begins anew
        if `t` is 1.
        """
        share = jnp.where(t == 1, 1, self.share(t, **self.at(count)))
        return {AVERAGE: mix(state[AVERAGE], state[SHARE], share), SHARE: share}

    def at(self, count: Any) -> dict[str, Any]:
        """The settings at an update."""
        return {name: value_at(value, count) for name, value in self.settings.items()}


class _Suffix(Scheme):
    """The mean that is read, and a younger one that takes its place when it is long enough."""

    def step(self, state: State, mix: Mix, t: Any, count: Any) -> State:
        old = state["suffix"]
        length = jnp.where(t == 1, 1, old["length"] + 1)
        younger_length = jnp.where(t == 1, 1, old["younger_length"] + 1)
        average = mix(state[AVERAGE], state[SHARE], self.share(length))
        old_share = self.share(jnp.maximum(old["younger_length"], 1))
        younger = mix(old["younger"], old_share, self.share(younger_length))
        enough = younger_length >= self.at(count)["fraction"] * t
        average, length = jax.tree.map(
            lambda new, kept: jnp.where(enough, new, kept),
            (younger, younger_length),
            (average, length),
        )
        younger_length = jnp.where(enough, 0, younger_length)
        lengths = dict(length=length, younger_length=younger_length)
        suffix = lengths | {"younger": younger}
        return {AVERAGE: average, SHARE: self.share(length), "suffix": suffix}


@checked
def polynomial_decay(gamma: NonNegative = 3.0) -> Scheme:
    """Average with weights that grow about as `s^gamma`, so that the poor first iterates fade:
    `wbar_t = (1 - (gamma + 1)/(t + gamma)) wbar_{t-1} + (gamma + 1)/(t + gamma) w_t`, `t` from 1.

    With it the error is O(1/T) on strongly convex losses and O(1/sqrt(T)) on convex ones, smooth or
    not, where the bounds for the last iterate have a further factor log T. The number T of updates
    need not be known.

    Args:
      gamma: zero or more; 0 is the uniform mean.

    Source: CMU (S0-18, S0-19); Shamir and Zhang 2013.
    """
    return Scheme("polynomial_decay", _polynomial, {"gamma": gamma})


def uniform() -> Scheme:
    """The mean of all iterates: `wbar_t = wbar_{t-1} + (w_t - wbar_{t-1}) / t`.

    Source: Polyak and Juditsky 1992; Ruppert 1988; CMU (S0-19 with `gamma=0`).
    """
    return Scheme("uniform", _one_of, {})


@checked
def exponential(decay: Decay) -> Scheme:
    """Exponential moving average, corrected for its start: `v_t = decay v_{t-1} + (1 - decay) w_t`
    from 0, `wbar_t = v_t / (1 - decay^t)`.

    It is kept corrected: `w_t` has the share `(1 - decay) / (1 - decay^t)`.

    Args:
      decay: in [0, 1); the average reaches back about `1 / (1 - decay)` updates.

    Source: ISI, moving averages (S2-17), here of the parameters.
    """
    return Scheme(
        "exponential", lambda t, decay: (1 - decay) / one_minus_power(decay, t), {"decay": decay}
    )


@checked
def suffix(fraction: Fraction = 0.5) -> Scheme:
    """The mean of the last iterates, which are always a share of all in `[fraction, 1 - (1 -
    fraction)^2]`.

    The mean of exactly the last `ceil(fraction t)` iterates cannot be followed without storing
    them. Here a younger mean grows beside the one that is read, and takes its place as soon as it
    is that long; then the next one begins. At these updates the result is the exact suffix mean;
    between them its window still begins where it did. (With 1/2, windows are between 1/2 and 3/4 of
    all.) This takes a second slot. If the number T of updates is known, the exact mean of the last
    part is `average_params(uniform(), start=T - ceil(fraction T))`, which does not.

    Args:
      fraction: in [0, 1]; 0 is the last iterate, 1 the mean of all.

    Source: Rakhlin et al. 2012, whose rate O(1/T) holds for any constant share; CMU (S0-18).
    """
    return _Suffix("suffix", _one_of, {"fraction": fraction})


def _polynomial(t: Any, gamma: Any) -> Any:
    t = jnp.asarray(t, float)  # JAX divides integers in float32, in float64 mode too
    return (gamma + 1) / (t + gamma)


def _one_of(t: Any) -> Any:
    """`1 / t`, as wide as floats are by default."""
    return 1 / jnp.asarray(t, float)


@checked
def average_params(scheme: Scheme, start: Count = 0) -> Transformation:
    """Keep an average of the parameters; the updates pass through unchanged. Last in a chain.

    Iterate `w_t` is what the parameters are after an update, so the starting point has no share in
    the average (CMU's `w_t` is the point where gradient `t` is taken, one update earlier).
    `evaluation_params` reads the average. It is at least float32 whatever the parameters are, and
    small updates that add up in it are not rounded away.

    The weights that `nesterov` moves stand ahead of those to evaluate. In one `lectopt.chain` with
    it the average is of the latter, its base points. A record of another chain, as in
    `optax.chain(nesterov(...), average_params(...))`, cannot be seen from here, and the average is
    then of the shifted weights: of where the gradients are taken.

    Args:
      scheme: `polynomial_decay(gamma)`, `uniform()`, `exponential(decay)` or `suffix(fraction)`.
      start: how many updates to leave out at first; the average is of the later iterates, and
        until then `evaluation_params` gives what it gives without one.

    Returns:
      A transformation that keeps the average under `average`; its `update` needs the parameters.

    Raises:
      TypeError: `scheme` is not a scheme.
      ValueError: `start` is negative, or `update` was not given the parameters.

    Source: CMU (S0-18, S0-19).
    """
    if not isinstance(scheme, Scheme):
        raise TypeError(
            "average_params: scheme must be polynomial_decay(gamma), uniform(), exponential(decay) "
            f"or suffix(fraction); got {scheme!r}. Write average_params(polynomial_decay(3))."
        )

    return (_average_suffix if isinstance(scheme, _Suffix) else _average)(scheme, start)


def _average_params(
    updates: Any, state: Any, params: Any, count: Any, record: Any, *, scheme: Any, start: Count = 0
) -> Any:
    iterate, ahead = _after(updates, params), entries(record, AHEAD)

    def mix(average: Any, old_share: Any, share: Any) -> Any:
        # The newest iterate in the old average is known now without its look-ahead.
        def mixed(path: Any, w: Any, average: Any) -> Any:
            real = jnp.finfo(average.dtype).dtype
            base = average - old_share.astype(real) * ahead.get(names(path), 0)
            # A new average does not remember what stood there, not even a NaN.
            return jnp.where(share == 1, w, base + share.astype(real) * (w - base))

        return jax.tree_util.tree_map_with_path(mixed, iterate, average)

    t = count + 1 - start
    new = scheme.step(state, mix, jnp.maximum(t, 1), count)
    return updates, new | {SHARE: jnp.where(t < 1, 0, new[SHARE])}


def _younger(params: Any) -> State:
    lengths = dict(length=jnp.zeros([], jnp.int32), younger_length=jnp.zeros([], jnp.int32))
    return lengths | {"younger": jax.tree.map(widened_copy, params)}


_average = treewise(average=PARAMS, share=0.0)(_average_params)
_average_suffix = treewise(average=PARAMS, share=0.0, suffix=_younger)(_average_params)


def _after(updates: Any, params: Any) -> Any:
    """The parameters after the update, rounded as `optax.apply_updates` does, in wide floats."""
    leaves, treedef = jax.tree.flatten(updates, is_leaf=is_none)

    def after(update: Any, param: Any) -> Any:
        if update is None:  # the parameter stays; None may stand for a whole branch
            return jax.tree.map(widened_copy, param)
        dtype = dtype_of(param)
        return jnp.asarray(param + update.astype(dtype), dtype).astype(wide_dtype(dtype))

    rows = zip(leaves, leaves_like(updates, {"params": params}, "params"), strict=True)
    return treedef.unflatten([after(update, param) for update, param in rows])
