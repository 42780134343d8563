"""Runs of Keras as people write them, taken over in the middle: the next 50 calls are theirs."""

import importlib.util
import os
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import dialects
from tests.support.oracles import record

os.environ.setdefault("KERAS_BACKEND", "jax")
BEFORE, AFTER = 26, 50
SHAPES = {"kernel": (3, 2), "bias": (2,), "embedding": (2, 3), "rest": (2, 2, 2)}
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None or os.environ["KERAS_BACKEND"] != "jax",
    reason="Keras with its JAX backend is not installed: nothing to move",
)


def noam(keras):
    """The schedule of the Transformer, a class as people write it."""

    class Noam(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            step = keras.ops.cast(step, "float64") + 1
            return 0.1 * keras.ops.minimum(step**-0.5, step * 30**-1.5)

    return Noam()


# (optimizers, schedules) -> optimizer; what Keras computes in float32 has fewer digits.
RECIPES = {
    "everything around": lambda o, s: o.AdamW(
        s.ExponentialDecay(0.05, 10, 0.7),
        loss_scale_factor=8.0,
        clipnorm=1.0,
        gradient_accumulation_steps=3,
        use_ema=True,
        ema_momentum=0.9,
        ema_overwrite_frequency=7,
    ),
    "loss scale, no decay of biases": lambda o, s: o.LossScaleOptimizer(
        o.AdamW(s.ExponentialDecay(0.05, 10, 0.7), weight_decay=0.1), 4.0, 10
    ),
    "adafactor": lambda o, s: o.Adafactor(0.02, weight_decay=0.1, clip_threshold=0.5),
    "muon, no decay of biases": lambda o, s: o.Muon(
        0.02, adam_lr_ratio=0.3, rms_rate=0.1, global_clipnorm=5.0
    ),
    "schedule-free": lambda o, s: o.ScheduleFreeAdamW(0.01, warmup_steps=40),
    "transformer": lambda o, s: o.Adam(noam(record.import_keras()), beta_2=0.98, epsilon=1e-9),
}
DIGITS = {"adafactor": 1e-7, "muon, no decay of biases": 1e-7}


def push(t):
    """The part of the gradients that does not depend on the weights."""
    rng = np.random.default_rng(t)
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.usefixtures("x64")
def test_goes_on_where_it_was(name):
    keras = record.import_keras()
    variables = {
        k: keras.Variable(np.asarray(v), dtype="float64", name=k) for k, v in push(1000).items()
    }
    optimizer = RECIPES[name](keras.optimizers, keras.optimizers.schedules)
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if "no decay" in name:
        inner.exclude_from_weight_decay(var_names=["bias"])
    mapped = dict(variables) | {"kernel": (variables["kernel"], np.transpose)}
    with jax.numpy_rank_promotion("allow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimizer.build(list(variables.values()))
        apply = jax.jit(optimizer.stateless_apply)

        def scale():
            scale = getattr(optimizer, "dynamic_scale", optimizer.loss_scale_factor)
            return 1.0 if scale is None else float(keras.ops.convert_to_numpy(scale))

        def steps(times):
            for t in times:
                now = [v.value for v in variables.values()]
                grads = [
                    scale() * (g + 0.5 * w) for g, w in zip(push(t).values(), now, strict=True)
                ]
                new, own = apply([v.value for v in optimizer.variables], grads, now)
                held = [*variables.values(), *optimizer.variables]
                for v, x in zip(held, [*new, *own], strict=True):
                    v.assign(x)

        steps(range(BEFORE))
        params = dialects.keras.read_params(mapped)
        tx, state = dialects.keras.from_optimizer(optimizer, mapped, params=params)

        @jax.jit
        def step(params, state, pushed, scale):
            pushed = pushed | {"kernel": pushed["kernel"].T}
            grads = {k: scale * (g + 0.5 * params[k]) for k, g in pushed.items()}
            updates, state = tx.update(grads, state, params)
            return optax.apply_updates(params, updates), state

        for t in range(BEFORE, BEFORE + AFTER):
            params, state = step(params, state, jax.tree.map(jnp.asarray, push(t)), scale())
            steps([t])
            theirs = dialects.keras.read_params(mapped)
            for key in theirs:
                slack = DIGITS.get(name, 1e-12)
                np.testing.assert_allclose(params[key], theirs[key], rtol=slack, atol=slack)
    if inner.use_ema:
        averages = lectopt.evaluation_params(state, params)
        own = zip(SHAPES, inner._model_variables_moving_average, strict=True)
        for key, average in own:
            average = np.asarray(average.value).T if key == "kernel" else average.value
            np.testing.assert_allclose(averages[key], average, rtol=1e-12, atol=1e-12)
