"""`port`: the same optimizer in the words of another library, or the reason why there is none."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from lectopt.dialects.porting.frame import unwrapped
from lectopt.dialects.porting.problem import distance, everywhere
from lectopt.dialects.porting.recipe import Unreadable, read
from lectopt.dialects.porting.scaling import for_gradients_times
from lectopt.dialects.porting.translation import SAME, translations
from lectopt.dialects.porting.writing import CONSTANT, Verdict
from lectopt.settings import Positive, Scalar
from lectopt.signatures import checked
from lectopt.transformation import Transformation

Library = Literal["torch", "keras", "optax"]


@dataclass(frozen=True)
class Port:
    """What another library must be told.

    Attributes:
      verdict: `"exact"`: the printed program, run alone, makes the same updates, for any
        learning-rate schedule; `"exact while the learning rate is constant"`; or `"impossible"`,
        and then the settings are the nearest there are.
      settings: the arguments of the call; a schedule among them is a function of the count.
      call: the call in the other library's words, or a program of several lines that makes
        `optimizer`, and `scheduler` where there is one; None if it has nothing of the kind.
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
        if self.call and "\n" in self.call:
            lines = [f"{self.verdict}:", self.call, self.reason]
        if self.difference is not None:
            lines.append(f"{100 * self.difference:.2g} % apart after 100 updates.")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """For notebooks: the verdict, the program, and the reason."""
        call = html.escape(self.call or "nothing")
        apart = ""
        if self.difference is not None:
            apart = f" {100 * self.difference:.2g} % apart after 100 updates."
        return (
            f"<div><b>{html.escape(self.verdict)}</b><pre>{call}</pre>"
            f"<p>{html.escape(self.reason + apart)}</p></div>"
        )


@checked
def port(optimizer: Transformation, to: Library, *, gradient_scale: Positive[Scalar] = 1.0) -> Port:
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
    bare, around = unwrapped(optimizer)
    if around:
        return _noting(
            port(bare, to, gradient_scale=gradient_scale), optimizer, around, gradient_scale
        )
    try:
        recipe = read(optimizer)
    except Unreadable as error:
        return Port("impossible", {}, None, None, f"There is no such optimizer: {error}.", None)
    scaled = for_gradients_times(gradient_scale, recipe)
    nearest = min(translations(scaled, to), key=lambda t: t.cost, default=None)
    if nearest is None:
        reason = f"There is no {recipe.family} here."
        return Port("impossible", {}, None, None, reason, None)
    call, whole = nearest.text(), nearest.optimizer()
    draft, difference = nearest.draft, None
    if draft.verdict != "exact":
        dropped = draft.verdict == CONSTANT and not callable(recipe.rate)
        difference = distance(everywhere(optimizer), everywhere(whole), gradient_scale, dropped)
    return Port(draft.verdict, nearest.printed, call, whole, nearest.sentence(), difference)


def _noting(inside: Port, optimizer: Transformation, around: Sequence[str], scale: Any) -> Port:
    """What is inside of wrappers that no framework has, and the wrappers named."""
    if inside.optimizer is None:
        return inside
    reasons = [] if inside.reason == SAME else [inside.reason]
    if "monitor" in around:
        reasons.append("What monitor records is no part of an update.")
    others = [name for name in dict.fromkeys(around) if name != "monitor"]
    if not others:
        return replace(inside, reason=" ".join(reasons))
    reasons += [f"{name} has to be done around the optimizer." for name in others]
    apart = distance(everywhere(optimizer), everywhere(inside.optimizer), scale)
    return replace(inside, verdict="impossible", reason=" ".join(reasons), difference=apart)
