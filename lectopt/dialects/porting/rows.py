"""The spellings of each library: every maker of its dialect, read backwards.

A row is a call with marks for its numbers, and the recipe that it makes. What stands in the recipe
for a mark is what the call needs; what does not is a convention of the library.
"""

import functools as ft
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from lectopt.combinators import chain
from lectopt.dialects import keras, optax, torch
from lectopt.dialects.porting.frame import ARGUMENTS
from lectopt.dialects.porting.patterns import Mark, bound, filled, marks, spellings
from lectopt.dialects.porting.recipe import Recipe, Unreadable, read
from lectopt.dialects.porting.writing import Draft, constant_coefficient
from lectopt.primitives import (
    scale_by_learning_rate,
    scale_by_rms,
    scale_by_stddev,
    trace,
)
from lectopt.settings import Decay, Fraction, LearningRate, NonNegative
from lectopt.transformation import Transformation
from lectopt.values import key_of

DIALECTS: dict[str, Any] = dict(torch=torch, keras=keras, optax=optax)


@dataclass(frozen=True)
class Row:
    """One spelling: the maker, its arguments, the recipe of what it makes, and how it is written
    where it is no call of one function."""

    maker: Callable[..., Transformation]
    given: dict[str, Any]
    recipe: Recipe
    text: str | None = None
    free: frozenset[str] = frozenset()  # settings that another row of the maker leaves open

    @property
    def name(self) -> str:
        """The maker's, in its library."""
        within = ".contrib." in self.maker.__module__
        return "contrib." * within + self.maker.__name__

    @property
    def besides(self) -> tuple[dict[str, Any], str] | None:
        """Arguments that make a step there an update here, and why they are wanted."""
        return BESIDES.get(self.maker)

    def draft(self, recipe: Recipe, may_follow: Callable[[str], bool]) -> Draft | None:
        """The recipe in the conventions of this row; None if they are of another algorithm."""
        own = self.recipe
        if recipe.family != own.family:
            return None
        draft = Draft(recipe, may_follow)
        if any(key_of(own[name]) != key_of(recipe[name]) for name in self.free):
            return None
        if isinstance(own.settings.get("psi"), Mark):
            constant_coefficient(draft)
        draft.turn(dict(own.settings), lambda want: any(marks([want])))
        if own.decay != "none":
            draft.decaying(own.decay, None if isinstance(own.decay_rate, Mark) else own.decay_rate)
        return draft

    def arguments(self, draft: Draft) -> dict[str, Any] | None:
        """What the call needs to make the draft; None if it cannot."""
        own, found = self.recipe, dict[str, Any]()
        fits = bound(own.rate, draft.rate, found)
        if own.decay != "none":
            fits = fits and bound(own.weight_decay, draft.weight_decay, found)
        for name, want in own.settings.items():
            if any(marks([want])):
                fits = fits and bound(want, draft.settings[name], found)
        return {k: filled(v, found) for k, v in self.given.items()} if fits else None


BESIDES: dict[Callable[..., Transformation], tuple[dict[str, Any], str]] = {
    torch.LBFGS: (
        dict(max_iter=1),
        "One update is one iteration, of which step(closure) makes max_iter",
    )
}


@ft.cache
def rows(library: str) -> tuple[Row, ...]:
    """Those of a library."""
    found: dict[Any, Row] = {}
    for maker, text in _makers(library):
        for given, tx in spellings(maker, ARGUMENTS):
            try:
                recipe = read(tx)
            except Unreadable:
                continue
            row = Row(maker, given, recipe, text)
            if recipe.notes or recipe.before or recipe.after or not _complete(row):
                continue
            found.setdefault((maker, repr(recipe)), row)
    return tuple(map(_freed, found.values(), itertools.repeat(found.values())))


def _freed(row: Row, all_rows: Iterable[Row]) -> Row:
    siblings = [
        r.recipe for r in all_rows if (r.maker, r.recipe.family) == (row.maker, row.recipe.family)
    ]
    names = row.recipe.settings
    opened = {k for k in names for r in siblings if isinstance(r.settings.get(k), Mark)}
    return replace(row, free=frozenset(k for k in opened if not isinstance(names[k], Mark)))


def _complete(row: Row) -> bool:
    """Whether every mark of the call comes out as a setting."""
    needed = set(marks(row.given.values()))
    own = row.recipe
    kept = (own.rate, own.weight_decay, *own.settings.values())
    return needed <= set(marks(kept))


# What is no optimizer, or does not take the gradients that the others take.
ASIDE = ("ReduceLROnPlateau", "SparseAdam", "scale_by_polyak")
CONTRIB = (
    "ademamix", "adopt", "cocob", "dog", "dowg", "muon", "prodigy", "schedule_free_adamw",
    "schedule_free_sgd", "simplified_ademamix",
)  # fmt: skip
RATES = {"lr", "learning_rate", "max_learning_rate"}


def _makers(library: str) -> Iterator[tuple[Callable[..., Any], str | None]]:
    dialect = DIALECTS[library]
    for name in dialect.__all__:
        maker = getattr(dialect, name)
        if name not in ASIDE and _rated(maker):
            yield maker, None
    if library == "optax":
        yield from ((getattr(optax.contrib, name), None) for name in CONTRIB)
        yield from CHAINS.items()


def _rated(maker: Any) -> bool:
    if not inspect.isfunction(maker):
        return False
    signature = inspect.signature(maker)
    made = getattr(signature.return_annotation, "__name__", "") == "Transformation"
    return made and bool(RATES & set(signature.parameters))


def rate_inside(
    learning_rate: LearningRate, decay: Decay, nesterov: bool = False
) -> Transformation:
    """A velocity that contains the rate."""
    return chain(scale_by_learning_rate(learning_rate), trace(decay, nesterov))


def rate_outside(
    learning_rate: LearningRate,
    decay: Decay,
    eps: NonNegative,
    initial_scale: NonNegative,
    momentum: Fraction,
    eps_in_sqrt: bool = True,
    centered: bool = False,
    nesterov: bool = False,
) -> Transformation:
    """RMSProp whose velocity does not contain the rate."""
    scale_by = scale_by_stddev if centered else scale_by_rms
    place: Any = "inside" if eps_in_sqrt else "outside"
    normalised = scale_by(decay, eps, initial_scale, eps_placement=place)
    return chain(normalised, trace(momentum, nesterov), scale_by_learning_rate(learning_rate))


CHAINS: dict[Callable[..., Transformation], str] = {
    rate_inside: (
        "optax.chain(optax.scale_by_learning_rate({learning_rate}), "
        "optax.trace({decay}, nesterov={nesterov}))"
    ),
    rate_outside: (
        "optax.chain(optax.{centered}({decay}, {eps}, {initial_scale}, eps_in_sqrt={eps_in_sqrt}), "
        "optax.trace({momentum}, nesterov={nesterov}), "
        "optax.scale_by_learning_rate({learning_rate}))"
    ),
}
