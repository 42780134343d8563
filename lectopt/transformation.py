"""`Transformation`: an Optax gradient transformation that knows what it is made of.

Its `update` is Optax's: there is the one step counter, and the one place where the dtype of the
updates changes. Its `step` is what compositions call: the same on wide floats, told the count.
With `lifting`, which makes transformations from rules, and `compositions`, which makes them from
one another, this is all the machinery there is.
"""

import functools as ft
import html
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.look_ahead import take_gradients_as_given, warn_unless_asked
from lectopt.records import SLOT, Entries, check_state
from lectopt.trees import check_inexact, check_trained, dtype_of, widened
from lectopt.values import Value, call_text

State = dict[str, Any]
LAST = np.iinfo(np.int32).max - 1  # the counter stops there, so that the number of an update fits


class Context(NamedTuple):
    """What a member of a composition is told about the update in progress."""

    count: Any  # how many updates came before this one; None if nobody asked for it
    params: Any
    extra: Mapping[str, Any]
    t: Any = None  # the number of this update, from 1, where it is not count + 1

    def number(self) -> Any:
        """The number of this update, counted from 1 as in the bias corrections of the lectures."""
        return number_after(self.count) if self.t is None else self.t


def number_after(count: Any) -> Any:
    """`count + 1`, which stays at the end of int32 instead of going round."""
    return jnp.minimum(count, LAST) + 1


def _next(count: Any) -> Any:
    return jnp.minimum(count, LAST - 1) + 1


_increment = jax.jit(_next, inline=True)


class Transformation(Value, optax.GradientTransformationExtraArgs):
    """An Optax gradient transformation that knows what it is made of.

    `init(params)` and `update(updates, state, params, **extra)` are Optax's. In addition
    `repr(tx)` is the composition, `==` and `hash` compare structure and settings (equal optimizers
    passed as static arguments compile once), and `point` says where the gradient is wanted.

    The state is a plain dict with Optax's field names (`mu`, `nu`, `trace`), plus one `count` for
    the whole composition if anything in it depends on the step. Arithmetic and slots are at least
    float32; updates come back in the dtype of the gradient.

    Attributes:
      name: what makes it: `ema`, `chain`, ...
      settings: what it was made with.
      parts: the transformations it is made of.
      keys: the entries of the state record that it owns.
      counted: whether anything in it depends on the step.
      by_leaf: whether it is made of rules for one weight, and so is such a rule itself.
    """

    parts: tuple["Transformation", ...]
    keys: tuple[str, ...]
    counted: bool
    by_leaf: bool
    _fields_given: frozenset[str]

    def __init_subclass__(cls) -> None:
        jax.tree_util.register_static(cls)

    def __new__(cls, **fields: Any) -> Self:
        """Make one with these attributes."""
        # The two functions that Optax unpacks belong to a twin with the same attributes: those of
        # the transformation itself would make a circle, which only the garbage collector frees.
        twin = tuple.__new__(cls, (None, None))
        self = tuple.__new__(cls, (twin.init, twin.update))
        twin.__dict__.update(fields, _fields_given=frozenset(fields))
        self.__dict__ = twin.__dict__
        return self

    def __init__(self, **fields: Any) -> None:
        del fields

    def init(self, params: Any) -> State:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The first state, for parameters that may be abstract."""
        count = {"count": jnp.zeros([], jnp.int32)} if self.counted else {}
        return count | self.start(params)

    def update(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, updates: Any, state: State, params: Any = None, **extra: Any
    ) -> tuple[Any, State]:
        """The updates to add to the parameters, and the new state."""
        warn_unless_asked(self)
        check_state(state, self.all_entries)
        if params is not None:
            check_trained(updates, params)
        count = state["count"] if self.counted else None
        if count is not None and not isinstance(count, jax.Array):
            count = jnp.asarray(count)  # as a checkpoint may bring it back
        now = Context(count, params, extra)
        if self.by_leaf:  # one program then widens and narrows too
            check_inexact(updates, jax.tree.leaves(updates))
            out, new = self.step(updates, state, now)
        else:
            out, new = self.step(widened(updates), state, now)
            out = jax.tree.map(_narrowed, out, updates)
        return out, ({"count": _increment(count)} | new if self.counted else new)

    def point(self, params: Any, state: State) -> Any:
        """Where to take the gradient of the next update: `params`, but for look-ahead methods.

        The first update of one of these warns if nobody has asked it, or one that equals it: the
        loop then takes its gradients elsewhere.
        """
        if not self.looks_ahead:
            return params
        take_gradients_as_given(self)
        check_state(state, self.all_entries)
        return self.point_at(params, state, state.get("count"))

    @ft.cached_property
    def all_entries(self) -> Entries:
        """The entries of its state (`records`), the counter's too."""
        return dict(count=SLOT) | self.entries() if self.counted else self.entries()

    @property
    def members(self) -> tuple["Transformation", ...]:
        """The members of a chain in order, or the sides of a ratio or product."""
        return self.parts

    @property
    def last(self) -> bool:
        """Whether something in it reads off the updates what becomes of the parameters, so that
        nothing may change them afterwards."""
        return any(part.last for part in self.parts)

    @property
    def looks_ahead(self) -> bool:
        """Whether it wants the gradient anywhere but at the parameters."""
        return any(part.looks_ahead for part in self.parts)

    def entries(self) -> dict[str, Any]:
        """The entries of the state that it owns, as `records` writes them."""
        raise NotImplementedError

    def start(self, params: Any) -> State:
        """The entries of the state that it owns, before the first update."""
        raise NotImplementedError

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """One update of wide floats, and the new entries of the record `state`."""
        raise NotImplementedError

    def point_at(self, params: Any, state: State, count: Any) -> Any:
        """`point`, told the count."""
        raise NotImplementedError

    def _key(self) -> Any:
        return self._key_among({})

    def _key_among(self, seen: dict[int, int]) -> Any:
        """What tells it from others; `seen` numbers the moments that are shared by several
        members."""
        return (type(self).__name__, Value._key(self), *(p._key_among(seen) for p in self.parts))

    def _text(self, names: dict[int, str]) -> str:
        """How it prints; `names` are variables for the moments that are shared."""
        return call_text(self.name, [*(p._text(names) for p in self.parts), *self._given()])

    def __repr__(self) -> str:
        return self._text({})

    def _repr_html_(self) -> str:
        """For notebooks, in which long lines would be wrapped: the composition."""
        return f"<pre>{html.escape(repr(self))}</pre>"

    def __reduce__(self) -> Any:
        fields = {k: v for k, v in self.__dict__.items() if k in self._fields_given}
        return (_made, (type(self), fields))

    def __copy__(self) -> "Transformation":
        return self  # nothing in it can be changed

    def __deepcopy__(self, memo: Any) -> "Transformation":
        return self


jax.tree_util.register_static(Transformation)


def _made(cls: type[Transformation], fields: dict[str, Any]) -> Transformation:
    return cls(**fields)


def is_transformation(thing: Any) -> bool:
    """Whether it has what makes a gradient transformation, of whatever library."""
    return hasattr(thing, "init") and hasattr(thing, "update")


def _narrowed(out: Any, update: Any) -> Any:
    dtype = dtype_of(update)
    return out if dtype_of(out) == dtype else out.astype(dtype)
