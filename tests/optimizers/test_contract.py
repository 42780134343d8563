"""What every algorithm promises: the rows of the table crossed with the ways people use one."""

import copy
import functools as ft

import chex
import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from flax import nnx
from flax.training.train_state import TrainState

import lectopt
from tests.support.algorithms import ALGORITHMS

rows = pytest.mark.parametrize("row", ALGORITHMS, ids=lambda row: row.id)
DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64")


def params_of(dtype):
    """A nested tree with a scalar and a leaf that is None."""
    return {
        "dense": {"kernel": jnp.ones((3, 2), dtype), "bias": jnp.zeros(2, dtype)},
        "scale": jnp.ones((), dtype),
        "frozen": None,
    }


# Compilation is what these tests cost, and leaves of one shape are compiled once.
PARAMS = jax.tree.map(lambda p: jnp.full(2, p.mean()), params_of("float32"))
GRADS = {
    "dense": {"kernel": jnp.array([1.0, 0.5]), "bias": jnp.array([-0.4, 0.9])},
    "scale": jnp.array([0.3, -1.0]),
    "frozen": None,
}


def types(tree):
    return jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), tree)


def updates_of(tx, params, grads, steps=3, branches=False, **extra):
    """The sum of all updates. One update is traced whole, for the types; the numbers then come from
    small compiled pieces that all rows share, or, where `branches` of a wrapper would be compiled
    anew at every update, from single operations."""
    update, start, state = ft.partial(tx.update, **extra), params, tx.init(params)
    traced = jax.eval_shape(update, grads, state, params)
    chex.assert_trees_all_equal_shapes_and_dtypes(traced, (grads, state))
    with jax.disable_jit(branches):
        for _ in range(steps):
            updates, state = update(grads, state, params)
            params = optax.apply_updates(params, updates)
    return optax.tree.sub(params, start)


@rows
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.usefixtures("x64")
def test_state_and_updates_keep_their_types(row, dtype):
    """A `scan` carry, a `cond` between update and none, and updates in the gradient's dtype."""
    params, tx = params_of(dtype), row.build()

    def step(carry, _):
        params, state = carry
        updates, new = tx.update(params, state, params, **row.extra)
        assert types(updates) == types(params)
        kept = jax.lax.cond(jnp.bool_(True), lambda: (updates, new), lambda: (params, state))
        return (optax.apply_updates(params, kept[0]), kept[1]), None

    carry = (params, tx.init(params))
    (_, state), _ = jax.eval_shape(lambda c: jax.lax.scan(step, c, length=2), carry)
    assert types(state) == types(carry[1])
    for slot in jax.tree.leaves(state):
        assert slot.dtype == jnp.int32 or slot.dtype.itemsize >= 4


@rows
def test_state_dtype_is_kept_and_arithmetic_is_not_done_in_it(row):
    if not row.slots:
        assert set(row.build().init(PARAMS)) <= {"count"}  # nothing to store, so nothing to keep
        return
    tx = row.build(state_dtype=jnp.bfloat16)
    state = tx.init(PARAMS)
    names = [(jax.tree_util.keystr(path[-1:], simple=True), path, x) for path, x in flat(state)]
    assert all(x.dtype == jnp.float32 for name, _, x in names if name in row.scalars)
    slots = [
        (path, x.dtype) for n, path, x in names if n not in row.scalars and x.dtype != jnp.int32
    ]
    rounded = {  # what begins as the weights may stay exact
        dtype for path, dtype in slots if not jax.tree_util.keystr(path).startswith(row.copies)
    }
    assert slots and rounded <= {jnp.dtype(jnp.bfloat16)}
    update = ft.partial(tx.update, **row.extra)
    assert types(jax.eval_shape(update, GRADS, state, PARAMS)[1]) == types(state)
    updates, _ = update(GRADS, state, PARAMS)
    wide, _ = row.build().update(GRADS, row.build().init(PARAMS), PARAMS, **row.extra)
    # Only a first value that is not 0 has been rounded by the first update.
    chex.assert_trees_all_close(updates, wide, rtol=5e-3 if row.first_value else 1e-6)


@rows
def test_zero_gradients_stay_finite(row):
    """In half precision epsilon would be zero; nowhere may 0/0 come out."""

    @jax.jit
    def run():
        totals = []
        for dtype in (jnp.float16, jnp.bfloat16):
            params = {"dead": jnp.ones(2, dtype), "tiny": jnp.ones(2, dtype)}
            grads = {"dead": jnp.zeros(2, dtype), "tiny": jnp.full(2, 1e-7, dtype)}
            state, tx = row.build().init(params), row.build()
            for _ in range(3):
                updates, state = tx.update(grads, state, params, **row.extra)
                totals.append(updates)
        return totals

    for updates in run():
        assert np.isfinite(np.asarray(updates["tiny"], np.float32)).all()
        if not row.decays:
            np.testing.assert_array_equal(np.asarray(updates["dead"], np.float32), 0)


@rows
def test_one_compilation_however_the_optimizer_is_passed(row):
    chex.clear_trace_counter()

    @chex.assert_max_traces(n=1)
    def step(tx, grads, state):
        return tx.update(grads, state, PARAMS, **row.extra)

    step = jax.jit(step, static_argnums=0).eval_shape  # a trace, without what follows from it
    _, state = step(row.build(), GRADS, row.build().init(PARAMS))
    for _ in range(2):
        _, state = step(row.build(), GRADS, state)


@rows
def test_is_what_it_prints(row):
    """`repr` is the composition, evaluates to an equal optimizer, and copies are equal."""
    tx = row.build()
    assert eval(repr(tx), vars(lectopt)) == tx
    assert hash(eval(repr(tx), vars(lectopt))) == hash(tx)
    assert copy.deepcopy(tx) == tx
    assert row.build(0.2) != tx and tx != optax.sgd(0.1)
    assert jax.tree.leaves(tx) == [] and jax.tree.map(lambda x: x, tx) == tx


@rows
def test_inside_optaxs_wrappers(row):
    params = {k: v for k, v in PARAMS.items() if k != "frozen"}
    grads = {k: v for k, v in GRADS.items() if k != "frozen"}
    mask = {"dense": {"kernel": True, "bias": True}, "scale": True}
    tx = row.build()
    inject = optax.inject_hyperparams(row.make)
    wrapped = {
        "chain": optax.chain(optax.identity(), tx),
        "lectopt.chain": lectopt.chain(optax.identity(), tx, optax.scale(1.0)),
        "masked": optax.masked(tx, mask),
        "partition": optax.partition({"all": tx}, jax.tree.map(lambda _: "all", params)),
        "apply_if_finite": optax.apply_if_finite(tx, 3),
        "inject_hyperparams": inject(learning_rate=0.1, **row.numbers),
    }
    bare = updates_of(tx, params, grads, **row.extra)
    for name, wrapper in wrapped.items():
        updates = updates_of(
            wrapper, params, grads, branches=name == "apply_if_finite", **row.extra
        )
        chex.assert_trees_all_close(updates, bare, rtol=2e-5, atol=1e-6, custom_message=name)


@rows
def test_gradient_accumulation(row):
    """`MultiSteps` over two equal halves is one update with the whole, and counts as one."""
    tx = optax.MultiSteps(row.build(), 2)
    twice = updates_of(tx, PARAMS, GRADS, steps=4, branches=True, **row.extra)
    once = updates_of(row.build(), PARAMS, GRADS, steps=2, **row.extra)
    chex.assert_trees_all_close(twice, once, rtol=1e-5, atol=1e-6)


@rows
def test_only_the_masked_in_leaves_move(row):
    tx = optax.masked(row.build(), {"dense": True, "scale": False, "frozen": True})
    updates, _ = tx.update(GRADS, tx.init(PARAMS), PARAMS, **row.extra)
    assert updates["scale"] is GRADS["scale"]
    bare, _ = row.build().update(GRADS, row.build().init(PARAMS), PARAMS, **row.extra)
    chex.assert_trees_all_equal(updates["dense"], bare["dense"])


@rows
def test_a_leaf_without_gradient_is_left_alone(row):
    tx = row.build()
    state = tx.init(PARAMS)
    _, state = tx.update(GRADS, state, PARAMS, **row.extra)
    grads = GRADS | {"dense": GRADS["dense"] | {"bias": None}}
    updates, new = tx.update(grads, state, PARAMS, **row.extra)
    assert updates["dense"]["bias"] is None
    kept = [
        (a, b)
        for (path, a), b in zip(
            jax.tree_util.tree_leaves_with_path(state), jax.tree.leaves(new), strict=True
        )
        if "bias" in jax.tree_util.keystr(path)
    ]
    for before, after in kept:
        np.testing.assert_array_equal(before, after)
    assert len(kept) == sum("bias" in jax.tree_util.keystr(p) for p, _ in flat(tx.init(PARAMS)))


def flat(tree):
    return jax.tree_util.tree_leaves_with_path(tree)


@rows
def test_empty_trees_scalars_and_abstract_params(row):
    tx = row.build()
    updates, _ = tx.update({}, tx.init({}), {}, **row.extra)
    assert updates == {}
    updates, _ = tx.update(jnp.float32(1), tx.init(1.0), 1.0, **row.extra)
    assert updates.shape == () and np.isfinite(updates)
    abstract = tx.init(jax.eval_shape(lambda: PARAMS))
    chex.assert_trees_all_equal(abstract, tx.init(jax.tree.map(jnp.zeros_like, PARAMS)))


@rows
def test_one_can_differentiate_through_a_training(row):
    """With respect to the rate, over three updates that move, one coordinate dead: finite and not
    zero."""

    def final_loss(rate):
        tx, params = row.build(rate), {"x": jnp.array([1.0, 2.0, 0.0])}
        state = tx.init(params)
        for _ in range(row.idle + 3):
            grads = {"x": params["x"] * jnp.array([1.0, 2.0, 0.0])}
            updates, state = tx.update(grads, state, params, **row.extra)
            params = optax.apply_updates(params, updates)
        return jnp.sum(params["x"] ** 2)

    with jax.disable_jit():  # operation by operation, as a compilation takes longer
        gradient = jax.grad(final_loss)(0.01)
    assert np.isfinite(gradient) and gradient != 0


@rows
def test_extra_arguments_pass_through(row):
    seen = {}

    def spy(updates, state, params=None, **extra):
        seen.update(extra)
        return updates, state

    tx = lectopt.chain(
        row.build(), optax.GradientTransformationExtraArgs(lambda p: optax.EmptyState(), spy)
    )
    tx.update(GRADS, tx.init(PARAMS), PARAMS, value=1.5, unknown=None)
    assert seen == dict(value=1.5, unknown=None)


@rows
def test_state_survives_a_stateless_member(row):
    """A clip put in front changes no key: old checkpoints still fit."""
    for clip in (optax.clip(1.0), lectopt.add_decayed_weights(0.1), lectopt.identity()):
        longer = lectopt.chain(clip, row.build())
        assert jax.tree.structure(longer.init(PARAMS)) == jax.tree.structure(
            row.build().init(PARAMS)
        )


@rows
@pytest.mark.filterwarnings("ignore:Sharding info not provided")  # Orbax, restoring untargeted
def test_checkpoints(row, tmp_path):
    """Orbax and msgpack give the state back, bit by bit, with a restore target and without."""
    tx = row.build()
    params = {k: v for k, v in PARAMS.items() if k != "frozen"}
    grads = {k: v for k, v in GRADS.items() if k != "frozen"}
    _, state = tx.update(grads, tx.init(params), params, **row.extra)
    whole = {"params": params, "opt_state": state}

    checkpointer = ocp.PyTreeCheckpointer()
    checkpointer.save(tmp_path / "orbax", whole)
    untargeted = checkpointer.restore(tmp_path / "orbax")
    targeted = checkpointer.restore(tmp_path / "orbax", item=whole)
    packed = flax.serialization.msgpack_restore(flax.serialization.to_bytes(whole))
    repacked = flax.serialization.from_bytes(whole, flax.serialization.to_bytes(whole))
    for restored in (untargeted, targeted, packed, repacked):
        again = restored["opt_state"] or {}  # Orbax gives None for an empty state
        chex.assert_trees_all_equal(again, state)
        chex.assert_trees_all_equal(
            tx.update(grads, again, params, **row.extra),
            tx.update(grads, state, params, **row.extra),
        )


class Model(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(3, 4, rngs=rngs)
        self.second = nnx.Linear(4, 2, rngs=rngs)

    def __call__(self, x):
        return self.second(nnx.relu(self.first(x)))


def mean_square(model):
    return jnp.mean(model(jnp.linspace(-1, 1, 12).reshape(4, 3)) ** 2)


@ft.cache
def _model():
    """The graph of the model, its parameters, and the compiled gradient of its loss."""
    graph, params = nnx.split(Model(nnx.Rngs(0)))
    return graph, params, jax.jit(jax.grad(lambda p: mean_square(nnx.merge(graph, p))))


def model_and_gradient():
    """Of the parameters a copy, as a model changes those that it is merged from."""
    graph, params, gradient = _model()
    return graph, jax.tree.map(jnp.copy, params), gradient


@rows
def test_in_flax_nnx_and_linen(row):
    """`nnx.Optimizer` and `TrainState` do what the bare transformation does on their parameters."""
    tx = row.build(0.01)
    graph, start, gradient = model_and_gradient()

    params, state = start, tx.init(start)
    train_state = TrainState.create(apply_fn=None, params=start, tx=row.build(0.01))
    model = nnx.merge(*model_and_gradient()[:2])
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
    for _ in range(3):
        updates, state = tx.update(gradient(params), state, params, **row.extra)
        params = optax.apply_updates(params, updates)

        grads = gradient(train_state.params)
        if row.needs_value:  # apply_gradients has no way to pass it on
            updates, opt_state = train_state.tx.update(
                grads, train_state.opt_state, train_state.params, **row.extra
            )
            moved = optax.apply_updates(train_state.params, updates)
            train_state = train_state.replace(params=moved, opt_state=opt_state)
        else:
            train_state = train_state.apply_gradients(grads=grads)

        optimizer.update(model, gradient(nnx.state(model, nnx.Param)), **row.extra)
        # What nnx.jit does at its border, without a compilation for every row.
        model, optimizer = nnx.merge(*nnx.split((model, optimizer)))

    from_nnx = nnx.state(model, nnx.Param)
    chex.assert_trees_all_close(train_state.params, params, rtol=1e-5, atol=1e-6)
    chex.assert_trees_all_close(
        jax.tree.leaves(from_nnx), jax.tree.leaves(params), rtol=1e-5, atol=1e-6
    )
    # evaluation_params finds the same through both.
    evaluated = lectopt.evaluation_params(train_state.opt_state, train_state.params)
    evaluated_nnx = lectopt.evaluation_params(optimizer.opt_state, from_nnx)
    chex.assert_trees_all_close(
        jax.tree.leaves(evaluated_nnx), jax.tree.leaves(evaluated), rtol=1e-5, atol=1e-6
    )


def test_in_a_step_compiled_by_nnx():
    """With a rule that keeps slots, a count and a number of the whole tree."""
    model, plain = (nnx.merge(*model_and_gradient()[:2]) for _ in range(2))
    gradient = model_and_gradient()[2]
    make = ft.partial(lectopt.nadam, 0.01, momentum_decay=0.1)
    optimizer = nnx.Optimizer(model, make(), wrt=nnx.Param)
    by_hand = nnx.Optimizer(plain, make(), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer):
        optimizer.update(model, nnx.grad(mean_square)(model))

    for _ in range(3):
        step(model, optimizer)
        by_hand.update(plain, gradient(nnx.state(plain, nnx.Param)))
    for a, b in ((model, plain), (optimizer, by_hand)):
        a, b = (jax.tree.leaves(nnx.state(node)) for node in (a, b))
        chex.assert_trees_all_close(a, b, rtol=1e-5, atol=1e-6)
