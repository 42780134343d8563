"""A composition of rules for one weight, on a tree: leaves are gathered, run and put back."""

import functools as ft
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from lectopt.programs import Apply, Expression, InTurn, Program, program_of
from lectopt.records import Place
from lectopt.transformation import Context, State, Transformation
from lectopt.trees import Tree, is_none, misfit_message, missing_message
from lectopt.values import is_concrete

CONFIG: Any = jax.config  # whose flags JAX does not declare in every version

if TYPE_CHECKING:
    from lectopt.lifting._rule import Rule

Change = Callable[[Transformation], Transformation]


class Layout:
    """The rules and masks of a composition, numbered, and where each keeps its state."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.applied: list[Apply] = []
        self.places: list[Place] = []
        self.masks: list[Any] = []

    def add(self, rule: "Rule", apply: Apply, place: Place) -> Apply:
        """Give a rule its number."""
        self.rules.append(rule)
        self.applied.append(apply)
        self.places.append(place)
        return apply

    def index(self, rule: "Rule") -> int:
        """The number of a rule where it was met last."""
        return max(k for k, other in enumerate(self.rules) if other is rule)


class ByLeaf(Transformation):
    """What is made of rules for one weight alone, and can be run as one program per kind of
    leaf."""

    def expression(self, layout: Layout, place: Place) -> Expression:
        """What is done with one leaf; rules are numbered in `layout`, `place` is where the records
        of this member stand."""
        raise NotImplementedError

    def mapped(self, change: Change) -> Transformation:
        """The same composition of changed members."""
        raise NotImplementedError

    @ft.cached_property
    def segment(self) -> "Segment":
        """This composition by itself."""
        return Segment((self,))

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """See `Transformation`."""
        return self.segment.step(updates, state, now)


def as_by_leaf(part: Transformation) -> ByLeaf:
    """A member of what is made of rules for one weight, which is so itself."""
    assert isinstance(part, ByLeaf) and part.by_leaf
    return part


class Segment:
    """Compositions of rules for one weight, one after another."""

    def __init__(self, members: Sequence[ByLeaf]):
        layout = Layout()
        parts = tuple(member.expression(layout, ()) for member in members)
        self.layout, rules = layout, layout.rules
        expression = parts[0] if len(parts) == 1 else InTurn(parts)
        self.program: Program = program_of(expression, layout.applied)
        self.wants_param = any(rule.lifted.wants_param for rule in rules)
        self.outside = {name: rule for rule in rules for name in rule.lifted.outside}
        told = [bool(rule.lifted.once) or rule.lifted.wants_count for rule in rules]
        self.plain = not any(told) and not self.outside
        self.keeps = any(rule.lifted.scalars for rule in rules)
        self.nothing: tuple[Any, ...] = ({},) * len(rules)
        self.constants: dict[bool, Any] = {}
        self.slots = [
            (place, rule, slot)
            for place, rule in zip(layout.places, rules, strict=True)
            for slot in rule.lifted.slots
        ]

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """Run the program on every leaf; one that is None is left alone, and its slots too.

        Updates come out in the dtype in which they came in, arithmetic is done in a wide one.
        """
        tree = Tree(updates)
        leaves = list(tree.leaves)
        columns = [self._column(tree, state, *slot) for slot in self.slots]
        params = self._params(tree, now)
        # In a program that is being traced, numbers are made values of it once, not for every leaf.
        traced = any(isinstance(g, Tracer) for g in leaves[:1])
        inputs, kept = self._numbers(state, now, traced)
        masks = self._masks(updates, now.params, len(leaves))
        for block in _blocks(leaves, masks) if traced else [[i] for i in range(len(leaves))]:
            if leaves[block[0]] is None:
                continue
            rows = [(leaves[i], params[i], tuple([column[i] for column in columns])) for i in block]
            run = self.program.leaf(masks[block[0]] if masks else (), len(rows) > 1)
            results = run(tuple(rows), inputs) if len(rows) > 1 else [run(*rows[0], inputs)]
            for i, (out, new) in zip(block, results, strict=True):
                leaves[i] = out
                for column, value in zip(columns, new, strict=True):
                    column[i] = value
        record: State = {}
        for (place, _, slot), column in zip(self.slots, columns, strict=True):
            _put(record, (*place, slot), tree.treedef.unflatten(column))
        for place, numbers in zip(self.layout.places, kept, strict=True):
            for name, number in numbers.items():
                _put(record, (*place, name), number)
        return tree.treedef.unflatten(leaves), record

    def _column(self, tree: Tree, state: State, place: Place, rule: "Rule", slot: str) -> list[Any]:
        shaped = not callable(rule.lifted.slots[slot])
        masked = bool(self.layout.masks)
        return tree.like(_record(state, place), slot, shaped, may_lack=masked)

    def _params(self, tree: Tree, now: Context) -> Sequence[Any]:
        if now.params is not None:  # a mismatch is told here, not by whoever adds the update
            params = tree.like({"params": now.params}, "params")
            return params if self.wants_param else [None] * len(params)
        if self.wants_param:
            asking = next(rule for rule in self.layout.rules if rule.lifted.wants_param)
            raise ValueError(
                f"{asking.name} needs the parameters. Write tx.update(grads, state, params)."
            )
        return [None] * len(tree.leaves)

    def _numbers(self, state: State, now: Context, traced: bool) -> tuple[Any, Any]:
        """What each rule is given besides its leaf, and the numbers that it keeps."""
        rules = self.layout.rules
        constants = None if traced else self._constants()
        settings = constants or tuple(rule.numbers_at(now.count) for rule in rules)
        if self.plain and not traced:
            given = [
                tuple(own[name] for name in rule.given)
                for rule, own in zip(rules, settings, strict=True)
            ]
            return tuple(given), self.nothing
        missing = [name for name in self.outside if now.extra.get(name) is None]
        if missing:
            who = self.outside[missing[0]]
            raise TypeError(missing_message(who.name, missing[:1], who.lifted.outside))
        extra = {name: now.extra[name] for name in self.outside}
        kept = self.nothing
        if self.keeps:
            kept = tuple(
                {name: _record(state, place)[name] for name in rule.lifted.scalars}
                for place, rule in zip(self.layout.places, rules, strict=True)
            )
        return self.program.numbers(now.count, now.t, settings, kept, extra)

    def _constants(self) -> tuple[dict[str, Any], ...] | None:
        """The settings as arrays, which cost less to pass than numbers do; None if some change."""
        wide = CONFIG.jax_enable_x64
        if wide not in self.constants:
            known = [rule.fixed for rule in self.layout.rules]
            fixed = all(own is not None and all(map(is_concrete, own.values())) for own in known)
            with jax.ensure_compile_time_eval():
                arrays = tuple(jax.tree.map(_array, own) for own in known) if fixed else None
            self.constants[wide] = arrays
        return self.constants[wide]

    def _masks(self, updates: Any, params: Any, count: int) -> list[tuple[bool, ...]]:
        """For every leaf, which masks pick it."""
        if not self.layout.masks:
            return []
        columns = [picks(mask, updates, params) for mask in self.layout.masks]
        return list(zip(*columns, strict=True)) if count else []


def _blocks(leaves: Sequence[Any], masks: Sequence[Any]) -> list[list[int]]:
    """The places of the leaves, those of one kind together in blocks.

    A call costs much more to trace and to lower than what is inside it.
    """
    kinds: dict[Any, list[int]] = {}
    for i, leaf in enumerate(leaves):
        kind = None if leaf is None else jax.typeof(leaf)
        kinds.setdefault((kind, masks[i] if masks else ()), []).append(i)
    blocks: list[list[int]] = []
    for places in kinds.values():
        size = _block_size(len(places))
        whole = len(places) - len(places) % size
        blocks += [places[k : k + size] for k in range(0, whole, size)]
        blocks += [[i] for i in places[whole:]]
    return blocks


@ft.cache
def _block_size(count: int) -> int:
    """How many of `count` leaves of one kind to update in one call, so that the calls are fewest:
    those inside the function of a block, those of it, and those of the leaves that remain."""
    sizes = range(2, math.isqrt(4 * count) + 1)
    return min(sizes, key=lambda n: n + count // n + count % n) if count > 4 else 1


def picks(mask: Any, updates: Any, params: Any) -> list[bool]:
    """For every leaf of `updates`, those that are None included, whether a mask picks it.

    Args:
      mask: a tree of booleans, or a prefix of one, or a function of the parameters to such a tree.
      updates: the gradients.
      params: the parameters, or None; the function is then called with the gradients.

    Raises:
      ValueError: the mask holds something else, or does not fit.
    """
    tree = mask(updates if params is None else params) if is_function(mask) else mask
    found: list[bool] = []

    def pick(yes: Any, part: Any) -> None:
        if yes is not None and getattr(yes, "dtype", type(yes)) not in (bool, np.dtype(bool)):
            raise ValueError(
                f"A mask holds True or False for every leaf; got {yes!r}. Write for example "
                "mask=lambda params: jax.tree.map(lambda p: p.ndim > 1, params)."
            )
        found.extend([bool(yes)] * len(jax.tree.leaves(part, is_leaf=is_none)))

    try:
        jax.tree.map(pick, tree, updates, is_leaf=is_none)
    except ValueError as error:
        if "A mask" in str(error):
            raise
        raise ValueError(misfit_message(mask, tree, updates)) from None
    return found


def is_function(mask: Any) -> bool:
    """Whether a mask is a function of the parameters: what is itself a tree of booleans is not,
    even if it can be called, as modules can."""
    return callable(mask) and jax.tree_util.all_leaves([mask])


def _array(number: Any) -> Any:
    return jnp.asarray(number, float) if isinstance(number, float) else jnp.asarray(number)


def _record(state: State, place: Place) -> State:
    for name in place:
        state = state[name]
    return state


def _put(record: State, path: Place, value: Any) -> None:
    *around, name = path
    for key in around:
        record = record.setdefault(key, {})
    record[name] = value
