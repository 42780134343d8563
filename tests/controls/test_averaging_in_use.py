"""Averages in a training: through every wrapper, in Flax, in every dtype, on many devices."""

import copy

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from flax.training.train_state import TrainState
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import lectopt
from lectopt import average_params
from lectopt.averaging import exponential, polynomial_decay, suffix, uniform

PARAMS = {"dense": {"kernel": jnp.ones((3, 2)), "bias": jnp.zeros(2)}, "scale": jnp.ones(())}
GRADS = jax.tree.map(lambda p: 0.5 + jnp.arange(p.size, dtype=p.dtype).reshape(p.shape), PARAMS)


def averaged_sgd(learning_rate=0.1, gamma=0.0):
    return lectopt.chain(lectopt.sgd(learning_rate), average_params(polynomial_decay(gamma)))


def train(tx, steps=4, params=PARAMS, grads=GRADS):
    """The last state, and the parameters after every update."""

    @jax.jit
    def run(params):
        state, path = tx.init(params), []
        for _ in range(steps):
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
            path.append(params)
        return state, path

    return run(params)


def mean(path):
    return jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *path)


def test_is_read_through_every_wrapper():
    labels = {"dense": {"kernel": "a", "bias": "b"}, "scale": "b"}
    wrapped = {
        "chain": optax.chain(optax.clip(100.0), averaged_sgd()),
        "separate": optax.chain(optax.sgd(0.1), average_params(uniform())),
        "lectopt.chain": lectopt.chain(optax.sgd(0.1), mean=average_params(uniform())),
        "partition": optax.partition({"a": averaged_sgd(), "b": averaged_sgd(0.2)}, labels),
        "inject": optax.inject_hyperparams(averaged_sgd)(learning_rate=0.1, gamma=0.0),
        "finite": optax.apply_if_finite(averaged_sgd(), 3),
    }
    for name, tx in wrapped.items():
        state, path = train(tx)
        evaluated = lectopt.evaluation_params(state, path[-1])
        chex.assert_trees_all_close(evaluated, mean(path), rtol=1e-6, custom_message=name)


def test_masked_out_leaves_are_the_parameters_themselves():
    masked = optax.masked(average_params(uniform()), {"dense": True, "scale": False})
    state, path = train(optax.chain(optax.sgd(0.1), masked))
    evaluated = lectopt.evaluation_params(state, path[-1])
    assert evaluated["scale"] is path[-1]["scale"]
    chex.assert_trees_all_close(evaluated["dense"], mean(path)["dense"], rtol=1e-6)


def test_accumulated_gradients_count_as_one_iterate():
    state, path = train(optax.MultiSteps(averaged_sgd(), 2), steps=6)
    evaluated = lectopt.evaluation_params(state, path[-1])
    chex.assert_trees_all_close(evaluated, mean(path[1::2]), rtol=1e-6)


def test_in_flax_nnx_and_linen():
    model = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, averaged_sgd(), wrt=nnx.Param)
    params = jax.tree.map(jnp.copy, nnx.to_pure_dict(nnx.state(model)))
    train_state = TrainState.create(apply_fn=None, params=params, tx=averaged_sgd())

    @nnx.jit
    def step(model, optimizer):
        optimizer.update(model, jax.tree.map(jnp.cos, nnx.state(model, nnx.Param)))

    path, linen_path = [], []
    for _ in range(4):
        step(model, optimizer)
        path.append(jax.tree.map(jnp.copy, nnx.state(model, nnx.Param)))
        grads = jax.tree.map(jnp.cos, train_state.params)
        train_state = train_state.apply_gradients(grads=grads)
        linen_path.append(train_state.params)
    evaluated = lectopt.evaluation_params(optimizer.opt_state, nnx.state(model, nnx.Param))
    chex.assert_trees_all_close(evaluated, mean(path), rtol=1e-6)
    linen = lectopt.evaluation_params(train_state.opt_state, train_state.params)
    chex.assert_trees_all_close(linen, mean(linen_path), rtol=1e-6)
    chex.assert_trees_all_close(linen, nnx.to_pure_dict(evaluated), rtol=1e-6)


def test_types_are_fixed_and_wide():
    """A scan carry in half precision, with complex and integer leaves and one that is None."""
    params = {
        "half": jnp.ones(2, jnp.bfloat16),
        "wave": jnp.ones(2, jnp.complex64),
        "ids": jnp.arange(2),
        "none": None,
    }
    grads = {"half": jnp.ones(2, jnp.bfloat16), "wave": params["wave"], "ids": None, "none": None}
    for scheme in (polynomial_decay(), suffix(0.3)):
        tx = lectopt.chain(lectopt.sgd(0.1), average_params(scheme))
        state = tx.init(params)
        dtypes = {k: v.dtype for k, v in state["average"].items() if v is not None}
        assert dtypes == {"half": jnp.float32, "wave": jnp.complex64}
        _, new = jax.eval_shape(tx.update, grads, state, params)
        chex.assert_trees_all_equal_shapes_and_dtypes(state, new)
        _, state = jax.jit(tx.update)(grads, state, params)
        evaluated = lectopt.evaluation_params(state, params)
        chex.assert_trees_all_equal_shapes_and_dtypes(evaluated, params)
        assert evaluated["ids"] is params["ids"]
        abstract = tx.init(jax.eval_shape(lambda: params))
        chex.assert_trees_all_equal_shapes_and_dtypes(abstract, state)


def test_steps_too_small_for_the_average_in_half_precision_add_up_in_it():
    """One update, then nothing moves: a bfloat16 average would stop short of the parameters."""
    tx, params = average_params(exponential(0.99)), jnp.ones(1, jnp.bfloat16)
    state = tx.init(params)
    step = jax.jit(tx.update)
    _, state = step(jnp.zeros(1, jnp.bfloat16), state, params)
    for _ in range(1000):
        _, state = step(jnp.zeros(1, jnp.bfloat16), state, 2 * params)
    corrected = 2 - 0.99**1000 * (1 - 0.99) / (1 - 0.99**1001)
    np.testing.assert_allclose(state["average"], corrected, rtol=1e-5)


def test_a_leaf_without_gradient_stays_in_the_average():
    tx = average_params(uniform())
    params, grads = {"a": jnp.ones(2), "b": {"c": jnp.ones(2)}}, {"a": jnp.ones(2), "b": None}
    state = tx.init(params)
    for _ in range(3):
        updates, state = tx.update(grads, state, params)
        assert updates == grads
    chex.assert_trees_all_close(lectopt.evaluation_params(state, params)["b"], params["b"])


def test_before_it_begins_and_after_a_nan_the_parameters_are_given():
    tx = average_params(uniform(), start=2)
    params = jnp.ones(2)
    state = tx.init(params)
    np.testing.assert_array_equal(lectopt.evaluation_params(state, 5 * params), 5.0)
    for value in (jnp.nan, 1.0, 2.0, 4.0):
        _, state = tx.update(jnp.zeros(2), state, value * params)
    np.testing.assert_array_equal(lectopt.evaluation_params(state, params), 3.0)


def test_parameters_named_as_entries_of_the_state_do_not_confuse_it():
    params = {name: {"kernel": jnp.ones(2)} for name in ("average", "share", "value")}
    params |= {"kernel": jnp.zeros(2)}
    tx = optax.chain(optax.adam(0.1), average_params(uniform()))
    state, path = train(tx, params=params, grads=params)
    chex.assert_trees_all_close(lectopt.evaluation_params(state, path[-1]), mean(path), rtol=1e-6)
    plain, path = train(optax.adam(0.1), params=params, grads=params)
    assert lectopt.evaluation_params(plain, path[-1])["kernel"] is path[-1]["kernel"]


def test_buffers_can_be_donated():
    tx, params = average_params(suffix(0.5)), {"w": jnp.ones(3)}
    for init in (tx.init, jax.jit(tx.init)):
        own = jax.tree.map(jnp.copy, params)
        state = init(own)
        step = jax.jit(lambda g, s, p: (tx.update(g, s, p)[1], p), donate_argnums=(1, 2))
        state, own = step(params, state, own)
        np.testing.assert_array_equal(state["average"]["w"], 2.0)


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=["auto", "explicit"])
def test_average_is_sharded_as_the_parameters(kind):
    mesh = jax.make_mesh((8,), ("x",), axis_types=(kind,))
    with jax.set_mesh(mesh):
        placing = NamedSharding(mesh, P("x", None))
        params = {"w": jax.device_put(jnp.ones((16, 2)), placing)}
        tx = lectopt.chain(lectopt.nesterov(0.1), average_params(suffix(0.5)))
        state = tx.init(params)
        compiled = jax.jit(tx.update).lower(params, state, params).compile()
        assert "all-" not in compiled.as_text()
        _, new = compiled(params, state, params)
        evaluated = lectopt.evaluation_params(new, params)
        for tree in (state["average"], new["average"], new["suffix"]["younger"], evaluated):
            assert tree["w"].sharding.is_equivalent_to(placing, 2)


@pytest.mark.parametrize("scheme", [polynomial_decay(), uniform(), exponential(0.9), suffix(0.25)])
def test_is_what_it_prints(scheme):
    tx = lectopt.chain(lectopt.adam(0.1), average_params(scheme, start=10))
    for value in (scheme, tx):
        again = eval(repr(value), vars(lectopt))
        assert again == value and hash(again) == hash(value) and copy.deepcopy(value) == value
    assert average_params(scheme) != average_params(scheme, 10)
    assert scheme != polynomial_decay(2.0) and scheme != "uniform()"
    assert exponential(jnp.float32(0.5)) == exponential(jnp.float32(0.5))


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: polynomial_decay(-1), ValueError, ["polynomial_decay: gamma", "-1"]),
        (lambda: exponential(1.0), ValueError, ["exponential: decay", "[0, 1)"]),
        (lambda: suffix(1.5), ValueError, ["suffix: fraction", "[0, 1]"]),
        (lambda: average_params(uniform), TypeError, ["polynomial_decay(gamma)", "uniform()"]),
        (
            lambda: average_params(0.99),
            TypeError,
            ["0.99", "(averaging.polynomial_decay(3))"],
        ),
        (lambda: average_params(uniform(), -1), ValueError, ["start", "number of updates"]),
        (
            lambda: averaged_sgd().update(GRADS, averaged_sgd().init(PARAMS)),
            ValueError,
            ["average_params needs the parameters", "tx.update(grads, state, params)"],
        ),
        (
            lambda: averaged_sgd().update(GRADS, lectopt.adam(0.1).init(PARAMS), PARAMS),
            ValueError,
            ["'average'", "another optimizer"],
        ),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error) as raised:
        call()
    for word in words:
        assert word in str(raised.value)
