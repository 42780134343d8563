"""What Optax must be told. Where no alias fits, its parts are chained."""

from typing import Any

from lectopt.combinators import chain
from lectopt.dialects.porting.recipe import Recipe
from lectopt.dialects.porting.schedules import falling, rising
from lectopt.dialects.porting.writing import (
    Draft,
    fallback,
    momentum_schedule,
    undampened,
)
from lectopt.dialects.spelling import absent
from lectopt.primitives import (
    add_decayed_weights,
    scale_by_learning_rate,
    scale_by_rms,
    scale_by_stddev,
    shrink_weights,
    trace,
)
from lectopt.values import shown

CONSTANT_MU = 1e3  # a `momentum_decay` from which on 0.96 to it is below the rounding of 1


def write(recipe: Recipe) -> Draft:
    """The call of `optax` that follows a recipe."""
    draft = Draft(recipe)
    draft.call("", learning_rate=recipe.rate)
    _FAMILIES[recipe.family](draft, recipe)
    return draft


def _chained(draft: Draft) -> None:
    """Weight decay beside an alias that has none."""
    r = draft.recipe
    if r.decay == "coupled":
        draft.note("The L2 penalty is optax.add_decayed_weights, before the alias")
        draft.before.append(add_decayed_weights(r.weight_decay))
    if r.decay == "decoupled":
        draft.note("The decay is optax.add_decayed_weights, before optax.scale_by_learning_rate")
        draft.after.append(shrink_weights(r.decay_rate, r.weight_decay))


def _decayed(draft: Draft, name: str, decaying: str) -> None:
    """An alias with a sister that decays."""
    if draft.recipe.decay == "decoupled":
        draft.call(decaying, weight_decay=draft.scaled_decay())
    else:
        _chained(draft)
        draft.call(name)


def _sgd(draft: Draft, r: Recipe) -> None:
    rate = undampened(draft)
    _chained(draft)
    if absent(r["momentum"]):
        draft.call("sgd", learning_rate=rate)
        return
    settings = dict(learning_rate=rate, momentum=r["momentum"], nesterov=r["nesterov"])
    draft.call("sgd", **settings)
    if r["position"] == "inside":
        draft.note("The rate is inside the velocity if it is multiplied before")
        call = (
            f"optax.chain(optax.scale_by_learning_rate({shown(rate)}), "
            f"optax.trace({shown(r['momentum'])}, nesterov={r['nesterov']}))"
        )
        velocity = trace(r["momentum"], r["nesterov"])
        draft.instead = call, chain(scale_by_learning_rate(rate), velocity)


def _epsilons(draft: Draft) -> dict[str, Any]:
    """`eps` and `eps_root`, wherever epsilon stands."""
    r = draft.recipe
    match r["place"]:
        case "inside":
            draft.note("An epsilon inside the root is eps_root")
            return dict(eps=0.0, eps_root=r["eps"])
        case "uncorrected" if not absent(r["eps"]):
            draft.note(
                "An epsilon that joins the root before the bias correction is eps / sqrt(1 - b2^t) "
                "after it, for optax.inject_hyperparams"
            )
            return dict(eps=falling(r["eps"], r["b2"]), eps_root=0.0)
        case _:
            return dict(eps=r["eps"], eps_root=r["eps_root"])


def _adam(draft: Draft, r: Recipe) -> None:
    draft.call("", b1=r["b1"], b2=r["b2"])
    if r["amsgrad"] is None:
        draft.call("", **_epsilons(draft))
        _decayed(draft, "adam", "adamw")
        return
    _chained(draft)
    if r["amsgrad"] == "raw":
        draft.note(
            "The raw maximum is bias_correction_nu=False, and its correction the factor sqrt(1 - "
            "b2^t) on the learning rate"
        )
        eps = r["eps"]
        if r["place"] == "outside" and not absent(eps):
            draft.note("Epsilon has the same factor, for optax.inject_hyperparams")
            eps = rising(eps, r["b2"])
        eps = draft.placed("outside", eps, "inside" if r["place"] == "inside" else "outside")
        rate = rising(r.rate, r["b2"])
        draft.call("amsgrad", learning_rate=rate, eps=eps, bias_correction_nu=False)
        return
    draft.call(
        "amsgrad",
        **_epsilons(draft),
        bias_correction_mu=r["mean_corrected"],
        bias_correction_nu=r["amsgrad"] == "corrected",
    )


def _adamax(draft: Draft, r: Recipe) -> None:
    eps = draft.placed("in_max", r["eps"], r["place"])
    draft.call("", b1=r["b1"], b2=r["b2"], eps=eps)
    _decayed(draft, "adamax", "adamaxw")


def _nadam(draft: Draft, r: Recipe) -> None:
    if r["paper"] or (r["psi"] is not None and r["psi"] < CONSTANT_MU):
        draft.note(momentum_schedule("none"), "impossible")
    draft.call("", b1=r["b1"], b2=r["b2"], **_epsilons(draft))
    _decayed(draft, "nadam", "nadamw")


def _radam(draft: Draft, r: Recipe) -> None:
    fallback(draft)
    _chained(draft)
    draft.call("radam", b1=r["b1"], b2=r["b2"], threshold=r["threshold"], **_epsilons(draft))


def _rmsprop(draft: Draft, r: Recipe) -> None:
    _chained(draft)
    momentum = None if absent(r["momentum"]) else r["momentum"]
    draft.call(
        "rmsprop",
        decay=r["decay"],
        eps=r["eps"],
        initial_scale=r["initial"],
        eps_in_sqrt=r["place"] == "inside",
        centered=r["centered"],
        momentum=momentum,
        nesterov=r["nesterov"],
    )
    if momentum is not None and r["position"] == "outside":
        draft.note("The rate is outside the velocity if it is multiplied afterwards")
        inside = r["place"] == "inside"
        name = "scale_by_stddev" if r["centered"] else "scale_by_rms"
        numbers = [r["decay"], r["eps"], r["initial"]]
        call = (
            f"optax.chain(optax.{name}({', '.join(map(shown, numbers))}, eps_in_sqrt={inside}), "
            f"optax.trace({shown(momentum)}, nesterov={r['nesterov']}), "
            f"optax.scale_by_learning_rate({shown(r.rate)}))"
        )
        normalised = (scale_by_stddev if r["centered"] else scale_by_rms)(
            *numbers, eps_placement="inside" if inside else "outside"
        )
        velocity = trace(momentum, r["nesterov"])
        draft.instead = call, chain(normalised, velocity, scale_by_learning_rate(r.rate))


def _adagrad(draft: Draft, r: Recipe) -> None:
    _chained(draft)
    eps = draft.placed("inside", r["eps"], r["place"])
    draft.call("adagrad", initial_accumulator_value=r["initial"], eps=eps)


def _adadelta(draft: Draft, r: Recipe) -> None:
    draft.call("adadelta", rho=r["rho"], eps=r["eps"])
    if r.decay == "coupled":
        draft.call("adadelta", weight_decay=r.weight_decay)
    else:
        _chained(draft)


def _rprop(draft: Draft, r: Recipe) -> None:
    _chained(draft)
    if r["variant"] != "late":
        draft.note("optax.rprop makes the move of the update before", "impossible")
    names = ("eta_minus", "eta_plus", "min_step_size", "max_step_size")
    draft.call("rprop", **{name: r[name] for name in names})


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
    asgd=lambda draft, r: draft.missing("averaged SGD"),
)
