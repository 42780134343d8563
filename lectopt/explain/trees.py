"""On what parameters transformations are read when none are given.

On leaves of every rank that programs ask for, with the names that masks ask for; a mask or a tree
of labels that is given as a tree says which leaves there are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.explain.templates import template

SCALAR: tuple[int, ...] = ()
VECTOR, MATRIX, KERNEL = (5,), (4, 3), (2, 3, 4, 5)
DEFAULT: dict[str, Any] = {
    "scale": SCALAR,
    "dense": {"bias": VECTOR, "kernel": MATRIX},
    "conv": {"kernel": KERNEL},
}
NAMED = 6  # leaves that a proof names
RANKS = ("scalars", "vectors", "matrices", "arrays of 3 axes", "arrays of 4 axes")


@dataclass(frozen=True)
class Tree:
    """Parameters to read on; `given` if the user gave them, and `groups` the numbers of leaves for
    which they stand if those were more."""

    params: Any
    given: bool = False
    groups: tuple[int, ...] = ()

    def as_type(self, dtype: Any) -> "Tree":
        """The same in another type."""
        params = jax.tree.map(lambda x: x.astype(dtype), self.params)
        return Tree(params, self.given, self.groups)

    @property
    def place(self) -> str:
        """How many leaves there are and what they are called, which programs may ask for in ways
        that no proof sees; nothing of parameters that the user gave."""
        paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(self.params)]
        if self.given or not paths[0]:
            return "" if self.given else ", each alone"
        names = [jax.tree_util.keystr(path, simple=True, separator=".") for path in paths]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        container = type(self.params).__name__
        return f", in a {container} of {', '.join(names[:NAMED])}{more}"

    @property
    def words(self) -> str:
        """What it stands for."""
        leaves = jax.tree.leaves(self.params)
        ranks = sorted({len(x.shape) for x in leaves})
        names = [RANKS[k] if k < len(RANKS) else f"arrays of {k} axes" for k in ranks]
        kinds = ", ".join(names[:-1]) + (f" and {names[-1]}" if len(names) > 1 else names[0])
        if self.groups:
            sizes = ", ".join(map(str, self.groups))
            return f"leaves of params ({sum(self.groups)}, of which {sizes} are treated alike)"
        if self.given:
            return f"leaves of params ({len(leaves)})"
        return f"{kinds}"


def candidates(a: Any, b: Any, params: Any) -> list[list[Tree]]:
    """Trees to read both on: the first list of which all can be read is taken.

    Args:
      a: a transformation or a maker.
      b: the other one.
      params: what the user gave, or None.
    """
    if isinstance(params, Tree):
        return [[params]]
    if params is not None:
        return [[Tree(jax.tree.map(_array, params), True)]]
    shape = next((p for p in (template(a, {}), template(b, {})) if p is not None), None)
    if shape is not None:
        return [[_like(shape, VECTOR), _like(shape, MATRIX)], [_like(shape, VECTOR)]]
    return [[Tree(_made(tree))] for tree in _smaller(DEFAULT)]


def _array(x: Any) -> Any:
    if isinstance(x, jax.ShapeDtypeStruct):
        return jnp.asarray(np.ones(x.shape, x.dtype))  # in 32 bits where JAX has no others
    return jnp.asarray(x)


def _like(tree: Any, shape: tuple[int, ...]) -> Tree:
    return Tree(jax.tree.map(lambda _: jnp.ones(shape), tree))


def _made(tree: Mapping[str, Any]) -> Any:
    return jax.tree.map(jnp.ones, tree, is_leaf=lambda x: isinstance(x, tuple))


def _smaller(tree: dict[str, Any]) -> Iterator[Any]:
    """The tree, and what is left of it for transformations that take no scalars, no kernels, or
    one array only."""
    dense = tree["dense"]
    yield tree
    yield {"dense": dense, "conv": tree["conv"]}
    yield {"dense": dense}
    yield {"kernel": dense["kernel"]}
    yield {"bias": dense["bias"]}
    yield dense["bias"]
