"""Schedules at their ends, compiled, and sequences of them against PyTorch's recursions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lectopt.dialects import keras, torch

ENDING = {
    "torch": lambda n: torch.PolynomialLR(0.1, n, 0.9),
    "keras": lambda n: keras.PolynomialDecay(0.1, n, 0.0, 0.9),
}


@pytest.mark.parametrize("name", ENDING)
@pytest.mark.parametrize("n", [49, 50])
def test_a_polynomial_ends_at_0_when_it_is_compiled(name, n):
    """A compiler writes `1 - n (1 / n)` in one rounding, which may be below 0."""
    rates = jax.jit(ENDING[name](n))(jnp.arange(n - 1, n + 3))
    np.testing.assert_array_equal(rates[1:], 0)
    assert rates[0] > 0


@pytest.mark.parametrize("t_mul", [1.0, 2.0])
def test_a_restart_is_at_its_update_when_it_is_compiled(t_mul):
    rates = jax.jit(keras.CosineDecayRestarts(0.1, 49, t_mul))(jnp.arange(51))
    assert rates[49] == np.float32(0.1) and rates[48] < 0.001


@pytest.mark.usefixtures("x64")
def test_a_sequence_goes_on_from_the_rate_that_it_finds():
    """`MultiplicativeLR` and `SWALR`, after others with turns of their own."""
    factors = [torch.MultiplicativeLR(9.0, lambda e, by=by: by) for by in (0.9, 1.05)]
    parts = [torch.ConstantLR(0.1, 0.5, 30), *factors, torch.SWALR(9.0, 0.3, 4, "linear")]
    rate, expected = 0.05, []
    for n in range(26):
        rate *= 0.9 if 5 <= n < 10 else 1.05 if 10 <= n < 20 else 1
        share = np.clip((n - 20) / 4, 0, 1)
        expected.append(rate * (1 - share) + 0.3 * share)
    rates = jax.jit(torch.SequentialLR(parts, [5, 10, 20]))(jnp.arange(26))
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_a_sequence_in_a_chain_sets_the_rate_at_its_turns():
    parts = [torch.LinearLR(0.1, 0.1, total_iters=5), torch.ExponentialLR(0.1, 0.9)]
    turns = torch.SequentialLR(parts, [5])
    rates = torch.ChainedScheduler([turns, torch.StepLR(0.1, 7, 0.5)])
    n = np.arange(5, 26)
    # The halving before the turn is forgotten there; those at 7, 14 and 21 are not.
    np.testing.assert_allclose(jax.vmap(rates)(n), 0.1 * 0.9 ** (n - 5) * 0.5 ** (n // 7))


def test_a_cycle_of_the_momentum_has_its_turn():
    """Before it the momentum is at its start, after it at its end."""
    cycle = torch.CyclicLR(0.01, 0.1, 4, base_momentum=0.5, max_momentum=0.9)
    parts = [torch.ConstantLR(0.1), cycle, torch.ExponentialLR(0.1, 0.9)]
    momentum = torch.SequentialLR(parts, [6, 11]).momentum
    found = [float(momentum(n)) for n in (0, 5, 6, 8, 10, 11, 30)]
    np.testing.assert_allclose(found, [0.9, 0.9, 0.9, 0.7, 0.5, 0.5, 0.5], rtol=1e-6)
    assert torch.SequentialLR(parts[::2], [6]).momentum is None


def test_sequences_that_pytorch_refuses_are_refused():
    one = torch.ExponentialLR(0.1, 0.9)
    for inside in (
        [one, torch.SequentialLR([one, one], [2])],
        [torch.ChainedScheduler([one]), one],
    ):
        with pytest.raises(ValueError, match="all milestones"):
            torch.SequentialLR(inside, [3])(0)
