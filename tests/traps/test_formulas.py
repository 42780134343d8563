"""Traps in a rule's formula: where its epsilon stands, what it starts from, what it forgets."""

import numpy as np
import optax
import pytest

import lectopt
from tests.support.descent import responses

f32 = np.float32


def test_rprop_halts_and_forgets_on_a_change_of_sign():
    """Without the forgetting, the weight not having moved, the next product is positive and the
    halved step grows before it is used; `optax.rprop` returns the move of the step before."""
    steps = responses(lectopt.rprop(0.1), f32([1, -1, -1, -1, -1]))
    np.testing.assert_allclose(steps, [-0.1, 0, 0.05, 0.06, 0.072], rtol=1e-6)
    # Signs are multiplied, not gradients, whose product underflows.
    tiny = responses(lectopt.rprop(0.1), f32(1e-30) * f32([1, -1, -1, -1, -1]))
    np.testing.assert_array_equal(tiny, steps)
    gains = responses(lectopt.local_gains(1.0, 0.5, 0.5), f32(1e-30) * f32([1, 1, -1]))
    np.testing.assert_allclose(1e30 * gains, [-1, -1.5, 0.75], rtol=1e-5)
    # Bounds hold for the first step and while the sign is 0 as well.
    np.testing.assert_array_equal(responses(lectopt.rprop(100.0), f32([1, 0, 0])), [-50, 0, 0])


def test_adamax_has_three_places_for_epsilon():
    """In the maximum it decays with b2, outside it does not, and the paper has none."""
    g, b2, eps = f32([1, 0, 0, 0]), 0.5, 0.1
    denominators = {
        "in_max": [1.1, 0.55, 0.275, 0.1375],
        "outside": [1.1, 0.6, 0.35, 0.225],
        "none": [1, 0.5, 0.25, 0.125],
    }
    b1, t = 0.9, np.arange(1, 5)
    mean = (1 - b1) * b1 ** (t - 1) / (1 - b1**t)
    for placement, denominator in denominators.items():
        steps = responses(lectopt.adamax(1.0, b1, b2, eps, eps_placement=placement), g)
        np.testing.assert_allclose(steps, -mean / denominator, rtol=1e-5)


def test_adagrads_first_accumulator_shows():
    """g = 1e-3: from 0 the first step is the rate, from 0.1 (Keras, Optax) 0.3 % of it."""
    g = f32([1e-3])
    from_zero = lectopt.adagrad(1.0, initial_accumulator_value=0.0, eps=1e-10)
    np.testing.assert_allclose(responses(from_zero, g), -1, rtol=1e-3)
    np.testing.assert_allclose(responses(lectopt.adagrad(1.0), g), -1e-3 / np.sqrt(0.1), rtol=1e-4)


@pytest.mark.parametrize(
    "placement, eps, small, tiny",
    [
        ("outside", 1e-8, 0.990, 0.5),
        ("uncorrected", 1e-7, 0.240, 0.0032),
        ("inside", 1e-8, 0.01, 1e-4),
    ],
)
def test_adams_epsilon_decides_about_small_gradients(placement, eps, small, tiny):
    """The first step for g = 1e-6 and 1e-8 (S0-40: 100 times apart), in float32 too."""
    tx = lectopt.adam(1.0, eps=eps, eps_placement=placement)
    (steps,) = responses(tx, f32([[1e-6, 1e-8]]))
    np.testing.assert_allclose(steps, [-small, -tiny], rtol=2e-2)


def test_radam_divides_from_the_fifth_or_sixth_step_on():
    """The threshold is 4 in the paper and 5 in the code; before it the step is as large as the
    gradient, or none."""
    g = np.full(10, 1e-3, f32)
    for threshold, first in ((4.0, 5), (5.0, 6)):
        for fallback, before in (("sgd", -1e-3), ("skip", 0.0)):
            tx = lectopt.radam(1.0, threshold=threshold, fallback=fallback)
            steps = responses(tx, g)
            np.testing.assert_allclose(steps[: first - 1], before, rtol=1e-5)
            assert (steps[first - 1 :] < -5e-3).all()


ONES = np.ones(6, f32)


def test_pytorch_does_not_dampen_its_first_gradient():
    """mu = d = 0.9, g = 1: its buffer is 1 from the first step on; the STAT 479 slide and a moving
    average begin with 0.1 (S4-20)."""

    def velocities(**settings):
        tx = lectopt.momentum(1.0, 0.9, form="heavy_ball", dampening=0.9, **settings)
        return -responses(tx, ONES)

    np.testing.assert_allclose(velocities(dampen_first=False), 1, rtol=1e-6)
    averages = -responses(lectopt.momentum(1.0, 0.9, form="ema"), ONES)
    np.testing.assert_allclose(velocities(), averages, rtol=1e-6)
    np.testing.assert_allclose(averages, 1 - 0.9 ** np.arange(1, 7), rtol=1e-5)


def test_an_average_and_a_velocity_differ_by_a_factor():
    """`ema` starts at 0 and is not corrected, `trace` sums; `optax.ema` corrects by default."""
    k = np.arange(1, 7)
    sums = responses(lectopt.trace(0.9), ONES)
    np.testing.assert_allclose(sums, (1 - 0.9**k) / 0.1, rtol=1e-5)
    np.testing.assert_allclose(responses(lectopt.ema(0.9), ONES), 0.1 * sums, rtol=1e-5)
    corrected = lectopt.chain(lectopt.ema(0.9), lectopt.bias_correction(0.9))
    np.testing.assert_allclose(responses(corrected, ONES), 1, rtol=1e-5)
    np.testing.assert_allclose(responses(optax.ema(0.9), ONES), 1, rtol=1e-5)
