"""`Transformation` and `leafwise`: all the machinery there is.

An algorithm is written as a rule for one weight. `leafwise` lifts the rule to pytrees, and `Transformation` gives a
composition of lifted rules its outer skin: the Optax interface, the one step counter, and the one place where dtypes change.
Trees, dtypes, counters, schedules, tracing and names are the business of this file, so that no rule has to mention them.
"""

import functools as ft
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt import settings as _settings
from lectopt.trees import aligned, dtype_of, is_none, wide_dtype, widened

State = dict[str, Any]
LINE = 88  # a composition that prints longer than this is broken into one member per line


class Now(NamedTuple):
    """What a member of a composition is told about the update in progress."""

    count: Any  # how many updates came before this one; None if nobody asked for it
    params: Any
    extra: Mapping[str, Any]

    def step(self) -> Any:
        """The number of this update, counted from 1 as in the bias corrections of the lectures."""
        return self.count + 1


@dataclass(frozen=True, eq=False, repr=False)
class Core:
    """A transformation without its skin: `start` and `step` work on wide floats and are told the count.

    `keys` are the entries of the state record that it owns, `parts` its members, `label` the keyword it was given in
    a chain, `foreign` the Optax transformation that it wraps. Two cores are equal if they are the same composition
    with the same settings.
    """

    name: str
    start: Callable[[Any], State]
    step: Callable[[Any, State, Now], tuple[Any, State]]
    keys: tuple[str, ...] = ()
    counted: bool = False
    point: Callable[[Any, State, Any], Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple["Core", ...] = ()
    label: str | None = None
    maker: Callable[..., "Transformation"] | None = None
    foreign: Any = None

    def but(self, **settings: Any) -> "Transformation":
        """The same primitive with some settings changed."""
        assert self.maker is not None, f"{self.name} is a combination, it has no settings"
        return self.maker(**{**self.settings, **settings})

    def _identity(self) -> tuple[Any, ...]:
        values = tuple((k, _settings.frozen(v)) for k, v in sorted(self.settings.items()))
        return (self.name, self.label, values, self.parts, self.foreign)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Core) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        parts = ["..."] if self.foreign else [repr(part) for part in self.parts]
        values = [
            f"{k}={_settings.shown(v)}"
            for k, v in self.settings.items()
            if k not in self.defaults or _settings.frozen(v) != _settings.frozen(self.defaults[k])
        ]
        head = f"{self.label}=" if self.label else ""
        line = f"{head}{self.name}({', '.join(parts + values)})"
        if len(line) <= LINE or not self.parts:
            return line
        lines = [item.replace("\n", "\n    ") for item in parts + values]
        return f"{head}{self.name}(\n    " + ",\n    ".join(lines) + ",\n)"


@jax.tree_util.register_static
class Transformation(optax.GradientTransformationExtraArgs):
    """An Optax gradient transformation that knows what it is made of.

    `init(params)` and `update(updates, state, params, **extra)` are Optax's. In addition `repr(tx)` is the composition,
    `==` and `hash` compare structure and settings (equal optimizers passed as static arguments compile once), and `point`
    says where the gradient is wanted.

    The state is a plain dict with Optax's field names (`mu`, `nu`, `trace`), plus one `count` for the whole
    composition if anything in it depends on the step. Arithmetic and slots are at least float32; updates come back in the dtype of
    the gradient.
    """

    core: Core

    def __new__(cls, core: Core) -> "Transformation":
        """Give `core` its skin."""

        def init(params: Any) -> State:
            count = {"count": jnp.zeros([], jnp.int32)} if core.counted else {}
            return count | core.start(params)

        def update(
            updates: Any, state: State, params: Any = None, **extra: Any
        ) -> tuple[Any, State]:
            if params is not None:
                aligned(updates, {"params": params}, "params")
            wide = widened(updates)
            count = state["count"] if core.counted else None
            out, new = core.step(wide, state, Now(count, params, extra))
            if core.counted:
                new = {"count": optax.safe_increment(state["count"])} | new
            return jax.tree.map(lambda o, u: o.astype(dtype_of(u)), out, updates), new

        self = super().__new__(cls, init, update)
        self.core = core
        return self

    @property
    def members(self) -> tuple["Transformation", ...]:
        """The members of a chain in order, or the two sides of a ratio or product."""
        return tuple(map(Transformation, self.core.parts))

    def point(self, params: Any, state: State) -> Any:
        """Where the gradient of the next update is to be taken: `params`, but for look-ahead methods."""
        if self.core.point is None:
            return params
        return self.core.point(params, state, state.get("count"))

    def __repr__(self) -> str:
        return repr(self.core)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Transformation) and self.core == other.core

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.core)

    def __getnewargs__(self) -> tuple[Core]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return (self.core,)


def leafwise(
    point: Callable[..., Any] | None = None, **slots: float | str
) -> Callable[[Callable[..., Any]], Callable[..., Transformation]]:
    """Lift a rule for one weight to a transformation of pytrees.

    `rule(g, state, t, param, ..., *, settings)` takes the incoming update `g` and, as far as its signature names them,
    the old slots `state.mu`, ..., the number `t` of the update (from 1), the weight `param`, and extra keyword
    arguments of `update` such as `value`. It returns the outgoing update, and with slots also a dict of their new
    values. The keyword-only arguments of the rule are the arguments of the transformation, checked against their
    annotations (`lectopt.settings`); a transformation with slots also takes `state_dtype`, by default float32 or wider.

    Args:
      point: `point(param, state, *, settings)`, where the rule wants the gradient, if not at `param`.
      **slots: for each slot its first value: a number, or the name of the setting that holds it.

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
        return _Lifting(rule, slots, point).maker()

    return decorate


class _Slots(dict[str, Any]):
    """Slots of one weight, read as attributes."""

    __getattr__ = dict.__getitem__


class _Lifting:
    """One rule, and all that is needed to run it on a pytree."""

    def __init__(self, rule: Callable[..., Any], slots: dict[str, float | str], point: Any):
        parameters = inspect.signature(rule).parameters.values()
        inputs = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY][1:]
        self.rule, self.slots, self.at_point, self.inputs = rule, slots, point, inputs
        self.extra = [name for name in inputs if name not in ("state", "t", "param")]
        self.settings = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        # Traced once per shape and dtype of a leaf, not once per leaf, and dissolved into the caller's program.
        self.apply = jax.jit(self._apply, static_argnums=0, inline=True)

    def maker(self) -> Callable[..., Transformation]:
        """The public function: from settings to the transformation."""
        dtype = inspect.Parameter("state_dtype", inspect.Parameter.KEYWORD_ONLY, default=None)
        arguments = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in self.settings]
        signature = inspect.Signature(arguments + [dtype] * bool(self.slots))

        @ft.wraps(self.rule)
        def make(*args: Any, **kwargs: Any) -> Transformation:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            values = dict(bound.arguments)
            if values.get("state_dtype") is not None:
                values["state_dtype"] = str(np.dtype(values["state_dtype"]))
            return Transformation(self.core(values, signature, make))

        make.__signature__ = signature  # pyright: ignore[reportFunctionMemberAccess]
        make.__annotations__ = {p.name: p.annotation for p in arguments}
        return _settings.checked(make)

    def core(self, values: dict[str, Any], signature: inspect.Signature, maker: Any) -> Core:
        """The rule with its settings bound."""
        return Core(
            name=self.rule.__name__,
            start=ft.partial(self.start, values),
            step=ft.partial(self.step, values),
            keys=tuple(self.slots),
            counted="t" in self.inputs or any(callable(v) for v in values.values()),
            point=ft.partial(self.point, values) if self.at_point else None,
            settings=values,
            defaults={
                p.name: p.default for p in signature.parameters.values() if p.default is not p.empty
            },
            maker=maker,
        )

    def split(self, values: dict[str, Any], count: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Settings that shape the program (hashable) and settings that are numbers (traced)."""
        own = {p.name: values[p.name] for p in self.settings}
        static = {k: v for k, v in own.items() if v is None or isinstance(v, bool | str)}
        numbers = {k: _settings.at(v, count) for k, v in own.items() if k not in static}
        return tuple(static.items()), numbers

    def start(self, values: dict[str, Any], params: Any) -> State:
        """One tree per slot, shaped, placed and sharded as the parameters."""
        firsts = {k: values[f] if isinstance(f, str) else f for k, f in self.slots.items()}
        firsts = {k: _settings.at(first, 0) for k, first in firsts.items()}
        return {
            slot: jax.tree.map(
                lambda p, s=slot: jnp.full_like(p, firsts[s], dtype=self.dtypes(values, p)[s]),
                params,
            )
            for slot in self.slots
        }

    def dtypes(self, values: dict[str, Any], leaf: Any) -> dict[str, Any]:
        """The dtype of each slot for a leaf: at least float32, complex only where the rule makes it so."""
        wide = wide_dtype(dtype_of(leaf))
        real = np.dtype(values.get("state_dtype") or jnp.finfo(wide).dtype)
        dtypes = dict.fromkeys(self.slots, real)
        if not jnp.issubdtype(wide, jnp.complexfloating):
            return dtypes
        number = jax.ShapeDtypeStruct((), jnp.finfo(wide).dtype)
        static, numbers = self.split(values, 0)
        given = dict.fromkeys([*self.extra, "t"], number) | {
            "param": jax.ShapeDtypeStruct((), wide)
        }
        for _ in self.slots:  # a slot may turn complex because another one did
            _, new = jax.eval_shape(
                ft.partial(self._rule, static),
                jax.ShapeDtypeStruct((), wide),
                {k: jax.ShapeDtypeStruct((), wide_dtype(d)) for k, d in dtypes.items()},
                given,
                dict.fromkeys(numbers, number),
            )
            dtypes = {
                k: wide if jnp.issubdtype(new[k].dtype, jnp.complexfloating) else d
                for k, d in dtypes.items()
            }
        return dtypes

    def step(
        self, values: dict[str, Any], updates: Any, state: State, now: Now
    ) -> tuple[Any, State]:
        """Run the rule on every leaf; a leaf that is None is left alone, and its slots too."""
        leaves, treedef = jax.tree.flatten(updates, is_leaf=is_none)
        columns = {slot: aligned(updates, state, slot) for slot in self.slots}
        given = self.given(now)
        params: list[Any] = [None] * len(leaves)
        if "param" in self.inputs:
            if now.params is None:
                raise ValueError(
                    f"{self.rule.__name__} needs the parameters. Write tx.update(grads, state, params)."
                )
            params = aligned(updates, {"params": now.params}, "params")
        static, numbers = self.split(values, now.count)
        outs = []
        for i, g in enumerate(leaves):
            if g is None:
                outs.append(None)
                continue
            slots = {slot: column[i] for slot, column in columns.items()}
            own = given | ({"param": params[i]} if "param" in self.inputs else {})
            out, new = self.apply(static, g, slots, own, numbers)
            outs.append(out)
            for slot, column in columns.items():
                column[i] = new[slot]
        return treedef.unflatten(outs), {k: treedef.unflatten(c) for k, c in columns.items()}

    def given(self, now: Now) -> dict[str, Any]:
        """The step number and the extra arguments that the rule asks for."""
        missing = [name for name in self.extra if name not in now.extra]
        if missing:
            name = missing[0]
            raise TypeError(
                f"{self.rule.__name__} needs {name}. Write update(grads, state, params, {name}=...)."
            )
        step = {"t": now.step()} if "t" in self.inputs else {}
        return step | {name: now.extra[name] for name in self.extra}

    def _rule(
        self, static: tuple[Any, ...], g: Any, slots: Any, given: Any, numbers: Any
    ) -> tuple[Any, dict[str, Any]]:
        """The rule in one wide dtype: real numbers stay real, what belongs to the weight may be complex."""
        dtypes = [wide_dtype(dtype_of(x)) for x in (g, *slots.values())]
        wide = ft.reduce(np.promote_types, dtypes)
        real = jnp.finfo(wide).dtype

        def cast(x: Any) -> Any:
            is_complex = jnp.issubdtype(dtype_of(x), jnp.complexfloating)
            return jnp.asarray(x, wide if is_complex else real)

        given = {k: jax.tree.map(cast, x) for k, x in given.items()}
        given["state"] = _Slots({k: cast(x) for k, x in slots.items()})
        arguments = [given[name] for name in self.inputs]
        numbers = {k: cast(x) for k, x in numbers.items()}
        with jax.named_scope(self.rule.__name__):
            result = self.rule(cast(g), *arguments, **numbers, **dict(static))
        return result if self.slots else (result, {})

    def _apply(
        self, static: tuple[Any, ...], g: Any, slots: Any, given: Any, numbers: Any
    ) -> tuple[Any, dict[str, Any]]:
        out, new = self._rule(static, g, slots, given, numbers)
        return out, {k: jnp.asarray(new[k], slots[k].dtype) for k in slots}

    def point(self, values: dict[str, Any], params: Any, state: State, count: Any) -> Any:
        """Where the rule wants the gradient, leaf by leaf."""
        static, numbers = self.split(values, count)

        def at(param: Any, *slots: Any) -> Any:
            own = _Slots(zip(self.slots, slots, strict=True))
            where = self.at_point(param, own, **numbers, **dict(static))  # pyright: ignore
            return where.astype(dtype_of(param))

        leaves, treedef = jax.tree.flatten(params, is_leaf=is_none)
        columns = [aligned(params, state, slot) for slot in self.slots]
        rows = zip(leaves, *columns, strict=True)
        return treedef.unflatten([None if row[0] is None else at(*row) for row in rows])
