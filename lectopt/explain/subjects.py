"""What is to be explained: a transformation, or its maker with settings that become letters."""

import functools as ft
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt import values as _values
from lectopt.explain.arrays import is_key
from lectopt.explain.marks import MARK
from lectopt.signatures import MISSING, Signature
from lectopt.transformation import Transformation, is_transformation

SAMPLE = 0.1  # for a setting that has no default
DECAYS = (
    "b1", "b2", "b3", "beta", "beta1", "beta2", "beta_1", "beta_2", "betas[0]", "betas[1]",
    "dampening", "decay", "decay_rate", "momentum", "rho", "smooth_beta",
)  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """What is explained: `make(numbers)` builds it with other numbers in the place of its own and
    with its schedules marked, `build(numbers)` with its schedules as they are.

    `values` are all its settings, `sampled` those that have no default and were not given;
    `schedules` are those that depend on the step, `unknown` the sampled ones of them; `decays` lie
    between 0 and 1.
    """

    title: str
    make: Callable[[Mapping[str, Any]], Any]
    build: Callable[[Mapping[str, Any]], Any]
    numbers: Mapping[str, Any] = field(default_factory=dict)
    schedules: Mapping[str, Any] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    maker: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    sampled: frozenset[str] = frozenset()
    decays: frozenset[str] = frozenset()


def subject(
    tx_or_maker: Any, settings: Mapping[str, Any], letter: Callable[[str, str], str]
) -> Subject:
    """Read what was given to `explain`.

    Args:
      tx_or_maker: a transformation or a function that makes one.
      settings: of the maker.
      letter: of a setting, by its name and that of the maker.

    Raises:
      TypeError: it is no transformation and makes none, or the settings do not fit.
    """
    if is_transformation(tx_or_maker):
        if settings:
            raise TypeError(
                f"The transformation is built already; its settings {sorted(settings)} cannot be "
                "given. Write explain(optax.adam, learning_rate=0.1), with the maker."
            )
        return Subject(title_of(tx_or_maker), lambda _: tx_or_maker, lambda _: tx_or_maker)
    if not callable(tx_or_maker):
        raise TypeError(
            "explain wants a gradient transformation or a function that makes one; "
            f"got {tx_or_maker!r}. Write for example explain(optax.adam)."
        )
    return _of_maker(tx_or_maker, settings, letter)


def _of_maker(
    maker: Callable[..., Any], settings: Mapping[str, Any], letter: Callable[[str, str], str]
) -> Subject:
    title = title_of(maker)
    signature = Signature.foreign(maker, title)
    name = title.partition("(")[0].rpartition(".")[2]
    given = signature.some(settings)
    values, unknown = _filled(signature.bare.parameters.values(), given)
    sampled = [k for k in values if k not in given and signature.defaults[k] is MISSING]
    schedules = {k: v for k, v in values.items() if _is_schedule(v)}
    numbers = {k: v for k, v in parts(values).items() if _is_number(v)}

    def make(numbers: Mapping[str, Any]) -> Any:
        marked = {k: _marked(v, letter(k, name)) for k, v in schedules.items()}
        return signature.call(maker, with_numbers(dict(values) | marked, numbers))

    def build(numbers: Mapping[str, Any]) -> Any:
        return signature.call(maker, with_numbers(values, numbers))

    try:
        if not is_transformation(made := build({})):
            raise TypeError(f"{title} makes no gradient transformation, but {made!r}")
    except ValueError as error:
        error.add_note(f"{title} cannot be made from what was given.")
        for name in sampled:
            error.add_note(f"{name} was not given; {values[name]!r} was tried.")
        raise
    except (TypeError, AttributeError) as error:
        if not sampled:
            raise
        raise TypeError(f"{title} cannot be made without {', '.join(sampled)}: {error}") from error
    return Subject(
        title=title,
        make=make,
        build=build,
        numbers=numbers,
        schedules=schedules,
        unknown=frozenset(unknown),
        maker=name,
        values=values,
        sampled=frozenset(sampled),
        decays=frozenset(_decays(maker, numbers)),
    )


def parts(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, those of a tuple of numbers one by one: `betas[0]`."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, tuple) and value and all(isinstance(x, int | float) for x in value):
            found |= {f"{name}[{k}]": x for k, x in enumerate(value)}
        elif name not in ("key", "seed"):
            found[name] = value
    return found


def with_numbers(values: Mapping[str, Any], numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with other numbers: `parts` backwards."""
    whole = dict(values)
    for name, number in numbers.items():
        base, bracket, place = name.partition("[")
        if bracket:
            entries = list(whole[base])
            entries[int(place[:-1])] = number
            whole[base] = tuple(entries)
        else:
            whole[name] = number
    return whole


def _decays(maker: Any, numbers: Mapping[str, Any]) -> Iterator[str]:
    """The settings between 0 and 1, as their names or their annotations say."""
    annotations = getattr(inspect.unwrap(getattr(maker, "func", maker)), "__annotations__", {})
    for name, value in numbers.items():
        ranges = getattr(annotations.get(name), "__metadata__", ())
        unit = any(getattr(r, "low", None) == 0 and getattr(r, "high", None) == 1 for r in ranges)
        if (unit or name in DECAYS) and 0 < value < 1:
            yield name


def _filled(
    parameters: Iterable[inspect.Parameter], given: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """All arguments, given, by default or sampled; and which of the sampled are schedules."""
    values, unknown = {}, []
    for parameter in parameters:
        name = parameter.name
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            values |= {name: given[name]} if name in given else {}
        elif name in given:
            values[name] = given[name]
        elif name == "key" and parameter.default in (None, parameter.empty):
            values[name] = jax.random.key(0)
        elif parameter.default is not parameter.empty:
            values[name] = parameter.default
        elif name.endswith("_fn") or name == "schedule":
            values[name] = _unknown
            unknown.append(name)
        else:
            values[name] = _sample(parameter)
    return values, unknown


def _sample(parameter: inspect.Parameter) -> float:
    metadata = getattr(parameter.annotation, "__metadata__", ())
    return next((m.example for m in metadata if hasattr(m, "example")), SAMPLE)


def _unknown(count: Any) -> Any:
    return 1 / (1.0 + count)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.generic | jax.Array):
        return False
    numeric = jnp.issubdtype(jnp.result_type(value), np.number)
    return numeric and jnp.shape(value) == () and value not in (0, 1, -1)


def _is_schedule(value: Any) -> bool:
    if not callable(value) or inspect.isclass(value) or hasattr(value, "update"):
        return False
    try:
        out = jax.eval_shape(value, jax.ShapeDtypeStruct((), jnp.int32))
    except Exception:  # whatever else it is a function of, it is no schedule
        return False
    return hasattr(out, "shape") and out.shape == () and jnp.issubdtype(out.dtype, jnp.floating)


def _marked(schedule: Callable[..., Any], letter: str) -> Callable[..., Any]:
    """The schedule as a program of its own whose name says which letter its value has."""

    def value(*count: Any) -> Any:
        return schedule(*count)

    value.__name__ = MARK + letter
    return jax.jit(value)


def title_of(tx_or_maker: Any) -> str:
    """What was given, in a few words."""
    if isinstance(tx_or_maker, ft.partial):
        given = [_shown(x) for x in tx_or_maker.args]
        given += [f"{k}={_shown(v)}" for k, v in tx_or_maker.keywords.items()]
        return f"{title_of(tx_or_maker.func)}({', '.join(given)})"
    if isinstance(tx_or_maker, Transformation):
        return repr(tx_or_maker)
    name = getattr(tx_or_maker, "__name__", None)
    if name is None and hasattr(tx_or_maker, "update"):
        update = tx_or_maker.update
        return getattr(update, "__qualname__", type(tx_or_maker).__name__).split(".")[0]
    return _qualified(tx_or_maker, name) if name else repr(tx_or_maker)


def _qualified(function: Any, name: str) -> str:
    """A function with the shortest public path to it."""
    module, name = getattr(function, "__module__", None) or "", name.rpartition(".")[2]
    root = module.split(".")[0]
    parts = module.split(".")
    for end in range(1, len(parts)):
        path = ".".join(parts[:end])
        if getattr(sys.modules.get(path), name, None) is function:
            return f"{path}.{name}"
    return name if "<" in name or root in ("", "builtins", "__main__") else f"{module}.{name}"


def _shown(value: Any) -> str:
    """A setting in a title."""
    return "key" if is_key(value) else _values.shown(value)
