"""A few leaves that stand for many: why a proof on them is a proof for all.

`grouping` finds the leaves that both transformations treat alike: their updates are the same
function of their own values and of what the whole tree has in common, a norm of all gradients say.
A smaller tree keeps some leaves of every group. What is common is another number there, as it sums
over fewer leaves; but the *program* is the same, and that is checked: every value of the full and
of the small program is numbered by what makes it, where a sum, a maximum or an "and" over leaves
is the set of what it runs over, however many there are. If the numbers of the updates and of the
state agree, then a proof for the small tree, which takes its sums for any sums of such terms, holds
for the full tree. If they do not agree (a program that counts its leaves), nothing is reduced.
"""

from collections.abc import Mapping, Sequence
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
    for make, full in zip(makes, traced, strict=True):
        table: dict[Any, int] = {}
        whole = _signatures(full, len(numbers), table)
        part = _signatures(programs(make, small, numbers, extra), len(numbers), table)
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


def _signatures(traced: Any, settings: int, table: dict[Any, int]) -> list[Any]:
    """For every leaf what makes its state at the start, its new state and its update."""
    leaves = jax.tree.leaves(traced.like)
    numbers = _Folded([tuple(x.shape) for x in leaves], table)
    slots = owned(traced.state, traced.like)
    first, later = flat(traced.init), flat(traced.update)
    given = [(("setting", k), NONE) for k in range(settings)]
    own = [[((role,), k) for k in range(len(leaves))] for role in ("gradient", "weight", "move")]
    entries = [(("slot", *role), leaf) for role, leaf in slots]
    inputs: list[Any] = [*given, *own[0], *entries, *own[1]]
    inputs += [(("extra", k), NONE) for k in range(len(later.inputs) - len(inputs))]
    found: list[list[Any]] = [[] for _ in leaves]
    for program, ins, outs in (
        (first, [*given, *own[1]], entries), (later, inputs, [*own[2], *entries])
    ):  # fmt: skip
        made = numbers.run(program, ins)
        for ref, (role, leaf) in zip(program.outputs, outs, strict=True):
            mark = numbers.given(ref.value) if isinstance(ref, Given) else made[ref][0]
            for k in range(len(leaves)) if leaf < 0 else (leaf,):
                found[k].append((role, mark))
    return [sorted(marks) for marks in found]


class _Folded(Numbers):
    """Numbers of values by what makes them, whichever leaves they run over."""

    def __init__(self, shapes: Sequence[tuple[Any, ...]], table: dict[Any, int]):
        super().__init__(shapes)
        self._table = table
        self._sets: dict[int, tuple[str, frozenset[int]]] = {}

    def _made(
        self, step: Any, ins: list[tuple[int, int]], avals: Any, goes_on: bool
    ) -> list[tuple[int, int]]:
        several = {leaf for _, leaf in ins if leaf >= 0} | {ALL for _, x in ins if x == ALL}
        if (len(several) == 1 and ALL not in several and not goes_on) or not several:
            return super()._made(step, ins, avals, goes_on)
        name = step.eqn.primitive.name
        if name in FOLDS or name == "concatenate":
            runs: set[int] = set()
            for x, _ in ins:
                kind, inside = self._sets.get(x, ("", frozenset()))
                runs |= inside if kind == name else {x}
            out = self.number((name, frozenset(runs)))
            self._sets[out] = name, frozenset(runs)
            return [(out, ALL)]
        marks = tuple(x for x, _ in ins)
        if name in REDUCES and self._sets.get(marks[0], ("",))[0] == "concatenate":
            return [(self.number((name, marks)), ALL)]
        key = (name, tuple(self._params(step.eqn, avals, NONE)), marks)
        return [(self.number((key, k)), ALL) for k in range(len(step.outs))]
