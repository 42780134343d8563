"""`leafwise`: the rule of a user, lifted."""

from typing import Annotated

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.settings import NonNegative, Range

PARAMS = {"w": jnp.array([1.0, -2.0]), "b": jnp.array(0.5)}


@lectopt.leafwise(last=0.0, step_size="initial")
def cautious(g, state, t, param, value, *, initial: NonNegative = 0.1, shrink=0.5):
    """A rule that asks for everything there is."""
    step_size = jnp.where(g * state.last < 0, shrink * state.step_size, state.step_size)
    return -step_size * g * value / t + 0 * param, dict(last=g, step_size=step_size)


def test_a_rule_gets_what_its_signature_names():
    tx = cautious(0.2)
    state = tx.init(PARAMS)
    assert sorted(state) == ["count", "last", "step_size"]
    np.testing.assert_allclose(state["step_size"]["w"], 0.2, rtol=1e-6)
    updates, state = tx.update(PARAMS, state, PARAMS, value=3.0)
    np.testing.assert_allclose(updates["w"], -0.2 * PARAMS["w"] * 3, rtol=1e-6)
    flipped = {"w": jnp.array([-1.0, -2.0]), "b": jnp.array(0.5)}
    updates, state = tx.update(flipped, state, PARAMS, value=3.0)
    np.testing.assert_allclose(updates["w"], [0.1 * 3 / 2, 0.2 * 2 * 3 / 2], rtol=1e-6)
    assert state["count"] == 2


def test_the_maker_looks_like_the_rule():
    assert cautious.__doc__ == "A rule that asks for everything there is."
    assert repr(cautious(shrink=0.25)) == "cautious(shrink=0.25)"
    with pytest.raises(ValueError, match="cautious: initial must lie in"):
        cautious(-1)
    with pytest.raises(TypeError, match="cautious.*initial=0.1, shrink=0.5"):
        cautious(shrnk=1)


def test_a_first_value_may_be_a_schedule_or_traced():
    scheduled = cautious(lambda count: 0.3 + count).init(PARAMS)
    np.testing.assert_allclose(scheduled["step_size"]["b"], 0.3, rtol=1e-6)
    swept = jax.vmap(lambda first: cautious(first).init(PARAMS)["step_size"]["b"])(jnp.arange(3.0))
    np.testing.assert_array_equal(swept, [0, 1, 2])


def test_own_ranges():
    Angle = Annotated[float, Range(-90, 90, True, "degrees", 45)]

    @lectopt.leafwise()
    def turned(g, *, angle: Angle):
        return g * jnp.cos(jnp.deg2rad(angle))

    assert turned(90) == turned(90.0)
    with pytest.raises(ValueError, match=r"\[-90, 90\] \(degrees\); got 91. Write .* angle=45"):
        turned(91)


def test_slots_of_other_shapes_are_complex_where_the_rule_makes_them_so():
    """Whatever the shape of the weights, on which it may depend which slots there are."""

    @lectopt.leafwise(
        rows=lambda param: jnp.zeros(param.shape[:-1]) if param.ndim > 1 else None,
        whole=lambda param: jnp.zeros(param.shape) if param.ndim < 2 else None,
    )
    def summed(g, state):
        if state.whole is None:
            return g, dict(rows=state.rows + g.sum(-1), whole=None)
        return g, dict(rows=None, whole=state.whole + g)

    grads = {"matrix": jnp.full((3, 2), 1 + 2j), "vector": jnp.full(2, 3j), "real": jnp.ones(2)}
    _, state = summed().update(grads, summed().init(grads))
    np.testing.assert_array_equal(state["rows"]["matrix"], np.full(3, 2 + 4j))
    np.testing.assert_array_equal(state["whole"]["vector"], np.full(2, 3j))
    assert state["whole"]["real"].dtype == jnp.float32


@pytest.mark.usefixtures("x64")
def test_mixed_precision_of_gradient_and_state():
    """Slots keep their dtype, updates come back in the gradient's, whichever is wider."""
    tx = lectopt.adam(0.1)
    for params_dtype, grads_dtype in (("float64", "float32"), ("float32", "float64")):
        state = tx.init(jnp.ones(2, params_dtype))
        updates, new = tx.update(jnp.ones(2, grads_dtype), state)
        assert updates.dtype == grads_dtype
        chex.assert_trees_all_equal_shapes_and_dtypes(state, new)
        assert new["ratio"]["numerator"]["mu"].dtype == params_dtype


def test_static_and_traced_settings_are_one_arithmetic():
    """1 - b^t and 1 - b are formed from the same b: float32 stays as close to float64 as it can."""
    gradients = jnp.asarray(np.random.default_rng(0).normal(size=(300, 4)), jnp.float32)

    def final(tx):
        def body(carry, g):
            updates, carry = tx.update(g, carry)
            return carry, updates

        return jax.lax.scan(body, tx.init(gradients[0]), gradients)[1].sum(0)

    static = jax.jit(lambda: final(lectopt.adam(1.0, 0.9, 0.999)))()
    traced = jax.jit(lambda b1, b2: final(lectopt.adam(1.0, b1, b2)))(0.9, 0.999)
    np.testing.assert_allclose(static, traced, rtol=2e-6, atol=1e-5)
    m = v = np.zeros(4)
    total = np.zeros(4)
    for t, g in enumerate(np.asarray(gradients, float), start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        total -= m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(static, total, rtol=1e-5, atol=1e-4)
