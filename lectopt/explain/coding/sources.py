"""From a transformation to the rules that are written: on which parameters and with which settings
left open it is read.

It is read in 64 bits, so that numbers are seen as they were written.
"""

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
from lectopt.explain.fractions import Fractions, TooLarge
from lectopt.explain.primitives import constant
from lectopt.explain.subjects import Subject
from lectopt.explain.systems import System, read
from lectopt.explain.terms import Term, rewrite
from lectopt.explain.tracing import loss, missing
from lectopt.explain.trees import DEFAULT, candidates
from lectopt.explain.trials import Race
from lectopt.look_ahead import take_gradients_as_given
from lectopt.numerics import double

HISTORIES = 3  # beside a random one, to see whether a setting shapes a program
ARGUMENTS = 4  # further ones that an update may ask for, one after the other


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
        self.about = about
        self.given = params is not None
        self._last: tuple[Any, System] | None = None
        self.params, self.extra = self._readable(params)
        self.numbers = {k: float(v) for k, v in about.numbers.items()}

    def _readable(self, params: Any) -> tuple[Any, dict[str, Any]]:
        """Parameters and further arguments on which it can be run."""
        met: Exception | None = None
        built = self.about.build({})
        for tree in self._trees(built, params):
            try:
                return tree, self._arguments(tree)
            except Exception as error:  # whatever a stranger's program raises
                met = met or error
        text = str(met).strip().split("\n")[0][:300]
        raise Unwritten(f"its program cannot be read: {type(met).__name__}: {text}")

    def _trees(self, built: Any, params: Any) -> Iterator[Any]:
        """Trees to read it on: the user's, one that fits its masks, or one of all ranks."""
        found = [trees[0].params for trees in candidates(built, built, params)]
        if not self.given and isinstance(found[0], dict) and "scale" in found[0]:
            yield _several_of_each()
        yield from found

    def _arguments(self, tree: Any) -> dict[str, Any]:
        extra: dict[str, Any] = {}
        for _ in range(ARGUMENTS):
            try:
                self.system(tree, {}, extra)
                break
            except TypeError as error:
                wanted = missing(error) - extra.keys()
                if not wanted:
                    raise
                extra |= {k: loss if k.endswith("_fn") else 1.0 for k in wanted}
        return extra

    def make(self, numbers: Mapping[str, Any]) -> Any:
        """It with these settings, by their symbols."""
        made = self.about.build({k.removeprefix(SETTING): v for k, v in numbers.items()})
        return take_gradients_as_given(made)

    def system(self, tree: Any, numbers: Mapping[str, Any], extra: Mapping[str, Any]) -> System:
        """It in 64 bits; what was read last is not read again."""
        key = id(tree), tuple(numbers), tuple(extra)
        if self._last is None or self._last[0] != key:
            with double():
                like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(np.shape(x), jnp.float64), tree)
                self._last = key, read(self.make, like, "A", numbers, extra)
        return self._last[1]

    def letters(self) -> tuple[str, ...]:
        """The settings that may be left open."""
        names = tuple(self.numbers)
        if not names or self._open(names):
            return names
        names = tuple(k for k in names if self._open([k]))
        return names if self._open(names) else ()

    def _open(self, names: Iterable[str]) -> bool:
        """Whether it does the same with these settings left open as with their numbers."""
        numbers = {SETTING + k: self.numbers[k] for k in names}
        try:
            return self._alike(numbers) or not self._part(numbers)
        except Exception:  # they shape its program
            return False

    def _alike(self, numbers: Mapping[str, float]) -> bool:
        """Whether what is read with letters is plainly what is read with numbers, in 32 bits."""
        built = read(lambda _: self.make(numbers), self.params, "A", {}, self.extra, False)
        traced = read(self.make, self.params, "A", numbers, self.extra, False)
        letters = [k.removeprefix(SETTING) for k in numbers]
        values = {k: constant(np.float32(v)) for k, v in numbers.items()}
        forms = Fractions()

        def form(x: Term) -> Term:
            numbered = rewrite(x, lambda y: values.get(y.args[0]) if y.op == "sym" else None, {})
            return forms.form(numbered)

        try:
            one, other = self._tidy(built, ()), self._tidy(traced, letters)
            same = [s.name for s in one.local.slots] == [s.name for s in other.local.slots]
            pairs = zip(one.terms(), other.terms(), strict=True)
            return same and all(form(x) is form(y) for x, y in pairs)
        except (Unwritten, TooLarge, RecursionError, ValueError):
            return False

    def _part(self, numbers: Mapping[str, float]) -> bool:
        """Whether it does something else with numbers than with letters, on some inputs."""
        race = Race((lambda _: self.make(numbers), self.make), self.extra)
        plain = itertools.islice(histories.plain_histories(self.params), HISTORIES)
        tried = [histories.random_history(self.params), *plain]
        return any(race.part(h, numbers) is not None for h in tried)

    def rules(self, letters: tuple[str, ...]) -> Rules:
        """The rules with these settings left open."""
        numbers = {SETTING + k: self.numbers[k] for k in letters}

        def of(tree: Any) -> Rules:
            try:
                system = self.system(tree, numbers, self.extra)
            except Exception as error:  # a setting that shapes the program
                raise Unwritten(f"{type(error).__name__}: {error}") from error
            return self._tidy(system, letters)

        found = of(self.params)
        by_mark = len(found.treatments) > 1 and self._by_mark(found, of)
        return replace(found, by_mark=by_mark, named=self.given)

    def _tidy(self, system: System, letters: Iterable[str]) -> Rules:
        """The rules of a system in which these settings are open."""
        about, letters = self.about, tuple(letters)
        defaults = {k: None if k in about.sampled else self.numbers[k] for k in letters}
        unit = [k for k in letters if k in about.decays]
        positive = [k for k in letters if k not in unit and self.numbers[k] > 0]
        return rules(about.title, system, defaults, unit, positive)

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


def _several_of_each() -> dict[str, Any]:
    """Two leaves of every rank. None is a scalar: as an array of one entry it is like the rest."""
    dense, conv = DEFAULT["dense"], {"kernel": DEFAULT["conv"]["kernel"]}
    tree = {"conv": conv, "dense": dense, "last": dense, "stem": conv}
    return jax.tree.map(jnp.ones, tree, is_leaf=lambda x: isinstance(x, tuple))
