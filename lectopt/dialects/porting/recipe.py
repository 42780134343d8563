"""`read`: from an optimizer to its recipe, the algorithm and the conventions that it follows.

A recipe says nothing of names: two spellings of the same algorithm have the same recipe. It is read
off the composition, so that the optimizers of this library, of the lectures, of the papers and of
every dialect can all be read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from lectopt.dialects.porting.arithmetic import number_at
from lectopt.dialects.porting.families import patterns
from lectopt.dialects.porting.frame import split
from lectopt.dialects.porting.patterns import bound, filled, key, names_of, values
from lectopt.dialects.porting.schedules import debiased
from lectopt.dialects.spelling import absent
from lectopt.schedules import Schedule, scaled
from lectopt.transformation import Transformation
from lectopt.wrapping import Masked

Settings = Mapping[str, Any]
Decay = Literal["none", "coupled", "decoupled"]


class Unreadable(ValueError):
    """A composition that is none of the algorithms that frameworks have."""


@dataclass(frozen=True)
class Recipe:
    """An algorithm and its conventions.

    `settings` are the numbers and choices of the family, `weight_decay` and `decay` the decay of
    the weights, `decay_rate` the rate that a decoupled one is multiplied by and `mask` the leaves
    that it is of. `before` and `after` are members around the algorithm, which is spelled the same
    without them: clipping, a change of sign, an average of the parameters. `notes` say what was
    rewritten when it was read. `calls` make an update.
    """

    family: str
    rate: Any
    settings: Settings
    weight_decay: Any = 0.0
    decay: Decay = "none"
    decay_rate: Any = None
    mask: Any = None
    before: tuple[Transformation, ...] = ()
    after: tuple[Transformation, ...] = ()
    notes: tuple[str, ...] = ()
    dtype: str | None = None
    calls: int = 1

    def __getitem__(self, name: str) -> Any:
        return self.settings[name]

    def noting(self, note: str, **changes: Any) -> "Recipe":
        """The recipe in other words."""
        settings = dict(self.settings) | changes.pop("settings", {})
        return replace(self, settings=settings, notes=(*self.notes, note), **changes)


def read(tx: Transformation) -> Recipe:
    """The recipe of an optimizer.

    Raises:
      Unreadable: it is no algorithm that a framework has.
    """
    if not isinstance(tx, Transformation):
        raise TypeError(
            f"port wants an optimizer of this library or of one of its dialects, got {tx!r}. "
            "Write for example port(dialects.torch.Adam(lr=1e-3), to='keras')."
        )
    frame = split(tx)
    if [part.name for part in frame.core] == ["dialects.keras.accumulate"]:
        inner, around = read(frame.core[0].parts[0]), {part.name for part in frame.before}
        if around <= {"negate", "dialects.keras.unscale"}:  # which an average lets through
            before, after = (*frame.before, *inner.before), (*inner.after, *frame.after)
            calls = int(frame.core[0].settings["steps"])
            return replace(inner, before=before, after=after, calls=calls)
    if len(frame.coupled) + len(frame.decoupled) > 1:
        raise Unreadable("its weights decay twice, which is no setting anywhere")
    recipe = _canonical(_algorithm(frame.core))
    (decay,) = [*frame.coupled, *frame.decoupled] or [None]
    masked = isinstance(decay, Masked)
    settings = {} if decay is None else (decay.parts[0] if masked else decay).settings
    return replace(
        recipe,
        weight_decay=settings.get("weight_decay", 0.0),
        decay="coupled" if frame.coupled else "decoupled" if decay else "none",
        decay_rate=settings.get("learning_rate", recipe.rate),
        mask=decay.mask if masked else None,
        before=tuple(frame.before),
        after=tuple(frame.after),
    )


def _algorithm(parts: list[Transformation]) -> Recipe:
    """The family, the rate and the settings of what stands inside the frame."""
    own, names = key(parts), names_of(parts)
    for pattern in patterns():
        found: dict[str, Any] = {}
        alike = pattern.names == names and bound(pattern.key, own, found)
        if alike and pattern.whole(found):
            written = values(found, parts)
            rate = written.pop("learning_rate", written.pop("lr", None))
            dtype = written.pop("state_dtype", None)
            settings = {name: filled(v, written) for name, v in pattern.settings.items()}
            return Recipe(pattern.family, rate, settings, dtype=dtype)
    listed = ", ".join(part.name for part in parts)
    raise Unreadable(f"it is a chain of {listed}, which is no algorithm of a framework")


def _canonical(recipe: Recipe) -> Recipe:
    """One family for what is one algorithm."""
    s, rate = recipe.settings, recipe.rate
    match recipe.family:
        case "sgd" if absent(s["momentum"]):
            return replace(recipe, settings=velocity(0.0, "outside"))
        case "sgd" if s["dampen_first"]:
            return _dampened(
                recipe, velocity(s["momentum"], s["position"], s["nesterov"]), s["dampening"]
            )
        case "sgd":
            own = velocity(s["momentum"], s["position"], s["nesterov"])
            return replace(recipe, settings=own | dict(dampening=s["dampening"]))
        case "ahead":
            recipe = replace(recipe, family="sgd", settings=velocity(s["decay"], "inside", True))
            if s["form"] == "shifted":
                return recipe
            return recipe.noting(
                "The parameters are the points where the gradient is taken, theta + beta v"
            )
        case "average" if not s["corrected"]:
            own = velocity(s["decay"], "outside")
            return _dampened(replace(recipe, family="sgd"), own, s["decay"])
        case "average" | "debiased":
            own = velocity(s["decay"], "outside")
            return replace(recipe, family="sgd", settings=own).noting(
                "An average that is corrected for its start is a velocity with the learning rate "
                "rate (1 - beta) / (1 - beta^t), at update t",
                rate=debiased(rate, s["decay"]),
            )
        case "rprop" if callable(rate):
            return replace(recipe, rate=number_at(rate, 0)).noting(
                "Of a schedule Rprop reads the first value only"
            )
        case "asgd" if isinstance(rate, Schedule) and rate.settings.get("by") == -1:
            return replace(recipe, rate=rate.settings["schedule"])  # which is read one update late
        case "rmsprop" if s["corrected"] and absent(s["momentum"]) and not s["centered"]:
            if absent(s["initial"]):
                own = dict(b1=0.0, b2=s["decay"], eps=s["eps"], eps_root=0.0, place=s["place"])
                own |= dict(amsgrad=None, mean_corrected=True)
                return replace(recipe, family="adam", settings=own).noting(
                    "RMSProp with a bias correction is Adam without its mean"
                )
        case "rmsprop" if absent(s["momentum"]):
            return replace(recipe, settings=dict(s, position="outside", nesterov=False))
        case _:
            pass
    return recipe


def velocity(momentum: Any, position: str, nesterov: bool = False) -> dict[str, Any]:
    """The settings of a descent."""
    return dict(momentum=momentum, position=position, nesterov=nesterov, dampening=0.0)


def _dampened(recipe: Recipe, settings: Settings, dampening: Any) -> Recipe:
    """A velocity that is dampened from its first step on is one with a smaller rate."""
    if absent(dampening):
        return replace(recipe, settings=settings)
    rate, kept = recipe.rate, 1 - dampening
    rate = scaled(rate, kept) if callable(rate) else rate * kept
    return replace(recipe, rate=rate, settings=settings).noting(
        "A velocity that is dampened from its start is one with a smaller rate"
    )
