"""Leaves of the parameters that are treated alike, found in one pass over a program.

Every value is numbered by what makes it. A value of one leaf is numbered by its operation and the
numbers of its operands, and inputs by their roles ("the gradient", "slot mu"), not by their leaf;
its shape is written relative to the leaf's own. A value of several leaves is numbered by its
operands together with the leaves that they belong to.

So if the new state and the update of two leaves have the same numbers, they are the same functions
of the leaf's own gradient, weights and slots, and of values that the whole tree has in common; and
by induction over the updates, whatever is proved of the one, with what it has in common with all
left as it is, is so of the other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from lectopt.explain.flat import Flat, Given, flat
from lectopt.explain.numbering import ALL, NONE, Numbers, Role
from lectopt.state_search import names, owners


def alike(
    leaves: int,
    programs: Sequence[tuple[Flat, Mapping[int, tuple[int, int]], Sequence[tuple[Role, int]]]],
    numbers: Numbers,
) -> list[tuple[int, ...]]:
    """The leaves that are treated alike, as tuples of their indices.

    Args:
      leaves: how many there are.
      programs: each with the numbers of its values, and the role and the leaf of every output.
      numbers: that gave them.
    """
    kinds: dict[int, list[Any]] = {k: [] for k in range(leaves)}
    for program, found, outputs in programs:
        for ref, (role, leaf) in zip(program.outputs, outputs, strict=True):
            if leaf >= 0:
                given = isinstance(ref, Given)
                number, owner = (numbers.given(ref.value), NONE) if given else found[ref]
                kinds[leaf].append(
                    (role, number if owner in (leaf, NONE, ALL) else (number, owner))
                )
    classes: dict[Any, list[int]] = {}
    for leaf, kind in kinds.items():
        classes.setdefault(tuple(kind), []).append(leaf)
    return list(map(tuple, classes.values()))


def groups_of(init: Any, update: Any, state: Any, params: Any, settings: int) -> list[Any]:
    """The leaves that programs treat alike, as tuples of their indices: `init(numbers, params)` and
    `update(numbers, gradients, state, params, extra)`, traced, which put out arrays alone."""
    weights = jax.tree.leaves(params)
    slots = owned(state, params)
    count = len(weights)
    table = Numbers([tuple(np.shape(x)) for x in weights])
    given = [(("setting", k), NONE) for k in range(settings)]
    leaves = [(("weight",), k) for k in range(count)]
    moves = [(("move",), k) for k in range(count)]
    first, later = flat(init), flat(update)
    entries = [(("slot", *role), leaf) for role, leaf in slots]
    inputs = [*given, *((("gradient",), k) for k in range(count)), *entries, *leaves]
    rest = len(later.inputs) - len(inputs)
    inputs += [(("extra", k), NONE) for k in range(rest)]
    programs = [
        (first, table.run(first, [*given, *leaves]), entries),
        (later, table.run(later, inputs), [*moves, *entries]),
    ]
    return alike(count, programs, table)


def owned(state: Any, params: Any) -> list[tuple[tuple[str, ...], int]]:
    """For every array of a state what it is called, and the index of its leaf, `NONE` if it has
    none."""
    paths = [names(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
    index = {path: k for k, path in enumerate(paths)}
    known = owners(state, paths)
    found = []
    for path, _ in jax.tree_util.tree_leaves_with_path(state):
        place = names(path)
        before, owner = known.get(place, (place, None))
        after = place[len(before) + len(owner or ()) :] if owner is not None else ()
        found.append(((*before, "/", *after), NONE if owner is None else index[owner]))
    return found


def kept(params: Any, leaves: Sequence[int]) -> Any:
    """The tree with these leaves alone; in the place of others is nothing, so that paths stay."""
    flat_leaves, treedef = jax.tree.flatten(params)
    wanted = set(leaves)
    return treedef.unflatten([x if k in wanted else None for k, x in enumerate(flat_leaves)])
