"""Finding by name what the optimizers of this library leave in a state, whatever wraps it.

`optax.chain`, `masked`, `partition`, `MultiSteps`, `inject_hyperparams` and the Flax optimizers put
the records of this library somewhere inside a larger tree. The name of an entry is enough to find
it there, and the names below it say which parameter each of its leaves belongs to.
"""

from collections.abc import Collection
from typing import Any

import jax
from jax.tree_util import GetAttrKey

Names = tuple[str, ...]


def names(path: Any) -> Names:
    """A path in a tree as plain names, without the inside of a Flax variable (`.value`)."""
    return tuple(
        jax.tree_util.keystr((entry,), simple=True)
        for entry in path
        if not (isinstance(entry, GetAttrKey) and entry.name in ("value", "raw_value"))
    )


def owners(state: Any, params: Collection[Names]) -> dict[Names, tuple[Names, Names]]:
    """Which leaves of a state belong to a parameter: the place of the entry and the parameter.

    What stands at a place follows the parameters if every leaf there is at the path of one, or in a
    list at that path, as statistics of single axes are. Of several such places the outermost
    counts.

    Args:
      state: a state, or a part of one.
      params: the paths of the parameters.

    Returns:
      For the path of such a leaf the names before the parameter's path, and that path.
    """

    def owner(below: Names) -> Names | None:
        whole = below
        while below not in params and below and below[-1].isdigit():
            below = below[:-1]
        return below if below in params and (below or not whole) else None

    leaves = [names(path) for path, _ in jax.tree_util.tree_leaves_with_path(state)]
    cuts = [(leaf, i, owner(leaf[i:])) for leaf in leaves for i in range(len(leaf), -1, -1)]
    mixed = {leaf[:i] for leaf, i, own in cuts if own is None}
    return {
        leaf: (leaf[:i], own) for leaf, i, own in cuts if own is not None and leaf[:i] not in mixed
    }


def entries(opt_state: Any, key: str) -> dict[Names, Any]:
    """The leaves below every entry `key` of a state, by their names from there."""
    return {
        below[1:]: leaf
        for record in records(opt_state, key).values()
        for below, leaf in record.items()
        if below[0] == key
    }


def records(opt_state: Any, key: str) -> dict[Names, dict[Names, Any]]:
    """Every part of a state that has an entry `key`: its leaves by their names from there.

    Returns:
      The parts by their place in the state, in its order.
    """
    leaves = [(names(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(opt_state)]
    places = dict.fromkeys(path[: path.index(key)] for path, _ in leaves if key in path)
    return {
        place: {path[len(place) :]: leaf for path, leaf in leaves if path[: len(place)] == place}
        for place in places
    }


def subtrees(opt_state: Any, key: str) -> list[Any]:
    """What stands under every entry `key` of a state, with its containers."""
    parts = jax.tree_util.tree_leaves_with_path(opt_state, is_leaf=lambda x: x is not opt_state)
    below = [
        [part] if names(path) == (key,) else subtrees(part, key) for path, part in parts if path
    ]
    return [tree for trees in below for tree in trees]
