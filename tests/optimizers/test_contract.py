"""What every algorithm promises: the checks of `lectopt.testing` over the rows of the table, and
what only lectopt's own transformations promise."""

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

import lectopt
from lectopt.look_ahead import take_gradients_as_given
from lectopt.testing import Subject, parametrize_with_checks
from tests.support.algorithms import ALGORITHMS, is_first, over

rows = over(ALGORITHMS)
some = over(ALGORITHMS, every=4)
OPTAX_IN_FLOAT32 = {
    "as_optax": "Optax computes the decay of its averages in float32, whatever the weights are"
}
SKIPPED = {
    "adafactor": OPTAX_IN_FLOAT32,
    "adafactor/momentum": OPTAX_IN_FLOAT32,
    "cocob": {"differentiable": "gradients of all scales make the same bets"},
    "radam/skip": {"differentiable_at_zero": "with eps=0 the derivative by b2 is NaN there"},
}
SUBJECTS = [
    Subject(
        row.make,
        dict(learning_rate=0.1, **row.numbers),
        optax=row.optax,
        skip=SKIPPED.get(row.id, {}),
        name=row.id,
    )
    for row in ALGORITHMS
]
PARAMS = {"dense": {"kernel": jnp.full((2, 2), 0.7)}, "out": jnp.ones((2, 2))}
GRADS = {
    "dense": {"kernel": jnp.array([[1.0, 0.5], [-0.4, 0.9]])},
    "out": jnp.array([[0.3, -1.0], [0.2, 0.8]]),
}


FIRST = [subject for subject, row in zip(SUBJECTS, ALGORITHMS, strict=True) if is_first(row)]


@parametrize_with_checks(FIRST[::2])
def test_contract(subject, check):
    check(subject)


@pytest.mark.slow  # the other algorithms, and the other conventions: five minutes
@parametrize_with_checks([subject for subject in SUBJECTS if subject not in FIRST[::2]])
def test_contract_of_every_convention(subject, check):
    check(subject)


@some
def test_what_the_checks_find_out_is_what_the_table_says(row):
    subject = SUBJECTS[ALGORITHMS.index(row)]
    assert subject.reduces == row.reduces
    assert subject.moves_without_gradient == row.decays
    assert subject.needs == (("value",) if row.needs_value else ())
    assert set(subject.floats) == {"learning_rate", *row.numbers}


def types(tree):
    return jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), tree)


def flat(tree):
    return jax.tree_util.tree_leaves_with_path(tree)


@rows
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "complex64"])
def test_slots_are_at_least_float32(row, dtype):
    """And complex weights are taken."""
    params, tx = jax.tree.map(lambda p: p.astype(dtype), PARAMS), row.build()
    state = jax.eval_shape(tx.init, params)
    updates, new = jax.eval_shape(ft.partial(tx.update, **row.extra), params, state, params)
    assert types(updates) == types(params) and types(new) == types(state)
    for slot in jax.tree.leaves(state):
        assert slot.dtype == jnp.int32 or slot.dtype.itemsize >= 4


@some
def test_state_dtype_is_kept_and_arithmetic_is_not_done_in_it(row):
    if not row.slots:
        assert set(row.build().init(PARAMS)) <= {"count"}  # nothing to store, so nothing to keep
        return
    kept = [
        (jax.tree_util.keystr(p), p[-1].key) for p, x in flat(row.build().init(PARAMS)) if x.ndim
    ]
    if all(path.startswith(row.copies) or name in row.scalars for path, name in kept):
        return  # copies stay exact
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
    again = eval(repr(tx), dict(vars(lectopt)))  # which may name a moment that is shared
    assert again == tx and hash(again) == hash(tx)
    assert copy.deepcopy(tx) == tx
    assert row.build(0.2) != tx and tx != optax.sgd(0.1)
    assert jax.tree.leaves(tx) == [] and jax.tree.map(lambda x: x, tx) == tx


@some
def test_in_a_chain_with_members_of_optax(row):
    """It moves as it does alone, and extra arguments reach every member."""
    seen = {}

    def spy(updates, state, params=None, **extra):
        seen.update(extra)
        return updates, state

    last = optax.GradientTransformationExtraArgs(lambda p: optax.EmptyState(), spy)
    tx, alone = lectopt.chain(optax.scale(1.0), row.build(), last), row.build()
    extra = dict(value=1.5, unknown=None)
    take_gradients_as_given(tx)
    updates, _ = tx.update(GRADS, tx.init(PARAMS), PARAMS, **extra)
    chex.assert_trees_all_equal(
        updates, alone.update(GRADS, alone.init(PARAMS), PARAMS, **extra)[0]
    )
    assert seen == extra


@some
def test_a_leaf_without_gradient_is_left_alone(row):
    tx = row.build()
    _, state = tx.update(GRADS, tx.init(PARAMS), PARAMS, **row.extra)
    updates, new = tx.update(GRADS | {"out": None}, state, PARAMS, **row.extra)
    assert updates["out"] is None
    after = {jax.tree_util.keystr(path): leaf for path, leaf in flat(new)}
    for path, before in flat(state):
        if "['out']" in (name := jax.tree_util.keystr(path)):
            np.testing.assert_array_equal(before, after[name])


@some
def test_python_scalars_and_abstract_params(row):
    tx = row.build()
    updates, _ = tx.update(jnp.float32(1), tx.init(1.0), 1.0, **row.extra)
    assert updates.shape == () and np.isfinite(updates)
    abstract = tx.init(jax.eval_shape(lambda: PARAMS))
    chex.assert_trees_all_equal(abstract, tx.init(jax.tree.map(jnp.zeros_like, PARAMS)))


@rows
def test_state_survives_a_stateless_member(row):
    """A clip put in front changes no key: old checkpoints still fit."""
    for clip in (optax.clip(1.0), lectopt.add_decayed_weights(0.1), lectopt.identity()):
        longer = lectopt.chain(clip, row.build())
        assert jax.tree.structure(longer.init(PARAMS)) == jax.tree.structure(
            row.build().init(PARAMS)
        )


@some
@pytest.mark.filterwarnings("ignore:Sharding info not provided")  # Orbax, restoring untargeted
def test_checkpoints_without_a_target(row, tmp_path):
    """The state is plain dicts of arrays, which Orbax and msgpack give back as they are."""
    tx = row.build()
    _, state = tx.update(GRADS, tx.init(PARAMS), PARAMS, **row.extra)
    whole = {"params": PARAMS, "opt_state": state}
    checkpointer = ocp.PyTreeCheckpointer()
    checkpointer.save(tmp_path / "orbax", whole)
    untargeted = checkpointer.restore(tmp_path / "orbax")
    packed = flax.serialization.msgpack_restore(flax.serialization.to_bytes(whole))
    for restored in (untargeted, packed):
        again = restored["opt_state"] or {}  # Orbax gives None for an empty state
        chex.assert_trees_all_equal(again, state)
        chex.assert_trees_all_equal(
            tx.update(GRADS, again, PARAMS, **row.extra),
            tx.update(GRADS, state, PARAMS, **row.extra),
        )


class Model(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(2, 2, rngs=rngs)
        self.second = nnx.Linear(2, 2, rngs=rngs)

    def __call__(self, x):
        return self.second(nnx.relu(self.first(x)))


def mean_square(model):
    return jnp.mean(model(jnp.linspace(-1, 1, 8).reshape(4, 2)) ** 2)


@some
def test_evaluation_params_are_found_in_nnx(row):
    """The same as in the bare state: after one update of both."""
    model, tx = Model(nnx.Rngs(0)), row.build(0.01)
    params = jax.tree.map(jnp.copy, nnx.state(model, nnx.Param))
    grads = jax.tree.map(lambda p: 0.5 * p + 0.1, params)
    updates, state = tx.update(grads, tx.init(params), params, **row.extra)
    expected = lectopt.evaluation_params(state, optax.apply_updates(params, updates))
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
    optimizer.update(model, grads, **row.extra)
    found = lectopt.evaluation_params(optimizer.opt_state, nnx.state(model, nnx.Param))
    found, expected = map(jax.tree.leaves, (found, expected))
    chex.assert_trees_all_close(found, expected, rtol=1e-5, atol=1e-6)


def test_in_a_step_compiled_by_nnx():
    """With a rule that keeps slots, a count and a number of the whole tree."""
    model, plain = Model(nnx.Rngs(0)), Model(nnx.Rngs(0))
    make = ft.partial(lectopt.nadam, 0.01, momentum_decay=0.1)
    optimizer = nnx.Optimizer(model, make(), wrt=nnx.Param)
    by_hand = nnx.Optimizer(plain, make(), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer):
        optimizer.update(model, nnx.grad(mean_square)(model))

    for _ in range(3):
        step(model, optimizer)
        by_hand.update(plain, nnx.grad(mean_square)(plain))
    for a, b in ((model, plain), (optimizer, by_hand)):
        a, b = (jax.tree.leaves(nnx.state(node)) for node in (a, b))
        chex.assert_trees_all_close(a, b, rtol=1e-5, atol=1e-6)
