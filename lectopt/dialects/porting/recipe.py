"""`read`: from an optimizer to its recipe, the algorithm and the conventions that it follows.

A recipe says nothing of names: two spellings of the same algorithm have the same recipe. It is read
off the composition, so that the optimizers of this library, of the lectures, of the papers and of
every dialect can all be read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lectopt.compositions import Chain
from lectopt.dialects.porting.schedules import debiased
from lectopt.dialects.spelling import absent
from lectopt.schedules import scaled
from lectopt.transformation import Transformation
from lectopt.values import key_of

Settings = Mapping[str, Any]
Decay = Literal["none", "coupled", "decoupled"]


class Unreadable(ValueError):
    """A composition that is none of the algorithms that frameworks have."""


@dataclass(frozen=True)
class Recipe:
    """An algorithm and its conventions.

    `settings` are the numbers and choices of the family, `weight_decay` and `decay` the decay of
    the weights, `decay_rate` the rate that a decoupled one is multiplied by. `before` and `after`
    are members around the algorithm, which is spelled the same without them: clipping, a change of
    sign, an average of the parameters. `notes` say what was rewritten when it was read.
    """

    family: str
    rate: Any
    settings: Settings
    weight_decay: Any = 0.0
    decay: Decay = "none"
    decay_rate: Any = None
    before: tuple[Transformation, ...] = ()
    after: tuple[Transformation, ...] = ()
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.settings[name]


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
    parts = _flat(tx)
    before, parts = _split(
        parts, ("negate", "clip_by_norm", "clip_by_value", "clip_by_global_norm")
    )
    coupled, parts = _split(parts, ("add_decayed_weights",))
    after, parts = _split(parts[::-1], ("average_params",))
    shrinking, parts = _split(parts, ("shrink_weights",))
    parts, own = parts[::-1], None
    names = tuple(part.name for part in parts)
    if "scale_by_decaying_rate" in names and coupled:
        *coupled, own = coupled  # the decay that is part of averaged SGD
    inner = [part for part in parts if part.name == "add_decayed_weights"]
    decays = [*coupled, *inner, *shrinking]
    if len(decays) > 1 or any(part.name == "masked" for part in parts):
        raise Unreadable("it decays some weights only, or twice, which is no setting anywhere")
    parts = [part for part in parts if part not in inner]
    family, rate, settings = _algorithm(parts, own)
    notes = tuple(settings.pop("notes", ()))
    return Recipe(
        family,
        rate,
        settings,
        weight_decay=decays[0].settings["weight_decay"] if decays else 0.0,
        decay="coupled" if coupled else "decoupled" if decays else "none",
        decay_rate=shrinking[0].settings["learning_rate"] if shrinking else rate,
        before=tuple(before),
        after=tuple(after[::-1]),
        notes=notes,
    )


def _flat(tx: Transformation) -> list[Transformation]:
    if not isinstance(tx, Chain):
        return [tx]
    return [part for member in tx.parts for part in _flat(member)]


def _split(
    parts: Sequence[Transformation], names: Sequence[str]
) -> tuple[list[Transformation], list[Transformation]]:
    n = next((i for i, part in enumerate(parts) if part.name not in names), len(parts))
    return list(parts[:n]), list(parts[n:])


def _algorithm(
    parts: list[Transformation], own_decay: Transformation | None
) -> tuple[str, Any, dict[str, Any]]:
    """The family, the rate and the settings of what stands inside the frame."""
    s = [part.settings for part in parts]
    match tuple(part.name for part in parts):
        case ("scale_by_learning_rate",):
            return "sgd", s[0]["learning_rate"], _velocity({}, "outside")
        case ("scale_by_learning_rate", "trace"):
            return "sgd", *_dampened(s[0]["learning_rate"], s[1], "inside")
        case ("scale_by_learning_rate", "shift_ahead" | "trace_ahead" as name):
            settings = _velocity({**s[1], "nesterov": True}, "inside")
            if name == "trace_ahead":
                settings["notes"] = [
                    "The parameters are the points where the gradient is taken, theta + beta v"
                ]
            return "sgd", s[0]["learning_rate"], settings
        case ("trace", "scale_by_learning_rate"):
            return "sgd", *_dampened(s[1]["learning_rate"], s[0], "outside")
        case ("ema", "scale_by_learning_rate"):
            ema = {"decay": s[0]["decay"], "dampening": s[0]["decay"]}
            return "sgd", *_dampened(s[1]["learning_rate"], ema, "outside")
        case ("undampen_first", "trace", "scale_by_learning_rate"):
            settings = _velocity(s[1], "outside") | dict(dampening=s[0]["dampening"])
            return "sgd", s[2]["learning_rate"], settings
        case ("trace" | "ema", "bias_correction", "scale_by_learning_rate"):
            beta = s[0]["decay"]
            if s[1]["decay"] == beta and s[0].get("dampening", beta) == beta:
                rate = debiased(s[2]["learning_rate"], beta)
                settings = _velocity({"decay": beta}, "outside")
                settings["notes"] = [
                    "An average that is corrected for its start is a velocity with the learning "
                    "rate rate (1 - beta) / (1 - beta^t), at update t"
                ]
                return "sgd", rate, settings
        case ("ratio", "scale_by_learning_rate"):
            return _normalised(parts[0], s[1]["learning_rate"], {}, "inside")
        case ("ratio", "scale_by_learning_rate", "trace"):
            return _normalised(parts[0], s[1]["learning_rate"], s[2], "inside")
        case ("ratio", "trace", "scale_by_learning_rate"):
            return _normalised(parts[0], s[2]["learning_rate"], s[1], "outside")
        case ("scale_by_adadelta", "scale_by_learning_rate"):
            return "adadelta", s[1]["learning_rate"], _picked(s[0], "rho", "eps")
        case ("scale_by_rprop" | "dialects.optax.scale_by_late_rprop" as name, _):
            kept = {k: v for k, v in s[0].items() if k not in ("learning_rate", "state_dtype")}
            variant = kept.get("variant") or ("late" if "late" in name else None)
            return "rprop", s[0]["learning_rate"], kept | dict(variant=variant)
        case ("scale_by_decaying_rate", "average_tail") if own_decay is not None:
            rate = s[0]["learning_rate"]
            if callable(rate):  # it is read one update late
                rate = rate.settings["schedule"]  # pyright: ignore[reportFunctionMemberAccess]
            settings = _picked(s[0], "lambd", "alpha") | _picked(s[1], "t0")
            if own_decay.settings["weight_decay"] == settings["lambd"]:
                return "asgd", rate, settings
        case _:
            pass
    listed = ", ".join(part.name for part in parts)
    raise Unreadable(f"it is a chain of {listed}, which is no algorithm of a framework")


def _picked(settings: Settings, *names: str) -> dict[str, Any]:
    return {name: settings[name] for name in names}


def _velocity(settings: Settings, position: str) -> dict[str, Any]:
    momentum = settings.get("decay", 0.0)
    return dict(
        momentum=momentum,
        position="outside" if absent(momentum) else position,
        nesterov=settings.get("nesterov", False),
        dampening=0.0,
    )


def _dampened(rate: Any, settings: Settings, position: str) -> tuple[Any, dict[str, Any]]:
    """A velocity that is dampened from its first step on is one with a smaller rate."""
    dampening = settings.get("dampening", 0.0)
    if not absent(dampening):
        kept = 1 - dampening
        rate = scaled(rate, kept) if callable(rate) else rate * kept
    own = _velocity(settings, position)
    if not absent(dampening):
        own["notes"] = ["A velocity that is dampened from its start is one with a smaller rate"]
    return rate, own


def _normalised(
    ratio: Transformation, rate: Any, velocity: Settings, position: str
) -> tuple[str, Any, dict[str, Any]]:
    """The adaptive algorithms: a mean over the root of a second moment."""
    above, below = ratio.parts
    mean = tuple(part.name for part in _flat(above))
    numbers = _flat(above)[0].settings
    root = _root(_flat(below))
    moment = root.pop("moment")
    eps = _picked(root, "eps", "eps_root", "place")
    b = dict(b1=numbers.get("decay", 0.0), b2=root["decay"])
    of_adam = not velocity and absent(root["initial"])
    plain_mean = mean == ("ema", "bias_correction")
    match moment, mean:
        case "sum_of_squares", ("identity",) if not velocity:
            return "adagrad", rate, eps | _picked(root, "initial")
        case "infinity_moment", ("ema", "bias_correction") if of_adam:
            return "adamax", rate, b | eps
        case "mean_square", ("identity",) if root["corrected"] and of_adam:
            if root["amsgrad"] is None and root["threshold"] is None:
                notes = ["RMSProp with a bias correction is Adam without its mean"]
                return "adam", rate, b | eps | dict(amsgrad=None, notes=notes)
        case "mean_square" | "variance", ("identity",) if not root["corrected"]:
            if root["amsgrad"] is None:
                own = _velocity(velocity, position)
                del own["dampening"]
                return (
                    "rmsprop",
                    rate,
                    eps
                    | own
                    | dict(
                        decay=root["decay"], initial=root["initial"], centered=moment == "variance"
                    ),
                )
        case "mean_square", ("nesterov_ema" | "nesterov_ema_warmed" as name,) if of_adam:
            if root["amsgrad"] is None and root["threshold"] is None and root["corrected"]:
                warmed = numbers if name == "nesterov_ema_warmed" else {}
                paper = warmed.get("warm_mean", False)
                if paper == root["carried"]:
                    psi = warmed.get("momentum_decay")
                    return "nadam", rate, b | eps | dict(psi=psi, paper=paper)
        case "mean_square", ("ema",) | ("ema", "bias_correction") if (
            root["amsgrad"] in ("corrected", "uncorrected") and of_adam
        ):
            if root["threshold"] is None:
                amsgrad = dict(amsgrad=root["amsgrad"], mean_corrected=plain_mean)
                return "adam", rate, b | eps | amsgrad
        case "mean_square", _ if plain_mean and of_adam and root["corrected"]:
            if root["threshold"] is not None:
                return "radam", rate, b | eps | _picked(root, "threshold", "fallback")
            return "adam", rate, b | eps | dict(amsgrad=root["amsgrad"])
        case _:
            pass
    raise Unreadable(f"it divides {' and '.join(mean)} by {below!r}, which no framework does")


def _root(parts: list[Transformation]) -> dict[str, Any]:
    """What a denominator is made of, in the order in which it is computed."""
    found: dict[str, Any] = dict(
        moment=None, decay=0.0, initial=0.0, corrected=False, amsgrad=None, eps=0.0, eps_root=0.0,
        place="outside", threshold=None, carried=False,
    )  # fmt: skip
    for part in parts:
        s = part.settings
        match part.name:
            case "mean_square" | "sum_of_squares":
                found |= dict(moment=part.name, decay=s.get("decay"), initial=s["initial"])
            case "infinity_moment":
                place = "in_max" if s["eps_in_max"] else "outside"
                found |= dict(moment=part.name, decay=s["decay"], eps=s["eps"], place=place)
            case "variance" if not any(inner.parts for inner in part.parts):
                square = part.parts[0].settings
                found |= dict(moment="variance", decay=square["decay"], initial=square["initial"])
            case "bias_correction":
                found["corrected"] = True
                if found["amsgrad"] == "uncorrected":
                    found["amsgrad"] = "raw"  # corrected after the maximum was taken
                if s["of_root"]:
                    found["place"] = "uncorrected"
            case "running_max":
                found["amsgrad"] = "corrected" if found["corrected"] else "uncorrected"
            case "scale" if key_of(s["factor"]) == key_of(found["decay"]):
                found["carried"] = True  # what the next update keeps of the moment
            case "dialects.optax.plus":
                found["eps_root"] = s["eps_root"]
            case "square_root":
                found |= dict(eps=s["eps"], place="inside" if s["eps_inside"] else "outside")
            case "rectification":
                found |= dict(threshold=s["threshold"], fallback=s["fallback"])
            case _:
                raise Unreadable(f"its denominator contains {part.name}, which no framework has")
    return found
