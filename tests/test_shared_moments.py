"""The same object twice in a combination is one moment: computed, kept and printed once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt import chain, debiased, deviation, ema, mean_square, product, ratio, root, scale
from lectopt.explain import explain
from tests.explain.lines import lines

PARAMS = {"w": jnp.array([1.0, -2.0]), "b": jnp.array(0.5)}
G = jax.tree.map(np.asarray, PARAMS)


def after(tx, steps=2):
    state, update = tx.init(PARAMS), None
    for _ in range(steps):
        update, state = tx.update(PARAMS, state, PARAMS)
    return update, state


def test_its_value_is_that_of_two_moments():
    mean = ema(0.9)
    shared = after(product(chain(mean, scale(3.0)), debiased(mean)))[0]
    apart = after(product(chain(ema(0.9), scale(3.0)), debiased(ema(0.9))))[0]
    jax.tree.map(np.testing.assert_array_equal, shared, apart)
    np.testing.assert_allclose(shared["b"], 3 * (0.19 * G["b"]) * G["b"], rtol=1e-6)


def test_it_is_kept_where_it_stands_first():
    mean = ema(0.9)
    state = product(mean, debiased(mean)).init(PARAMS)
    assert sorted(state) == ["count", "product"] and list(state["product"]) == ["first"]
    state = product(debiased(ema(0.9)), ema(0.9)).init(PARAMS)
    assert sorted(state["product"]) == ["first", "second"]


@pytest.mark.parametrize("nesterov", [False, True])
def test_adabelief_keeps_two_numbers_a_weight(nesterov):
    tx = lectopt.adabelief(0.1, nesterov=nesterov)
    state = tx.init(jnp.ones(1000))
    assert sum(x.size for x in jax.tree.leaves(state)) == 2 * 1000 + 1  # and the count
    assert repr(tx).count("ema(") == 1
    assert eval(repr(tx), vars(lectopt)) == tx


def test_adabelief_prints_its_mean_once():
    found = lines(explain(lectopt.adabelief))
    assert [line for line in found if line.startswith("m[t]")] == [
        "m[t] = β1*m[t-1] + (1 - β1)*g[t]"
    ]
    assert "v[t] = β2*v[t-1] + (1 - β2)*(g[t] - m[t])^2 + ε_root" in found


def test_repr_and_equality_tell_one_moment_from_two():
    mean = ema(0.9)
    shared, apart = product(mean, debiased(mean)), product(ema(0.9), debiased(ema(0.9)))
    assert repr(shared) == "product((mu := ema(decay=0.9)), debiased(mu))"
    assert repr(apart) == "product(ema(decay=0.9), debiased(ema(decay=0.9)))"
    for tx in (shared, apart):
        assert eval(repr(tx), vars(lectopt)) == tx
        assert hash(eval(repr(tx), vars(lectopt))) == hash(tx)
    assert shared != apart
    square = mean_square(0.5)
    two = product(ratio(mean, root(square)), product(mean, square))
    assert eval(repr(two), vars(lectopt)) == two and repr(two).count(":=") == 2
    inside = ratio(deviation(mean), root(mean))
    assert eval(repr(inside), vars(lectopt)) == inside and repr(inside).count(":=") == 1


def test_the_same_update_must_go_in():
    mean = ema(0.9)
    tx = product(mean, chain(scale(2.0), mean))
    with pytest.raises(ValueError, match="must be given the same update .* Write a second one"):
        tx.update(PARAMS, tx.init(PARAMS))


def test_what_cannot_share():
    mean = ema(0.9)
    whole = chain(mean, lectopt.monitor(lectopt.identity()))
    with pytest.raises(ValueError, match="shares a moment .* Write the moment twice"):
        product(mean, lectopt.monitor(mean))
    assert product(ema(0.9), whole).init(PARAMS)
    with pytest.raises(ValueError, match="would both keep their state under 'mu'"):
        chain(mean, mean)


def test_debiased_reads_the_decay():
    for moment in (ema(0.75), chain(scale(2.0), ema(0.75)), chain(ema(0.75), scale(2.0))):
        update, _ = after(debiased(moment), steps=1)
        plain, _ = after(moment, steps=1)
        np.testing.assert_allclose(update["w"], plain["w"] / 0.25, rtol=1e-6)
    named = debiased(chain(inner=ema(0.75)))
    assert "inner" in named.init(PARAMS)
    assert debiased(ema(0.75)) == chain(ema(0.75), lectopt.bias_correction(0.75))
    assert repr(debiased(ema(0.75))) == "debiased(ema(decay=0.75))"
    for without in (lectopt.identity(), lectopt.sum_of_squares(), chain(scale(2.0))):
        with pytest.raises(TypeError, match=r"has no decay. Write for example debiased\(ema"):
            debiased(without)


def belief(mean):
    """A ratio whose two sides share `mean`."""
    return ratio(mean, root(chain(deviation(mean), mean_square(0.9)), 0.1))


def test_the_same_object_outside_the_combination_is_another_moment():
    mean = ema(0.9)
    tx = chain(mean, belief(mean))
    _, state = after(tx, steps=2)
    first, inner = state["mu"]["w"], state["ratio"]["numerator"]["mu"]["w"]
    assert (np.asarray(first) != np.asarray(inner)).any()
    apart, _ = after(chain(ema(0.9), belief(ema(0.9))), steps=2)
    np.testing.assert_array_equal(after(tx, steps=2)[0]["w"], apart["w"])


def test_two_combinations_that_share_one_object_each_print_as_what_they_are():
    mean = ema(0.9)
    tx = chain(one=belief(mean), two=belief(mean))
    assert eval(repr(tx), dict(vars(lectopt))) == tx


def test_a_moment_that_a_mask_leaves_out_on_one_side_is_refused():
    mean = ema(0.9)
    half = lectopt.masked(mean, {"w": True, "b": False})
    tx = ratio(half, root(chain(deviation(mean), mean_square(0.9)), 0.1))
    params = {"w": jnp.ones(2), "b": jnp.ones(3)}
    with pytest.raises(ValueError, match="the same update by all of them, of every leaf"):
        tx.update(params, tx.init(params))


def test_members_under_other_names_are_another_combination():
    def named(**members):
        return lectopt.parallel("sum", jnp.add, **members)

    assert named(a=ema(0.9), b=ema(0.8)) == named(a=ema(0.9), b=ema(0.8))
    assert named(a=ema(0.9), b=ema(0.8)) != named(c=ema(0.9), d=ema(0.8))
