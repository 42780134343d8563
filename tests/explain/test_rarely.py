"""What differs rarely, or only in other trees: a small program for each cause that once was missed,
or printed as if it were not there."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lectopt import same_update
from lectopt.explain import explain, replay
from tests.support.sampling import sampled

ONE = jnp.ones(3)
MANY = {f"layer{k}": jnp.ones(2) for k in range(14)}
TABLE = np.linspace(0, 1, 300, dtype=np.float32)


def by_place(rule):
    return optax.stateless_with_tree_map(rule)


def by_count(rule, dtype=jnp.int32):
    """`rule(g, count)`, where the count is of this type."""

    def update(updates, state, params=None):
        return jax.tree.map(lambda g: rule(g, state), updates), state + jnp.ones((), dtype)

    return optax.GradientTransformation(lambda params: jnp.zeros((), dtype), update)


def by_norm(total):
    """Gradients over the root of the total of the leaves' sums of squares."""

    def rule(grads, params):
        root = jnp.sqrt(1 + total([jnp.sum(g * g) for g in jax.tree.leaves(grads)]))
        return jax.tree.map(lambda g: g / root, grads)

    return optax.stateless(rule)


@pytest.mark.parametrize(
    "total",
    [
        lambda sums: sum(s for k, s in enumerate(sums) if k != 9),
        lambda sums: sum(sums) + (sums[9] if len(sums) > 9 else 0),
    ],
)
def test_a_norm_that_leaves_out_a_leaf_or_counts_it_twice(total):
    outcome = same_update(by_norm(sum), by_norm(total), params=MANY)
    assert outcome.verdict == "differ"


def test_a_norm_of_many_leaves_however_it_is_added_up():
    stacked = by_norm(lambda sums: jnp.sum(jnp.stack(sums)))
    outcome = same_update(by_norm(sum), stacked, params=MANY)
    assert outcome.proved and "14 are treated alike" in outcome.scope


def test_a_table_of_a_program_inside_another():
    def looked_up(table):
        inner = jax.jit(lambda count: jnp.asarray(table)[count])
        return by_count(lambda g, count: g * inner(count))

    other = np.where(np.arange(300) == 250, 7, TABLE)
    assert same_update(looked_up(TABLE), looked_up(TABLE.copy()), params=ONE).proved
    assert not same_update(looked_up(TABLE), looked_up(other), params=ONE)


@pytest.mark.parametrize("dtype, last", [(jnp.bfloat16, 256), (jnp.uint8, 255)])
def test_a_count_that_goes_on_no_more(dtype, last):
    narrow, plain = (
        by_count(lambda g, n: g / (1 + n.astype(jnp.float32)), x) for x in (dtype, jnp.int32)
    )
    outcome = same_update(narrow, plain, params=ONE)
    assert outcome.example is not None and outcome.example.step > last
    assert f"{jnp.dtype(dtype).name}(state[t-1] + 1)" in str(explain(narrow, params=ONE))


def test_sizes_that_are_asked_for_are_run():
    double = by_place(lambda g, p: 2 * g if 300 in g.shape else g)
    square = by_place(lambda g, p: 2 * g if g.ndim == 2 and g.shape[0] == g.shape[1] else g)
    for asking in (double, square):
        assert same_update(asking, optax.identity()).verdict == "differ"
    outcome = same_update(by_place(lambda g, p: g * (1 if 300 in g.shape else 1.0)), optax.scale(1))
    assert outcome.proved and "of every size but 300" in outcome.scope


def when(condition):
    return optax.stateless(lambda u, p: jax.tree.map(lambda g: 2 * g if condition(u) else g, u))


def told(u, s, p=None, *, value=None):
    return (u if value is None else jax.tree.map(lambda g: g * value, u)), s


ASKING = {
    "leaves": when(lambda u: len(jax.tree.leaves(u)) >= 100),
    "a list": when(lambda u: isinstance(u, list)),
    "a name": when(lambda u: isinstance(u, dict) and "lm_head" in u),
    "shapes in a set": when(lambda u: {x.shape for x in jax.tree.leaves(u)} & {(17,)}),
    "a remainder": when(lambda u: jax.tree.leaves(u)[0].size % 11 == 0),
    "a mask": optax.masked(optax.set_to_zero(), lambda p: {k: "embed" in k for k in p}),
    "an argument": optax.GradientTransformationExtraArgs(lambda p: (), told),
}


@pytest.mark.parametrize("name", sampled(ASKING, 4))
def test_what_the_code_speaks_of_is_tried(name):
    """What Python is asked no program that is traced shows."""
    assert same_update(ASKING[name], optax.identity()).verdict == "differ"


def test_the_leaves_that_were_read_stand_in_the_scope():
    outcome = same_update(when(lambda u: len(u) == 0), optax.identity())
    assert "of every size, in a dict of conv.kernel, dense.bias, dense.kernel" in outcome.scope


def test_what_fell_out_on_the_way_is_named():
    """Near p = -10/3 the logarithm is no number, and at g = 5/2 the quotient."""
    square = by_place(lambda g, p: g * ((3 * p + 10) ** 2 - 0.01) ** 2)
    by_log = by_place(lambda g, p: g * jnp.exp(2 * jnp.log((3 * p + 10) ** 2 - 0.01)))
    assert not same_update(by_log, square, params=ONE)
    root = by_place(lambda g, p: g + 0 * jnp.sqrt((9 * p + 70) ** 2 - 0.01))
    outcome = same_update(root, optax.identity(), params=ONE)
    assert outcome.verdict == "differ" or "where not negative" in outcome.scope
    outcome = same_update(
        by_place(lambda g, p: g + 0 * (1 / (2 * g - 5))), optax.identity(), params=ONE
    )
    assert outcome.proved and "where not 0: ((2 * g[i0]) + -5)" in outcome.scope


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, p: (300 * g).astype(jnp.uint8).astype(g.dtype),
        lambda g, p: jnp.argsort(jnp.argsort(g)).astype(g.dtype),
        lambda g, p: jnp.fmod(g, 0.3) + jnp.mod(p, 0.7),
        lambda g, p: g * jnp.asarray(0.1, jnp.bfloat16).astype(g.dtype),
        lambda g, p: jax.lax.reshape(g, g.shape, dimensions=(1, 0)) if g.ndim == 2 else g,
    ],
)
def test_pages_of_what_is_easily_misread(rule):
    assert replay(by_place(rule), steps=2, params={"a": jnp.ones((3, 3)), "b": ONE}) < 1e-12


def test_functions_of_the_same_array_are_no_one_function():
    """Of the difference of two "concatenate(g[t])" 0 was printed."""
    page = str(explain(by_place(lambda g, p: jnp.roll(g, 1) - jnp.roll(g, -1)), params=ONE))
    assert "u[t] = 0" not in page and "concatenate'(g[t])" in page


def test_a_sum_over_the_leaf_that_stands_for_others():
    """It is of that leaf, also in the formula of the others."""

    def rule(u, p):
        total = 1 + 2 * jnp.sum(u["a"] ** 2) + 3 * jnp.sum(u["b"] ** 2)
        return jax.tree.map(lambda g: g / total, u)

    explanation = explain(optax.stateless(rule), params={"a": ONE, "b": jnp.ones((2, 2))})
    assert "2*Σ_leaf(g{a}[t]^2)" in str(explanation) and explanation.replay(steps=2) < 1e-12
    assert '("a",)' in explanation.code("numpy")


def test_the_size_of_a_single_vector_is_a_letter():
    total = optax.stateless(
        lambda u, p: jax.tree.map(lambda g: g / sum(map(jnp.mean, jax.tree.leaves(u))), u)
    )
    explanation = explain(total)
    assert "u[t] = n*g[t]/" in str(explanation) and explanation.replay(steps=2) < 1e-12


@pytest.mark.parametrize(
    "pair",
    sampled(
        [
            (
                lambda g, p: jnp.cumsum(g.astype(jnp.bfloat16), 0).astype(g.dtype),
                lambda g, p: jnp.cumsum(g.astype(jnp.bfloat16).astype(g.dtype), 0),
            ),
            (
                lambda g, p: jnp.cumsum(g.astype(jnp.int32), 0).astype(g.dtype),
                lambda g, p: jnp.cumsum(g.astype(jnp.int32).astype(g.dtype), 0),
            ),
        ],
        2,
    ),
)
def test_an_operation_without_a_rule_in_another_type(pair):
    assert not same_update(*map(by_place, pair), params=ONE)
