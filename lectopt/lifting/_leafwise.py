"""`leafwise`: from a rule for one weight to a transformation of pytrees."""

import functools as ft
import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.lifting._maker import asked, inputs_of, maker, settings_of
from lectopt.lifting._rule import Rule, Slots, is_static
from lectopt.programs import Settings
from lectopt.transformation import Transformation
from lectopt.trees import dtype_of, wide_dtype
from lectopt.values import Importable

Slot = float | str | Callable[..., Any]
NONE: Mapping[str, Any] = types.MappingProxyType({})
STATE_DTYPE = inspect.Parameter(
    "state_dtype", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Any
)


def leafwise(
    point: Callable[..., Any] | None = None,
    once: Mapping[str, Callable[..., Any]] = NONE,
    known: Mapping[str, Callable[..., Any]] = NONE,
    numbers: Mapping[str, float] = NONE,
    **slots: Slot,
) -> Callable[[Callable[..., Any]], Callable[..., Transformation]]:
    """Lift a rule for one weight to a transformation of pytrees.

    `rule(g, state, t, param, ..., *, settings)` takes the incoming update `g` and, as far as its
    signature names them, the old slots `state.mu`, ..., the number `t` of the update (from 1), the
    weight `param`, and extra keyword arguments of `update` such as `value`. It returns the
    outgoing update, and with slots also a dict of their new values. The keyword-only arguments of
    the rule are the arguments of the transformation, checked against their annotations
    (`lectopt.settings`); a transformation with slots also takes `state_dtype`, by default float32
    or wider.

    Args:
      point: `point(param, state, *, settings)`, where the rule wants the gradient, if not at
        `param`.
      once: what does not depend on the weight, computed once for all leaves: functions by the name
        under which the rule asks for their results. They ask by name for `t`, `count`, extra
        arguments, the old `numbers`, and settings; the keyword-only ones are arguments of the
        transformation too.
      known: functions of the settings, by name, to what is to be known when the program is made: a
        bool or a word. The rule asks for them by name.
      numbers: numbers that are kept once for the whole tree, with their first values; the function
        of that name in `once` gives the next.
      **slots: for each slot its first value: a number; or the name of the setting that holds it; or
        for a slot that is not shaped like the weights a function of the parameter, an array (and of
        settings, by name; its keyword-only ones are arguments of the transformation too), to an
        array, a tree of arrays, or None.

    Returns:
      A decorator that makes the rule a function from settings to a `Transformation`.

    Example:
      >>> from lectopt import leafwise
      >>> @leafwise(total=0.0)
      ... def mean_so_far(g, state, t):
      ...     total = state.total + g
      ...     return total / t, dict(total=total)
      >>> mean_so_far()
      mean_so_far()
    """

    def decorate(rule: Callable[..., Any]) -> Callable[..., Transformation]:
        lifted = Lifted(rule, slots, point, once, known, numbers)
        return maker(rule, lifted.arguments, (*lifted.helpers, rule), lifted)

    return decorate


class Lifted(Importable):
    """One rule for one weight, and all that is needed to run it on a leaf."""

    def __init__(
        self,
        rule: Callable[..., Any],
        slots: Mapping[str, Slot],
        point: Callable[..., Any] | None,
        once: Mapping[str, Callable[..., Any]],
        known: Mapping[str, Callable[..., Any]],
        numbers: Mapping[str, float],
    ):
        self.rule, self.slots, self.at_point = rule, slots, point
        self.once, self.known, self.scalars = dict(once), dict(known), dict(numbers)
        self.name = rule.__name__.removeprefix("_")
        self.helpers = [*once.values(), *(f for f in slots.values() if callable(f))]
        arguments = settings_of(rule, self.helpers)
        self.own = [p.name for p in settings_of(rule)]
        self.settings = [p.name for p in arguments]
        self.inputs = list(inputs_of(rule))[1:]
        asks = {*self.inputs, *(name for f in once.values() for name in inputs_of(f))}
        self.wants_param, self.wants_count = "param" in asks, bool(asks & {"t", "count"})
        made = {"state", "t", "count", "param", *known, *once, *numbers, *self.settings}
        self.outside = sorted(asks - made)  # extra arguments of `update`
        self.arguments = arguments + [STATE_DTYPE] * bool(slots)

    def make(self, values: dict[str, Any], defaults: Mapping[str, Any]) -> "Rule":
        """The transformation with these settings."""
        return Rule(
            lifted=self,
            name=self.name,
            settings=values,
            defaults=defaults,
            parts=(),
            keys=(*self.scalars, *self.slots),
            counted=self.wants_count or any(map(callable, values.values())),
            by_leaf=True,
        )

    def static(self, values: Mapping[str, Any]) -> Settings:
        """Settings that shape the program, and what is to be known when it is made."""
        shaping = [(k, values[k]) for k in self.settings if is_static(values[k])]
        facts = [(k, fact(**asked(fact, values))) for k, fact in self.known.items()]
        return (*shaping, *facts)

    def given(self, static: Settings) -> list[str]:
        """What the rule is given by name when it runs, in the order of `advance`."""
        fixed = dict(static)
        inputs = [k for k in self.inputs if k not in ("state", "param") and k not in fixed]
        return [k for k in self.own if k not in fixed] + inputs

    def advance(
        self, static: Settings, numbers: Mapping[str, Any], kept: Mapping[str, Any], told: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What the rule is given, and the numbers that are kept."""
        real = jnp.result_type(float)
        known = dict(static) | {k: jnp.asarray(v, real) for k, v in numbers.items()} | told
        if self.wants_count and known["t"] is not None:
            known["t"] = jnp.asarray(known["t"], real)
        old = {name: jnp.asarray(x) for name, x in kept.items()}
        with jax.named_scope(self.name):
            found = {name: f(**asked(f, known | old)) for name, f in self.once.items()}
        kept = {name: jnp.asarray(found[name], x.dtype) for name, x in old.items()}
        return tuple((known | found)[name] for name in self.given(static)), kept

    def run(
        self, static: Settings, g: Any, slots: dict[str, Any], inputs: dict[str, Any], param: Any
    ) -> tuple[Any, dict[str, Any]]:
        """The rule in one wide dtype; real numbers stay real beside complex weights."""
        out, new = self.computed(static, g, slots, inputs, param)
        return out, {k: _like(slots[k], new[k]) for k in slots}

    def computed(
        self, static: Settings, g: Any, slots: dict[str, Any], inputs: dict[str, Any], param: Any
    ) -> tuple[Any, dict[str, Any]]:
        """What `run` gives, the new slots as the rule has made them."""
        dtypes = [wide_dtype(dtype_of(x)) for x in jax.tree.leaves((g, slots))]
        wide = ft.reduce(np.promote_types, dtypes)
        real = jnp.finfo(wide).dtype

        def cast(x: Any) -> Any:
            is_complex = jnp.issubdtype(dtype_of(x), jnp.complexfloating)
            return jnp.asarray(x, wide if is_complex else real)

        known = dict(static) | jax.tree.map(cast, inputs)
        known |= {"state": Slots(jax.tree.map(cast, slots))}
        known |= {"param": cast(param)} if self.wants_param else {}
        arguments = [known[name] for name in self.inputs]
        with jax.named_scope(self.name):
            result = self.rule(cast(g), *arguments, **{k: known[k] for k in self.own})
        return result if self.slots else (result, {})


def _like(old: Any, new: Any) -> Any:
    """A new slot in the dtypes of the old one, and in its containers: where a slot is a dict, Flax
    may have made a `State` of it."""
    leaves, treedef = jax.tree.flatten(old)
    pairs = zip(leaves, jax.tree.leaves(new), strict=True)
    return treedef.unflatten([jnp.asarray(after, before.dtype) for before, after in pairs])
