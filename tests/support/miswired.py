"""Mistakes that take more than a line to make; see `mistakes`."""

import jax
import jax.numpy as jnp
import optax

import lectopt
from lectopt import chain, ema, ratio, root, sgd

PARAMS = {"w": jnp.ones(3), "b": jnp.ones(2)}


class Model:
    """Stands for what has the wrong type anywhere."""

    def __repr__(self):
        return "Model()"


def updated(tx, grads=PARAMS, state=None, params=PARAMS, **extra):
    """One update."""
    return lambda: tx.update(grads, tx.init(PARAMS) if state is None else state, params, **extra)


def started(tx):
    return lambda: tx.init(PARAMS)


@lectopt.treewise(slow="params")
def forgetful(updates, state, *, inner: optax.GradientTransformation):
    updates, _ = inner(updates)
    return updates, dict(slow=state.slow)


def across_updates():
    mean = ema(0.9)
    return updated(ratio(mean, root(chain(lectopt.clip_by_value(0.5), mean))))()


def across_a_tree():
    mean = ema(0.9)
    return lectopt.product(mean, lectopt.monitor(mean))


def module():
    from flax import nnx

    model = nnx.Linear(1, 1, rngs=nnx.Rngs(0))
    tx = lectopt.adam(1e-3)
    grads = nnx.grad(lambda model: model(jnp.ones((1, 1))).sum())(model)
    return tx.update(grads, tx.init(model), model)


def maker_in_flax():
    from flax import nnx

    nnx.Optimizer(nnx.Linear(1, 1, rngs=nnx.Rngs(0)), lectopt.adam, wrt=nnx.Param)


def strong_search_in_shards():
    tx = chain(sgd(1.0), lectopt.scale_by_wolfe_line_search(kind="strong"))

    def loss(w):
        return jnp.sum(w**2)

    def step(w):
        extra = dict(value=loss(w), grad=2 * w, value_fn=loss)
        return tx.update(2 * w, tx.init(w), w, **extra)[0]

    mesh = jax.make_mesh((1,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
    shards = jax.sharding.PartitionSpec("x")
    return jax.shard_map(step, mesh=mesh, in_specs=shards, out_specs=shards)(jnp.ones(2))
