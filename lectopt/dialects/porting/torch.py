"""What PyTorch must be told."""

from lectopt.dialects.porting.recipe import Recipe
from lectopt.dialects.porting.writing import (
    NO_ROOT_EPS,
    Draft,
    fallback,
    first_square,
    momentum_schedule,
    no_nesterov,
)
from lectopt.dialects.spelling import absent

AS_OPTAX = 1e9  # a `momentum_decay` with which 0.96 to it is 0: the coefficient is constant


def write(recipe: Recipe) -> Draft:
    """The call of `torch.optim` that follows a recipe."""
    draft = Draft(recipe)
    draft.call("", lr=recipe.rate)
    _FAMILIES[recipe.family](draft, recipe)
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
    decoupled = r.decay == "decoupled"
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
        "AdamW" if decoupled else "Adam",
        betas=(r["b1"], r["b2"]),
        eps=draft.placed("outside", r["eps"], r["place"]),
        amsgrad=r["amsgrad"] is not None,
        weight_decay=draft.scaled_decay(),
    )


def _adamax(draft: Draft, r: Recipe) -> None:
    eps = draft.placed("in_max", r["eps"], r["place"])
    draft.call("Adamax", betas=(r["b1"], r["b2"]), eps=eps, weight_decay=draft.penalty())


def _nadam(draft: Draft, r: Recipe) -> None:
    psi = r["psi"]
    if psi is None:
        draft.note("A huge momentum_decay makes the momentum coefficient constant")
        psi = AS_OPTAX
    if r["paper"]:
        draft.note(momentum_schedule("the paper's"), "impossible")
    if not absent(r["eps_root"]):
        draft.note(NO_ROOT_EPS, "impossible")
    draft.call(
        "NAdam",
        betas=(r["b1"], r["b2"]),
        eps=draft.placed("outside", r["eps"], r["place"]),
        momentum_decay=psi,
        weight_decay=draft.scaled_decay(),
        decoupled_weight_decay=r.decay == "decoupled",
    )


def _radam(draft: Draft, r: Recipe) -> None:
    fallback(draft, only_threshold=5.0)
    if not absent(r["eps_root"]):
        draft.note(NO_ROOT_EPS, "impossible")
    draft.call(
        "RAdam",
        betas=(r["b1"], r["b2"]),
        eps=draft.placed("uncorrected", r["eps"], r["place"]),
        weight_decay=draft.scaled_decay(),
        decoupled_weight_decay=r.decay == "decoupled",
    )


def _rmsprop(draft: Draft, r: Recipe) -> None:
    no_nesterov(draft)
    first_square(draft)
    draft.call(
        "RMSprop",
        alpha=r["decay"],
        eps=draft.placed("outside", r["eps"], r["place"]),
        momentum=draft.momentum("outside"),
        centered=r["centered"],
        weight_decay=draft.penalty(),
    )


def _adagrad(draft: Draft, r: Recipe) -> None:
    initial, eps = r["initial"], r["eps"]
    if r["place"] == "inside" and not absent(eps):
        draft.note("An epsilon inside the root is a part of what the sum starts with")
        initial, eps = initial + eps, 0.0
    draft.call("Adagrad", initial_accumulator_value=initial, eps=eps, weight_decay=draft.penalty())


def _adadelta(draft: Draft, r: Recipe) -> None:
    draft.call("Adadelta", rho=r["rho"], eps=r["eps"], weight_decay=draft.penalty())


def _rprop(draft: Draft, r: Recipe) -> None:
    if r["variant"] != "irprop-":
        draft.note(
            f"After a change of sign {r['variant']} does something else than not to move",
            "impossible",
        )
    draft.call(
        "Rprop",
        etas=(r["eta_minus"], r["eta_plus"]),
        step_sizes=(r["min_step_size"], r["max_step_size"]),
    )


def _asgd(draft: Draft, r: Recipe) -> None:
    decay = draft.penalty()
    draft.call("ASGD", lambd=r["lambd"], alpha=r["alpha"], t0=r["t0"], weight_decay=decay)


_FAMILIES = dict(
    sgd=_sgd,
    adam=_adam,
    adamax=_adamax,
    nadam=_nadam,
    radam=_radam,
    rmsprop=_rmsprop,
    adagrad=_adagrad,
    adadelta=_adadelta,
    rprop=_rprop,
    asgd=_asgd,
)
