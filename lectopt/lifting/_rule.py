"""`Rule`: a rule for one weight with its settings bound, which is a transformation."""

import functools as ft
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.lifting._maker import asked
from lectopt.programs import Apply, Settings, reference
from lectopt.records import SLOT, Place
from lectopt.segments import ByLeaf, Layout
from lectopt.transformation import State
from lectopt.trees import (
    dtype_of,
    is_inexact,
    is_none,
    leaves_like,
    or_else,
    wide_dtype,
)
from lectopt.values import Value, is_concrete, value_at

if TYPE_CHECKING:
    from lectopt.lifting._leafwise import Lifted


class Slots(dict[str, Any]):
    """Slots of one weight, read as attributes."""

    __getattr__ = dict.__getitem__


class Rule(ByLeaf):
    """A transformation that `leafwise` has made: one rule, its settings bound."""

    lifted: "Lifted"

    def replace(self, **settings: Any) -> "Rule":
        """The same rule with some settings changed."""
        return self.lifted.make({**self.settings, **settings}, self.defaults)

    @ft.cached_property
    def static(self) -> Settings:
        """See `Lifted.static`."""
        return self.lifted.static(self.settings)

    @ft.cached_property
    def given(self) -> list[str]:
        """See `Lifted.given`."""
        return self.lifted.given(self.static)

    @ft.cached_property
    def fixed(self) -> dict[str, Any] | None:
        """The settings that are numbers; None if some depend on the step."""
        numbers = self._numbers()
        return None if any(map(callable, numbers.values())) else numbers

    def numbers_at(self, count: Any) -> dict[str, Any]:
        """The settings that are numbers, at an update; schedules are called."""
        if self.fixed is not None:
            return self.fixed
        return {k: value_at(v, count) for k, v in self._numbers().items()}

    def _numbers(self) -> dict[str, Any]:
        own = {k: self.settings[k] for k in self.lifted.settings}
        return {k: _plain(v) for k, v in own.items() if not is_static(v)}

    def expression(self, layout: Layout, place: Place) -> Apply:
        """See `ByLeaf`."""
        return layout.add(
            self, Apply(reference(self.lifted), self.static, len(layout.rules)), place
        )

    def entries(self) -> dict[str, Any]:
        """See `Transformation`."""
        return dict.fromkeys(self.keys, SLOT)

    def start(self, params: Any) -> State:
        """One tree per slot, shaped, placed and sharded as the parameters; and the numbers."""
        firsts = {k: value_at(f, 0) for k, f in self._firsts().items()}
        dtypes = ft.cache(self.dtypes)
        shaped = any(map(callable, self.lifted.slots.values()))

        def first_of(slot: str, param: Any) -> Any:
            param = param if hasattr(param, "dtype") else jnp.asarray(param)
            shape = param.shape if shaped else (1, 1)
            dtype = dtypes(shape, dtype_of(param))[slot]
            if slot in firsts:
                return jnp.full_like(param, firsts[slot], dtype=dtype)
            first: Any = self.lifted.slots[slot]
            told = {k: value_at(v, 0) for k, v in asked(first, self.settings).items()}
            made = first(param, **told)
            return jax.tree.map(lambda x: jnp.asarray(x, dtype), made)

        kept = {k: jnp.full([], v, jnp.result_type(float)) for k, v in self.lifted.scalars.items()}
        return kept | {
            slot: jax.tree.map(ft.partial(first_of, slot), params) for slot in self.lifted.slots
        }

    def _firsts(self) -> dict[str, Any]:
        slots = {k: f for k, f in self.lifted.slots.items() if not callable(f)}
        return {k: self.settings[f] if isinstance(f, str) else f for k, f in slots.items()}

    def dtypes(self, shape: tuple[int, ...], dtype: Any) -> dict[str, Any]:
        """The dtype of each slot of a weight: at least float32, complex where the rule makes it so.

        With a real `state_dtype` none is complex: of complex weights the slots then keep the real
        part, and JAX warns.
        """
        given = np.dtype(self.settings.get("state_dtype") or wide_dtype(dtype))
        slots = self.lifted.slots
        dtypes = dict.fromkeys(slots, jnp.finfo(given).dtype)
        if not jnp.issubdtype(given, jnp.complexfloating):
            return dtypes
        weight = jax.ShapeDtypeStruct(shape, given)
        number = jax.ShapeDtypeStruct((), jnp.finfo(given).dtype)
        inputs = dict.fromkeys(self.given, number)
        own = {k: f for k, f in slots.items() if callable(f)}
        for _ in slots:  # a slot may turn complex because another one did
            shapes = {
                k: weight.update(dtype=wide_dtype(d))
                if k not in own
                else jax.eval_shape(lambda p, f=own[k]: f(p, **asked(f, self.settings)), weight)
                for k, d in dtypes.items()
            }
            _, new = jax.eval_shape(
                ft.partial(self.lifted.computed, self.static), weight, shapes, inputs, weight
            )
            dtypes = {
                k: given if any(map(jnp.iscomplexobj, jax.tree.leaves(new[k]))) else d
                for k, d in dtypes.items()
            }
        return dtypes

    @property
    def looks_ahead(self) -> bool:
        """See `Transformation`."""
        return self.lifted.at_point is not None

    def point_at(self, params: Any, state: State, count: Any) -> Any:
        """Where the rule wants the gradient, leaf by leaf."""
        at_point = self.lifted.at_point
        if at_point is None:
            return params
        numbers = dict(self.static) | self.numbers_at(count)

        def at(param: Any, *slots: Any) -> Any:
            own = Slots(zip(self.lifted.slots, slots, strict=True))
            where = at_point(param, own, **asked(at_point, numbers))
            return where.astype(dtype_of(param))

        moving = jax.tree.map(lambda p: p if is_inexact(dtype_of(p)) else None, params)
        leaves, treedef = jax.tree.flatten(moving, is_leaf=is_none)
        columns = [leaves_like(moving, state, slot) for slot in self.lifted.slots]
        rows = zip(leaves, *columns, strict=True)
        there = treedef.unflatten([None if row[0] is None else at(*row) for row in rows])
        return or_else(there, params)

    def _key_among(self, seen: dict[int, int]) -> Any:
        seen[id(self)] = seen[0] = seen.get(0, 0) + 1  # no object has the id 0
        return (*Value._key(self), self.lifted.key)

    def _text(self, names: dict[int, str]) -> str:
        text = super()._text(names)
        return f"({names[id(self)]} := {text})" if id(self) in names else text


def is_static(value: Any) -> bool:
    """Whether a setting shapes the program instead of being a number in it."""
    return value is None or isinstance(value, bool | str)


def _plain(number: Any) -> Any:
    """A number as Python's float: numbers of all kinds then have one program."""
    numeric = isinstance(number, int | float | np.generic | np.ndarray | jax.Array)
    if numeric and is_concrete(number) and np.ndim(number) == 0:
        return float(number)
    return number
