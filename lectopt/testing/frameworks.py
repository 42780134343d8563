"""Flax: `nnx.Optimizer` and `TrainState` do what the bare transformation does."""

import functools as ft
from typing import Any
from unittest import SkipTest

import jax
import jax.numpy as jnp
import optax

from lectopt.testing import trees
from lectopt.testing.registry import check
from lectopt.testing.subject import Subject


@ft.cache
def _model() -> tuple[Any, Any, Any]:
    """The graph of a model of two layers, its parameters, the compiled gradient of its loss."""
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self, rngs: nnx.Rngs):
            self.first = nnx.Linear(2, 2, rngs=rngs)
            self.second = nnx.Linear(2, 2, rngs=rngs)

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.second(nnx.tanh(self.first(x)))

    def loss(params: Any) -> jax.Array:
        return jnp.mean(nnx.merge(graph, params)(jnp.linspace(-1, 1, 8).reshape(4, 2)) ** 2)

    graph, params = nnx.split(Model(nnx.Rngs(0)))
    return graph, params, jax.jit(jax.grad(loss))


def _start() -> Any:
    """A copy, as a model changes the parameters that it is merged from."""
    return jax.tree.map(jnp.copy, _model()[1])


def _alone(subject: Subject) -> Any:
    gradient, params, tx = _model()[2], _start(), subject.build()
    state = tx.init(params)
    for _ in range(3):
        updates, state = subject.update(tx, gradient(params), state, params)
        params = optax.apply_updates(params, updates)
    return params


@check
def in_nnx_optimizer(subject: Subject) -> None:
    """`flax.nnx.Optimizer` moves a model as the bare transformation moves its parameters, also
    when both are taken apart and put together between updates, as `nnx.jit` does."""
    from flax import nnx

    if subject.needs_trees():
        raise SkipTest("nnx.Optimizer does not make plain trees of grad= and value_fn=")
    graph, _, gradient = _model()
    model = nnx.merge(graph, _start())
    optimizer = nnx.Optimizer(model, subject.build(), wrt=nnx.Param)
    for _ in range(3):
        params = nnx.state(model, nnx.Param)
        grads = gradient(params)
        optimizer.update(model, grads, **subject.extra(grads, params))
        model, optimizer = nnx.merge(*nnx.split((model, optimizer)))
    found = jax.tree.leaves(nnx.state(model, nnx.Param))
    trees.close(found, jax.tree.leaves(_alone(subject)), "a weight", rtol=1e-5, atol=1e-6)


@check
def in_train_state(subject: Subject) -> None:
    """`TrainState.apply_gradients` moves parameters as the bare transformation does. What
    wants keyword arguments is given them through `state.tx.update`."""
    from flax.training.train_state import TrainState

    gradient = _model()[2]
    state: Any = TrainState.create(
        apply_fn=lambda *_: None,
        params=_start(),
        tx=subject.build(),
    )
    for _ in range(3):
        grads = gradient(state.params)
        if subject.needs:  # apply_gradients has no way to pass them on
            updates, opt_state = subject.update(state.tx, grads, state.opt_state, state.params)
            moved = optax.apply_updates(state.params, updates)
            state = state.replace(params=moved, opt_state=opt_state)
        else:
            state = state.apply_gradients(grads=grads)
    found = jax.tree.leaves(state.params)
    trees.close(found, jax.tree.leaves(_alone(subject)), "a weight", rtol=1e-5, atol=1e-6)
