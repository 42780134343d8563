"""Which parameters to evaluate, when they are not the ones that are trained."""

from typing import Any

import jax

AHEAD = (
    "look_ahead"  # entry of a state: how far the parameters stand ahead of the point to evaluate
)


def evaluation_params(opt_state: Any, params: Any) -> Any:
    """The parameters to evaluate, save and ship: Nesterov's base point where a state records one,
    else `params`.

    The state is searched for what the optimizers of this library leave there, so it may be wrapped
    in `optax.chain`, `masked`, `partition`, `MultiSteps`, `inject_hyperparams` or be the
    `opt_state` of a Flax optimizer.

    Args:
      opt_state: state of an optimizer, after any number of updates.
      params: the parameters that belong to it.

    Returns:
      A tree like `params`.
    """
    ahead = _entries(opt_state, AHEAD)
    return jax.tree_util.tree_map_with_path(
        lambda path, param: (
            param - ahead[names].astype(param.dtype) if (names := _names(path)) in ahead else param
        ),
        params,
    )


def _entries(opt_state: Any, key: str) -> dict[tuple[str, ...], Any]:
    """The leaves below every entry `key` of a state, by their path from there."""
    found = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(opt_state):
        names = _names(path)
        if key in names:
            found[names[names.index(key) + 1 :]] = leaf
    return found


def _names(path: Any) -> tuple[str, ...]:
    """A path as plain names, without the inside of a Flax variable (`.value`)."""
    names = [jax.tree_util.keystr((entry,), simple=True) for entry in path]
    return tuple(name for name in names if name not in ("value", "raw_value"))
