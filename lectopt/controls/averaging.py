"""Averages of the iterates: parameters to evaluate that are a mean of those that were trained.

The last iterate of stochastic gradient descent carries the noise of the last gradients. An average
sheds it, and the best rates that the lectures prove are those of averages. How the iterates are
averaged, `lectopt.averaging` says.
"""

from typing import Any

import jax
import jax.numpy as jnp

from lectopt.averaging import LEFT_OUT, SHARE, Scheme, Suffix
from lectopt.controls.evaluation import AHEAD
from lectopt.lifting import treewise
from lectopt.settings import Count, Period, Scalar
from lectopt.signatures import checked
from lectopt.state_search import entries, names
from lectopt.transformation import State, Transformation
from lectopt.trees import dtype_of, is_none, leaves_like, wide_dtype, widened_copy
from lectopt.values import is_concrete

PARAMS = "params"  # a slot that starts as a copy of the parameters


@checked
def average_params(scheme: Scheme, start: Count = 0, every: Period[Scalar] = 1) -> Transformation:
    """Keep an average of the parameters; the updates pass through unchanged. Last in a chain: what
    would change them later is refused, but cannot be seen in a chain of Optax.

    Iterate `w_t` is what the parameters are after an update, so the starting point has no share in
    the average (CMU's `w_t` is the point where gradient `t` is taken, one update earlier).
    `evaluation_params` reads the average. It is at least float32 whatever the parameters are, and
    small updates that add up in it are not rounded away.

    With `every=k` only each `k`-th iterate after `start` counts: `w_{start + k}`, `w_{start + 2k}`,
    ... are the `w_1`, `w_2`, ... of the scheme, and between them the average stays as it is. With
    `uniform()` this is stochastic weight averaging with a cycle of `k` updates. Its paper counts
    the weights after `T` updates, where it begins, as the first of the mean: write `start=T - k`.

    The weights that `nesterov` moves stand ahead of those to evaluate. In one `lectopt.chain` with
    it the average is of the latter, its base points. A record of another chain, as in
    `optax.chain(nesterov(...), average_params(...))`, cannot be seen from here, and the average is
    then of the shifted weights: of where the gradients are taken.

    Args:
      scheme: `averaging.polynomial_decay(gamma)`, `uniform()`, `exponential(decay)` or
        `suffix(fraction)`.
      start: how many updates to leave out at first; the average is of the later iterates, and
        until then `evaluation_params` gives what it gives without one.
      every: updates from one averaged iterate to the next, one or more; the end of a cycle where
        the rate has cycles. `math.inf` for no average.

    Returns:
      A transformation that keeps the average under `average`; its `update` needs the parameters.

    Raises:
      TypeError: `scheme` is not a scheme.
      ValueError: `start` is negative, `every` is below 1, or `update` was not given the parameters.

    Source: CMU (S0-18, S0-19); for `every` Izmailov et al. 2018 (Algorithm 1).
    """
    if not isinstance(scheme, Scheme):
        raise TypeError(
            "average_params: scheme must be one of lectopt.averaging: polynomial_decay(gamma), "
            f"uniform(), exponential(decay) or suffix(fraction); got {scheme!r}. "
            "Write average_params(averaging.polynomial_decay(3))."
        )

    return (_average_suffix if isinstance(scheme, Suffix) else _average)(scheme, start, every)


def _average_params(
    updates: Any,
    state: Any,
    params: Any,
    count: Any,
    record: Any,
    *,
    scheme: Any,
    start: Count[Any] = 0,
    every: Period[Any] = 1,
) -> Any:
    iterate, ahead = _after(updates, params), entries(record, AHEAD)
    each = is_concrete(every) and every == 1

    def settle(average: Any, old_share: Any) -> Any:
        # The newest iterate in the old average is known now without its look-ahead.
        if not each:
            old_share = jnp.where(state[SHARE] > LEFT_OUT, old_share, 0)

        def settled(path: Any, average: Any) -> Any:
            real = jnp.finfo(average.dtype).dtype
            return average - old_share.astype(real) * ahead.get(names(path), 0)

        return jax.tree_util.tree_map_with_path(settled, average) if ahead else average

    def mix(average: Any, old_share: Any, share: Any) -> Any:
        def mixed(w: Any, base: Any) -> Any:
            # A new average does not remember what stood there, not even a NaN.
            real = jnp.finfo(base.dtype).dtype
            return jnp.where(share == 1, w, base + share.astype(real) * (w - base))

        return jax.tree.map(mixed, iterate, settle(average, old_share))

    t = count + 1 - start
    if each:
        new = scheme.step(state, mix, jnp.maximum(t, 1), count)
        return updates, new | {SHARE: jnp.where(t < 1, 0, new[SHARE])}
    t = jnp.maximum(t, 0)
    number = t // every  # of the iterates that are averaged
    new = scheme.step(state, mix, jnp.maximum(number, 1), count)
    kept = scheme.keep(state, settle)
    share = jnp.minimum(kept[SHARE], LEFT_OUT) if ahead else kept[SHARE]
    kept = kept | {SHARE: jnp.where(number < 1, 0, share)}
    is_averaged = (number >= 1) & (t % every == 0)
    return updates, jax.tree.map(lambda a, b: jnp.where(is_averaged, a, b), new, kept)


kept_average = _average_params  # for dialects that do more with it


def _younger(params: Any) -> State:
    lengths = dict(length=jnp.zeros([], jnp.int32), younger_length=jnp.zeros([], jnp.int32))
    return lengths | {"younger": jax.tree.map(widened_copy, params)}


_average = treewise(average=PARAMS, share=0.0, last=True)(_average_params)
_average_suffix = treewise(average=PARAMS, share=0.0, suffix=_younger, last=True)(_average_params)


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
