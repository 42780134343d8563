"""A few leaves that stand for many: why a proof on them is a proof for all.

`grouping` finds the leaves that both transformations treat alike: their updates are the same
function of their own values and of what the whole tree has in common, a norm of all gradients say.
A smaller tree keeps some leaves of every group. What is common is another number there, as it sums
over fewer leaves; but the *program* is the same, and that is checked: every value of the full and
of the small program is numbered by what makes it, where a sum, a maximum or an "and" over leaves
is told by the groups that it runs over, of which it takes every leaf, and equally often; one that
leaves some out is told by its leaves. If the numbers of the updates and of the state agree, then a
proof for the small tree, which takes its sums for any sums of such terms, holds for the full tree.
If they do not agree (a program that counts its leaves), nothing is reduced.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.explain.flat import FOLDS, Given, flat
from lectopt.explain.grouping import groups_of, kept, owned
from lectopt.explain.numbering import ALL, NONE, Numbers
from lectopt.explain.systems import programs

MANY = 12  # leaves that are read as they are
EACH = 2  # leaves of a group that are kept, of different shapes if there are
LONGEST = 130  # axes are cut to about this, with their order kept: no program asks for more
JOINS = {"concatenate", "stack"}
REDUCES = {"reduce_sum", "reduce_max", "reduce_min", "reduce_and", "reduce_or", "reduce_prod"}


class Unreduced(Exception):
    """The small tree is another program."""


def reduced(
    makes: Sequence[Any], params: Any, numbers: Mapping[str, Any], extra: Mapping[str, Any]
) -> tuple[Any, list[int]]:
    """A small tree that stands for a large one, and how many leaves every group has.

    Args:
      makes: from settings to transformations.
      params: the large tree.
      numbers: the settings that are symbols.
      extra: further arguments of the updates.

    Raises:
      Unreduced: the leaves that are kept do not show the program of all.
    """
    traced = [programs(make, params, numbers, extra) for make in makes]
    found = [groups_of(t.init, t.update, t.state, t.like, len(numbers)) for t in traced]
    classes = [{leaf: k for k, group in enumerate(one) for leaf in group} for one in found]
    together: dict[Any, list[int]] = {}
    for leaf in range(len(jax.tree.leaves(params))):
        together.setdefault(tuple(c[leaf] for c in classes), []).append(leaf)
    shapes = [tuple(np.shape(x)) for x in jax.tree.leaves(params)]
    chosen = sorted(leaf for group in together.values() for leaf in _some(group, shapes))
    small = _cut(kept(params, chosen))
    groups = list(together.values())
    for make, full in zip(makes, traced, strict=True):
        few = programs(make, small, numbers, extra)
        table: dict[Any, int] = {}
        whole = _signatures(full, len(numbers), table, range(len(shapes)), groups)
        part = _signatures(few, len(numbers), table, chosen, groups)
        if [whole[k] for k in chosen] != part:
            raise Unreduced
    return small, sorted(map(len, together.values()), reverse=True)


def _some(group: Sequence[int], shapes: Sequence[Any]) -> list[int]:
    different = list({shapes[k]: k for k in reversed(group)}.values())
    return list(dict.fromkeys([group[0], *sorted(different), *group]))[:EACH]


def _cut(params: Any) -> Any:
    """The tree with shorter axes: the longest stay the longest, and equal ones equal."""
    sizes = sorted({d for x in jax.tree.leaves(params) for d in np.shape(x) if d > LONGEST})
    cut = {d: LONGEST + k for k, d in enumerate(sizes)}

    def small(x: Any) -> Any:
        shape = tuple(cut.get(d, d) for d in np.shape(x))
        return jnp.ones(shape, x.dtype if hasattr(x, "dtype") else jnp.result_type(x))

    return jax.tree.map(small, params)


def _signatures(
    traced: Any,
    settings: int,
    table: dict[Any, int],
    which: Sequence[int],
    groups: Sequence[Sequence[int]],
) -> list[Any]:
    """For every leaf what makes its state at the start, its new state and its update; `which`
    leaves of the full tree these are."""
    leaves = jax.tree.leaves(traced.like)
    numbers = _Folded([tuple(x.shape) for x in leaves], table, which, groups)
    slots = owned(traced.state, traced.like)
    first, later = flat(traced.init), flat(traced.update)
    letters = [(("setting", k), NONE) for k in range(settings)]
    own = [[((role,), k) for k in range(len(leaves))] for role in ("gradient", "weight", "move")]
    entries = [(("slot", *role), leaf) for role, leaf in slots]
    inputs: list[Any] = [*letters, *own[0], *entries, *own[1]]
    inputs += [(("extra", k), NONE) for k in range(len(later.inputs) - len(inputs))]
    found: list[list[Any]] = [[] for _ in leaves]
    for program, ins, outs in (
        (first, [*letters, *own[1]], entries), (later, inputs, [*own[2], *entries])
    ):  # fmt: skip
        made = numbers.run(program, ins)
        for ref, (role, leaf) in zip(program.outputs, outs, strict=True):
            given = isinstance(ref, Given)
            mark = numbers.mark(numbers.given(ref.value) if given else made[ref][0])
            for k in range(len(leaves)) if leaf < 0 else (leaf,):
                found[k].append((role, mark))
    return [sorted(marks) for marks in found]


class _Folded(Numbers):
    """Numbers of values by what makes them, where a sum over leaves is told by the whole groups
    that it runs over, however many leaves these have, and by single leaves else."""

    def __init__(
        self,
        shapes: Sequence[tuple[Any, ...]],
        table: dict[Any, int],
        leaves: Sequence[int],
        groups: Sequence[Sequence[int]],
    ):
        super().__init__(shapes)
        self._table, self._leaves = table, leaves
        inside = set(leaves)
        self._groups = [[k for k in group if k in inside] for group in groups]
        self._folds: dict[int, tuple[str, list[tuple[int, int]]]] = {}
        self._marks: dict[int, int] = {}

    def mark(self, number: int) -> int:
        """The number of a value for who uses it: of what is folded, by all that it runs over."""
        if number not in self._folds:
            return number
        if number not in self._marks:
            name, runs = self._folds[number][0], self._runs(number)
            self._marks[number] = self.number((name, frozenset(self._told(name, runs))))
        return self._marks[number]

    def _runs(self, number: int) -> Counter[tuple[int, int]]:
        """How often a fold runs over which values of which leaves."""
        name, waiting = self._folds[number]
        waiting, runs = list(waiting), Counter()
        while waiting:
            x, leaf = waiting.pop()
            kind, inside = self._folds.get(x, ("", []))
            if kind == name and x not in self._marks:
                waiting += inside
            else:
                runs[self.mark(x), self._leaves[leaf] if leaf >= 0 else leaf] += 1
        return runs

    def _told(self, name: str, runs: Counter[tuple[int, int]]) -> Iterator[Any]:
        """What a fold runs over: for every value the groups of which it takes all leaves equally
        often, and the leaves of others."""
        once = name in ("max", "min", "and", "or")
        for x in {mark for mark, _ in runs}:
            for leaf in (ALL, NONE):
                if (x, leaf) in runs:
                    yield x, leaf, once or runs[x, leaf]
            for k, group in enumerate(self._groups):
                often = [once and runs[x, leaf] > 0 or runs[x, leaf] for leaf in group]
                if len(set(often)) == 1:
                    yield from [("group", x, k, often[0])] if often[0] else ()
                else:
                    pairs = zip(group, often, strict=True)
                    yield from (("leaf", x, leaf, n) for leaf, n in pairs if n)

    def _made(
        self, step: Any, ins: list[tuple[int, int]], avals: Any, goes_on: bool
    ) -> list[tuple[int, int]]:
        name, owners = step.eqn.primitive.name, {leaf for _, leaf in ins if leaf >= 0}
        common = any(leaf == ALL for _, leaf in ins)
        if name in FOLDS or name in JOINS:
            if len(owners) > 1 or goes_on or (common and not owners):
                out = self.number((name, "of", tuple(ins), step.outs))
                self._folds[out] = name, ins
                return [(out, ALL)]
        first = self._folds.get(ins[0][0], ("",))[0] if ins else ""
        ins = [(self.mark(x), leaf) for x, leaf in ins]
        if name in REDUCES and first in JOINS:
            return [(self.number((name, ins[0][0])), ALL)]
        if len(owners) <= 1:
            return super()._made(step, ins, avals, False)
        marks = tuple((x, self._leaves[leaf] if leaf >= 0 else leaf) for x, leaf in ins)
        key = (name, tuple(self._params(step.eqn, avals, NONE)), marks)
        return [(self.number((key, k)), ALL) for k in range(len(step.outs))]
