"""What a problem's data may be, and what its functions may give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.training.data import count_samples
from lectopt.trees import dtype_of, is_inexact

FEW = 6  # so many leaves are named in a message


def check_data(data: Any) -> None:
    """Refuse data that no training can use.

    Raises:
        ValueError: Naming the split, and what to write.
    """
    if not isinstance(data, Mapping) or "train" not in data:
        got = sorted(map(str, data)) if isinstance(data, Mapping) else type(data).__name__
        raise ValueError(
            f'wanted data = {{"train": (x, y), ...}} with at least the split "train", got {got}'
        )
    streamed = is_stream(data["train"])
    for name, split in data.items():
        where = f"split {name!r}"
        if name == "train" and streamed:
            check_stream(split)
            continue
        if is_stream(split):
            raise ValueError(
                f"{where}: wanted arrays, got {_kind(split)}. Only 'train' may be an iterable of "
                "batches; write a pair (x, y) of arrays."
            )
        for leaf in jax.tree.leaves(split, is_leaf=_is_list_of_numbers):
            check_array(leaf, where)
        if not count_samples(split, where):
            raise ValueError(f"{where} has no samples. Leave it out.")
    if not streamed:
        structure = jax.tree.structure(data["train"])
        for name, split in data.items():
            if (found := jax.tree.structure(split)) != structure:
                raise ValueError(f"split {name!r}: wanted {structure}, as 'train' is, got {found}")


def check_array(leaf: Any, where: str) -> None:
    """Refuse what is no array of numbers.

    Raises:
        ValueError: Saying what to write.
    """
    kind = _kind(leaf)
    if "pandas" in kind or "polars" in kind:
        raise ValueError(
            f"{where}: got a {kind}. Write x.to_numpy(), and a column of labels as integers: "
            "y.to_numpy()."
        )
    if isinstance(leaf, list) or np.isscalar(leaf):
        raise ValueError(
            f"{where}: wanted arrays, got Python numbers in a list. Write np.asarray(...) of it: "
            "in JAX a list is a container of arrays."
        )
    if not hasattr(leaf, "dtype") or not hasattr(leaf, "shape"):
        raise ValueError(f"{where}: wanted arrays, got a {kind}. Write np.asarray(...) of it.")
    dtype = leaf.dtype
    if getattr(dtype, "kind", "") in "OSUM" or "torch" in kind:
        what = f"an array of {dtype}" if "torch" not in kind else f"a {kind}"
        raise ValueError(
            f"{where}: wanted arrays of numbers, got {what}. For labels that are text write "
            "np.unique(y, return_inverse=True)[1]; for tensors of PyTorch x.numpy()."
        )


def is_stream(split: Any) -> bool:
    """Whether a split is no tree of arrays but something that gives batches."""
    if isinstance(split, Mapping | list | tuple) or hasattr(split, "__array__"):
        return False
    if "pandas" in _kind(split) or "polars" in _kind(split):
        return False
    return hasattr(split, "__iter__") and not isinstance(split, str) or callable(split)


def check_stream(train: Any) -> None:
    """Refuse an iterator that is used up after one epoch.

    Raises:
        ValueError: It cannot be started again.
    """
    if not callable(train) and hasattr(train, "__next__"):
        raise ValueError(
            f"split 'train': {_kind(train)} cannot be started again for a second epoch. Give a "
            "function that returns one: lambda: batches()."
        )


def check_params(params: Any) -> None:
    """Refuse parameters that cannot be trained.

    Raises:
        ValueError: There are none, or some are not floating point; they are named.
    """
    leaves = jax.tree_util.tree_leaves_with_path(params)
    if not leaves:
        raise ValueError(
            "there are no parameters: init gave an empty tree. Return the arrays that are trained."
        )
    wrong = [
        f"{jax.tree_util.keystr(path) or 'the only leaf'} ({dtype_of(leaf)})"
        for path, leaf in leaves
        if not is_inexact(dtype_of(leaf))
    ]
    if wrong:
        raise ValueError(
            f"parameters must be floating point; {_listed(wrong)} cannot be trained. Write "
            "jnp.asarray(x, jnp.float32), or keep it in the model state: stateful=True with init "
            "returning (params, state), or nnx.Variable in place of nnx.Param."
        )


def changed_state(old: Any, new: Any) -> Iterator[str]:
    """How a model state differs in kind from the one that a loop began with."""
    before = dict(_kinds(old))
    after = dict(_kinds(new))
    for path in before.keys() | after.keys():
        if before.get(path) != after.get(path):
            yield f"{path or 'the only leaf'}: {before.get(path)} became {after.get(path)}"


def _kinds(tree: Any) -> Iterator[tuple[str, Any]]:
    for path, x in jax.tree_util.tree_leaves_with_path(tree):
        yield jax.tree_util.keystr(path), f"{dtype_of(x)}{list(jnp.shape(x))}"


def _is_list_of_numbers(x: Any) -> bool:
    return isinstance(x, list) and any(isinstance(i, int | float | list | str) for i in x[:1])


def _kind(x: Any) -> str:
    return f"{type(x).__module__.partition('.')[0]}.{type(x).__name__}".removeprefix("builtins.")


def _listed(found: list[str]) -> str:
    return ", ".join(found[:FEW]) + f" and {len(found) - FEW} more" * (len(found) > FEW)
