"""What a recipe becomes when all gradients are `s` times as large: a sum in the place of a mean."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lectopt import primitives as _primitives
from lectopt.dialects.porting.recipe import Recipe
from lectopt.dialects.porting.writing import Verdict
from lectopt.dialects.spelling import absent
from lectopt.dialects.torch.clipping import clip_grad_norm_
from lectopt.schedules import scaled
from lectopt.transformation import Transformation
from lectopt.values import is_concrete

# Whose steps have more to do with the size of gradients than an epsilon.
UNTRIED = (
    "ademamix", "adopt", "cocob", "dog", "dowg", "muon", "polyak_sgd", "prodigy",
    "schedule_free_adamw",
    "schedule_free_sgd", "simplified_ademamix", "torch.LBFGS", "torch.Muon", "keras.Muon",
    "optax.muon",
)  # fmt: skip

BOUNDS = ("delta", "max_norm", "weight_decay")


@dataclass(frozen=True)
class Scaled:
    """The recipe for larger gradients, and what there is to say about it."""

    recipe: Recipe
    notes: tuple[tuple[str, Verdict], ...] = ()


def for_gradients_times(s: Any, recipe: Recipe) -> Scaled:
    """The recipe that makes of gradients `s g` the updates that the old one makes of `g`."""
    if is_concrete(s) and s == 1:
        return Scaled(recipe)
    settings, rate = dict(recipe.settings), recipe.rate
    weight_decay = recipe.weight_decay
    notes: list[tuple[str, Verdict]] = []
    if recipe.family in ("sgd", "asgd"):
        rate = scaled(rate, 1 / s) if callable(rate) else rate / s
        notes.append(("The gradients are larger, so the learning rate is smaller", "exact"))
        if "lambd" in settings:
            settings["lambd"] = settings["lambd"] * s
    elif recipe.family == "adadelta":
        why = "Epsilon stands in the numerator too, where it would have to stay"
        notes.append((why, "impossible"))
    elif recipe.family in UNTRIED:
        notes.append(("What larger gradients change in it is not known here", "impossible"))
    elif "eps" in settings:
        squared = settings.get("place") == "inside" or settings.get("eps_inside")
        power = 2 if squared or recipe.family == "adafactor" else 1
        settings["eps"] = settings["eps"] * s**power
        settings |= {k: settings[k] * s**2 for k in ("eps_root", "initial") if k in settings}
        notes.append(
            ("Epsilon and what a sum of squares starts with grow with the gradients", "exact")
        )
        if recipe.family == "radam":
            why = "In its first updates RAdam makes steps as large as the gradients"
            notes.append((why, "impossible"))
    if recipe.decay == "coupled" and not absent(weight_decay):
        weight_decay = weight_decay * s
        notes.append(("The L2 penalty grows with the gradients", "exact"))
    if any(member.name == "dialects.torch.clip_grad_norm_" for member in recipe.before):
        notes.append(("The 1e-6 beside the norm does not grow with the gradients", "impossible"))
    before = tuple(_clip(member, s) for member in recipe.before)
    new = replace(recipe, rate=rate, settings=settings, weight_decay=weight_decay, before=before)
    return Scaled(new, tuple(notes))


def _clip(member: Transformation, s: Any) -> Transformation:
    """A clipping with a bound `s` times as large, a decay that is so; what is neither stays."""
    bounds = {k: v * s for k, v in member.settings.items() if k in BOUNDS}
    if not bounds:
        return member
    if member.name == "dialects.torch.clip_grad_norm_":
        return clip_grad_norm_(**{**member.settings, **bounds})
    maker: Callable[..., Transformation] = getattr(_primitives, member.name)
    return maker(**bounds)
