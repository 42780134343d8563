"""Leaves of gradient trees: their dtypes, and whether they fit the parameters and the state."""

import functools as ft
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.values import shown

FEW = 8  # so many leaves are named in a message


def is_none(x: Any) -> bool:
    """For `is_leaf=`: None marks a leaf without a gradient."""
    return x is None


def or_else(new: Any, old: Any) -> Any:
    """`new`, and what `old` has in its place where that is None."""
    return jax.tree.map(lambda n, o: o if n is None else n, new, old, is_leaf=is_none)


def dtype_of(leaf: Any) -> Any:
    """The dtype of an array, an abstract array or a Python number."""
    dtype = leaf.dtype if hasattr(leaf, "dtype") else jnp.result_type(leaf)
    if isinstance(dtype, np.dtype) or jnp.issubdtype(dtype, jax.dtypes.extended):
        return dtype  # NumPy has no dtype for the second kind, as of keys of random numbers
    return np.dtype(dtype)


def wide_dtype(dtype: Any) -> Any:
    """The dtype that arithmetic on `dtype` is done in: at least float32."""
    exact = not jnp.issubdtype(dtype, jnp.inexact)
    return np.dtype(np.float32) if exact or dtype.itemsize < 4 else dtype


@ft.cache
def is_inexact(dtype: Any) -> bool:
    """Whether it is that of floating point or complex numbers, which can have gradients."""
    return bool(jnp.issubdtype(dtype, jnp.inexact))


def check_inexact(updates: Any, leaves: Iterable[Any]) -> None:
    """Raise TypeError if a leaf is not floating point or complex, so cannot be a gradient."""
    for leaf in leaves:
        if leaf is not None and not is_inexact(dtype := dtype_of(leaf)):
            raise TypeError(
                f"Gradients must be floating point or complex; {_path_of(leaf, updates)} is "
                f"{dtype}. Give None as the gradient of leaves that are not trained, or leave "
                "them out of the parameters."
            )


def check_trained(updates: Any, params: Any) -> None:
    """Raise TypeError if a leaf with a gradient is no floating point or complex parameter.

    Its update would be rounded to the dtype of the parameter, and mostly to nothing.
    """
    if all(is_inexact(dtype_of(param)) for param in jax.tree.leaves(params)):
        return
    leaves, treedef = jax.tree.flatten(updates, is_leaf=is_none)
    try:
        parts = treedef.flatten_up_to(params)
    except (ValueError, TypeError):
        return  # who reads the parameters says what does not match
    for leaf, part in zip(leaves, parts, strict=True):
        if leaf is None or not is_inexact(dtype_of(leaf)):
            continue
        for dtype in map(dtype_of, jax.tree.leaves(part)):
            if not is_inexact(dtype):
                raise TypeError(
                    f"The parameter {_path_of(leaf, updates)} is {dtype}, and its gradient "
                    f"{dtype_of(leaf)}: integers cannot take its steps. Write "
                    "jnp.asarray(param, jnp.float32) before tx.init, or give None as the gradient "
                    "of what is not trained."
                )


def widened(updates: Any) -> Any:
    """`updates` in wide floats.

    Raises:
      TypeError: a leaf is not floating point, so it cannot have a gradient.
    """

    def wide(leaf: Any) -> Any:
        dtype = dtype_of(leaf)
        return leaf if dtype == (to := wide_dtype(dtype)) else jnp.asarray(leaf, to)

    check_inexact(updates, jax.tree.leaves(updates))
    return jax.tree.map(wide, updates)


def widened_copy(param: Any) -> Any:
    """A parameter in wide floats; a copy, as a donated buffer must not be given twice."""
    dtype = dtype_of(param)
    if not jnp.issubdtype(dtype, jnp.inexact):
        return None
    if isinstance(param, jax.ShapeDtypeStruct):
        return jnp.full_like(param, 0, dtype=wide_dtype(dtype))
    return jnp.array(param, wide_dtype(dtype), copy=True)


class Tree:
    """A tree of gradients taken apart, None included, to hold others against it."""

    def __init__(self, updates: Any):
        self.updates = updates
        self.leaves, self.treedef = jax.tree.flatten(updates, is_leaf=is_none)

    def like(self, record: Any, key: str, shaped: bool = True, may_lack: bool = False) -> list[Any]:
        """The leaves of `record[key]` in the order of those of the gradients.

        Args:
          record: holds the tree.
          key: its name.
          shaped: whether its leaves have the shapes of the gradients; if not, any tree may stand
            in the place of a leaf.
          may_lack: whether None may stand there, as for a leaf that a mask leaves out.

        Raises:
          ValueError: the tree has other leaves or shapes.
        """
        try:
            leaves = self.treedef.flatten_up_to(record[key])
        except (ValueError, TypeError):
            raise ValueError(_difference(self.updates, record[key], key)) from None
        if not shaped:
            return leaves
        for update, leaf in zip(self.leaves, leaves, strict=True):
            if update is None or (leaf is None and may_lack):
                continue
            if leaf is None or _shape(update) != _shape(leaf):
                raise ValueError(
                    f"The gradient of {_path_of(update, self.updates)} has shape "
                    f"{np.shape(update)}, but {key} has "
                    f"{'none there' if leaf is None else np.shape(leaf)}. Take the gradient with "
                    "respect to the same parameters that were given to init."
                )
        return leaves


def _shape(leaf: Any) -> tuple[int, ...]:
    return leaf.shape if hasattr(leaf, "shape") else np.shape(leaf)


def leaves_like(updates: Any, record: Any, key: str, may_lack: bool = False) -> list[Any]:
    """See `Tree.like`."""
    return Tree(updates).like(record, key, may_lack=may_lack)


USUAL = dict(value="loss", grad="grads", value_fn="loss_fn")  # what is given for an argument


def missing_message(who: str, missing: Sequence[str], wanted: Sequence[str]) -> str:
    """The message for extra arguments of `update` that are missing."""
    call = ", ".join(f"{name}={USUAL.get(name, '...')}" for name in wanted)
    return f"{who} needs {', '.join(missing)}. Write tx.update(grads, state, params, {call})."


def misfit_message(mask: Any, tree: Any, params: Any) -> str:
    """The message for a mask, which is the function `mask` of the parameters or the `tree` itself,
    that is no prefix of them."""
    entries, leaves = _paths(tree), _paths(params)
    surplus = [e for e in entries if not any(leaf[: len(e)] == e for leaf in leaves)]
    lacks = [leaf for leaf in leaves if not any(leaf[: len(e)] == e for e in entries)]
    what = [f"it has nothing for {_listed(lacks)}"] * bool(lacks)
    what += [f"there are no parameters at its {_listed(surplus)}"] * bool(surplus)
    name = f" {shown(mask)}" if len(shown(mask)) <= 60 else ""
    return (
        f"The mask{name} does not fit the parameters: {' and '.join(what) or 'other containers'}. "
        "Write a tree of booleans like the parameters, a prefix of it, or a function of the "
        "parameters."
    )


def _paths(tree: Any) -> list[Any]:
    return [path for path, _ in jax.tree_util.tree_leaves_with_path(tree, is_leaf=is_none)]


def _listed(paths: Sequence[Any]) -> str:
    """Paths in words, a few of them."""
    names = [_name(path) for path in paths]
    return ", ".join(names[:FEW]) + f" and {len(names) - FEW} more" * (len(names) > FEW)


def _difference(updates: Any, tree: Any, key: str) -> str:
    ours, theirs = _paths(updates), _paths(tree)
    lacks, surplus = [p for p in theirs if p not in ours], [p for p in ours if p not in theirs]
    what = [f"there is no gradient for {_listed(lacks)}"] * bool(lacks)
    what += [f"there is a gradient for {_listed(surplus)}, which {key} lacks"] * bool(surplus)
    what = what or [
        f"the containers differ: {jax.tree.structure(updates)} and {jax.tree.structure(tree)}"
    ]
    instead = (
        "Write nnx.state(model, nnx.Param) for the model, in init and in update."
        if _is_module(tree) != _is_module(updates)
        else "Give a gradient for every parameter given to init (None for a leaf that is not "
        "trained)."
    )
    return f"The gradients do not match {key}: {'; '.join(what)}. {instead}"


def _is_module(tree: Any) -> bool:
    """Whether it is a module of Flax NNX, whose gradients `nnx.grad` gives as a state."""
    nnx = sys.modules.get("flax.nnx")
    return nnx is not None and isinstance(tree, nnx.Module)


def _path_of(leaf: Any, tree: Any) -> str:
    paths = jax.tree_util.tree_leaves_with_path(tree)
    return next(_name(path) for path, other in paths if other is leaf)


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path) or "the only leaf"
