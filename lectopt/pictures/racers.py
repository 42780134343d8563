"""Who takes part: makers, whose rate is tuned, and transformations, which run as they are."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from lectopt.settings import LearningRate
from lectopt.transformation import is_transformation

# The names of a learning rate where no annotation says what it is: Optax's and Keras', torch's, and
# those of the lectures.
RATES = ("learning_rate", "lr", "eta", "alpha", "step_size", "gamma")


@dataclass(frozen=True)
class Racer:
    """One who takes part.

    Attributes:
      name: what the picture calls it.
      given: the maker or the transformation.
      rate: which setting of the maker is tuned; "" for a transformation.
    """

    name: str
    given: Any
    rate: str = ""

    def build(self, rate: Any, steps: int) -> Any:
        """The transformation, at a rate if it has one."""
        if not self.rate:
            return self.given
        asked = inspect.signature(self.given).parameters
        chance = {"key": jax.random.key(0), "steps": steps}
        needed = {k: v for k, v in chance.items() if k in asked and asked[k].default is _EMPTY}
        return self.given(**needed, **{self.rate: rate})


_EMPTY = inspect.Parameter.empty


def racers(given: Any) -> list[Racer]:
    """Those who take part, by name.

    Args:
      given: a maker or a transformation, a sequence of them, or a dict with their names.

    Raises:
      TypeError: one of them is neither.
      ValueError: there are none, two of a sequence have one name, or a maker has no rate.
    """
    if is_transformation(given) or (callable(given) and not isinstance(given, Mapping)):
        given = [given]
    if isinstance(given, Sequence) and not isinstance(given, str):
        names = [_name(one) for one in given]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(
                f"two are called {twice!r}; write a dict, {{'mine': ..., 'theirs': ...}}"
            )
        given = dict(zip(names, given, strict=True))
    if not isinstance(given, Mapping):
        raise TypeError(
            f"wanted makers, transformations, or a dict of them, got {given!r}; write for example "
            "{'momentum': lectopt.momentum, 'adam': lectopt.adam(0.1)}"
        )
    if not given:
        raise ValueError("nobody takes part; write for example {'momentum': lectopt.momentum}")
    return [_racer(str(name), one) for name, one in given.items()]


def _racer(name: str, given: Any) -> Racer:
    if is_transformation(given):
        return Racer(name, given)
    if not callable(given):
        raise TypeError(
            f"{name!r}: wanted a maker or a transformation, got {given!r}; write lectopt.adam or "
            "lectopt.adam(0.1)"
        )
    rate = rate_of(given)
    if not rate:
        made = given()
        if is_transformation(made):
            return Racer(name, made)
        raise ValueError(f"{name!r}: made no transformation, but {made!r}")
    return Racer(name, given, rate)


def rate_of(maker: Callable[..., Any]) -> str:
    """The name of the setting of a maker that is its learning rate, "" if it has none."""
    parameters = inspect.signature(maker).parameters
    wanted = LearningRate.__metadata__  # pyright: ignore[reportAttributeAccessIssue]
    given = maker.keywords if isinstance(maker, functools.partial) else {}
    free = {k: p for k, p in parameters.items() if k not in given}
    for name, parameter in free.items():
        if getattr(parameter.annotation, "__metadata__", None) == wanted:
            return name
    return next((name for name in RATES if name in free), "")


def _name(given: Any) -> str:
    name = getattr(given, "__name__", None) or getattr(
        getattr(given, "func", None), "__name__", None
    )
    if name is None or is_transformation(given):
        raise ValueError(
            f"what shall {given!r} be called? Write a dict, {{'mine': ...}}, for what is built"
        )
    return str(name)
