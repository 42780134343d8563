"""What PyTorch must be told."""

from typing import Any

from lectopt.dialects.porting.recipe import Recipe
from lectopt.dialects.porting.writing import CONSTANT, Draft
from lectopt.dialects.spelling import absent

CALL = "torch.optim.{name}(params, {settings})"


def write(recipe: Recipe) -> Draft:
    """The call of `torch.optim` that follows a recipe."""
    draft = Draft(recipe)
    draft.settings["lr"] = recipe.rate
    globals()[f"_{recipe.family}"](draft, recipe)
    negative = [member for member in recipe.before if member.core.name == "negated"]
    if negative:
        draft.settings["maximize"] = True
    return draft


def _sgd(draft: Draft, r: Recipe) -> None:
    draft.call(
        "SGD",
        momentum=draft.momentum("outside"),
        dampening=r["dampening"],
        nesterov=r["nesterov"],
        weight_decay=draft.penalty(),
    )


def _adam(draft: Draft, r: Recipe) -> None:
    eps = r["eps"]
    if r["place"] == "outside" and not absent(r["eps_root"]):
        draft.note("There is no epsilon inside the root here", "impossible")
    eps = draft.placed("outside", eps, r["place"])
    if r["amsgrad"] == "corrected":
        draft.note(
            "The maximum is taken of the corrected average, and here of the raw one: the first "
            "gradients count for ever there, and hardly here",
            "impossible",
        )
    if r["amsgrad"] == "uncorrected":
        draft.note("Neither moment is corrected there, and both are here", "impossible")
    draft.call(*_decay(draft, "Adam"), betas=(r["b1"], r["b2"]), eps=eps)
    draft.settings["amsgrad"] = r["amsgrad"] is not None


def _decay(draft: Draft, name: str) -> tuple[str]:
    return (name,)
