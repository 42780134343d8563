"""Moving a run: from the parameters and the state of another library's optimizer to an optimizer
here and its state, so that the next update is the one that the other would have made.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

Array = Any
Change = Callable[[Array], Array]


def library(name: str) -> Any:
    """A framework that lectopt does not need; who calls this has an object of it."""
    return importlib.import_module(name)


@dataclass(frozen=True)
class Piece:
    """One parameter of the other library, in the layout of the JAX parameters.

    Pieces with the same `label` share an optimizer. A slot that is missing has not been used.
    """

    value: Array
    label: str
    slots: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """The optimizer of one label, and the numbers in its state that belong to no parameter."""

    tx: optax.GradientTransformation
    scalars: Mapping[str, Any] = field(default_factory=dict)


class Groups(optax.GradientTransformationExtraArgs):
    """An `optax.partition` that knows its optimizers, and prints them."""

    transforms: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"partition({{{', '.join(f'{k!r}: {tx!r}' for k, tx in self.transforms.items())}}})"


def assembled(pieces: Any, parts: Mapping[str, Part]) -> tuple[Any, Any]:
    """One optimizer, and its state, from those of the labels.

    Args:
      pieces: tree of `Piece`s.
      parts: for each label in it its optimizer.

    Returns:
      The optimizer itself if there is one label, else an `optax.partition`; and the state.
    """
    params = jax.tree.map(lambda piece: jnp.array(piece.value), pieces)
    if len(parts) == 1:
        ((_, part),) = parts.items()
        return part.tx, _filled(part.tx.init(params), pieces, part.scalars)
    labels = jax.tree.map(lambda piece: piece.label, pieces)
    transforms: dict[Any, Any] = {label: part.tx for label, part in parts.items()}
    tx = Groups(*optax.partition(transforms, labels))
    tx.transforms = transforms
    state: Any = tx.init(params)

    def own(label: str) -> Any:
        return jax.tree.map(lambda p: p if p.label == label else optax.MaskedNode(), pieces)

    inner = {
        label: masked._replace(
            inner_state=_filled(masked.inner_state, own(label), parts[label].scalars)
        )
        for label, masked in state.inner_states.items()
    }
    return tx, state._replace(inner_states=inner)


def _filled(record: Any, pieces: Any, scalars: Mapping[str, Any]) -> Any:
    """The state `record` with the slots of the pieces, and the scalars, in it."""
    slots = {name for piece in jax.tree.leaves(pieces) for name in piece.slots}

    def slot(name: str, old: Array, piece: Piece) -> Array:
        new = piece.slots.get(name, old)
        if np.shape(new) != np.shape(old):
            raise ValueError(
                f"The state {name!r} of a parameter of shape {np.shape(old)} has shape "
                f"{np.shape(new)}. The state does not belong to this parameter, or the function "
                "beside the parameter is not a transposition or a reshaping."
            )
        return jnp.array(new, old.dtype)

    def entry(name: str, old: Any) -> Any:
        if name in scalars:
            return jnp.asarray(scalars[name], old.dtype)
        if name in slots:
            # A parameter may have no such slot: Adafactor has rows of matrices alone.
            return jax.tree.map(
                lambda o, piece: None if o is None else slot(name, o, piece),
                old,
                pieces,
                is_leaf=lambda o: o is None,
            )
        return {k: entry(k, v) for k, v in old.items()} if isinstance(old, dict) else old

    return {name: entry(name, old) for name, old in record.items()} if scalars or slots else record


def flattened(tree: Any, is_source: Callable[[Any], bool]) -> tuple[list[tuple[Any, Change]], Any]:
    """The leaves of a map, each a source or `(source, function)`, with their functions.

    Raises:
      TypeError: a leaf is neither.
      ValueError: a source occurs twice.
    """

    def is_leaf(x: Any) -> bool:
        pair = isinstance(x, tuple) and len(x) == 2 and is_source(x[0]) and callable(x[1])
        return is_source(x) or pair

    rows, treedef = jax.tree_util.tree_flatten_with_path(tree, is_leaf=is_leaf)
    leaves, seen = [], {}
    for path, leaf in rows:
        where = jax.tree_util.keystr(path) or "the only leaf"
        if not is_leaf(leaf):
            raise TypeError(
                f"{where} of the map is {type(leaf).__name__}. Wanted there: the parameter of the "
                "other library, or a pair of it and a function of its array, as in "
                "(linear.weight, np.transpose)."
            )
        source, change = (leaf, np.asarray) if is_source(leaf) else leaf
        if id(source) in seen:
            raise ValueError(f"{where} and {seen[id(source)]} of the map are the same parameter.")
        seen[id(source)] = where
        leaves.append((source, change))
    return leaves, treedef


def fits(pieces: Any, params: Any) -> None:
    """Hold the pieces against the JAX parameters.

    Raises:
      ValueError: another tree, or another shape.
    """
    if params is None:
        return
    if jax.tree.structure(pieces) != jax.tree.structure(params):
        raise ValueError(
            "The map must have the structure of the parameters: it is "
            f"{jax.tree.structure(pieces)}, they are {jax.tree.structure(params)}."
        )
    rows = jax.tree_util.tree_leaves_with_path(params)
    for (path, param), piece in zip(rows, jax.tree.leaves(pieces), strict=True):
        if np.shape(param) != np.shape(piece.value):
            raise ValueError(
                f"{jax.tree_util.keystr(path)} has shape {np.shape(param)}, and what the map gives "
                f"for it {np.shape(piece.value)}. A function beside it in the map changes the "
                "layout: (linear.weight, np.transpose)."
            )
