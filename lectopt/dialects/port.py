"""`port`: the same optimizer in the words of another library, or the reason why there is none."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lectopt import values as _values
from lectopt.combinators import chain
from lectopt.dialects import keras as _keras
from lectopt.dialects import optax as _optax
from lectopt.dialects import torch as _torch
from lectopt.dialects.porting import keras as _to_keras
from lectopt.dialects.porting import optax as _to_optax
from lectopt.dialects.porting import torch as _to_torch
from lectopt.dialects.porting.problem import distance
from lectopt.dialects.porting.recipe import Unreadable, read
from lectopt.dialects.porting.scaling import for_gradients_times
from lectopt.dialects.porting.writing import CONSTANT, Draft, Verdict
from lectopt.settings import Positive, Scalar
from lectopt.signatures import checked
from lectopt.transformation import Transformation

LIBRARIES = dict(
    torch=(_torch, _to_torch, "torch.optim.{}(params, {})"),
    keras=(_keras, _to_keras, "keras.optimizers.{}({})"),
    optax=(_optax, _to_optax, "optax.{}({})"),
)


@dataclass(frozen=True)
class Port:
    """What another library must be told.

    Attributes:
      verdict: `"exact"`, for any learning-rate schedule; `"exact while the learning rate is
        constant"`; or `"impossible"`, and then the settings are the nearest there are.
      settings: the arguments of the call; a schedule among them is a function of the count.
      call: the call, in the other library's words; None if it has nothing of the kind.
      optimizer: the same in this library's dialect of it, with all that stands around it.
      reason: why the settings are what they are, in a sentence or more.
      difference: where it is not exact, how far apart the two end after 100 updates on a small
        problem (logistic regression), as a share of the way made; with a constant rate if it is
        impossible, else with one that falls to a tenth after 50 updates.
    """

    verdict: Verdict
    settings: Mapping[str, Any]
    call: str | None
    optimizer: Transformation | None
    reason: str
    difference: float | None

    def __str__(self) -> str:
        lines = [f"{self.verdict}: {self.call or 'nothing'}", self.reason]
        if self.difference is not None:
            lines.append(f"{100 * self.difference:.2g} % apart after 100 updates.")
        return "\n".join(lines)


@checked
def port(
    optimizer: Transformation,
    to: Literal["torch", "keras", "optax"],
    *,
    gradient_scale: Positive[Scalar] = 1.0,
) -> Port:
    """Say an optimizer in the words of PyTorch, Keras or Optax.

    Args:
      optimizer: of this library, of a lecture, a paper or a dialect, with its settings:
        `port(dialects.torch.Adam(lr=3e-4), "keras")`.
      to: the library.
      gradient_scale: how many times larger the gradients are there: the batch size, if the loss is
        a sum there and a mean here.

    Returns:
      The verdict, the settings and the reason; see `Port`.

    Example:
      >>> import lectopt
      >>> adagrad = lectopt.dialects.keras.Adagrad(0.01, 0.5, epsilon=0.25)
      >>> lectopt.port(adagrad, "torch").settings["initial_accumulator_value"]
      0.75
    """
    dialect, library, form = LIBRARIES[to]
    try:
        recipe = read(optimizer)
    except Unreadable as error:
        return Port("impossible", {}, None, None, f"There is no such optimizer: {error}.", None)
    scaled = for_gradients_times(gradient_scale, recipe)
    draft: Draft = library.write(scaled.recipe)
    for reason, verdict in scaled.notes:
        draft.note(reason, verdict)
    _frame(draft, to)
    if draft.name is None:
        return Port(draft.verdict, {}, None, None, _sentence(draft), None)
    given = _given(draft, dialect)
    shown = ", ".join(f"{k}={_values.shown(v)}" for k, v in given.items())
    call, tx = form.format(draft.name, shown), getattr(dialect, draft.name)(**given)
    call, tx = draft.instead or (call, tx)
    members = draft.framed(tx)
    whole = chain(*members) if len(members) > 1 else tx
    difference = None
    if draft.verdict != "exact":
        dropped = draft.verdict == CONSTANT and not callable(recipe.rate)
        difference = distance(optimizer, whole, gradient_scale, dropped)
    return Port(draft.verdict, given, call, whole, _sentence(draft), difference)


CLIPS = dict(
    clip_by_norm="clipnorm", clip_by_value="clipvalue", clip_by_global_norm="global_clipnorm"
)
ELSEWHERE = dict(
    torch="torch.nn.utils.clip_grad_norm_ or clip_grad_value_ does the clipping",
    optax="The clipping is a member of optax.chain, before the optimizer",
    keras="Keras clips in one way at a time; the gradients are clipped before optimizer.apply",
)


def _frame(draft: Draft, to: str) -> None:
    """What stands around the algorithm: a setting there, or something beside the optimizer."""
    before: list[Transformation] = []
    for member in draft.recipe.before:
        name, bounds = member.name, member.settings
        if name == "negate":
            if to == "torch":
                draft.call(draft.name or "", maximize=True)
                continue
            draft.note("There is no maximize: minimise the negative of the objective")
        elif to == "keras" and not any(clip in draft.settings for clip in CLIPS.values()):
            (draft.settings[CLIPS[name]],) = bounds.values()
            continue
        else:
            draft.note(ELSEWHERE[to])
        before.append(member)
    draft.before[:0] = before
    for member in draft.recipe.after:
        scheme = member.settings["scheme"]
        if to == "keras" and scheme.name == "dialects.keras.moving_average":
            draft.settings |= dict(use_ema=True, ema_momentum=scheme.settings["momentum"])
        else:
            draft.note("The average of the parameters is kept beside the optimizer")
            draft.after.append(member)


def _given(draft: Draft, dialect: Any) -> dict[str, Any]:
    """The arguments that are not the defaults, in the order of the maker."""
    parameters = inspect.signature(getattr(dialect, draft.name or "")).parameters

    def default(name: str) -> bool:
        own, usual = draft.settings[name], parameters[name].default
        return _values.key_of(own) == _values.key_of(usual) and name not in (
            "lr",
            "learning_rate",
        )

    return {
        name: draft.settings[name]
        for name in parameters
        if name in draft.settings and not default(name)
    }


def _sentence(draft: Draft) -> str:
    if not draft.reasons:
        return "The same settings mean the same there."
    return ". ".join(dict.fromkeys(draft.reasons)) + "."
