"""Rates from the size of the gradients: AdaGrad, RMSProp, AdaDelta, visit counts."""

from collections.abc import Callable
from functools import partial as part
from typing import Any

import optax

import lectopt
from tests.support import twins
from tests.support.algorithms.algorithm import Algorithm


def l2(twin: Callable[..., Any]) -> Callable[..., Any]:
    """The twin on the loss with an L2 penalty."""

    def penalised(theta: Any, grad: Any, *args: Any, weight_decay: float, **letters: float) -> Any:
        return twin(theta, lambda x, t: grad(x, t) + weight_decay * x, *args, **letters)

    return penalised


def visit_count(learning_rate: Any, state_dtype: Any = None) -> lectopt.Transformation:
    """Online k-means, as a chain that users would write."""
    count = lectopt.scale_by_visit_count(state_dtype=state_dtype)
    return lectopt.chain(count, lectopt.scale_by_learning_rate(learning_rate))


ADAPTIVE = (
    Algorithm(
        "adagrad/inside",
        lectopt.adagrad,
        twins.adagrad_inside,
        dict(initial_accumulator_value=0.2, eps=1e-2),
        dict(initial_accumulator_value="r0"),
        optax=optax.adagrad,
        source="Keras, Optax",
    ),
    Algorithm(
        "adagrad/outside",
        part(lectopt.adagrad, eps_placement="outside"),
        twins.adagrad_outside,
        dict(initial_accumulator_value=0.0, eps=1e-2),
        dict(initial_accumulator_value="r0", eps="delta"),
        source="S1-16",
    ),
    Algorithm(
        "rmsprop/inside",
        lectopt.rmsprop,
        twins.rmsprop_inside,
        dict(decay=0.8, eps=1e-2, initial_scale=0.1),
        dict(decay="gamma", initial_scale="E0"),
        optax=optax.rmsprop,
        source="S0-38 S0-39 S3-13",
    ),
    Algorithm(
        "rmsprop/outside",
        part(lectopt.rmsprop, eps_placement="outside"),
        twins.rmsprop_outside,
        dict(decay=0.8, eps=1e-2),
        dict(decay="rho", eps="delta"),
        optax=part(optax.rmsprop, eps_in_sqrt=False),
        source="S1-17 S4-24",
    ),
    Algorithm(
        "rmsprop/no-eps",
        part(lectopt.rmsprop, eps=0.0),
        twins.rmsprop_bare,
        dict(decay=0.8),
        dict(decay="beta"),
        source="S2-20",
    ),
    Algorithm(
        "rmsprop/bias-corrected",
        part(lectopt.rmsprop, bias_correction=True),
        twins.rmsprop_corrected,
        dict(decay=0.8, eps=1e-2),
        optax=part(optax.rmsprop, bias_correction=True),
        source="Optax",
    ),
    Algorithm(
        "rmsprop/centered",
        part(lectopt.rmsprop, centered=True),
        twins.rmsprop_centered,
        dict(decay=0.8, eps=1e-2),
        optax=part(optax.rmsprop, centered=True),
        conditioning=1e3,
        source="Graves 2013",
    ),
    Algorithm(
        "rmsprop/centered-outside",
        part(lectopt.rmsprop, centered=True, eps_placement="outside"),
        part(twins.rmsprop_centered, inside=False),
        dict(decay=0.8, eps=1e-2),
        conditioning=1e3,
        source="PyTorch",
    ),
    Algorithm(
        "rmsprop/centered-bias-corrected",
        part(lectopt.rmsprop, centered=True, bias_correction=True),
        part(twins.rmsprop_centered, corrected=True),
        dict(decay=0.8, eps=1e-2),
        optax=part(optax.rmsprop, centered=True, bias_correction=True),
        conditioning=1e3,
        source="Optax",
    ),
    Algorithm(
        "rmsprop/momentum-inside",
        part(lectopt.rmsprop, centered=True),
        part(twins.rmsprop_momentum_inside, centered=True),
        dict(decay=0.8, eps=1e-2, momentum=0.7),
        dict(decay="rho", momentum="mu"),
        optax=part(optax.rmsprop, centered=True),
        conditioning=1e3,
        source="Keras, Optax",
    ),
    Algorithm(
        "rmsprop/momentum-outside",
        part(lectopt.rmsprop, eps_placement="outside", momentum_form="heavy_ball"),
        twins.rmsprop_torch,
        dict(decay=0.8, eps=1e-2, momentum=0.7),
        dict(decay="alpha", momentum="mu"),
        source="PyTorch",
    ),
    Algorithm(
        "rmsprop/nesterov",
        part(lectopt.rmsprop, nesterov=True),
        twins.rmsprop_nesterov,
        dict(decay=0.8, eps=1e-2, momentum=0.7),
        dict(momentum="mu"),
        optax=part(optax.rmsprop, nesterov=True),
        source="Optax",
    ),
    Algorithm(
        "adadelta",
        lectopt.adadelta,
        twins.adadelta,
        dict(rho=0.8, eps=1e-2),
        optax=optax.adadelta,
        source="S0-42",
    ),
    Algorithm(
        "adadelta/l2",
        lectopt.adadelta,
        l2(twins.adadelta),
        dict(rho=0.8, eps=1e-2, weight_decay=0.1),
        optax=optax.adadelta,
        source="PyTorch, Optax",
    ),
    Algorithm(
        "visit_count",
        visit_count,
        twins.visit_count,
        source="S0-20",
    ),
    Algorithm(
        "ftrl",
        lectopt.ftrl,
        twins.ftrl,
        dict(initial_accumulator_value=0.2, l1=0.05, l2=0.1, beta=0.5, l2_shrinkage=0.2),
        dict(initial_accumulator_value="n0", l2_shrinkage="shrinkage"),
        source="McMahan et al. 2013, Keras",
    ),
    Algorithm(
        "ftrl/power",
        lectopt.ftrl,
        part(twins.ftrl, beta=0.0),
        dict(initial_accumulator_value=0.2, power=0.8),
        dict(initial_accumulator_value="n0"),
        source="Keras",
    ),
)
