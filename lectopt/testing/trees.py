"""Trees to train, gradients to give, and how two trees differ, in words.

Compilation is what checks cost, and leaves of one shape are compiled once: wherever numbers are
computed all leaves are 2 x 2 matrices. Where only types are traced the leaves differ.
"""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Tree = Any
_BASE = {"dense": {"kernel": [[1.0, 0.5], [-0.7, 0.2]]}, "gain": [[0.3, -1.0], [0.8, -0.2]]}
_WAVES = (1.0, -0.6, 0.8, 0.3, -1.2, 0.9)


def params(dtype: Any = "float32", size: float = 1.0) -> Tree:
    """Two matrices, in new buffers at every call."""
    return _map(lambda x: np.flip(x).astype(float) * 0.5 + size, dtype)


def gradients(t: int = 0, dtype: Any = "float32") -> Tree:
    """The gradients of update number `t`, from 0: they change sign and size."""
    return _map(lambda x: x * _WAVES[t % len(_WAVES)] + 0.05 * t, dtype)


def gradients64(t: int) -> Tree:
    """The same in double precision, where that is allowed."""
    return gradients(t, "float64")


def _map(function: Any, dtype: Any) -> Tree:
    is_matrix = lambda x: isinstance(x, list)  # noqa: E731
    return jax.tree.map(
        lambda x: jnp.asarray(function(np.array(x)), dtype), _BASE, is_leaf=is_matrix
    )


def mixed(dtype: Any) -> Tree:
    """A nested tree with a matrix and a vector."""
    return {"dense": {"kernel": jnp.ones((3, 2), dtype)}, "bias": jnp.full(2, 0.5, dtype)}


def named_leaves(tree: Tree) -> Iterator[tuple[str, Any]]:
    """Every leaf with its path, as Python would write it."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        yield jax.tree_util.keystr(path) or "the only leaf", leaf


def type_of(leaf: Any, weak: bool = True) -> str:
    """Shape and dtype of a leaf in words: `float32[2,2]`; a weak type is said."""
    if not hasattr(leaf, "dtype"):
        return f"a Python {type(leaf).__name__}"
    shape = ",".join(map(str, np.shape(leaf)))
    return f"{leaf.dtype}[{shape}]" + " (weak)" * (weak and getattr(leaf, "weak_type", False))


def same_structure(found: Tree, expected: Tree, what: str) -> None:
    """Assert that both trees have the same containers and entries."""
    if jax.tree.structure(found) == jax.tree.structure(expected):
        return
    ours, theirs = dict(named_leaves(found)), dict(named_leaves(expected))
    new, gone = sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours))
    said = [f"{', '.join(new)} is new"] * bool(new) + [f"{', '.join(gone)} is gone"] * bool(gone)
    said = said or [f"{jax.tree.structure(found)} instead of {jax.tree.structure(expected)}"]
    raise AssertionError(f"{what} has another structure: {'; '.join(said)}")


def same_types(found: Tree, expected: Tree, what: str, weak: bool = True) -> None:
    """Assert equal structures, shapes and dtypes; of weak types too, unless told otherwise."""
    same_structure(found, expected, what)
    for (name, ours), theirs in zip(named_leaves(found), jax.tree.leaves(expected), strict=True):
        a, b = type_of(ours, weak), type_of(theirs, weak)
        assert a == b, f"{what} has {a} at {name} instead of {b}"


def shown(values: np.ndarray) -> str:
    """An array in one line."""
    text = np.array2string(values, precision=7, separator=", ", threshold=20)
    return " ".join(text.split())


def finite(tree: Tree, what: str) -> None:
    """Assert that there is no NaN or infinity."""
    for name, leaf in named_leaves(tree):
        if jnp.issubdtype(leaf.dtype, jnp.inexact):
            values = np.asarray(leaf).astype(
                complex if jnp.iscomplexobj(leaf) else float  # NumPy has no finite for bfloat16
            )
            assert np.isfinite(values).all(), f"{what} is {shown(values)} at {name}"


def same_bits(found: Tree, expected: Tree, what: str) -> None:
    """Assert equal structures, types and values, NaN equal to NaN."""
    same_types(found, expected, what)
    for (name, ours), theirs in zip(named_leaves(found), jax.tree.leaves(expected), strict=True):
        a, b = _plain(ours), _plain(theirs)
        assert a.tobytes() == b.tobytes(), f"{what} is {shown(a)} at {name}, not {shown(b)}"


def close(found: Tree, expected: Tree, what: str, rtol: float, atol: float) -> None:
    """Assert equal structures and values that are near."""
    same_structure(found, expected, what)
    for (name, ours), theirs in zip(named_leaves(found), jax.tree.leaves(expected), strict=True):
        a, b = np.asarray(ours), np.asarray(theirs)
        if not np.allclose(a, b, rtol=rtol, atol=atol):
            raise AssertionError(f"{what} is {shown(a)} at {name} instead of {shown(b)}")


def _plain(leaf: Any) -> np.ndarray:
    """A leaf as NumPy; of a typed key its raw numbers."""
    is_key = hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf)
