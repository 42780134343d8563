"""Which parameters to evaluate, when they are not the ones that are trained."""

from typing import Any

import jax
import jax.numpy as jnp

from lectopt.averaging import AVERAGE, SHARE
from lectopt.state_search import Names, entries, names, records
from lectopt.trees import dtype_of, is_inexact

AHEAD = (
    "look_ahead"  # entry of a state: how far the parameters stand ahead of the point to evaluate
)
SLOW = "slow_params"  # entry of a state: the weights to which lookahead returns


def evaluation_params(opt_state: Any, params: Any) -> Any:
    """The parameters to evaluate, save and ship: the average that `average_params` keeps, else
    the slow weights of `lookahead` or Nesterov's base point where a state records one, else
    `params`.

    The state is searched for what the optimizers of this library leave there, so it may be wrapped
    in `optax.chain`, `masked`, `partition`, `MultiSteps`, `inject_hyperparams` or be the
    `opt_state` of a Flax optimizer. A leaf without an average, because it is masked out or the
    average has not begun, is what it is without `average_params`.

    Args:
      opt_state: state of an optimizer, after any number of updates.
      params: the parameters that belong to it.

    Returns:
      A tree like `params`.
    """
    ahead, averages = entries(opt_state, AHEAD), _averages(opt_state)
    slow = entries(opt_state, SLOW)

    def evaluated(path: Any, param: Any) -> Any:
        leaf = names(path)
        if not is_inexact(dtype_of(param)):
            return param
        if leaf in slow and leaf not in averages:
            return slow[leaf].astype(param.dtype)
        base = param - ahead[leaf].astype(param.dtype) if leaf in ahead else param
        if leaf not in averages:
            return base
        average, share = averages[leaf]
        return jnp.where(share > 0, average.astype(param.dtype), base)

    return jax.tree_util.tree_map_with_path(evaluated, params)


def _averages(opt_state: Any) -> dict[Names, tuple[Any, Any]]:
    """For each leaf the average of the points to evaluate, and the share of the newest in it."""
    found = {}
    for record in records(opt_state, AVERAGE).values():
        if (SHARE,) not in record:
            continue  # these are parameters of that name
        ahead = {n[n.index(AHEAD) + 1 :]: leaf for n, leaf in record.items() if AHEAD in n}
        for (entry, *leaf), average in record.items():
            if entry == AVERAGE:
                # The lanes of a vmapped training are axes of the share too, its only ones.
                share = record[(SHARE,)]
                share = share.reshape(share.shape + (1,) * (average.ndim - share.ndim))
                found[tuple(leaf)] = average - share * ahead.get(tuple(leaf), 0), share
    return found
