"""`leafwise`: from a rule for one weight to a transformation of pytrees.

Trees, dtypes, counters, schedules, tracing and names are the business of this file, so that no
rule has to mention them.
"""

import functools as ft
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt import settings as _settings
from lectopt.transformation import Core, Now, State, Transformation
from lectopt.trees import aligned, dtype_of, is_none, wide_dtype


def leafwise(
    point: Callable[..., Any] | None = None, **slots: float | str
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
        # Traced once per shape and dtype of a leaf, not once per leaf, and dissolved into
        # the caller's program.
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

        make.__signature__ = signature  # pyright: ignore[reportAttributeAccessIssue]
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
        dtypes = ft.cache(ft.partial(self.dtypes, values))

        def first_of(slot: str, param: Any) -> Any:
            return jnp.full_like(param, firsts[slot], dtype=dtypes(dtype_of(param))[slot])

        return {slot: jax.tree.map(ft.partial(first_of, slot), params) for slot in self.slots}

    def dtypes(self, values: dict[str, Any], dtype: Any) -> dict[str, Any]:
        """The dtype of each slot: at least float32, complex only where the rule makes it so."""
        wide = wide_dtype(dtype)
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
                    f"{self.rule.__name__} needs the parameters. "
                    "Write tx.update(grads, state, params)."
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
                f"{self.rule.__name__} needs {name}. "
                f"Write tx.update(grads, state, params, {name}=...)."
            )
        step = {"t": now.step()} if "t" in self.inputs else {}
        return step | {name: now.extra[name] for name in self.extra}

    def _rule(
        self, static: tuple[Any, ...], g: Any, slots: Any, given: Any, numbers: Any
    ) -> tuple[Any, dict[str, Any]]:
        """The rule in one wide dtype; real numbers stay real beside complex weights."""
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
