"""From a transformation to the rules that are written: on which parameters and with which settings
left open it is read.

It is read in 64 bits, so that numbers are seen as they were written.
"""

import functools as ft
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.explain import histories
from lectopt.explain.coding.local import SETTING, Unwritten
from lectopt.explain.coding.rules import Rules, rules
from lectopt.explain.evaluating import Evaluator
from lectopt.explain.known import T
from lectopt.explain.letters import Notation
from lectopt.explain.reading import Reader
from lectopt.explain.readings import Reading
from lectopt.explain.rewriting import walk
from lectopt.explain.subjects import Subject
from lectopt.explain.systems import symbolic_like
from lectopt.explain.tracing import Programs, Unexplained, traced
from lectopt.explain.trees import DEFAULT, candidates
from lectopt.explain.trials import Race
from lectopt.numerics import double

HISTORIES = 3  # beside a random one, to see whether a setting shapes a program
PLACES, CLOSE = 5, 1e-6


def written_rules(about: Subject, params: Any) -> Rules:
    """The rules of what is explained.

    Args:
      about: the transformation or its maker.
      params: a tree of arrays to read it on, or None.

    Raises:
      Unwritten: it holds an operation without a formula, or cannot be read.
    """
    source = _Source(about, params)
    letters = source.letters()
    try:
        return source.rules(letters)
    except Unwritten:
        if not letters:
            raise
        found = source.rules(())  # a setting may shape the program
    kept: tuple[str, ...] = ()
    for name in letters:
        try:
            found = source.rules((*kept, name))
            kept = (*kept, name)
        except Unwritten:
            continue
    return found


class _Source:
    def __init__(self, about: Subject, params: Any):
        self.about, self.given = about, params is not None
        self._last: tuple[Any, tuple[Reading, bool]] | None = None
        self.params, self.programs = self._readable(params)
        self.numbers = {k: float(v) for k, v in about.numbers.items()}

    def _readable(self, params: Any) -> tuple[Any, Programs]:
        """Parameters on which it can be run, and its programs on them."""
        met: Unexplained | None = None
        for tree in self._trees(params):
            try:
                with double():
                    return tree, traced(self.about, tree)
            except Unexplained as error:
                met = met or error
        raise Unwritten(f"its program cannot be read: {met}")

    def _trees(self, params: Any) -> Iterator[Any]:
        """Trees to read it on: the user's, one that fits its masks, or one of all ranks."""
        built = self.about.build({})
        found = [trees[0].params for trees in candidates(built, built, params)]
        if not self.given and isinstance(found[0], dict) and "scale" in found[0]:
            yield _several_of_each()
        yield from found

    def reading(self, tree: Any, letters: Iterable[str]) -> tuple[Reading, bool]:
        """Its equations with these settings open, and whether they hold for all sizes; what was
        read last is not read again."""
        letters = tuple(letters)
        if self._last is None or self._last[0] != (id(tree), letters):
            like = replace(self.programs, numbers={k: self.programs.numbers[k] for k in letters})
            self._last = (id(tree), letters), self._read(tree, like)
        return self._last[1]

    def _read(self, tree: Any, like: Programs) -> tuple[Reading, bool]:
        with double():
            wide = jax.tree.map(lambda x: jax.ShapeDtypeStruct(np.shape(x), jnp.float64), tree)
            try:
                programs = traced(self.about, symbolic_like(wide), like)
                return Reader(programs, Notation()).read(), True
            except Exception:  # it compares sizes, or asks for one: it is read with numbers
                return Reader(traced(self.about, wide, like), Notation()).read(), False

    def letters(self) -> tuple[str, ...]:
        """The settings that may be left open: a maker may build something else of a number than
        of a symbol.

        Raises:
          Unwritten: it cannot be written with numbers either.
        """
        names = tuple(k for k in self.numbers if k in self.programs.numbers)
        if not names:
            return ()
        built = self._tidy(self.params, ())
        if self._open(built, names):
            return names
        names = tuple(k for k in names if self._open(built, (k,)))
        return names if self._open(built, names) else ()

    def _open(self, built: Rules, names: tuple[str, ...]) -> bool:
        """Whether it is the same with letters for these settings as with their numbers."""
        numbers = {k: self.numbers[k] for k in names}
        try:
            if _agree(built, self._tidy(self.params, names), numbers):
                return True
        except Unexplained:
            return False
        except Unwritten:
            pass
        return not self._part(numbers)

    def _part(self, numbers: Mapping[str, float]) -> bool:
        """Whether it does something else with numbers than with letters, on some inputs."""
        build = self.about.build
        race = Race((lambda _: build(numbers), build), self.extra)
        plain = itertools.islice(histories.plain_histories(self.params), HISTORIES)
        tried = [histories.random_history(self.params), *plain]
        return any(race.part(h, numbers) is not None for h in tried)

    @property
    def extra(self) -> dict[str, Any]:
        """What an update takes besides gradients, state and parameters."""
        return dict.fromkeys(self.programs.extra, 1.0) | dict(self.programs.functions)

    def rules(self, letters: tuple[str, ...]) -> Rules:
        """The rules with these settings left open."""

        def of(tree: Any) -> Rules:
            try:
                return self._tidy(tree, letters)
            except Unexplained as error:  # a setting that shapes the program
                raise Unwritten(str(error)) from error

        found = of(self.params)
        by_mark = len(found.treatments) > 1 and self._by_mark(found, of)
        return replace(found, by_mark=by_mark, named=self.given)

    def _tidy(self, tree: Any, letters: tuple[str, ...]) -> Rules:
        """The rules on a tree, with these settings open."""
        reading, sizes = self.reading(tree, letters)
        sampled = self.about.sampled
        defaults = {k: None if k in sampled else self.numbers[k] for k in letters}
        return rules(self.about.title, reading, sizes, defaults)

    def _by_mark(self, found: Rules, of: Callable[[Any], Rules]) -> bool:
        """Whether leaves of other names are treated as those of their rank, or shape."""
        kinds = [{found.marks[k] for k in leaves} for leaves in found.treatments]
        # Of a single leaf one cannot tell its own sum from the sum over all leaves like it.
        if min(Counter(found.marks.values()).values()) < 2:
            return False
        if any(a & b for i, a in enumerate(kinds) for b in kinds[:i]):
            return False
        leaves = jax.tree.leaves(self.params)
        renamed = {f"leaf{k:05}": x for k, x in enumerate(leaves)}
        try:
            other = of(renamed)
        except Unwritten:  # it wants these names
            return False
        numbers = ({k: j for j, k in enumerate(r.local.leaves)} for r in (found, other))
        one, two = (
            {frozenset(number[k] for k in group) for group in r.treatments}
            for r, number in zip((found, other), numbers, strict=True)
        )
        return one == two


def _nobody(*_: Any) -> Any:
    raise NotImplementedError("there is one leaf alone")


def _agree(built: Rules, open_: Rules, numbers: Mapping[str, float]) -> bool:
    """Whether two readings have the same values at some random places."""
    both = [built.terms(), open_.terms()]
    if len(both[0]) != len(both[1]) or built.local.leaves != open_.local.leaves:
        return False
    terms = walk(*both[0], *both[1], inside=True)
    arrays = {x.args[0] for x in terms if x.op == "sym" and x.args[1]}
    for seed in range(PLACES):

        @ft.cache
        def value(name: str, seed: int = seed) -> Any:
            if name.startswith(SETTING):
                return numbers[name.removeprefix(SETTING)]
            random = np.random.default_rng((seed, *name.encode()))
            size = random.normal(size=PLACES if name in arrays else ())
            return 1.0 + seed**3 if name == T.args[0] else size if seed % 2 else np.abs(size)

        evaluator = Evaluator(value, lambda d: PLACES, {}, _nobody, 0)
        for x, y in zip(*both, strict=True):
            found = [np.asarray(evaluator(z, "@" if z.indices else ()), float) for z in (x, y)]
            if not np.allclose(*found, rtol=CLOSE, atol=0, equal_nan=True):
                return False
    return True


def _several_of_each() -> dict[str, Any]:
    """Two leaves of every rank. None is a scalar: as an array of one entry it is like the rest."""
    dense, conv = DEFAULT["dense"], {"kernel": DEFAULT["conv"]["kernel"]}
    tree = {"conv": conv, "dense": dense, "last": dense, "stem": conv}
    return jax.tree.map(jnp.ones, tree, is_leaf=lambda x: isinstance(x, tuple))
