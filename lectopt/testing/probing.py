"""What a program does, found out from its results and from its jaxpr."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Tree = Any
# Primitives, by the beginnings of their names, that mix the entries of an array.
_MIXING = ("reduce", "dot_general", "arg", "cum", "sort", "top_k", "concatenate", "conv_general")
_MIXING += ("eig", "svd", "qr", "cholesky", "triangular_solve")


def zeros(tree: Tree) -> Tree:
    """The tree with zeros for its leaves."""
    return jax.tree.map(jnp.zeros_like, tree)


def moves(updates: Tree) -> bool:
    """Whether anything in `updates` is not zero."""
    return any(np.any(np.asarray(leaf) != 0) for leaf in jax.tree.leaves(updates))


def loss_of(names: tuple[str, ...], grads: Tree, params: Tree) -> dict[str, Any]:
    """`value`, `grad` and `value_fn`, as far as wanted, of a bowl that has `grads` at `params`."""

    def value_fn(at: Tree, **_: Any) -> Any:
        steps = jax.tree.map(jnp.subtract, at, params)
        bowl = jax.tree.map(
            lambda g, d: jnp.sum((jnp.conj(g) * d).real + abs(d) ** 2), grads, steps
        )
        return sum(jax.tree.leaves(bowl), start=jnp.ones(()))

    offers = dict(value=jnp.ones(()), grad=grads, value_fn=value_fn)
    return {name: offers[name] for name in names}


def reduces(jaxpr: Any) -> bool:
    """Whether a program mixes the entries of an array."""
    for equation in jaxpr.eqns:
        if equation.primitive.name.startswith(_MIXING):
            return True
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=_is_jaxpr):
            if _is_jaxpr(inner) and reduces(getattr(inner, "jaxpr", inner)):
                return True
    return False


def _is_jaxpr(x: Any) -> bool:
    return hasattr(x, "eqns")
