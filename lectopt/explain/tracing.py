"""From an optimizer to its programs: the settings that become letters, and the traced update.

Everything is traced in float64, so that numbers are seen as they were written.
"""

import contextlib
import functools as ft
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt import settings as _settings
from lectopt.controls import evaluation_params
from lectopt.explain.calls import MARK
from lectopt.explain.jaxprs import equations, is_key

SAMPLE = 0.1  # for a setting that has no default
FORKS = ("cond", "while", "scan")
MIXING = ("dot_general", "while", "scan", "concatenate", "argmax", "sort", "gather", "cumsum")


@contextlib.contextmanager
def double() -> Iterator[None]:
    """Double precision; `jax.enable_x64` is new, the experimental one is old."""
    if hasattr(jax, "enable_x64"):
        with jax.enable_x64(True):
            yield
    else:
        from jax.experimental import enable_x64

        with enable_x64(True):
            yield


@dataclass(frozen=True)
class Subject:
    """What is explained: `make(numbers)` builds it with other numbers in the place of its own and
    with its schedules marked, `build(numbers)` with its schedules as they are.

    `values` are all its settings, `sampled` those that have no default and were not given;
    `schedules` are those that depend on the step, `unknown` the sampled ones of them.
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


def subject(tx_or_maker: Any, settings: Mapping[str, Any], letter: Callable[[str, str], str]) -> Subject:
    """Read what was given to `explain`.

    Raises:
      TypeError: it is no transformation and makes none, or the settings do not fit.
    """
    if hasattr(tx_or_maker, "init") and hasattr(tx_or_maker, "update"):
        if settings:
            raise TypeError(
                f"The transformation is built already; its settings {sorted(settings)} cannot be "
                "given. Write explain(optax.adam, learning_rate=0.1), with the maker."
            )
        return Subject(title_of(tx_or_maker), lambda numbers: tx_or_maker, lambda numbers: tx_or_maker)
    if not callable(tx_or_maker):
        raise TypeError(
            "explain wants a gradient transformation or a function that makes one; "
            f"got {tx_or_maker!r}. Write for example explain(optax.adam)."
        )
    signature = inspect.signature(tx_or_maker)
    name = title_of(tx_or_maker)
    maker = name.partition("(")[0].rpartition(".")[2]
    try:
        bound = signature.bind_partial(**settings)
    except TypeError as error:
        raise TypeError(f"{name}{_bare(signature)}: {error}.") from None
    values, unknown = _filled(signature, bound.arguments)
    schedules = {k: v for k, v in values.items() if _is_schedule(v)}
    numbers = {k: v for k, v in values.items() if _is_number(v) and k not in ("key", "seed")}

    def make(numbers: Mapping[str, Any]) -> Any:
        marked = {k: _marked(v, letter(k, maker)) for k, v in schedules.items()}
        arguments = inspect.BoundArguments(signature, dict(values) | marked | dict(numbers))
        return tx_or_maker(*arguments.args, **arguments.kwargs)

    def build(numbers: Mapping[str, Any]) -> Any:
        arguments = inspect.BoundArguments(signature, dict(values) | dict(numbers))  # pyright: ignore
        return tx_or_maker(*arguments.args, **arguments.kwargs)

    empty = inspect.Parameter.empty
    sampled = [
        k for k in values if k not in bound.arguments and signature.parameters[k].default is empty
    ]
    try:
        build({})
    except (TypeError, AttributeError) as error:
        if not sampled:
            raise
        raise TypeError(f"{name} cannot be made without {', '.join(sampled)}: {error}") from error
    return Subject(
        name,
        make,
        build,
        numbers,
        schedules,
        frozenset(unknown),
        maker,
        values,
        frozenset(sampled),
    )


def title_of(tx_or_maker: Any) -> str:
    """What was given, in a few words."""
    if isinstance(tx_or_maker, ft.partial):
        given = [_shown(x) for x in tx_or_maker.args]
        given += [f"{k}={_shown(v)}" for k, v in tx_or_maker.keywords.items()]
        return f"{title_of(tx_or_maker.func)}({', '.join(given)})"
    if hasattr(tx_or_maker, "core"):
        return repr(tx_or_maker)
    name = getattr(tx_or_maker, "__name__", None)
    if name is None and hasattr(tx_or_maker, "update"):
        update = tx_or_maker.update
        return getattr(update, "__qualname__", type(tx_or_maker).__name__).split(".")[0]
    return _qualified(tx_or_maker, name) if name else repr(tx_or_maker)


def _qualified(function: Any, name: str) -> str:
    """A function with the shortest public path to it."""
    module = getattr(function, "__module__", None) or ""
    root = module.split(".")[0]
    if getattr(sys.modules.get(root), name, None) is function:
        return f"{root}.{name}"
    public = [part for part in module.split(".") if not part.startswith("_")]
    return name if "<" in name or root in ("", "builtins") else ".".join([*public, name])


def _shown(value: Any) -> str:
    """A setting in a title."""
    return "key" if is_key(value) else _settings.shown(value)


def _bare(signature: inspect.Signature) -> str:
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    return str(inspect.Signature(bare))


def _filled(
    signature: inspect.Signature, given: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """All arguments: as given, by default, or a sample; and which of these are unknown schedules."""
    values, unknown = {}, []
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            values |= {name: given[name]} if name in given else {}
        elif name in given:
            values[name] = given[name]
        elif name == "key":
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


def _marked(schedule: Callable[[Any], Any], letter: str) -> Callable[[Any], Any]:
    """The schedule as a program of its own whose name says which letter its value has."""

    def value(count: Any) -> Any:
        return schedule(count)

    value.__name__ = MARK + letter
    return jax.jit(value)


@dataclass(frozen=True)
class Programs:
    """The jaxprs of `init` and `update`, and of where gradients and evaluations are taken.

    All take `(numbers, gradients, state, params, extra)`.
    """

    subject: Subject
    params: Any
    numbers: Mapping[str, Any]
    extra: Mapping[str, Any]
    functions: Mapping[str, Any]
    state: Any
    init: Any
    update: Any
    point: Any
    evaluation: Any


    def mixes(self) -> bool:
        """Whether the update does anything but work on every weight by itself."""
        return any(
            eqn.primitive.name in MIXING or eqn.primitive.name.startswith("reduce_")
            for eqn in equations(self.update.jaxpr)
        )

    def narrow(self) -> bool:
        """Whether the update does some of its arithmetic in less than the precision it is given."""
        return any(
            eqn.primitive.name not in ("random_bits", "convert_element_type")
            and jnp.issubdtype(var.aval.dtype, jnp.floating)
            and var.aval.dtype.itemsize < 8
            for eqn in equations(self.update.jaxpr)
            for var in eqn.outvars
            if hasattr(var.aval, "dtype")
        )


    def runner(self, tx: Any) -> Callable[..., Any]:
        """The update of `tx`, compiled if it branches: JAX compiles a branch at every run else."""
        forks = any(eqn.primitive.name in FORKS for eqn in equations(self.update.jaxpr))
        return jax.jit(tx.update, static_argnames=tuple(self.functions)) if forks else tx.update


class Unexplained(Exception):
    """The optimizer cannot be run on the parameters; the message says what was met."""


def traced(subject: Subject, params: Any, like: Programs | None = None) -> Programs:
    """Trace the optimizer on parameters of these shapes.

    Args:
      subject: the optimizer.
      params: a tree of arrays.
      like: the same optimizer traced on other parameters, to know its arguments.

    Raises:
      Unexplained: it fails on them.
    """
    params = jax.tree.map(lambda p: jax.ShapeDtypeStruct(np.shape(p), jnp.float64), params)
    names = subject.numbers if like is None else like.numbers
    numbers = {k: _abstract(subject.numbers[k]) for k in names}
    functions: dict[str, Any] = dict(like.functions) if like else {}
    extra = {k: params if k == "grad" else _abstract(1.0) for k in (like.extra if like else ())}
    tried = like is not None
    while True:
        try:
            return _traced(subject, params, numbers, extra, functions)
        except Exception as error:
            name = _missing(error)
            if name is not None and name not in extra and name not in functions:
                if name.endswith("_fn"):
                    functions[name] = loss
                else:
                    extra[name] = params if name == "grad" else _abstract(1.0)
            elif numbers and not tried:
                numbers = _kept(subject, params, numbers, extra, functions)
                tried = True
            else:
                raise Unexplained(_message(error)) from error


def _abstract(value: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((), jnp.int64 if np.asarray(value).dtype.kind in "iu" else jnp.float64)


def _kept(subject: Subject, params: Any, numbers: Mapping[str, Any], *rest: Any) -> dict[str, Any]:
    """The settings that may be letters: not those that shape the program."""
    kept = {}
    for name, value in numbers.items():
        with contextlib.suppress(Exception):
            _traced(subject, params, {name: value}, *rest)
            kept[name] = value
    return kept


def _missing(error: Exception) -> str | None:
    """The argument of `update` that an error asks for."""
    text = str(error)
    for pattern in (r"missing \d+ required keyword-only arguments?: '(\w+)'", r"\w+ needs (\w+)[,.].* Write tx\.update"):
        if isinstance(error, TypeError) and (match := re.search(pattern, text)):
            return match[1]
    return None


def _message(error: Exception) -> str:
    text = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {text[:300]}"


def _traced(
    subject: Subject,
    params: Any,
    numbers: Mapping[str, Any],
    extra: Mapping[str, Any],
    functions: Mapping[str, Any],
) -> Programs:
    def make(numbers: Mapping[str, Any]) -> Any:
        return optax.with_extra_args_support(subject.make(numbers))

    def init(numbers: Any, params: Any) -> Any:
        return make(numbers).init(params)

    def update(numbers: Any, gradients: Any, state: Any, params: Any, extra: Any) -> Any:
        return make(numbers).update(gradients, state, params, **extra, **functions)

    def point(numbers: Any, gradients: Any, state: Any, params: Any, extra: Any) -> Any:
        return subject.make(numbers).point(params, state)

    def evaluation(numbers: Any, gradients: Any, state: Any, params: Any, extra: Any) -> Any:
        return evaluation_params(state, params)

    numbers, extra = dict(numbers), dict(extra)
    init_program, state = jax.make_jaxpr(init, return_shape=True)(numbers, params)
    inputs = numbers, params, state, params, extra
    at = None
    if getattr(getattr(subject.make(subject.numbers), "core", None), "point", None):
        at = jax.make_jaxpr(point)(*inputs)
    read = None
    with contextlib.suppress(Exception):  # a state that is no state of ours
        read = jax.make_jaxpr(evaluation)(*inputs)
    program, (moves, after) = jax.make_jaxpr(update, return_shape=True)(*inputs)
    if jax.tree.structure(after) != jax.tree.structure(state):
        raise Unexplained("its state changes its structure in the first update")
    if jax.tree.structure(moves) != jax.tree.structure(params):
        raise Unexplained("what it puts out is no tree like the parameters")
    return Programs(
        subject, params, numbers, extra, functions, state, init_program, program, at, read
    )


def loss(params: Any, *args: Any, **kwargs: Any) -> Any:
    """Some loss of the parameters, for optimizers that evaluate it themselves."""
    del args, kwargs
    leaves = jax.tree.leaves(params)
    return jnp.asarray(sum(jnp.sum(jnp.cosh(0.3 * leaf - 0.2)) for leaf in leaves))
