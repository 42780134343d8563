"""One program per kind of leaf: how a composition of rules for one weight is run on a tree.

A composition of such rules is again a rule for one weight. It is traced and lowered once for every
kind of leaf (shape, dtype), and called for each leaf; its settings are arguments. What the program
does is written as an `Expression`, which holds no setting that is a number and keeps no rule alive:
compositions with equal expressions share their programs, and a rule that nobody has any more
takes its programs with it.
"""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax

from lectopt.transformation import number_after
from lectopt.trees import dtype_of

Settings = tuple[tuple[str, Any], ...]


@dataclass
class Leaf:
    """One leaf in the middle of its update, while the program is traced.

    The lists have an entry for every rule: its slots, and by name the numbers that it asks for.
    """

    param: Any
    slots: list[dict[str, Any]]
    inputs: list[dict[str, Any]]
    masks: tuple[bool, ...]
    outs: dict[int, tuple[Any, Any]] = field(default_factory=dict)  # (what went in, what came out)


class Expression:
    """What is done with one leaf: `run` takes the incoming update and gives the outgoing one."""

    def run(self, g: Any, leaf: Leaf) -> Any:
        """The outgoing update; new slots are written into `leaf`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Apply(Expression):
    """A rule, the number `index` in its composition, with its settings that are no numbers."""

    rule: Any  # a weak reference to what `leafwise` has made of a function
    static: Settings
    index: int

    def run(self, g: Any, leaf: Leaf) -> Any:
        """See `Expression`."""
        out, leaf.slots[self.index] = self.rule().run(
            self.static, g, leaf.slots[self.index], leaf.inputs[self.index], leaf.param
        )
        leaf.outs[self.index] = g, out
        return out


@dataclass(frozen=True)
class Again(Expression):
    """What a rule that other members share has made of the same update."""

    index: int

    def run(self, g: Any, leaf: Leaf) -> Any:
        """See `Expression`."""
        before, out = leaf.outs.get(self.index, (None, None))
        if before is not g:
            raise ValueError(
                "A moment that several members share must be given the same update by all of them, "
                "of every leaf. Write a second one, as in ratio(ema(0.9), root(chain(clip, "
                "ema(0.9))))."
            )
        return out


@dataclass(frozen=True)
class InTurn(Expression):
    """One after another."""

    parts: tuple[Expression, ...]

    def run(self, g: Any, leaf: Leaf) -> Any:
        """See `Expression`."""
        for part in self.parts:
            g = part.run(g, leaf)
        return g


@dataclass(frozen=True)
class SideBySide(Expression):
    """All of the same update, combined."""

    combine: Any  # a reference to a function of the outputs
    parts: tuple[Expression, ...]

    def run(self, g: Any, leaf: Leaf) -> Any:
        """See `Expression`."""
        return self.combine()(*(part.run(g, leaf) for part in self.parts))


@dataclass(frozen=True)
class Only(Expression):
    """Only on the leaves that the mask number `index` picks."""

    index: int
    part: Expression

    def run(self, g: Any, leaf: Leaf) -> Any:
        """See `Expression`."""
        return self.part.run(g, leaf) if leaf.masks[self.index] else g


@dataclass(frozen=True)
class _Strong:
    """A reference to what allows no weak ones."""

    thing: Any

    def __call__(self) -> Any:
        return self.thing


def reference(thing: Any) -> Callable[[], Any]:
    """A weak reference, which equals others to the same thing."""
    try:
        return weakref.ref(thing)
    except TypeError:
        return _Strong(thing)


class Program:
    """The programs of an expression: one for every kind of leaf, and one for the numbers.

    Args:
      expression: what is done with a leaf.
      rules: the rules by their indices, with their settings that are no numbers.
    """

    def __init__(self, expression: Expression, rules: Sequence[Apply]):
        self.expression, self.rules = expression, tuple(rules)
        self.leaves: dict[tuple[tuple[bool, ...], bool], Callable[..., Any]] = {}
        # Dissolved into the caller's program: that is what depends on the step alone.
        self.numbers = jax.jit(self._numbers, inline=True)

    def leaf(self, masks: tuple[bool, ...], block: bool = False) -> Callable[..., Any]:
        """`(g, param, slots, inputs) -> (update, new slots)`, compiled for each kind of leaf; as a
        `block` the same of several, `(rows, inputs) -> results`."""
        if (masks, block) not in self.leaves:
            made = _each(self.leaf(masks)) if block else self._leaf(masks)
            self.leaves[masks, block] = jax.jit(made)
        return self.leaves[masks, block]

    def _leaf(self, masks: tuple[bool, ...]) -> Callable[..., Any]:
        sizes = [len(r.rule().slots) for r in self.rules]

        def named(values: Any, names: Sequence[str]) -> dict[str, Any]:
            return dict(zip(names, values, strict=True))

        def leaf(g: Any, param: Any, slots: Any, inputs: Any) -> Any:
            this = Leaf(
                param,
                [named(own, r.rule().slots) for r, own in self._with(_cut(slots, sizes))],
                [named(own, r.rule().given(r.static)) for r, own in self._with(inputs)],
                masks,
            )
            out = self.expression.run(g, this).astype(dtype_of(g))
            return out, tuple(x for own in this.slots for x in own.values())

        return leaf

    def _numbers(self, count: Any, t: Any, settings: Any, kept: Any, extra: Any) -> Any:
        """What every rule is given besides its leaf, and the new numbers that it keeps.

        Args:
          count: updates before this one, or None.
          t: the number of this update, or None for `count + 1`.
          settings: for each rule, by name.
          kept: for each rule the numbers that it keeps for the whole tree, by name.
          extra: arguments of `update` that some rule asks for, by name.
        """
        t = number_after(count) if t is None and count is not None else t
        results = [
            r.rule().advance(r.static, own, old, dict(count=count, t=t) | extra)
            for (r, own), old in zip(self._with(settings), kept, strict=True)
        ]
        return tuple(x for x, _ in results), tuple(new for _, new in results)

    def _with(self, columns: Sequence[Any]) -> Any:
        return zip(self.rules, columns, strict=True)


def _each(leaf: Callable[..., Any]) -> Callable[..., Any]:
    def leaves(rows: Any, inputs: Any) -> Any:
        return [leaf(*row, inputs) for row in rows]

    return leaves


def _cut(flat: Sequence[Any], sizes: Sequence[int]) -> list[Sequence[Any]]:
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
    return [flat[end - size : end] for end, size in zip(ends, sizes, strict=True)]


_PROGRAMS: dict[Expression, Program] = {}


def program_of(expression: Expression, rules: Sequence[Apply]) -> Program:
    """The programs of an expression, made when it is first seen."""
    if expression not in _PROGRAMS:
        _PROGRAMS[expression] = Program(expression, rules)
        for apply in rules:
            weakref.finalize(apply.rule(), _PROGRAMS.pop, expression, None).atexit = False
    return _PROGRAMS[expression]
