"""Calls that a type checker must let pass, as `test_typing` runs them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lectopt
from lectopt import averaging, lectures, schedules, testing
from lectopt.dialects import keras, papers, torch
from lectopt.settings import Decay, LearningRate

# Numbers of all kinds.
lectopt.adam(1)
lectopt.adam(1e-3, 0.9, b2=np.float32(0.999))
lectopt.adam(np.float64(1e-3), np.asarray(0.9), eps=jnp.asarray(1e-8))
lectopt.sgd(jnp.float32(0.1) / 2, momentum=None)
lectopt.adamw(1e-3, weight_decay=np.int32(0), mask=lambda params: params)
lectopt.clip_by_norm(max_norm=jnp.ones(()))
lectopt.warmup(0.1, np.int64(100))

# Schedules: ours, Optax's, anybody's.
rate = lectopt.join((lectopt.warmup(0.1, 100), lectopt.cosine_decay(0.1, 900)), (100,))
lectopt.adam(rate)
lectopt.adam(optax.cosine_decay_schedule(0.1, 100))
lectopt.ema(lambda count: 1 - 1 / (count + 2))
lectopt.warmup(schedules.scaled(rate, 0.5), 100)


def halved(count: jax.Array) -> jax.Array:
    return 0.5**count


lectopt.scale_by_learning_rate(halved)
lectopt.reduce_on_plateau(0.5, threshold_mode=None)

# By place and by name.
lectopt.ema(0.9)
lectopt.ema(0.9, 0.0, state_dtype=jnp.bfloat16)
lectopt.ema(initial=1.0, decay=0.9)
lectopt.bias_correction(0.9, of_root=True)
lectopt.scale_by_rprop(0.1, variant="rprop+")
lectopt.cosine_decay(0.1, 100, end=0.01)(3).astype(jnp.float32)
lectopt.chain(lectopt.clip_by_global_norm(1.0), optax.scale(2.0), slow=lectopt.ema(0.99))
lectopt.lookahead(optax.adam(1e-3), 5)
lectopt.average_params(averaging.uniform(), start=10, every=5)
lectures.cmu11785.adam(1e-3)
lectures.misprints.stale_mean_square(0.9)
torch.Adam(lr=1e-3, betas=(0.9, np.float32(0.99)))
torch.SGD(torch.CyclicLR(0.1, 1.0), momentum=torch.CyclicLR(0.1, 1.0).momentum or 0.9)
keras.Adam(keras.CosineDecay(1e-3, 100), clipnorm=1.0)
papers.adamw(weight_decay=1e-2)
lectopt.port(lectopt.adam(1e-3), "torch").settings["lr"]
testing.Subject(lectopt.adam, dict(learning_rate=0.1))


@jax.jit
def traced(number: jax.Array) -> jax.Array:
    tx = lectopt.adam(number, b1=1 - number, eps=number**2)
    gradients = {"w": jnp.ones(2)}
    updates, _ = tx.update(gradients, tx.init(gradients), gradients)
    return updates["w"]


traced(jnp.asarray(0.1))


# A rule, wiring, and a schedule of one's own.
@lectopt.leafwise(nu=0.0)
def mean_absolute(g: Any, state: Any, *, decay: Decay[Any] = 0.99) -> Any:
    nu = decay * state.nu + (1 - decay) * jnp.abs(g)
    return nu, dict(nu=nu)


@lectopt.schedule()
def inverse_log(count: Any, *, init: LearningRate[Any]) -> Any:
    return init / jnp.log(2 + count)


def absprop(learning_rate: LearningRate, decay: Decay = 0.99) -> lectopt.Transformation:
    direction = lectopt.ratio(lectopt.identity(), mean_absolute(decay))
    return lectopt.chain(direction, lectopt.scale_by_learning_rate(learning_rate))


absprop(0.1)
absprop(inverse_log(0.1), decay=jnp.asarray(0.9))
