"""What stands around one member: a name of its own, a mask, the shell of one of Optax."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from lectopt.programs import Expression, Only
from lectopt.records import MAY_BE, Place, under, wrong_state_message
from lectopt.segments import ByLeaf, Change, Layout, as_by_leaf, picks
from lectopt.transformation import Context, State, Transformation, is_transformation
from lectopt.trees import dtype_of, is_inexact, is_none, or_else, wide_dtype
from lectopt.values import shown

AnyTransformation = optax.GradientTransformation


class Named(ByLeaf):
    """A member that keeps its state under a name of its own."""

    def expression(self, layout: Layout, place: Place) -> Expression:
        """See `ByLeaf`."""
        return as_by_leaf(self.parts[0]).expression(layout, (*place, *self.keys))

    @classmethod
    def of(cls, key: str, part: Transformation) -> "Named":
        """`part` under the name `key`.

        Raises:
          ValueError: the name is that of the counter.
        """
        if key == "count":
            raise ValueError("The name 'count' belongs to the step counter. Write another keyword.")
        return cls(
            name=part.name, settings={}, parts=(part,), keys=(key,), counted=part.counted,
            by_leaf=part.by_leaf,
        )  # fmt: skip

    def mapped(self, change: Change) -> "Named":
        """See `ByLeaf`."""
        return Named.of(self.keys[0], change(self.parts[0]))

    def entries(self) -> dict[str, Any]:
        """See `Transformation`."""
        return under(self.keys[0], self.parts[0].entries())

    def start(self, params: Any) -> State:
        """See `Transformation`."""
        return under(self.keys[0], self.parts[0].start(params))

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """See `Transformation`."""
        if self.by_leaf:
            return self.segment.step(updates, state, now)
        updates, entry = self.parts[0].step(updates, state.get(self.keys[0], {}), now)
        return updates, under(self.keys[0], entry)

    def point_at(self, params: Any, state: State, count: Any) -> Any:
        """See `Transformation`."""
        return self.parts[0].point_at(params, state.get(self.keys[0], {}), count)

    def _key_among(self, seen: dict[int, int]) -> Any:
        return ("named", self.keys, self.parts[0]._key_among(seen))

    def _text(self, names: dict[int, str]) -> str:
        return f"{self.keys[0]}={self.parts[0]._text(names)}"


class Masked(ByLeaf):
    """A transformation of the leaves that a mask picks; the others stay as they are."""

    mask: Any

    @classmethod
    def of(cls, part: Transformation, mask: Any) -> "Masked":
        """`part` on the leaves that `mask` picks."""
        return cls(
            name="masked", settings=dict(mask=mask), mask=mask, parts=(part,), keys=part.keys,
            counted=part.counted, by_leaf=part.by_leaf,
        )  # fmt: skip

    def mapped(self, change: Change) -> "Masked":
        """See `ByLeaf`."""
        return Masked.of(change(self.parts[0]), self.mask)

    def expression(self, layout: Layout, place: Place) -> Expression:
        """See `ByLeaf`."""
        layout.masks.append(self.mask)
        return Only(len(layout.masks) - 1, as_by_leaf(self.parts[0]).expression(layout, place))

    def entries(self) -> dict[str, Any]:
        """See `Transformation`."""
        return self.parts[0].entries()

    def start(self, params: Any) -> State:
        """The state, with None for the leaves that are left out."""
        return self.parts[0].start(self._picked(params, params))

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """See `Transformation`."""
        if self.by_leaf:
            return self.segment.step(updates, state, now)
        picked = self._picked(updates, now.params)
        if now.params is not None:
            now = now._replace(params=self._picked(now.params, now.params))
        out, new = self.parts[0].step(picked, state, now)
        return or_else(out, updates), new

    def point_at(self, params: Any, state: State, count: Any) -> Any:
        """See `Transformation`."""
        where = self.parts[0].point_at(self._picked(params, params), state, count)
        return or_else(where, params)

    def _picked(self, tree: Any, params: Any) -> Any:
        leaves, treedef = jax.tree.flatten(tree, is_leaf=is_none)
        pairs = zip(leaves, picks(self.mask, tree, params), strict=True)
        return treedef.unflatten([leaf if yes else None for leaf, yes in pairs])


class Foreign(Transformation):
    """An Optax transformation, its state under its name."""

    foreign: Any

    @classmethod
    def of(cls, tx: AnyTransformation) -> "Foreign":
        """`tx` as a member."""
        function: Any = tx.update
        home = getattr(function, "__module__", type(tx).__module__).split(".")[0]
        name = getattr(function, "__qualname__", type(tx).__name__).split(".")[0]
        return cls(
            name=f"{home}.{name}",
            settings={},
            foreign=tx,
            parts=(),
            keys=(f"{home}_{name}",),
            counted=False,
            by_leaf=False,
        )

    def entries(self) -> dict[str, Any]:
        """See `Transformation`."""
        return {self.keys[0]: MAY_BE}

    def start(self, params: Any) -> State:
        """See `Transformation`."""
        entry = self.foreign.init(_wide(params))
        return {} if isinstance(entry, optax.EmptyState) else {self.keys[0]: entry}

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """See `Transformation`."""
        tx, key = optax.with_extra_args_support(self.foreign), self.keys[0]
        entry = state.get(key, optax.EmptyState())
        if key not in state and self.start(updates if now.params is None else now.params):
            raise ValueError(wrong_state_message(f"it lacks {key!r}"))
        params = None if now.params is None else _wide(now.params)
        updates, entry = tx.update(updates, entry, params, **now.extra)
        return updates, ({key: entry} if key in state else {})

    def _key_among(self, seen: dict[int, int]) -> Any:
        return (self.name, self.foreign)

    def _text(self, names: dict[int, str]) -> str:
        return f"{self.name}(...)"


def as_transformation(member: AnyTransformation) -> Transformation:
    """A member of a composition: a transformation of this library, or one of Optax in its shell.

    Raises:
      TypeError: `member` is not a gradient transformation.
    """
    if isinstance(member, Transformation):
        return member
    if not is_transformation(member):
        raise TypeError(f"Expected a gradient transformation, got {_mistaken(member)}")
    return Foreign.of(member)


def _mistaken(member: Any) -> str:
    """What stands in the place of a transformation, and what to write."""
    if isinstance(member, list | tuple):
        return (
            f"the {type(member).__name__} {shown(member)}. Leave the brackets out, and write for "
            "example chain(ema(0.9), sgd(0.1)); or write chain(*members)."
        )
    if callable(member):
        name = getattr(member, "__name__", type(member).__name__)
        return f"the function {name}, and not what it returns. Write {name}(...)."
    return f"{shown(member)}. Write for example ema(0.9)."


def _wide(params: Any) -> Any:
    """Parameters as wide as the updates a foreign member gets: its state then keeps its dtype. What
    can have no gradient is None among both."""

    def wide(leaf: Any) -> Any:
        dtype = dtype_of(leaf)
        if not is_inexact(dtype):
            return None
        if isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf.update(dtype=wide_dtype(dtype))
        return jnp.asarray(leaf, wide_dtype(dtype))

    return jax.tree.map(wide, params)
