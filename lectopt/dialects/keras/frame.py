"""What Keras' optimizers have in common: clipping before every algorithm, decoupled weight decay
and an average of the parameters after it.
"""

import functools as ft
from collections.abc import Callable
from typing import Annotated, Any

from lectopt.averaging import Scheme
from lectopt.combinators import chain
from lectopt.controls.averaging import average_params
from lectopt.dialects.spelling import Name, Spelling, Unneeded, absent, held
from lectopt.display import readable
from lectopt.primitives import (
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    shrink_weights,
)
from lectopt.settings import Bound, Fraction, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation

Overwrite = Annotated[
    Any,
    Unneeded(
        "It puts the average in the place of the parameters while they are trained. Write params = "
        "lectopt.evaluation_params(state, params) every so many updates."
    ),
]
LossScale = Annotated[
    Any, Unneeded("Divide the gradients: lectopt.chain(optax.scale(1 / factor), optimizer).")
]
Accumulation = Annotated[
    Any,
    Unneeded(
        "Write optax.MultiSteps(optimizer, steps). A schedule then counts updates, where Keras "
        "counts the calls in between too."
    ),
]


def common(
    *,
    weight_decay: NonNegative | None = None,
    clipnorm: Bound | None = None,
    clipvalue: Bound | None = None,
    global_clipnorm: Bound | None = None,
    use_ema: bool = False,
    ema_momentum: Fraction = 0.99,
    ema_overwrite_frequency: Overwrite = None,
    loss_scale_factor: LossScale = None,
    gradient_accumulation_steps: Accumulation = None,
    name: Name = None,
) -> None:
    """The arguments that every optimizer of Keras takes.

    Args:
      weight_decay: `param (1 - learning_rate weight_decay)` before the step, which it is no part
        of.
      clipnorm: bound on the norm of the gradient of each leaf.
      clipvalue: bound on each coordinate of the gradient.
      global_clipnorm: bound on the norm of the whole gradient.
      use_ema: keep an average of the parameters, read with `lectopt.evaluation_params`.
      ema_momentum: `average = ema_momentum average + (1 - ema_momentum) param`, from the parameters
        after the first update.
      ema_overwrite_frequency: not needed.
      loss_scale_factor: not needed.
      gradient_accumulation_steps: not needed.
      name: not needed.
    """


def framed(rule: Callable[..., Transformation]) -> Callable[..., Transformation]:
    """Give an algorithm the arguments of `common`, and what they do.

    Raises:
      ValueError: two of the three clippings at once.
    """
    return _framed(rule, decays=True)


def framed_with_its_own_decay(
    rule: Callable[..., Transformation],
) -> Callable[..., Transformation]:
    """The same for an algorithm that is given its `weight_decay`."""
    return _framed(rule, decays=False)


def _framed(rule: Callable[..., Transformation], decays: bool) -> Callable[..., Transformation]:
    own = Spelling.of(rule)
    whole = own.joined(Spelling.of(common))

    @ft.wraps(rule)
    def build(**settings: Any) -> Transformation:
        passed = {k: settings[k] for k in own.defaults if k != "weight_decay" or not decays}
        learning_rate, decay = settings["learning_rate"], settings["weight_decay"]
        after = [] if absent(decay) or not decays else [shrink_weights(learning_rate, decay)]
        if settings["use_ema"]:
            after.append(average_params(moving_average(settings["ema_momentum"])))
        members = [*_clipping(whole.where, settings), rule(**passed), *after]
        return chain(*members) if len(members) > 1 else members[0]

    signature = whole.bare.replace(return_annotation=Transformation)
    build.__signature__ = readable(signature, rule, common)  # pyright: ignore[reportAttributeAccessIssue]
    build.__annotations__ = common.__annotations__ | rule.__annotations__
    return held(whole, build)


def _clipping(where: str, settings: dict[str, Any]) -> list[Transformation]:
    kinds = dict(
        clipnorm=clip_by_norm, clipvalue=clip_by_value, global_clipnorm=clip_by_global_norm
    )
    given = [name for name in kinds if settings[name] is not None]
    if len(given) > 1:
        raise ValueError(
            f"{where}: only one of {', '.join(kinds)} can be set, got {given}. "
            f"Write one of them, and chain(lectopt.clip_by_value(...), optimizer) for another."
        )
    return [kinds[name](settings[name]) for name in given if not absent(settings[name])]


@checked
def moving_average(momentum: Fraction) -> Scheme:
    """`average = momentum average + (1 - momentum) param`, from the first parameters themselves.

    Args:
      momentum: in [0, 1].
    """
    return Scheme("dialects.keras.moving_average", _share, {"momentum": momentum})


def _share(t: Any, momentum: Any) -> Any:
    return 1 - momentum
