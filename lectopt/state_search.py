"""Finding by name what the optimizers of this library leave in a state, whatever wraps it.

`optax.chain`, `masked`, `partition`, `MultiSteps`, `inject_hyperparams` and the Flax optimizers put
the records of this library somewhere inside a larger tree. The name of an entry is enough to find
it there, and the names below it say which parameter each of its leaves belongs to.
"""

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
