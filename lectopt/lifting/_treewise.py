"""`treewise`: from a rule for the whole tree to a transformation of pytrees."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lectopt.display import signature_of
from lectopt.lifting._inner import Inner
from lectopt.lifting._maker import asked, inputs_of, maker, settings_of
from lectopt.lifting._rule import Slots
from lectopt.records import SLOT
from lectopt.transformation import Context, State, Transformation, is_transformation
from lectopt.trees import missing_message, widened_copy
from lectopt.values import Importable, Value, value_at
from lectopt.wrapping import AnyTransformation, as_transformation

Slot = float | str | Callable[..., Any]
PARAMS = "params"  # of a slot: it starts as a copy of the parameters
TRANSFORMATIONS = (AnyTransformation, Transformation)
OWN = ("state", "params", "t", "count", "record")  # what is no extra argument of `update`


def treewise(
    point: Callable[..., Any] | None = None,
    check: Callable[..., Any] | None = None,
    counted: Callable[..., bool] | None = None,
    raw: Iterable[str] = (),
    beside: str | None = None,
    last: bool = False,
    **slots: Slot,
) -> Callable[[Callable[..., Any]], Callable[..., Transformation]]:
    """Lift a rule for the whole tree to a transformation.

    `rule(updates, state, params, t, value, ..., *, settings)` takes the tree of incoming updates
    and, as far as its signature names them, the old slots `state.slow`, ..., the parameters, the
    number `t` of the update (from 1), the `count` of those before, the `record` in which its slots
    stand beside those of other members, and extra keyword arguments of `update` such as `value`; an
    argument with a default may be missing, and `**extra` takes all of them. It returns the outgoing
    updates, and with slots also a dict of their new values. The keyword-only arguments of the rule
    are the arguments of the transformation, as in `leafwise`; schedules arrive as their values.

    A setting that is a transformation, of this library or Optax's, arrives as a function
    `inner(updates) -> (updates, state)`, an `Inner`; its state is kept under the argument's name,
    and the rule returns the new one with its slots.

    Args:
      point: `point(params, state, count, *, settings)`, where the rule wants the gradient; of
        transformations among the settings it may ask `inner.point(params)`. By default it is where
        the only transformation among them wants it, else at the parameters.
      check: `check(params, *, settings)`, called by `init`, for what fits no parameters.
      counted: a function of settings: whether the rule needs `t` or `count`, which it then may name
        without always needing a counter; without one they are None.
      raw: names of settings that are functions, and not schedules.
      beside: the transformation among the settings whose state stands beside the slots, and not
        under its name: what only watches or holds back another one then changes no checkpoint.
      last: whether the rule passes the updates on as they are and reads off them what becomes of
        the parameters, so that nothing after it in a chain may change them.
      **slots: for each slot its first value: a number, which is one number for the whole tree; the
        name of the setting that holds it; `"params"`, a copy of the parameters in wide floats; or a
        function of the parameters (and of settings, by name) to any tree.

    Returns:
      A decorator that makes the rule a function from settings to a `Transformation`.

    Example:
      >>> import jax
      >>> import jax.numpy as jnp
      >>> from lectopt import treewise
      >>> @treewise(largest=0.0)
      ... def scale_by_largest(updates, state):
      ...     now = jnp.max(jnp.stack([jnp.max(jnp.abs(u)) for u in jax.tree.leaves(updates)]))
      ...     largest = jnp.maximum(state.largest, now)
      ...     return jax.tree.map(lambda u: u / largest, updates), dict(largest=largest)
      >>> scale_by_largest()
      scale_by_largest()
    """

    def decorate(rule: Callable[..., Any]) -> Callable[..., Transformation]:
        lifted = Lifted(rule, slots, point, check, counted, frozenset(raw), beside, last)
        return maker(rule, lifted.arguments, (rule,), lifted)

    return decorate


class Lifted(Importable):
    """One rule for the whole tree, and all that is needed to run it."""

    def __init__(
        self,
        rule: Callable[..., Any],
        slots: Mapping[str, Slot],
        point: Callable[..., Any] | None,
        check: Callable[..., Any] | None,
        counted: Callable[..., bool] | None,
        raw: frozenset[str],
        beside: str | None,
        last: bool,
    ):
        self.rule, self.slots, self.at_point, self.check, self.raw = rule, slots, point, check, raw
        self.counted, self.last = counted, last
        self.name, self.beside = rule.__name__.removeprefix("_"), beside
        self.arguments = settings_of(rule)
        self.inner = {p.name for p in self.arguments if p.annotation in TRANSFORMATIONS}
        self.inputs = dict(list(inputs_of(rule).items())[1:])
        self.outside = [name for name in self.inputs if name not in OWN]
        self.takes_all = any(p.kind is p.VAR_KEYWORD for p in _parameters(rule))

    def make(self, values: dict[str, Any], defaults: Mapping[str, Any]) -> "TreeRule":
        """The transformation with these settings."""
        inner = {
            k: as_transformation(v)
            for k, v in values.items()
            if k in self.inner or is_transformation(v)
        }
        numbers = {k: v for k, v in values.items() if k not in inner and k not in self.raw}
        flat = inner[self.beside].keys if self.beside else ()
        keys = (*self.slots, *(k for k in inner if k != self.beside), *flat)
        if len({*keys}) < len(keys):
            raise ValueError(
                f"{self.name}: what is inside would keep its state under "
                f"{next(k for k in keys if keys.count(k) > 1)!r} too. Name that member with a "
                f"keyword, as in {self.name}(chain(clip_by_global_norm(1.0), inside=...))."
            )
        return TreeRule(
            lifted=self,
            name=self.name,
            settings=values | inner,
            defaults=defaults,
            inner=inner,
            parts=tuple(inner.values()),
            keys=keys,
            counted=self._needs_count(values)
            or any(map(callable, numbers.values()))
            or any(part.counted for part in inner.values()),
            by_leaf=False,
        )

    def _needs_count(self, values: Mapping[str, Any]) -> bool:
        if self.counted is not None:
            return self.counted(**asked(self.counted, values))
        return bool(self.inputs.keys() & {"t", "count"})


class TreeRule(Transformation):
    """A transformation that `treewise` has made: one rule, its settings bound."""

    lifted: Lifted
    inner: Mapping[str, Transformation]

    def entries(self) -> dict[str, Any]:
        """See `Transformation`."""
        inner = {name: tx.entries() for name, tx in self.inner.items()}
        return dict.fromkeys(self.lifted.slots, SLOT) | self._placed(inner)

    def start(self, params: Any) -> State:
        """The slots and the states of the transformations inside."""
        if self.lifted.check is not None:
            self.lifted.check(params, **asked(self.lifted.check, self.settings))
        own = {slot: self._first(first, params) for slot, first in self.lifted.slots.items()}
        inner = {name: tx.start(params) for name, tx in self.inner.items()}
        return own | self._placed(inner)

    def _placed(self, inner: Mapping[str, State]) -> State:
        """The states of the transformations inside, where they stand."""
        named = {k: record for k, record in inner.items() if record and k != self.lifted.beside}
        return named | dict(inner.get(self.lifted.beside or "", {}))

    def _first(self, first: Slot, params: Any) -> Any:
        if first == PARAMS:
            return jax.tree.map(widened_copy, params)
        if callable(first):
            told = asked(first, self.settings)
            fixed = {*self.inner, *self.lifted.raw}
            return first(
                params, **{k: v if k in fixed else value_at(v, 0) for k, v in told.items()}
            )
        number = value_at(self.settings[first], 0) if isinstance(first, str) else first
        return jnp.full([], number, jnp.int32 if type(number) is int else jnp.result_type(float))

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """Run the rule."""
        old = {slot: state[slot] for slot in self.lifted.slots}
        wide = jax.tree.map(_wide, old)
        told: dict[str, Any] = dict(
            state=Slots(wide), params=now.params, count=now.count, record=state
        )
        if "t" in self.lifted.inputs:
            told["t"] = now.number() if self.counted else None
        self._check(now.extra)
        if "params" in self.lifted.inputs and now.params is None and self.lifted.inputs["params"]:
            raise ValueError(
                f"{self.name} needs the parameters. Write tx.update(grads, state, params)."
            )
        known = {**now.extra, **told}
        given = {k: known[k] for k in self.lifted.inputs if k in known}
        extra = dict(now.extra) if self.lifted.takes_all else {}
        settings = self._settings(state, now, now.count)
        result = self.lifted.rule(updates, **{**extra, **given}, **settings)
        if not self.keys:
            return result, {}
        out, new = result
        for name in self.inner:
            if settings[name].record and name not in new:
                raise ValueError(
                    f"{self.name} does not return the state of {name}. Write updates, after = "
                    f"{name}(updates) and return updates, dict(..., {name}=after)."
                )
        kept = {slot: _as_before(old[slot], new[slot]) for slot in self.lifted.slots}
        return out, kept | self._placed({k: new[k] for k in self.inner if k in new})

    def _settings(self, state: State, now: Context, count: Any) -> dict[str, Any]:
        fixed = {*self.inner, *self.lifted.raw}
        numbers = {k: v if k in fixed else value_at(v, count) for k, v in self.settings.items()}
        records = {k: state.get(k, {}) for k in self.inner}
        if self.lifted.beside:
            keys = self.inner[self.lifted.beside].keys
            records[self.lifted.beside] = {k: state[k] for k in keys if k in state}
        return numbers | {k: Inner(tx, records[k], now) for k, tx in self.inner.items()}

    def _check(self, extra: Mapping[str, Any]) -> None:
        missing = [
            name for name in self.lifted.outside if self.lifted.inputs[name] and name not in extra
        ]
        if missing:
            wanted = [name for name in self.lifted.outside if self.lifted.inputs[name]]
            raise TypeError(missing_message(self.name, missing, wanted))

    @property
    def last(self) -> bool:
        """See `Transformation`."""
        return self.lifted.last or super().last

    @property
    def looks_ahead(self) -> bool:
        """See `Transformation`."""
        inside = any(part.looks_ahead for part in self.parts)
        return inside and (self.lifted.at_point is not None or len(self.parts) == 1)

    def point_at(self, params: Any, state: State, count: Any) -> Any:
        """See `Transformation`."""
        told = self._settings(state, Context(count, params, {}), count)
        if self.lifted.at_point is None:
            (inner,) = self.inner
            return told[inner].point(params)
        slots = Slots({slot: state[slot] for slot in self.lifted.slots})
        return self.lifted.at_point(params, slots, count, **asked(self.lifted.at_point, told))

    def _key_among(self, seen: dict[int, int]) -> Any:
        return (*Value._key(self), self.lifted.key)

    def _text(self, names: dict[int, str]) -> str:
        return Value.__repr__(self)


def _wide(entry: Any) -> Any:
    """An entry of a state as the rule sees it: as other floats are computed with, and no NumPy
    array, as which a checkpoint may bring it back."""
    array = jnp.asarray(entry)
    narrow = jnp.issubdtype(array.dtype, jnp.floating) and array.dtype.itemsize < 4
    return array.astype(jnp.float32) if narrow else array


def _as_before(old: Any, new: Any) -> Any:
    return jax.tree.map(lambda o, n: jnp.asarray(n, o.dtype), old, new)


def _parameters(function: Callable[..., Any]) -> Iterable[Any]:
    return signature_of(function).parameters.values()
