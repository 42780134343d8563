"""On what two transformations can be read: parameters, further arguments, settings as letters."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from lectopt.explain import histories
from lectopt.explain.induction import signs
from lectopt.explain.primitives import constant
from lectopt.explain.proving import Prover
from lectopt.explain.reduction import MANY, reduced
from lectopt.explain.rewriting import rewrite
from lectopt.explain.sides import Side, Sides, other_numbers
from lectopt.explain.systems import System, programs, read
from lectopt.explain.terms import Term
from lectopt.explain.tracing import loss, missing
from lectopt.explain.trees import Tree, candidates
from lectopt.explain.trials import Race

CONSTANTS = 4  # of the makers' own code


class Unreadable(Exception):
    """One of the two cannot be run on any parameters that were tried."""


@dataclass(frozen=True)
class Reading:
    """What both can be read on: the trees, the further arguments of their updates, the settings
    that may be letters; and, where a maker asks what it was given, numbers to build them with."""

    trees: list[Tree]
    extra: dict[str, Any]
    letters: tuple[str, ...]
    numbers: tuple[Mapping[str, float], ...] = ({},)
    asking: bool = False  # a maker makes something else of numbers than of letters


def readable(a: Any, b: Any, both: Sides, params: Any) -> Reading:
    """Find out on what both can be read.

    Raises:
      Unreadable: one of them fails on all parameters that are tried.
    """
    first: Exception | None = None
    params = params if params is None else _fewer(both, params)
    for trees in candidates(a, b, params):
        try:
            extra = _extra(both, trees[0].params)
            for tree in trees:
                for side in (both.first, both.second):
                    programs(side.make, tree.params, {}, extra)
        except Exception as error:  # whatever a stranger's program raises
            first = first or error
            continue
        letters = _letters(both, trees[0].params, extra)
        asking = letters and _asks_for_types(both, letters, trees[0].params, extra)
        kept = () if asking else letters
        floats = [k for k, v in both.numbers.items() if isinstance(v, float)]
        fixed = [k for k in floats if k not in kept and both.numbers[k] not in (0, 1, -1)]
        return Reading(trees, extra, letters, tuple(_accepted(both, fixed)) or ({},), bool(asking))
    assert first is not None
    text = str(first).strip().split("\n")[0][:300]
    raise Unreadable(f"{type(first).__name__}: {text}") from first


def _fewer(both: Sides, params: Any) -> Any:
    """A small tree that stands for a large one, if there is one."""
    if len(jax.tree.leaves(params)) <= MANY:
        return params
    makes = [side.make for side in (both.first, both.second)]
    try:
        small, sizes = reduced(makes, params, {}, {})
    except Exception:  # it wants more than a gradient, or asks for all leaves: it is read on all
        return params
    return Tree(small, True, tuple(sizes))


def _extra(both: Sides, params: Any) -> dict[str, Any]:
    """Further arguments that the updates ask for."""
    extra: dict[str, Any] = {}
    for side in (both.first, both.second):
        for _ in range(4):
            try:
                programs(side.make, params, {}, extra)
                break
            except Exception as error:
                wanted = missing(error) - extra.keys()
                if not wanted:
                    raise
                extra |= {k: loss for k in wanted if k.endswith("_fn")}
                for k in sorted(wanted - extra.keys()):  # each a number of its own
                    extra[k] = params if k == "grad" else 1.0 + 0.37 * len(extra)
    return extra


def _letters(both: Sides, params: Any, extra: Mapping[str, Any]) -> tuple[str, ...]:
    """The settings that both take as letters, and that do not shape their programs."""
    numbers = both.numbers.items()
    wanted = {k: v for k, v in numbers if isinstance(v, float) and v not in (0, 1, -1) and v == v}
    if not wanted:
        return ()

    def works(numbers: Mapping[str, Any]) -> bool:
        try:
            for side in (both.first, both.second):
                programs(side.make, params, numbers, extra)
        except Exception:
            return False
        return True

    if not works(wanted):
        wanted = {k: v for k, v in wanted.items() if works({k: v})}
        if not works(wanted):
            return ()
    return tuple(wanted)


def _accepted(both: Sides, names: Sequence[str]) -> Iterator[Mapping[str, float]]:
    """Numbers for these settings that both makers take."""
    plain = {k: both.numbers[k] for k in names}
    others = [*other_numbers(plain, both.decays), *_asked_for(both, plain)] if plain else []
    for numbers in (plain, *others):
        try:
            for side in (both.first, both.second):
                side.make(numbers)
        except Exception:  # a range, or whatever else a stranger's maker checks
            continue
        yield numbers


def _asked_for(both: Sides, plain: Mapping[str, float]) -> Iterator[Mapping[str, float]]:
    """The numbers that stand in the makers' own code, and some beside them, for every setting."""
    for c in sorted({*both.first.constants, *both.second.constants})[:CONSTANTS]:
        for name, near in itertools.product(plain, (c, c * 1.01, c * 0.99)):
            yield {**plain, name: near}


def _asks_for_types(
    both: Sides, letters: Sequence[str], params: Any, extra: Mapping[str, Any]
) -> bool:
    """Whether a maker builds something else of numbers than of letters."""
    tried = list(_accepted(both, letters))
    for side, numbers in itertools.product((both.first, both.second), tried):
        built = read(lambda _, s=side, n=numbers: s.make(n), params, "A", {}, extra, symbolic=False)
        traced = read(side.make, params, "A", numbers, extra, symbolic=False)
        if not _alike(built, traced, numbers) and _part(side, numbers, params, extra):
            return True
    return False


def _alike(built: System, traced: System, numbers: Mapping[str, float]) -> bool:
    """Whether two systems are one in lowest terms, with numbers for letters."""
    values = {k: constant(np.float32(v)) for k, v in numbers.items()}

    def numbered(x: Term) -> Term | None:
        return values.get(x.args[0]) if x.op == "sym" else None

    def all_terms(system: System) -> list[Term]:
        parts = (system.moves, [e.next for e in system.entries], [e.start for e in system.entries])
        return [rewrite(x, numbered, {}) for part in parts for x in part]

    prover = Prover(signs(built.entries))
    pairs = zip(all_terms(built), all_terms(traced), strict=True)
    return all(prover.same(x, y) for x, y in pairs)


def _part(side: Side, numbers: Mapping[str, float], params: Any, extra: Mapping[str, Any]) -> bool:
    race = Race((lambda _: side.make(numbers), side.make), extra)
    tried = [histories.random_history(params), *histories.plain_histories(params)]
    return any(race.part(h, numbers) is not None for h in tried)
