"""On what parameters an optimizer is read when none are given.

One vector does for what works weight by weight; two leaves tell a sum over one leaf from one over
all; and a mask or a tree of labels, wherever it is kept, says which leaves the optimizer expects.
"""

import functools as ft
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from lectopt.transformation import Transformation
from lectopt.wrapping import Foreign

# Of the leaves: sizes that no optimizer has among its settings.
SIZES = (59, 83, 61, 89, 67, 97, 71, 101, 73, 103, 79, 107)
DEPTH = 12  # closures within closures


def template(tx_or_maker: Any, settings: Mapping[str, Any]) -> Any:
    """Parameters that fit the masks and labels of an optimizer, None if it has none."""
    tree = next(_masks([tx_or_maker, *settings.values()], DEPTH, settings), None)
    if tree is None:
        return None
    leaves, treedef = jax.tree.flatten(tree)
    return treedef.unflatten([np.ones(SIZES[k % len(SIZES)]) for k in range(len(leaves))])


def _masks(things: Iterable[Any], depth: int, named: Mapping[str, Any]) -> Iterator[Any]:
    """Trees of booleans or strings, by name or in closures."""
    for name, value in named.items():
        if ("mask" in name or "label" in name) and _is_mask(value):
            yield value
    if depth:
        for thing in things:
            inner, names = _inside(thing)
            if inner or names:
                yield from _masks(inner, depth - 1, names)


def _inside(thing: Any) -> tuple[list[Any], Mapping[str, Any]]:
    """What a transformation, a function or a container holds, and the names of that."""
    if isinstance(thing, ft.partial):
        return [thing.func, *thing.args, *thing.keywords.values()], thing.keywords
    if isinstance(thing, Transformation):
        foreign = [thing.foreign] if isinstance(thing, Foreign) else []
        return [*foreign, *thing.settings.values(), *thing.parts], thing.settings
    if hasattr(thing, "init") and hasattr(thing, "update"):
        return [thing.update], {}
    if isinstance(thing, tuple | list):
        return list(thing), {}
    if isinstance(thing, dict):
        return list(thing.values()), {}
    code, cells = getattr(thing, "__code__", None), getattr(thing, "__closure__", None)
    if code is None or not cells:
        return [getattr(thing, "__self__", None)] if hasattr(thing, "__self__") else [], {}
    held = {}
    for name, cell in zip(code.co_freevars, cells, strict=True):
        try:
            held[name] = cell.cell_contents
        except ValueError:  # not yet filled
            continue
    return list(held.values()), held


def _is_mask(value: Any) -> bool:
    leaves, treedef = jax.tree.flatten(value)
    return not jax.tree_util.treedef_is_leaf(treedef) and all(
        isinstance(leaf, bool | np.bool_ | str) for leaf in leaves
    )
