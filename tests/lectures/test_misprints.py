"""What the slides' misprints do, run literally."""

import jax.numpy as jnp
import numpy as np

from lectopt.lectures import stat479, ttic31230
from tests.support.lecture_runs import x64


def first_steps(tx, gradient, steps=1):
    """The updates for one and the same gradient."""
    state, out = tx.init(jnp.zeros(1)), []
    for _ in range(steps):
        updates, state = tx.update(jnp.full(1, gradient), state, jnp.zeros(1))
        out.append(float(updates[0]))
    return np.array(out)


@x64
def test_what_the_prints_do():
    """Slips that have no knob to turn off, each by what it does."""
    stale = first_steps(ttic31230.rmsprop(0.1, literal=True), 0.5)  # over the root of epsilon
    np.testing.assert_allclose(stale, -0.1 * 0.5 / 1e-4, rtol=1e-12)
    idle = first_steps(ttic31230.adam(0.1, literal=True, epsilon=0), 0.5, 2)
    assert idle[0] == 0 and idle[1] != 0
    tenfold = first_steps(ttic31230.adam(0.1, literal=True, epsilon=0, t_0=1), 0.5)
    np.testing.assert_allclose(tenfold, -10 * 0.1, rtol=1e-12)
    for literal, power in [(False, 0), (True, -1)]:  # without a root the gradient's unit is left
        tx = stat479.adam(0.01, epsilon=0, literal=literal)
        large, small = first_steps(tx, 4.0, 5), first_steps(tx, 0.5, 5)
        np.testing.assert_allclose(large, 8.0**power * small, rtol=1e-12)
    halved = [first_steps(stat479.adam(rate, epsilon=0, literal=True), 1.0) for rate in (0.2, 0.1)]
    np.testing.assert_allclose(halved[0], 4 * halved[1], rtol=1e-12)  # the rate comes twice


@x64
def test_an_else_at_zero():
    """Half the gradients of a weight are 0, each between two that agree: as printed its gain falls,
    and as meant it stays. By hand: 1, then 0.9 for each of the two comparisons with a 0."""
    gradients = [1.0, 0.0, 1.0, 0.0, 1.0]

    def moves(literal):
        tx = stat479.local_gains(1.0, 0.1, literal=literal)
        state, out = tx.init(jnp.zeros(1)), []
        for gradient in gradients:
            updates, state = tx.update(jnp.full(1, gradient), state, jnp.zeros(1))
            out.append(-float(updates[0]))
        return out

    np.testing.assert_allclose(moves(False), gradients, rtol=1e-12)
    np.testing.assert_allclose(moves(True), [1, 0, 0.9**2, 0, 0.9**4], rtol=1e-12)


@x64
def test_ttic_guards():
    """As printed, with the variance 0 of a window of one, the rate is infinite; guarded, 1/(2L)."""
    guarded = first_steps(ttic31230.statistical_1d(2.0, K=3), 0.5, 5)
    np.testing.assert_allclose(guarded, [0, 0, 0, -0.5 / 4, -0.5 / 4], rtol=1e-12)
    printed = first_steps(ttic31230.statistical_1d(2.0, K=1, literal=True), 0.5, 3)
    assert printed[0] == 0 and not np.isfinite(printed[1:]).any()
