"""`Draft`: a recipe on its way to the words of one library, and where it cannot get there.

A library's spelling of an algorithm fixes some of its conventions. For each convention there is a
rule here that changes a draft to another one: by an identity, which changes no number, or to the
nearest there is, with the reason. The rules know no library.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from lectopt.dialects.porting.recipe import Recipe
from lectopt.dialects.porting.schedules import falling, following, rising
from lectopt.dialects.spelling import absent
from lectopt.schedules import scaled
from lectopt.values import is_concrete, key_of, value_at

Verdict = Literal["exact", "exact while the learning rate is constant", "impossible"]
CONSTANT: Verdict = "exact while the learning rate is constant"
VERDICTS: tuple[Verdict, ...] = ("exact", CONSTANT, "impossible")
CONSTANT_MU = 1e3  # a `momentum_decay` from which on 0.96 to it is below the rounding of 1
HUGE_MU = 1e9


@dataclass
class Draft:
    """A recipe in the making; `may_follow` are the settings that may change with the count."""

    recipe: Recipe
    may_follow: Callable[[str], bool]
    verdict: Verdict = "exact"
    reasons: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        recipe = self.recipe
        self.settings, self.rate = dict(recipe.settings), recipe.rate
        self.decay, self.weight_decay = recipe.decay, recipe.weight_decay
        self.reasons += recipe.notes

    def note(self, reason: str, verdict: Verdict = "exact") -> None:
        """Say what has changed, or what is not the same."""
        self.reasons.append(reason)
        if VERDICTS.index(verdict) > VERDICTS.index(self.verdict):
            self.verdict = verdict

    def turn(self, wanted: dict[str, Any], is_open: Callable[[Any], bool]) -> None:
        """Give it the conventions of a spelling, but for those that are open."""
        for name, want in wanted.items():
            if not is_open(want) and key_of(self.settings.get(name)) != key_of(want):
                RULES.get(name, _no_rule(name))(self, want)

    def is_plain(self) -> bool:
        """Whether it is gradient descent without a velocity."""
        return self.recipe.family == "sgd" and absent(self.settings["momentum"])

    def decaying(self, kind: str, rate: Any) -> None:
        """Let the decay be coupled, or decoupled and a multiple of a rate: the learning rate if
        none is given."""
        if self.decay not in ("none", kind):
            if self.is_plain():
                self.note("Without a velocity decoupled decay and an L2 penalty are the same")
            elif kind == "coupled":
                self.note(
                    "The decay is decoupled, and here it can only be an L2 penalty, which passes "
                    "through the velocity and the normalisation",
                    "impossible",
                )
            else:
                self.note(
                    "The decay is an L2 penalty, which passes through the velocity and the "
                    "normalisation, and here it can only be decoupled",
                    "impossible",
                )
                if self.recipe.family == "sgd":  # a constant pull is amplified so by the velocity
                    self.weight_decay = self.weight_decay / (1 - self.settings["momentum"])
        if self.decay == "decoupled":
            self.weight_decay = self._scaled_decay(self.recipe.rate if rate is None else rate)
        self.decay = kind if self.decay != "none" else "none"

    def _scaled_decay(self, rate: Any) -> Any:
        """The decay as a multiple of the rate."""
        decay, own = self.weight_decay, self.recipe.decay_rate
        if absent(decay) or own is rate or own == rate:
            return decay
        factor = getattr(rate, "settings", {}).get("factor")
        if isinstance(factor, int | float) and rate.settings.get("schedule") == own:
            self.note(OWN_RATE)
            return decay / factor
        if is_concrete(own) and is_concrete(rate):
            self.note(OWN_RATE)
            return decay * own / rate
        self.note(
            "The decay and the learning rate have schedules of their own, and here they have one",
            CONSTANT,
        )
        counts = (c for c in (0, 1, 10, 100, 1000) if value_at(rate, c) > 0)  # a warm-up is 0
        count = next(counts, 0)
        return float(decay * value_at(own, count) / value_at(rate, count))


OWN_RATE = (
    "The decay is multiplied by the whole learning rate here, so it is divided by the part of it "
    "that did not multiply the decay"
)
NO_ROOT_EPS = "There are an epsilon inside the root and one outside, and here only one of them"
TOLD = dict(
    outside="sqrt(v) + eps",
    inside="sqrt(v + eps)",
    uncorrected="(sqrt(v) + eps) before the bias correction",
    in_max="max(decay u, |g| + eps)",
)
Rule = Callable[[Draft, Any], None]
RULES: dict[str, Rule] = {}


def _rule(function: Rule) -> Rule:
    RULES[function.__name__.strip("_")] = function
    return function


def _no_rule(name: str) -> Rule:
    def nearest(draft: Draft, want: Any) -> None:
        said = f"{name} is {draft.settings.get(name)!r}, and can only be {want!r} here"
        draft.note(said, "impossible")
        draft.settings[name] = want

    return nearest


def _lacking(reason: str) -> Rule:
    """The rule of what a library does not have, whatever it wants instead."""

    def nearest(draft: Draft, want: Any) -> None:
        draft.note(reason, "impossible")

    return nearest


@_rule
def momentum(draft: Draft, want: Any) -> None:
    """There is no velocity."""
    draft.note(
        f"There is no momentum here, and it was {draft.settings['momentum']!r}", "impossible"
    )


@_rule
def position(draft: Draft, want: Any) -> None:
    """A velocity that contains the rate, `v = beta v - rate g`, is `-rate b` with `b = beta_t b +
    g` and `beta_t = beta rate_(t-1) / rate_t`."""
    s, rate = draft.settings, draft.rate
    if absent(s["momentum"]):
        return
    where = f"{want} the velocity"
    if callable(rate) and not s["nesterov"] and draft.may_follow("momentum"):
        draft.note(
            f"The learning rate stands {where} here, so the momentum has to follow it: "
            f"{'rate(t-1) / rate(t)' if want == 'outside' else 'rate(t) / rate(t-1)'} "
            "times the old one, at every update"
        )
        s["momentum"] = following(s["momentum"], rate, want == "outside")
        return
    draft.note(
        f"The learning rate stands {where} here: after a change of the rate the two differ until "
        "the old steps are forgotten",
        "impossible" if callable(rate) else CONSTANT,
    )


@_rule
def dampening(draft: Draft, want: Any) -> None:
    """A first gradient that is not dampened cannot be had."""
    draft.note(
        "Dampening is the factor 1 - dampening on the rate, but for the first gradient, which "
        "PyTorch does not dampen and which is forgotten like momentum^t",
        "impossible",
    )
    kept, rate = 1 - draft.settings["dampening"], draft.rate
    draft.rate = scaled(rate, kept) if callable(rate) else rate * kept


@_rule
def place(draft: Draft, want: Any) -> None:
    """An epsilon in another place: none, part of a sum's start, or one that follows the count."""
    s = draft.settings
    eps, have = s["eps"], s["place"]
    s["place"] = want
    if absent(eps) and absent(s.get("eps_root")):
        return
    if draft.recipe.family == "adagrad" and have == "inside":
        draft.note("An epsilon inside the root is a part of what the sum starts with")
        s["initial"], s["eps"] = s["initial"] + eps, 0.0
        return
    if have == "uncorrected" and want == "outside" and draft.may_follow("eps"):
        draft.note(
            "An epsilon that joins the root before the bias correction is eps / sqrt(1 - b2^t) "
            "after it, for optax.inject_hyperparams"
        )
        s["eps"] = falling(eps, s["b2"])
        return
    draft.note(
        f"Epsilon stands in {TOLD[have]} and can only stand in {TOLD[want]} here; no constant "
        "makes them equal for every size of gradient",
        "impossible",
    )
    power = 0.5 if have == "inside" else 2 if want == "inside" else 1
    s["eps"] = eps if callable(eps) else eps**power


@_rule
def amsgrad(draft: Draft, want: Any) -> None:
    """A maximum of something else."""
    s = draft.settings
    have, s["amsgrad"] = s["amsgrad"], want
    if have == "raw" and want == "uncorrected" and s["mean_corrected"]:
        _risen(draft)
        return
    if have is None or want is None:
        draft.note(
            "Here there is a maximum of the mean square, or none, and no choice", "impossible"
        )
    elif have == "corrected":
        draft.note(
            "The maximum is taken of the corrected average, in which the first gradient counts in "
            "full, and here of the raw one",
            "impossible",
        )
    else:
        draft.note(UNCORRECTED, "impossible")


UNCORRECTED = "The moments are not corrected for their start, and here they are"
RULES["mean_corrected"] = _lacking(UNCORRECTED)


def _risen(draft: Draft) -> None:
    """The correction of the root of a raw maximum, on the rate and on epsilon."""
    s = draft.settings
    draft.note(
        "The raw maximum is bias_correction_nu=False, and its correction the factor sqrt(1 - b2^t) "
        "on the learning rate"
    )
    if s["place"] == "outside" and not absent(s["eps"]):
        draft.note("Epsilon has the same factor, for optax.inject_hyperparams")
        s["eps"] = rising(s["eps"], s["b2"])
    if s["place"] == "uncorrected":
        s["place"] = "outside"  # before the correction, which is now on the rate
    draft.rate = rising(draft.rate, s["b2"])


@_rule
def psi(draft: Draft, want: Any) -> None:
    """Another warm-up of the momentum coefficient."""
    have, draft.settings["psi"] = draft.settings["psi"], want
    if want is None and have >= CONSTANT_MU:
        return
    of = "none" if want is None else f"that with the decay {want:g}"
    draft.note(
        f"The momentum coefficient warms up otherwise, and the only schedule here is {of}",
        "impossible",
    )


RULES["paper"] = _lacking(
    "The momentum coefficient warms up otherwise, and the only schedule here is another one than "
    "the paper's"
)
RULES["eps_root"] = _lacking(NO_ROOT_EPS)
RULES["nesterov"] = _lacking("There is no Nesterov velocity in this algorithm here")
RULES["initial"] = _lacking("The mean square can only start at 0 here")
RULES["fallback"] = _lacking("In the first updates the weights stand still, and move here")
RULES["corrected"] = _lacking("The moments are corrected for their start, and here they are not")


@_rule
def threshold(draft: Draft, want: Any) -> None:
    """RAdam before its denominator can be trusted."""
    have = draft.settings["threshold"]
    draft.note(
        f"The denominator is used from {have:g} gradients on, and here from {want:g}", "impossible"
    )


@_rule
def variant(draft: Draft, want: Any) -> None:
    """What Rprop does after a change of sign."""
    have, draft.settings["variant"] = draft.settings["variant"], want
    if want == "late":
        draft.note("optax.rprop makes the move of the update before", "impossible")
        return
    other = "the move of the update before" if have == "late" else have
    draft.note(f"After a change of sign {other} does something else than not to move", "impossible")


def constant_coefficient(draft: Draft) -> None:
    """A coefficient that does not warm up, where it has to."""
    if draft.settings.get("psi", 0) is None:
        draft.note("A huge momentum_decay makes the momentum coefficient constant")
        draft.settings["psi"] = HUGE_MU
