"""What stands around an algorithm, which is spelled the same without it."""

from collections.abc import Sequence
from typing import NamedTuple

from lectopt.combinators import chain
from lectopt.dialects.porting.patterns import flat
from lectopt.transformation import Transformation
from lectopt.wrapping import Masked

# Arguments of makers that are no part of the algorithm, and of which `port` says the rest.
ARGUMENTS = (
    "maximize", "mask", "weight_decay_mask", "use_ema", "ema_momentum", "clipnorm", "clipvalue",
    "global_clipnorm", "ema_overwrite_frequency", "loss_scale_factor",
    "gradient_accumulation_steps",
)  # fmt: skip
BEFORE = (
    "negate", "clip_by_norm", "clip_by_value", "clip_by_global_norm", "dialects.keras.unscale",
    "dialects.torch.clip_grad_norm_",
)  # fmt: skip
AFTER = (
    "average_params", "dialects.keras.overwrite_with_average", "reduce_on_plateau", "scale_by_path",
    "scale_by_wolfe_line_search",
)  # fmt: skip
AROUND = (
    "lookahead", "masked", "monitor", "quantise_state", "round_stochastically",
    "unfreeze_gradually",
)  # fmt: skip
DECAYS = ("add_decayed_weights", "shrink_weights")  # whose masks are settings of optimizers
Members = list[Transformation]


class Frame(NamedTuple):
    """The members before the algorithm, its decays, itself, and the members after it."""

    before: Members
    coupled: Members
    core: Members
    decoupled: Members
    after: Members


def unwrapped(tx: Transformation) -> tuple[Transformation, list[str]]:
    """What is inside of wrappers that are no part of an algorithm, and their names."""
    if not isinstance(tx, Transformation):
        return tx, []
    bare, around, members = [], [], flat(tx)
    partition = sum(part.name == "masked" for part in members) > 1  # which is an algorithm
    for part in members:
        while part.name in AROUND and part.parts[0].name not in DECAYS:
            if part.name == "masked" and partition:
                break
            around.append(part.name)
            part = part.parts[0]
        bare.append(part)
    return chain(*bare) if around else tx, around


def split(tx: Transformation) -> Frame:
    """An optimizer taken apart."""
    before, parts = _leading(flat(tx), (*BEFORE, "add_decayed_weights"))
    n = max((i + 1 for i, part in enumerate(before) if part.name in BEFORE), default=0)
    if not all(part.name in BEFORE or _is_number(part) for part in before[:n]):
        n = next(i for i, part in enumerate(before) if part.name not in BEFORE)
    before, parts = before[:n], [*before[n:], *parts]  # a decay that is clipped is before it, too
    coupled, parts = _leading(parts, ("add_decayed_weights",))
    after, parts = _leading(parts[::-1], AFTER)
    decoupled, parts = _leading(parts, ("shrink_weights",))
    parts = parts[::-1]
    if any(part.name == "scale_by_decaying_rate" for part in parts) and coupled:
        *coupled, own = coupled  # the decay that is part of averaged SGD
        parts = [own, *parts]
    if len(parts) > 2 and _name(parts[-2]) == "add_decayed_weights":
        decoupled.append(parts.pop(-2))  # times the rate, which is last
    return Frame(before, coupled, parts, decoupled, after[::-1])


def _is_number(part: Transformation) -> bool:
    """Whether a decay is of all leaves, by a number."""
    return not isinstance(part, Masked) and not callable(part.settings["weight_decay"])


def _leading(parts: Sequence[Transformation], names: Sequence[str]) -> tuple[Members, Members]:
    n = next((i for i, part in enumerate(parts) if _name(part) not in names), len(parts))
    return list(parts[:n]), list(parts[n:])


def _name(part: Transformation) -> str:
    return part.parts[0].name if isinstance(part, Masked) else part.name
