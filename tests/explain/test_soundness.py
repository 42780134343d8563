"""What once was said and was not so: a small program for each cause."""

import gc

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lectopt import same_update
from lectopt.explain import explain
from lectopt.explain.facts import Facts
from lectopt.explain.proving import Prover
from lectopt.explain.terms import Term, add, less, mul, negate, num
from lectopt.explain.work import MOST_WORK, Work
from lectopt.norms import scaled_norm


def test_a_decay_at_the_end_of_its_range():
    """A proof for decays in (0, 1) says what is 0 at an end; a difference there is shown."""

    def scaled(factor):
        return lambda decay: optax.stateless_with_tree_map(lambda g, p: factor(decay) * g)

    plain = scaled(lambda b: 1 + b)
    quotient = same_update(plain, scaled(lambda b: (1 - b * b) / (1 - b)), params=jnp.ones(3))
    assert quotient.proved and "where not 0: (1 + (-1 * decay))" in quotient.scope
    jump = same_update(plain, scaled(lambda b: jnp.where(b == 1, 3.0, 1 + b)), params=jnp.ones(3))
    assert jump.verdict == "differ" and dict(jump.example.settings) == {"decay": 1}


def test_an_example_of_a_maker_that_asks_is_run_as_it_was_built():
    def asking(lr):
        tx = optax.sgd(lr)
        return tx if isinstance(lr, float) else optax.chain(optax.clip(0.1), tx)

    outcome = same_update(optax.sgd, asking, map={"lr": "learning_rate"}, params=jnp.ones(3))
    assert outcome.verdict == "differ"
    assert not np.allclose(*outcome.example.run())


def test_what_cancels_is_no_difference():
    """Of equal numbers the variance is 0, and by squares what their rounding left of it."""
    variance, squares = (
        optax.stateless_with_tree_map(lambda g, p, f=f: g * f(g))
        for f in (jnp.var, lambda g: jnp.mean(g * g) - jnp.mean(g) ** 2)
    )
    assert same_update(variance, squares).proved


@pytest.mark.parametrize(
    "bits", [lambda n: n & 1, lambda n: ~n & 3, lambda n: n | 2, lambda n: n ^ 5]
)
def test_bits_of_whole_numbers(bits):
    """Once "all(g)" was printed of `n & 1`."""
    explanation = explain(
        optax.stateless_with_tree_map(lambda g, p: g * (bits(jnp.sum(g > 0)) == 1)),
        params=jnp.ones(4),
    )
    assert "all(" not in str(explanation) and "any(" not in str(explanation)
    assert explanation.replay(steps=3) < 1e-12


def test_z3_does_no_more_than_it_is_given():
    """Then nothing is decided, and what is asked once more costs nothing."""
    x, y = (Term("sym", name, (), "real") for name in "xy")
    goal = negate(less(add(mul(x, x), mul(y, y)), mul(num(2), mul(x, y))))  # x^2 + y^2 >= 2xy
    plenty, none = Work(), Work(0)
    assert Prover(Facts(), work=plenty).always(goal) and 0 < plenty.left < MOST_WORK
    assert not Prover(Facts(), work=none).always(goal) and none.left == 0


@pytest.mark.slow  # five comparisons and a walk over all that is alive
def test_comparisons_leave_nothing_behind():
    """JAX keeps what it traces; of what is read for all sizes it finds it again."""

    def kept(bound):
        made = [optax.chain(optax.clip(bound), optax.sgd(0.1)) for _ in range(2)]
        assert same_update(*made).verdict == "proved"
        gc.collect()
        return sum(type(x).__name__ == "Jaxpr" for x in gc.get_objects())

    counts = [kept(1.0 + k) for k in range(4)]
    assert counts[3] == counts[1], counts


def _over_norm(squares, largest):
    """A gradient over its norm, and over one that is computed in units of the largest entry."""

    def plain(g, p):
        return g / (jnp.sqrt(jnp.sum(squares(g, p))) + 1e-3)

    def in_units(g, p):
        most = jnp.max(largest(g, p))
        unit = jnp.where(most == 0, 1, most)
        norm = jnp.sqrt(jnp.sum(squares(g / unit, p / unit)))
        return g / (unit * jnp.maximum(norm, jnp.where(most == 0, 0, 1)) + 1e-3)

    return [optax.stateless_with_tree_map(f) for f in (plain, in_units)]


def test_the_largest_entry_is_no_more_than_the_norm():
    pair = _over_norm(lambda g, p: g * g, lambda g, p: abs(g))
    assert same_update(*pair, params=jnp.ones(7)).verdict == "proved for finite inputs"
    others = _over_norm(lambda g, p: g * g, lambda g, p: abs(p))  # of other numbers
    assert same_update(*others, params=jnp.ones(7)).verdict == "differ"


def test_a_norm_that_does_not_overflow_is_the_norm():
    def scaled(g, p):
        scale, norm = scaled_norm([g])
        return g / (scale * norm + 1e-3)

    plain = _over_norm(lambda g, p: g * g, lambda g, p: abs(g))[0]
    outcome = same_update(plain, optax.stateless_with_tree_map(scaled), params=jnp.ones(7))
    assert outcome.verdict == "proved for finite inputs"
