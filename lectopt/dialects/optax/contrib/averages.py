"""Schedule-free training, and gradients from a little uphill."""

from typing import Annotated, Any

from lectopt import optimizers as _lectopt
from lectopt.combinators import chain
from lectopt.dialects.spelling import Unneeded, spelled
from lectopt.primitives import (
    add_decayed_weights,
    average_ahead,
    scale_by_learning_rate,
    scale_by_rms,
)
from lectopt.schedules import shifted, warmup
from lectopt.settings import Decay, LearningRate, NonNegative, Steps
from lectopt.transformation import Transformation
from lectopt.wrapping import AnyTransformation

__all__ = [
    "sam",
    "schedule_free",
    "schedule_free_adamw",
    "schedule_free_sgd",
]


@spelled()
def sam(
    optimizer: AnyTransformation,
    adv_optimizer: AnyTransformation,
    sync_period: Steps = 2,
    reset_state: bool = True,
    opaque_mode: Annotated[
        Any, Unneeded("Gradients are taken by the loop, one climb an update.")
    ] = False,
    batch_axis_name: Annotated[Any, Unneeded("It is of opaque_mode.")] = None,
) -> Transformation:
    """Gradients from a little uphill; see `lectopt.sam`."""
    del opaque_mode, batch_axis_name
    return _lectopt.sam(optimizer, adv_optimizer, sync_period, reset_state)


@spelled()
def schedule_free(
    base_optimizer: AnyTransformation,
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    weight_lr_power: NonNegative = 2.0,
    state_dtype: Any = None,
) -> Transformation:
    """Gradients between the iterates and their mean; see `lectopt.schedule_free`. As in Optax an
    iterate has the weight of the rate that follows its own.
    """
    following = shifted(learning_rate) if callable(learning_rate) else learning_rate
    mean = average_ahead(following, weight_lr_power, b1, state_dtype=state_dtype)
    return chain(base_optimizer, mean)


@spelled()
def schedule_free_sgd(
    learning_rate: LearningRate = 1.0,
    warmup_steps: NonNegative | None = None,
    b1: Decay = 0.9,
    weight_decay: NonNegative | None = None,
    weight_lr_power: NonNegative = 2.0,
    state_dtype: Any = None,
) -> Transformation:
    """`schedule_free` around gradient descent."""
    rate = learning_rate if warmup_steps is None else warmup(learning_rate, warmup_steps)
    decay = [] if weight_decay is None else [add_decayed_weights(weight_decay)]
    descent = chain(*decay, scale_by_learning_rate(rate))
    return schedule_free(descent, rate, b1, weight_lr_power, state_dtype)


@spelled()
def schedule_free_adamw(
    learning_rate: LearningRate = 0.0025,
    warmup_steps: NonNegative | None = None,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 0.0,
    weight_lr_power: NonNegative = 2.0,
    state_dtype: Any = None,
) -> Transformation:
    """`schedule_free` around AdamW without its mean."""
    rate = learning_rate if warmup_steps is None else warmup(learning_rate, warmup_steps)
    normalised = scale_by_rms(b2, eps, eps_placement="outside", bias_correction=True)
    decay, descent = add_decayed_weights(weight_decay), scale_by_learning_rate(rate)
    base = chain(normalised, decay, descent)
    return schedule_free(base, rate, b1, weight_lr_power, state_dtype)
