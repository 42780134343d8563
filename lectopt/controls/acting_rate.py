"""The learning rate that acts in a composition: what stands in its `scale_by_learning_rate`, times
every other number that scales the update."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from lectopt.compositions import Chain
from lectopt.lifting import Rule
from lectopt.transformation import State, Transformation
from lectopt.values import value_at
from lectopt.wrapping import Foreign, Masked, Named

# The entry of the state that a member scales the update by.
MEASURED = {
    "reduce_on_plateau": ("plateau", "scale"),
    "scale_by_wolfe_line_search": ("line_search", "learning_rate"),
}
# What multiplies every gradient by the same number, whatever comes before or after it.
LINEAR = ("bias_correction", "ema", "identity", "negate", "shift_ahead", "trace", "trace_ahead")
# What multiplies the updates by numbers that it finds.
SCALES = ("contract", "scale_by_dog", "scale_by_dowg", "scale_by_path", "scale_by_polyak")
# What moves at the rate of the optimizer inside, and the entry that is the record of that.
AROUND = {"lookahead": ("fast_optimizer",), "unfreeze_gradually": ()}

Reader = Callable[[State, Any], Any]  # from the new state and the count to a number


class Step(NamedTuple):
    """What one member does to the update, as far as it is known."""

    kind: Literal["rate", "scale", "measured", "scales", "linear", "other", "foreign"]
    read: Reader | None = None  # of a rate or a scale; None where weights have numbers of their own

    @property
    def has_number(self) -> bool:
        """Whether it scales the update by a number that can be read."""
        return self.kind in ("scale", "measured")


def acting_rate(tx: Transformation) -> Reader | None:
    """How to read the rate off the new state, or None where no one number is the rate.

    A number that scales the update counts wherever it stands behind the rate, and before it if
    nothing in between but linear rules makes something else of it.
    """
    steps = [*_steps(tx, ())]
    rates = [i for i, step in enumerate(steps) if step.kind == "rate"]
    if len(rates) != 1:
        return None
    before, behind = steps[: rates[0]], steps[rates[0] :]
    while before and (before[-1].has_number or before[-1].kind == "linear"):
        behind.append(before.pop())
    scaled_before = any(step.has_number or step.kind == "scales" for step in before)
    if scaled_before or any(step.kind in ("scales", "foreign") for step in behind):
        return None
    factors = [step.read for step in behind if step.has_number or step.kind == "rate"]
    if None in factors:
        return None
    return lambda state, count: math.prod(read(state, count) for read in factors if read)


def common_rate(txs: Sequence[Any]) -> Reader | None:
    """How to read the rate of the first of some optimizers, if all have the very same."""
    if not all(isinstance(tx, Transformation) for tx in txs):
        return None
    rates = [[*_rates(tx)] for tx in txs]
    return acting_rate(txs[0]) if len(rates[0]) == 1 and all(r == rates[0] for r in rates) else None


def _rates(tx: Transformation) -> Iterator[Any]:
    """What stands in each `scale_by_learning_rate` of a chain; and what scales it by measuring."""
    if isinstance(tx, Chain | Named):
        for part in tx.parts:
            yield from _rates(part)
    elif tx.name == "scale_by_learning_rate":
        yield tx.settings["learning_rate"]
    elif tx.name in (*MEASURED, *SCALES, "scale"):
        yield None  # one more: there is no common rate


def _steps(tx: Transformation, place: tuple[str, ...]) -> Iterator[Step]:
    """The members in turn; `place` is where the record of `tx` stands."""
    if isinstance(tx, Chain):
        for part in tx.parts:
            yield from _steps(part, place)
    elif isinstance(tx, Named):
        yield from _steps(tx.parts[0], (*place, *tx.keys))
    elif tx.name in AROUND:
        yield from _steps(tx.parts[0], (*place, *AROUND[tx.name]))
    elif tx.name == "scale_by_learning_rate":
        yield Step("rate", _setting(tx.settings["learning_rate"]))
    elif tx.name == "scale":
        yield Step("scale", _setting(tx.settings["factor"]))
    elif tx.name in MEASURED:
        yield Step("measured", _entry((*place, *MEASURED[tx.name])))
    else:
        yield Step(_kind(tx))


def _kind(tx: Transformation) -> Any:
    inside = {step.kind for part in tx.parts for step in _steps(part, ())}
    starts_at_rate = isinstance(tx, Rule) and "learning_rate" in tx.lifted.slots.values()
    if "rate" in inside or starts_at_rate:  # of some leaves, one of several, of each weight
        return "rate"
    # A number that is set inside is a part of the formula, unless only some leaves are scaled.
    changing = {"measured", "scales"} | ({"scale"} if isinstance(tx, Masked) else set())
    if inside & changing or tx.name in SCALES:
        return "scales"
    if isinstance(tx, Foreign) or "foreign" in inside:
        return "foreign"
    return "linear" if tx.name in LINEAR else "other"


def _setting(setting: Any) -> Reader:
    return lambda state, count: value_at(setting, count)


def _entry(path: tuple[str, ...]) -> Reader:
    def read(state: State, count: Any) -> Any:
        del count
        entry: Any = state
        for key in path:
            entry = entry[key]
        return entry

    return read
