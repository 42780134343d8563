"""What Keras must be told."""

from lectopt.dialects.porting.recipe import Recipe
from lectopt.dialects.porting.writing import (
    NO_ROOT_EPS,
    Draft,
    first_square,
    momentum_schedule,
    no_nesterov,
    undampened,
)
from lectopt.dialects.spelling import absent


def write(recipe: Recipe) -> Draft:
    """The call of `keras.optimizers` that follows a recipe."""
    draft = Draft(recipe)
    draft.call("", learning_rate=recipe.rate)
    _FAMILIES[recipe.family](draft, recipe)
    if draft.name:
        decay = draft.shrinkage()
        draft.call(draft.name, weight_decay=None if absent(decay) else decay)
    return draft


def _sgd(draft: Draft, r: Recipe) -> None:
    draft.call(
        "SGD",
        learning_rate=undampened(draft),
        momentum=draft.momentum("inside"),
        nesterov=r["nesterov"],
    )


def _adam(draft: Draft, r: Recipe) -> None:
    if not absent(r["eps_root"]):
        draft.note(NO_ROOT_EPS, "impossible")
    if r["amsgrad"] == "corrected":
        draft.note(
            "The maximum is taken of the corrected average, in which the first gradient counts in "
            "full, and here of the raw one",
            "impossible",
        )
    if r["amsgrad"] == "uncorrected" or not r.settings.get("mean_corrected", True):
        draft.note("The moments are not corrected for their start, and here they are", "impossible")
    draft.call(
        "AdamW" if r.decay == "decoupled" else "Adam",
        beta_1=r["b1"],
        beta_2=r["b2"],
        epsilon=draft.placed("uncorrected", r["eps"], r["place"]),
        amsgrad=r["amsgrad"] is not None,
    )


def _adamax(draft: Draft, r: Recipe) -> None:
    eps = draft.placed("outside", r["eps"], r["place"])
    draft.call("Adamax", beta_1=r["b1"], beta_2=r["b2"], epsilon=eps)


def _nadam(draft: Draft, r: Recipe) -> None:
    if r["paper"] or r["psi"] != 1:
        draft.note(momentum_schedule("that of Keras alone"), "impossible")
    if not absent(r["eps_root"]):
        draft.note(NO_ROOT_EPS, "impossible")
    eps = draft.placed("outside", r["eps"], r["place"])
    draft.call("Nadam", beta_1=r["b1"], beta_2=r["b2"], epsilon=eps)


def _rmsprop(draft: Draft, r: Recipe) -> None:
    no_nesterov(draft)
    first_square(draft)
    draft.call(
        "RMSprop",
        rho=r["decay"],
        momentum=draft.momentum("inside"),
        epsilon=draft.placed("inside", r["eps"], r["place"]),
        centered=r["centered"],
    )


def _adagrad(draft: Draft, r: Recipe) -> None:
    eps = draft.placed("inside", r["eps"], r["place"])
    draft.call("Adagrad", initial_accumulator_value=r["initial"], epsilon=eps)


def _adadelta(draft: Draft, r: Recipe) -> None:
    draft.call("Adadelta", rho=r["rho"], epsilon=r["eps"])


_FAMILIES = dict(
    sgd=_sgd,
    adam=_adam,
    adamax=_adamax,
    nadam=_nadam,
    radam=lambda draft, r: draft.missing("RAdam"),
    rmsprop=_rmsprop,
    adagrad=_adagrad,
    adadelta=_adadelta,
    rprop=lambda draft, r: draft.missing("Rprop"),
    asgd=lambda draft, r: draft.missing("averaged SGD"),
)
