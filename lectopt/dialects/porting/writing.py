"""`Draft`: what one library must be told to follow a recipe, and where it cannot.

A draft collects the reasons why it is not the recipe. What the three libraries have in common is
here; what each of them lacks is in the file of its name.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from lectopt.dialects.porting.recipe import Recipe
from lectopt.dialects.porting.schedules import following
from lectopt.dialects.spelling import absent
from lectopt.schedules import scaled
from lectopt.transformation import Transformation
from lectopt.values import is_concrete, value_at

Verdict = Literal["exact", "exact while the learning rate is constant", "impossible"]
CONSTANT: Verdict = "exact while the learning rate is constant"
VERDICTS: tuple[Verdict, ...] = ("exact", CONSTANT, "impossible")


@dataclass
class Draft:
    """A call of one library's maker in the making.

    `name` is the maker, None if there is none; `settings` its arguments; `before` and `after` the
    members that must stand around it.
    """

    recipe: Recipe
    name: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    verdict: Verdict = "exact"
    reasons: list[str] = field(default_factory=list)
    before: list[Transformation] = field(default_factory=list)
    after: list[Transformation] = field(default_factory=list)
    instead: tuple[str, Transformation] | None = None  # of the maker: the call, and what it makes

    def __post_init__(self) -> None:
        self.reasons += self.recipe.notes

    def note(self, reason: str, verdict: Verdict = "exact") -> None:
        """Say what has changed, or what is not the same."""
        self.reasons.append(reason)
        if VERDICTS.index(verdict) > VERDICTS.index(self.verdict):
            self.verdict = verdict

    def call(self, name: str, **settings: Any) -> None:
        """The maker, if it is known by now, and some of its arguments."""
        self.name = name or self.name
        self.settings |= settings

    def momentum(self, position: str) -> Any:
        """The momentum, where the rate must stand at `position` in the velocity.

        A velocity that contains the rate, `v = beta v - rate g`, is `-rate b` with `b = beta_t b +
        g` and `beta_t = beta rate_(t-1) / rate_t`.
        """
        recipe, beta = self.recipe, self.recipe["momentum"]
        if absent(beta) or recipe["position"] == position:
            return beta
        where = "outside the velocity" if position == "outside" else "inside the velocity"
        if callable(recipe.rate) and not recipe["nesterov"]:
            self.note(
                f"The learning rate stands {where} here, so the momentum has to follow it: "
                f"{'rate(t-1) / rate(t)' if position == 'outside' else 'rate(t) / rate(t-1)'} "
                "times the old one, at every update"
            )
            return following(beta, recipe.rate, position == "outside")
        self.note(
            f"The learning rate stands {where} here: after a change of the rate the two differ "
            "until the old steps are forgotten",
            "impossible" if callable(recipe.rate) else CONSTANT,
        )
        return beta

    def placed(self, wanted: str, eps: Any, place: str) -> Any:
        """An epsilon at `place`, where only `wanted` can be had."""
        if place == wanted or (absent(eps) and absent(self.recipe.settings.get("eps_root"))):
            return eps
        told = dict(
            outside="sqrt(v) + eps",
            inside="sqrt(v + eps)",
            uncorrected="(sqrt(v) + eps) before the bias correction",
            in_max="max(decay u, |g| + eps)",
        )
        self.note(
            f"Epsilon stands in {told[place]} and can only stand in {told[wanted]} here; no "
            "constant makes them equal for every size of gradient",
            "impossible",
        )
        return eps**0.5 if place == "inside" else eps**2 if wanted == "inside" else eps

    def penalty(self) -> Any:
        """The `weight_decay` of an L2 penalty, 0 if there is no decay."""
        if self.recipe.decay == "decoupled":
            if self.is_plain():
                self.note("Without a velocity decoupled decay and an L2 penalty are the same")
            else:
                self.note(
                    "The decay is decoupled, and here it can only be an L2 penalty, which passes "
                    "through the velocity and the normalisation",
                    "impossible",
                )
        return self.scaled_decay()

    def shrinkage(self) -> Any:
        """The `weight_decay` that is decoupled and multiplied by the rate, 0 if there is none."""
        if self.recipe.decay != "coupled":
            return self.scaled_decay()
        if self.is_plain():
            self.note("Without a velocity an L2 penalty and decoupled decay are the same")
            return self.recipe.weight_decay
        self.note(
            "The decay is an L2 penalty, which passes through the velocity and the normalisation, "
            "and here it can only be decoupled",
            "impossible",
        )
        if self.recipe.family == "sgd":  # a constant pull is amplified so by the velocity
            return self.recipe.weight_decay / (1 - self.recipe["momentum"])
        return self.recipe.weight_decay

    def is_plain(self) -> bool:
        """Whether it is gradient descent without a velocity."""
        return self.recipe.family == "sgd" and absent(self.recipe["momentum"])

    def scaled_decay(self) -> Any:
        """The decay as a multiple of the rate."""
        recipe = self.recipe
        decay, own, rate = recipe.weight_decay, recipe.decay_rate, recipe.rate
        if recipe.decay != "decoupled" or absent(decay) or own is rate or own == rate:
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
        counts = (
            c for c in (0, 1, 10, 100, 1000) if value_at(rate, c) > 0
        )  # a warm-up starts at 0
        count = next(counts, 0)
        return float(decay * value_at(own, count) / value_at(rate, count))

    def missing(self, what: str) -> None:
        """The library has nothing of the kind."""
        self.name = None
        self.note(f"There is no {what} here", "impossible")

    def framed(self, tx: Transformation) -> list[Transformation]:
        """`tx` with what stands around it, in order."""
        return [*self.before, tx, *self.after]


OWN_RATE = (
    "The decay is multiplied by the whole learning rate here, so it is divided by the part of it "
    "that did not multiply the decay"
)
NO_ROOT_EPS = "There are an epsilon inside the root and one outside, and here only one of them"


def momentum_schedule(of: str) -> str:
    """Why a NAdam is not another."""
    return f"The momentum coefficient warms up otherwise, and the only schedule here is {of}"


def undampened(draft: Draft) -> Any:
    """The rate, where a first gradient that is not dampened cannot be had."""
    recipe = draft.recipe
    if absent(recipe["dampening"]):
        return recipe.rate
    draft.note(
        "Dampening is the factor 1 - dampening on the rate, but for the first gradient, which "
        "PyTorch does not dampen and which is forgotten like momentum^t",
        "impossible",
    )
    kept = 1 - recipe["dampening"]
    return scaled(recipe.rate, kept) if callable(recipe.rate) else recipe.rate * kept


def no_nesterov(draft: Draft) -> None:
    """RMSProp with Nesterov's velocity is Optax's alone."""
    if draft.recipe["nesterov"]:
        draft.note("There is no Nesterov velocity in RMSProp here", "impossible")


def first_square(draft: Draft) -> None:
    """A mean square that does not start at 0 is Optax's and TensorFlow 1's."""
    if not absent(draft.recipe["initial"]):
        draft.note("The mean square can only start at 0 here", "impossible")


def fallback(draft: Draft, only_threshold: float | None = None) -> None:
    """RAdam before its denominator can be trusted."""
    recipe = draft.recipe
    if recipe["fallback"] != "sgd":
        draft.note("In the first updates the weights stand still, and move here", "impossible")
    if only_threshold is not None and recipe["threshold"] != only_threshold:
        draft.note(
            f"The denominator is used from {recipe['threshold']:g} gradients on, and here from "
            f"{only_threshold:g}",
            "impossible",
        )
