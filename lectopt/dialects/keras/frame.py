"""What Keras' optimizers have in common: clipping before every algorithm, decoupled weight decay
and an average of the parameters after it.
"""

import functools as ft
from collections.abc import Callable
from typing import Annotated, Any

from lectopt.averaging import Scheme
from lectopt.combinators import chain
from lectopt.controls.averaging import average_params
from lectopt.dialects.keras.stepping import accumulate, by_call, overwrite_with_average, unscale
from lectopt.dialects.spelling import Name, Spelling, absent, held
from lectopt.display import readable
from lectopt.primitives import (
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    shrink_weights,
)
from lectopt.settings import (
    Bound,
    Fraction,
    NonNegative,
    Numeric,
    Positive,
    Range,
    Scalar,
    Steps,
)
from lectopt.signatures import checked
from lectopt.transformation import Transformation

Calls = Annotated[Numeric, Range(2, float("inf"), False, "two or more", 4)]


def common(
    *,
    weight_decay: NonNegative | None = None,
    clipnorm: Bound | None = None,
    clipvalue: Bound | None = None,
    global_clipnorm: Bound | None = None,
    use_ema: bool = False,
    ema_momentum: Fraction = 0.99,
    ema_overwrite_frequency: Steps[Scalar] | None = None,
    loss_scale_factor: Positive | None = None,
    gradient_accumulation_steps: Calls[Scalar] | None = None,
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
      ema_overwrite_frequency: with `use_ema`, so many updates apart the average takes the place of
        the parameters.
      loss_scale_factor: what the loss was multiplied by, above zero; gradients are divided by it.
      gradient_accumulation_steps: calls whose gradients are averaged for an update, two or more.
        A schedule counts calls, everything else updates.
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
        settings = _by_call(settings)
        passed = {k: settings[k] for k in own.defaults if k != "weight_decay" or not decays}
        learning_rate, decay = settings["learning_rate"], settings["weight_decay"]
        after = [] if absent(decay) or not decays else [shrink_weights(learning_rate, decay)]
        members = [*_clipping(whole.where, settings), rule(**passed), *after]
        tx = chain(*members) if len(members) > 1 else members[0]
        around = _around(tx, settings)
        return chain(*around) if len(around) > 1 else around[0]

    shown = readable(lambda: whole.bare.replace(return_annotation=Transformation), rule, common)
    build.__signature__ = shown  # pyright: ignore[reportAttributeAccessIssue]
    build.__annotations__ = common.__annotations__ | rule.__annotations__
    return held(whole, build)


def _around(tx: Transformation, settings: dict[str, Any]) -> list[Transformation]:
    """The update in the middle of what is done at every call."""
    factor, steps = settings["loss_scale_factor"], settings["gradient_accumulation_steps"]
    frequency = settings["ema_overwrite_frequency"]
    before = [] if factor is None else [unscale(factor)]
    tx = tx if steps is None else accumulate(tx, steps)
    if not settings["use_ema"]:
        return [*before, tx]
    scheme = moving_average(settings["ema_momentum"])
    calls = 1 if steps is None else int(steps)
    if frequency is None:
        return [*before, tx, average_params(scheme, calls - 1)]
    return [*before, tx, overwrite_with_average(scheme, frequency, calls)]


def _by_call(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with a schedule that is read where Keras reads it."""
    rate, steps = settings["learning_rate"], settings["gradient_accumulation_steps"]
    if steps is None or not callable(rate):
        return settings
    return settings | dict(learning_rate=by_call(rate, steps))


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
