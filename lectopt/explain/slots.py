"""The arrays of an optimizer's state: what each is called, and which leaf it belongs to."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from lectopt.explain.letters import distinct, word
from lectopt.state_search import names, owners

WRAPPERS = ("inner_state", "inner_states", "inner_opt_state", "state", "value", "raw_value")


def labels(tree: Any) -> dict[Any, str]:
    """A label for every path in a tree: `encoder.w`; "" if there is only one."""
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(tree)]
    if len(paths) == 1:
        return {paths[0]: ""}
    found: dict[Any, str] = {}
    for path in paths:
        name = word(jax.tree_util.keystr(path, simple=True, separator=".")) or "_"
        found[path] = distinct(name, found.values())
    return found


def keys(tree: Any, leaves: Mapping[Any, str]) -> list[tuple[str, str]]:
    """For every array of a state what it is called, and the leaf of the parameters it belongs to.

    Args:
      tree: the state.
      leaves: the paths of the leaves of the parameters, as plain names, with their labels.
    """
    found: list[tuple[tuple[str, ...], str]] = []
    known = owners(tree, leaves)
    for path, _ in jax.tree_util.tree_leaves_with_path(tree):
        before, param = known.get(names(path), (names(path), None))
        leaf = "" if param is None else leaves[param]
        words = [w for w in map(word, before) if w and not w.isdigit()]
        words = [w for k, w in enumerate(words) if w not in WRAPPERS or k == len(words) - 1]
        found.append((tuple(words) or ("state",), leaf))
    named: list[tuple[str, str]] = []
    for k, (words, leaf) in enumerate(found):
        taken = {name for name, own in named if own == leaf or not (own and leaf)}
        # An ending _hat is that of a corrected average.
        name = re.sub("_hat$", "hat", _shortest(words, leaf, k, found))
        named.append((distinct(name, taken), leaf))
    return named


def _shortest(words: tuple[str, ...], leaf: str, index: int, found: Sequence[Any]) -> str:
    """The last word; with the nearest word before it that tells it from its namesakes, or a
    number."""
    rivals = [
        (k, w)
        for k, (w, own) in enumerate(found)
        if w[-1] == words[-1] and (own == leaf or not (own and leaf))
    ]
    if len(rivals) == 1:
        return words[-1]
    for depth in range(2, len(words) + 1):
        if sum(w[-depth : -depth + 1] == words[-depth : -depth + 1] for _, w in rivals) == 1:
            return f"{words[-1]}_{words[-depth]}"
    place = [k for k, _ in rivals].index(index) + 1
    return words[-1] + (str(place) if place > 1 else "")
