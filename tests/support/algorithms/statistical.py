"""Rules that measure the run, sample or average: signal-to-noise rates, SWATS, SGLD, ASGD."""

from functools import partial as part
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from tests.support import twins
from tests.support.algorithms.algorithm import Algorithm


def snr_sgd(
    learning_rate: Any,
    warmup: Any,
    noise_factor: Any,
    eps: Any,
    min_window: Any = 2.0,
    max_window: Any = 1e3,
    literal: bool = False,
    state_dtype: Any = None,
) -> lectopt.Transformation:
    """The signal-to-noise rule by the rate of its full step, `1 / (2 curvature)`."""
    scheduled = callable(learning_rate)
    return lectopt.snr_sgd(
        (lambda count: 0.5 / learning_rate(count)) if scheduled else 0.5 / learning_rate,
        warmup=warmup,
        noise_factor=noise_factor,
        min_window=min_window,
        max_window=max_window,
        eps=eps,
        literal=literal,
        state_dtype=state_dtype,
    )


SNR_LETTERS = dict(warmup="K", noise_factor="lambda_B", min_window="N_min", max_window="N_max")


SWATS_LETTERS = dict(b1="beta1", b2="beta2", switch_tol="tol", min_adam_steps="min_steps")


SGLD_KEY = 3


@jax.jit
def standard_noise(theta: Any, counts: Any) -> Any:
    """The library's own noise, at the scale of 1."""
    noise = lectopt.add_langevin_noise(0.5, 1.0, key=SGLD_KEY)
    return jax.vmap(lambda t: noise.update(0 * theta, {"count": t})[0])(counts)


def sgld_twin(theta: Any, grad: Any, rate: Any, steps: int, **letters: float) -> Any:
    """The twin with the noise of the library: its distribution has tests of its own."""
    xi = np.asarray(standard_noise(jnp.asarray(theta), jnp.arange(steps)))
    return twins.sgld(theta, grad, rate, steps, xi=xi, **letters)


def noisy_sgd_twin(theta: Any, grad: Any, rate: Any, steps: int, **letters: float) -> Any:
    """The same for noise in the gradient."""
    xi = np.asarray(standard_noise(jnp.asarray(theta), jnp.arange(steps)))
    return twins.noisy_sgd(theta, grad, rate, steps, xi=xi, **letters)


STATISTICAL = (
    Algorithm(
        "asgd",
        lectopt.asgd,
        twins.asgd_torch,
        dict(lambd=0.1, alpha=0.6, t0=10.0),
        source="PyTorch",
    ),
    Algorithm(
        "snr_sgd",
        snr_sgd,
        twins.snr_sgd,
        dict(warmup=2.0, noise_factor=4.0, min_window=2.0, max_window=8.0, eps=1e-3),
        SNR_LETTERS,
        conditioning=1e3,
        source="S3-29 S3-30 S3-31",
    ),
    Algorithm(
        "snr_sgd/literal",
        part(snr_sgd, literal=True),
        twins.snr_sgd_literal,
        dict(warmup=2.0, noise_factor=16.0, eps=1e-2),
        SNR_LETTERS,
        any_history=False,
        source="S3-30 S3-31",
    ),
    Algorithm(
        "swats",
        lectopt.swats,
        twins.swats,
        dict(b1=0.8, b2=0.95, eps=1e-2, switch_tol=1e-2, min_adam_steps=5.0),
        SWATS_LETTERS,
        conditioning=1e3,
        source="S4-31",
    ),
    Algorithm(
        "swats/relative",
        part(lectopt.swats, relative=True),
        part(twins.swats, relative=True),
        dict(b1=0.8, b2=0.95, eps=1e-2, switch_tol=0.1, min_adam_steps=5.0),
        SWATS_LETTERS,
        conditioning=1e3,
        source="S4-31",
    ),
    Algorithm(
        "sgld",
        part(lectopt.sgld, key=SGLD_KEY),
        sgld_twin,
        dict(temperature=0.1),
        dict(temperature="T"),
        source="S3-04 S3-22",
    ),
    Algorithm(
        "noisy_sgd",
        part(lectopt.noisy_sgd, key=SGLD_KEY),
        noisy_sgd_twin,
        dict(eta=0.1, gamma=0.55),
        source="Neelakantan et al. 2015",
    ),
)
