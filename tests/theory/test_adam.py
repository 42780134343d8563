"""Adam: the scale of the gradient drops out, the step is bounded, the zero start is corrected."""

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import descend, responses

pytestmark = pytest.mark.usefixtures("x64")
B1, B2 = 0.9, 0.999


def gradients(steps=50, size=7, seed=0):
    return np.random.default_rng(seed).normal(size=(steps, size))


def test_the_scale_of_the_gradient_drops_out():
    """S0-40, S1-18, S4-26: with eps = 0 the loss may be multiplied by anything, each weight by its
    own factor; and eps sets in where sqrt(nu) is of its size, not of the gradient's."""
    scales = np.geomspace(1e-12, 1e12, 7)
    for placement in ("outside", "inside", "uncorrected"):
        tx = lectopt.adam(0.1, eps=0.0, eps_placement=placement)
        np.testing.assert_allclose(
            responses(tx, gradients() * scales), responses(tx, gradients()), rtol=1e-10
        )
    # "outside", eps -> s eps is exactly the scale s of the gradient; "inside", eps -> s^2 eps.
    for placement, power in (("outside", 1), ("inside", 2)):
        small = lectopt.adam(0.1, eps=1e-3, eps_placement=placement)
        large = lectopt.adam(0.1, eps=1e-3 * 1e4**power, eps_placement=placement)
        np.testing.assert_allclose(
            responses(large, 1e4 * gradients()), responses(small, gradients()), rtol=1e-10
        )


def test_the_first_step_is_the_learning_rate():
    """S0-41, S1-18: the corrected moments of one gradient are g and g^2: the step is lr sign(g)."""
    g = np.array([1e-3, -1.0, 1e3, -1e-20])
    first = responses(lectopt.adam(0.1, eps=0.0), g[None])[0]
    np.testing.assert_allclose(first, -0.1 * np.sign(g), rtol=1e-12)


def test_a_constant_gradient_gives_constant_steps():
    """S0-41, S3-18: without the correction the first steps are up to 31.6 times too large, because
    nu / g^2 = 1 - b2^t ~ 1 - exp(-t/1000) "for a long time"."""
    g = np.full((3000, 1), 0.7)
    np.testing.assert_allclose(responses(lectopt.adam(0.1, eps=0.0), g), -0.1, rtol=1e-11)
    uncorrected = responses(lectopt.rmsprop(0.1, B2, eps=0.0), g)[:, 0]
    t = np.arange(1, 3001)
    np.testing.assert_allclose(uncorrected, -0.1 / np.sqrt(1 - B2**t), rtol=1e-10)
    assert uncorrected[0] == pytest.approx(-0.1 * 31.6, rel=1e-3)
    nu = responses(lectopt.mean_square(B2), g)[:, 0] / 0.49
    np.testing.assert_allclose(nu, 1 - np.exp(-t / 1000), atol=2e-4)


def test_the_step_is_bounded():
    """S4-26: |step| <= lr (1 - b1) / sqrt((1 - b2) (1 - b1^2 / b2)) by Cauchy-Schwarz, whatever the
    gradients. Kingma and Ba's lr (1 - b1) / sqrt(1 - b2) is what one gradient after silence makes;
    gradients that grow like (b2 / b1)^t exceed it."""
    t = np.arange(400)
    histories = {
        "random": gradients(400, 3).T,
        "constant": np.ones((1, 400)),
        "after silence": np.where(t == 399, 1e-3, 0.0)[None],
        "growing": ((B2 / B1) ** t)[None],
        "heavy tails": np.random.default_rng(1).standard_cauchy((3, 400)),
    }
    tx = lectopt.adam(1.0, eps=0.0)
    largest = {name: np.abs(responses(tx, h.T)).max() for name, h in histories.items()}
    correction = np.sqrt(1 - B2**400)  # of the last step; 1 - b1^400 = 1
    printed = (1 - B1) / np.sqrt(1 - B2)
    bound = printed / np.sqrt(1 - B1**2 / B2)
    assert max(largest.values()) <= bound
    assert largest["after silence"] == pytest.approx(printed * correction, rel=1e-9)
    assert largest["growing"] == pytest.approx(bound * correction, rel=1e-3)
    assert largest["growing"] > printed
    assert largest["constant"] == pytest.approx(1, rel=1e-9)


def test_adam_without_smoothing_is_rmsprop_with_the_correction():
    """S3-19: "equivalent to RMSProp" but for the correction; with it, the same numbers."""
    adam = lectopt.adam(0.1, b1=0.0, b2=0.9, eps=1e-3)
    corrected = lectopt.rmsprop(0.1, 0.9, 1e-3, eps_placement="outside", bias_correction=True)
    bare = lectopt.rmsprop(0.1, 0.9, 1e-3, eps_placement="outside")
    np.testing.assert_allclose(
        responses(adam, gradients()), responses(corrected, gradients()), rtol=1e-12
    )
    distance = np.abs(responses(adam, gradients()) / responses(bare, gradients()) - 1).max(axis=1)
    assert distance[0] > 0.5 and distance[-1] < 0.01  # it is forgotten like b2^t


@lectopt.leafwise()
def printed_correction(moment, t, *, decay):
    return moment * (1 - decay**t)


def test_the_printed_bias_correction_multiplies_where_it_must_divide():
    """S3-17 as printed makes the first step 10 times too large instead of right, and later ones
    wrong for as long as b2^t matters."""
    printed = lectopt.ratio(
        lectopt.chain(lectopt.ema(B1), printed_correction(B1)),
        lectopt.root(lectopt.chain(lectopt.mean_square(B2), printed_correction(B2))),
    )
    steps = responses(printed, np.ones((100, 1)))[:, 0]
    assert steps[0] == pytest.approx((1 - B1) ** 2 / (1 - B2), rel=1e-9)  # 10, should be 1
    assert (steps > 5).all()


def test_even_adam_wants_a_decaying_rate():
    """S1-21: with noise its constant rate stalls; lr0 / (1 + k t) goes on falling."""
    steps, seeds = 8000, 100
    noise = jnp.asarray(np.random.default_rng(0).normal(size=(steps, seeds)))
    ends = []
    for rate in (0.01, lectopt.inverse_time_decay(0.01, 0.005)):
        w = descend(
            lectopt.adam(rate), jnp.ones(seeds), lambda w, t: w + noise[t], steps, every=2000
        )
        ends.append(np.mean(w**2, axis=1) / 2)
    constant, annealed = ends
    assert constant[-1] == pytest.approx(constant[1], rel=0.5)  # stalled
    assert annealed[-1] < constant[-1] / 5
    assert annealed[-1] < annealed[1] / 1.5  # still falling
