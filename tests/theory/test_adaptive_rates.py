"""AdaGrad and RMSProp: what dividing by the size of past gradients does to the steps."""

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import descend, responses

pytestmark = pytest.mark.usefixtures("x64")


def adagrad(rate):
    """As the lecture writes it: r starts at 0, no floor."""
    return lectopt.adagrad(rate, initial_accumulator_value=0.0, eps=0.0)


def flipping(size, steps=400):
    """|g| = size at every update, the sign is random."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(steps, 1))
    return size * signs


def test_adagrads_steps_shrink_like_one_over_root_t():
    """S1-16: gamma / sqrt(t) for gradients of constant size, "infinitesimal" in the end."""
    g = flipping(3.0)
    root_t = np.sqrt(np.arange(1, 401))[:, None]
    np.testing.assert_allclose(responses(adagrad(0.01), g), -0.01 * np.sign(g) / root_t, rtol=1e-12)


def test_rmsprops_steps_do_not_shrink():
    """S1-17, S0-38: nu does not grow without bound; the steps tend to the learning rate."""
    g = flipping(3.0)
    steps = responses(lectopt.rmsprop(0.01, eps=0.0), g)
    np.testing.assert_allclose(steps[100:], -0.01 * np.sign(g[100:]), rtol=1e-4)


def test_rmsprops_first_step_is_three_times_the_rate():
    """S0-39: from E = 0 and uncorrected it is eta / sqrt(1 - gamma) = 3.16 eta. Reset in every
    epoch, as the slide's loop reads literally, each epoch would start so."""
    (first,) = responses(lectopt.rmsprop(0.001, 0.9, eps=0.0), np.array([[1e-4, -5.0]]))
    np.testing.assert_allclose(first, [-0.001 / np.sqrt(0.1), 0.001 / np.sqrt(0.1)], rtol=1e-12)


@pytest.mark.parametrize(
    "tx",
    [
        adagrad(0.1),
        lectopt.rmsprop(0.1, eps=0.0),
        lectopt.rmsprop(0.1, eps=0.0, centered=True, bias_correction=False, momentum=0.9),
    ],
    ids=["adagrad", "rmsprop", "centered with momentum"],
)
def test_each_weight_has_its_own_scale(tx):
    """S0-02, S0-37, S1-15, S1-16, S3-12, S3-13: multiplying a weight's gradients by a constant
    changes nothing: badly scaled directions are equalised."""
    g = np.random.default_rng(0).normal(size=(50, 7))
    np.testing.assert_allclose(
        responses(tx, g * np.geomspace(1e-9, 1e9, 7)), responses(tx, g), rtol=1e-6
    )


def test_weights_that_swing_more_get_smaller_rates():
    """S0-37: of two weights with the same mean gradient, the one that swings moves less, by the
    ratio of the root mean squares."""
    swing = 3.0 * (-1.0) ** np.arange(400)
    g = np.stack([np.ones(400), 1 + swing], axis=1)
    total = np.sum(responses(lectopt.rmsprop(0.01, 0.99, eps=0.0), g)[200:], axis=0)
    assert total[1] / total[0] == pytest.approx(1 / np.sqrt(1 + 9), rel=0.05)


def test_rare_features_get_larger_rates():
    """S2-16, S1-16: a feature present in 1 % of the samples learns with AdaGrad and not with SGD
    in the same number of steps."""
    steps = 2000
    present = np.random.default_rng(0).random((steps, 2)) < [1.0, 0.01]
    mask = jnp.asarray(present.astype(float))

    def errors(tx):
        (w,) = descend(tx, jnp.ones(2), lambda w, t: mask[t] * w, steps, every=steps)
        return np.abs(w)

    assert errors(lectopt.sgd(0.01))[1] > 0.5
    assert errors(adagrad(1.0))[1] < 0.01


def test_without_epsilon_a_weight_that_never_had_a_gradient_stays():
    """S2-20 has no epsilon: as printed its update 0/0 of such a weight is NaN."""
    zeros = np.zeros((5, 1))
    with np.errstate(invalid="ignore"):
        assert np.isnan(zeros / np.sqrt(zeros)).all()  # g / sqrt(S)
    np.testing.assert_array_equal(responses(lectopt.rmsprop(0.1, eps=0.0), zeros), 0)
