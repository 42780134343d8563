"""What reads off the updates what becomes of the parameters has to stand behind all that changes
them."""

import jax
import jax.numpy as jnp
import optax
import pytest

import lectopt
from lectopt import average_params, averaging, chain
from lectopt.lectures import cmu11785
from tests.support.everything import EVERYTHING, PARAMS

LAST = {
    "average_params": average_params(averaging.uniform()),
    "average_params/suffix": average_params(averaging.suffix(0.5)),
    "polynomial_decay_averaging": cmu11785.polynomial_decay_averaging(),
}
PASSING = ("identity", "average_params", "average_params/suffix")
CHANGING = {k: tx for k, tx in EVERYTHING.items() if k not in PASSING}
CHANGING |= {
    "of Optax": optax.scale(2.0),
    "one that ends with an average": chain(lectopt.ema(0.9), average_params(averaging.uniform())),
}
last = pytest.mark.parametrize("what", [*LAST.values()], ids=[*LAST])


def test_what_is_last_is_known():
    """Of all that is public, the averages of parameters alone."""
    found = {k for k, tx in EVERYTHING.items() if tx.last}
    assert found == {"average_params", "average_params/suffix"}
    assert all(tx.last for tx in LAST.values())


def over(named):
    return pytest.mark.parametrize("tx", [*named.values()], ids=[*named])


@last
@over(CHANGING)
def test_nothing_that_changes_updates_may_follow(what, tx):
    for build in (
        lambda: chain(what, after=tx),
        lambda: chain(lectopt.sgd(0.1), mean=what, after=tx),
        lambda: chain(lectopt.sgd(0.1), inside=chain(lectopt.ema(0.9), what), after=tx),
        lambda: chain(watched=lectopt.monitor(chain(lectopt.sgd(0.1), what)), after=tx),
    ):
        assert_refused(build)


@last
@over({k: tx for k, tx in CHANGING.items() if k != "masked"})
def test_nor_behind_a_mask(what, tx):
    assert_refused(lambda: chain(lectopt.masked(what, {"w": True, "b": False}), after=tx))


def assert_refused(build):
    words = r"(?s)chain: .*Write it last, as in chain\(sgd.*Behind it stands"
    with pytest.raises(ValueError, match=words):
        build()


@last
@over({k: tx for k, tx in EVERYTHING.items() if k not in PASSING})
def test_it_may_follow_everything(what, tx):
    for built in (chain(before=tx, mean=what), chain(before=tx, mean=lectopt.masked(what, True))):
        assert built.last


@last
def test_what_passes_updates_on_may_follow(what):
    other = average_params(averaging.exponential(0.9))
    built = chain(lectopt.sgd(0.1), what, optax.identity(), lectopt.identity(), second=other)
    state = jax.eval_shape(built.init, PARAMS)
    assert {"average", "second"} <= state.keys()


@last
def test_side_by_side_it_sees_no_iterate(what):
    with pytest.raises(ValueError, match="product: .* Write it last"):
        lectopt.product(chain(lectopt.sgd(0.1), what), lectopt.sign())


@last
def test_lookahead_goes_back_behind_it(what):
    tx = lectopt.lookahead(chain(lectopt.sgd(0.1), what))
    with pytest.raises(ValueError, match=r"chain\(lookahead\(fast_optimizer\), average_params"):
        tx.init(PARAMS)
    assert chain(lectopt.lookahead(lectopt.sgd(0.1)), what).last


@last
def test_masks_may_pick_other_leaves(what):
    """Each optimizer has its own leaves, and the average is of the iterates of its own."""
    heavy = lectopt.masked(chain(lectopt.sgd(1.0), what), {"w": True, "b": False})
    tx = chain(heavy, lectopt.masked(lectopt.sgd(0.5), {"w": False, "b": True}))
    updates, state = tx.update(PARAMS, tx.init(PARAMS), PARAMS)
    params = optax.apply_updates(PARAMS, updates)
    evaluated = lectopt.evaluation_params(state, params)
    assert jnp.array_equal(evaluated["w"], params["w"]) and not evaluated["w"].any()
