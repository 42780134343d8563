"""Averages of iterates: how large a share of the average the newest iterate gets.

`average_params` keeps the average that one of these describes:
`average_params(averaging.polynomial_decay(3))`. With the newest iterate `w`, `average + share (w -
average)` is all the rest.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lectopt.numerics import one_minus_power
from lectopt.settings import Decay, Fraction, NonNegative
from lectopt.signatures import checked
from lectopt.values import Value, function_key, value_at

__all__ = ["Scheme", "Suffix", "exponential", "polynomial_decay", "suffix", "uniform"]

# Entries of a state: the average of the points to evaluate, but for the newest one, in whose place
# stand the parameters; and the share of the newest one in it, 0 while nothing is averaged.
AVERAGE, SHARE = "average", "share"
# The share of a newest one that is none of those averaged: there is an average, and the look-ahead
# of the newest one, times this, changes no digit of it.
LEFT_OUT = 1e-30

State = dict[str, Any]
Mix = Callable[[Any, Any, Any], Any]  # (average, old share, new share) -> average with the iterate
Settle = Callable[[Any, Any], Any]  # (average, old share) -> average of points to evaluate alone


class Scheme(Value):
    """How iterates are averaged: a value, made by `polynomial_decay`, `uniform`, `exponential` or
    `suffix`.

    `share(t, **settings)` is the weight of iterate number `t`, from 1, in the average of all.
    """

    def __init__(self, name: str, share: Callable[..., Any], settings: Mapping[str, Any]):
        self.name, self.share, self.settings = name, share, settings

    def _key(self) -> Any:
        return (*super()._key(), function_key(self.share))

    def step(self, state: State, mix: Mix, t: Any, count: Any) -> State:
        """The entries of the state after iterate number `t`, with which the average begins anew
        if `t` is 1.
        """
        share = jnp.where(t == 1, 1, self.share(t, **self.at(count)))
        return {AVERAGE: mix(state[AVERAGE], state[SHARE], share), SHARE: share}

    def keep(self, state: State, settle: Settle) -> State:
        """The entries of the state after an iterate that is none of those averaged."""
        return state | {AVERAGE: settle(state[AVERAGE], state[SHARE])}

    def at(self, count: Any) -> dict[str, Any]:
        """The settings at an update."""
        return {name: value_at(value, count) for name, value in self.settings.items()}


class Suffix(Scheme):
    """The mean that is read, and a younger one that takes its place when it is long enough."""

    def step(self, state: State, mix: Mix, t: Any, count: Any) -> State:
        """See `Scheme`."""
        old = state["suffix"]
        length = jnp.where(t == 1, 1, old["length"] + 1)
        younger_length = jnp.where(t == 1, 1, old["younger_length"] + 1)
        average = mix(state[AVERAGE], state[SHARE], self.share(length))
        younger = mix(old["younger"], self._younger_share(old), self.share(younger_length))
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

    def keep(self, state: State, settle: Settle) -> State:
        """See `Scheme`."""
        old = state["suffix"]
        younger = settle(old["younger"], self._younger_share(old))
        return super().keep(state, settle) | {"suffix": old | {"younger": younger}}

    def _younger_share(self, suffix: State) -> Any:
        return self.share(jnp.maximum(suffix["younger_length"], 1))


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
    return Scheme("averaging.polynomial_decay", _polynomial, {"gamma": gamma})


def uniform() -> Scheme:
    """The mean of all iterates: `wbar_t = wbar_{t-1} + (w_t - wbar_{t-1}) / t`.

    Source: Polyak and Juditsky 1992; Ruppert 1988; CMU (S0-19 with `gamma=0`).
    """
    return Scheme("averaging.uniform", _one_of, {})


@checked
def exponential(decay: Decay) -> Scheme:
    """Exponential moving average, corrected for its start: `v_t = decay v_{t-1} + (1 - decay) w_t`
    from 0, `wbar_t = v_t / (1 - decay^t)`.

    It is kept corrected: `w_t` has the share `(1 - decay) / (1 - decay^t)`.

    Args:
      decay: in [0, 1); the average reaches back about `1 / (1 - decay)` updates.

    Source: ISI, moving averages (S2-17), here of the parameters.
    """
    return Scheme("averaging.exponential", _corrected, {"decay": decay})


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
    return Suffix("averaging.suffix", _one_of, {"fraction": fraction})


def _polynomial(t: Any, gamma: Any) -> Any:
    t = jnp.asarray(t, float)  # JAX divides integers in float32, in float64 mode too
    return (gamma + 1) / (t + gamma)


def _corrected(t: Any, decay: Any) -> Any:
    return (1 - decay) / one_minus_power(decay, t)


def _one_of(t: Any) -> Any:
    """`1 / t`, as wide as floats are by default."""
    return 1 / jnp.asarray(t, float)
