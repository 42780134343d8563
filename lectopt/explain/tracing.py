"""The programs of an optimizer: its `init` and its `update`, traced by JAX.

Everything is traced in float64, so that numbers are seen as they were written.
"""

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.extend import core as jex

from lectopt.controls import evaluation_params
from lectopt.explain.arrays import letters_of_sizes
from lectopt.explain.marks import LOSS
from lectopt.explain.subjects import Subject

LARGE = 128  # of an axis: smaller ones are often not factored
FORKS = ("cond", "while", "scan")


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

    def narrow(self) -> bool:
        """Whether the update computes or keeps a part in less than the precision it is given."""
        made = (
            var.aval
            for eqn in equations(self.update.jaxpr)
            if eqn.primitive.name not in ("random_bits", "convert_element_type")
            for var in eqn.outvars
        )
        return any(map(_short, made)) or any(map(_short, jax.tree.leaves(self.state)))

    def runner(self, tx: Any) -> Callable[..., Any]:
        """The update of `tx`, compiled if it branches: JAX compiles a branch at every run else."""
        forks = any(eqn.primitive.name in FORKS for eqn in equations(self.update.jaxpr))
        return jax.jit(tx.update, static_argnames=tuple(self.functions)) if forks else tx.update


def _short(aval: Any) -> bool:
    floating = hasattr(aval, "dtype") and jnp.issubdtype(aval.dtype, jnp.floating)
    return floating and aval.dtype.itemsize < 8


def equations(jaxpr: Any) -> Iterator[Any]:
    """The equations of a program and of the programs inside them."""
    for eqn in jaxpr.eqns:
        yield eqn
        for value in eqn.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(inner, "jaxpr", inner)
                if isinstance(inner, jex.Jaxpr):
                    yield from equations(inner)


class Unexplained(Exception):
    """The optimizer cannot be run on the parameters; the message says what was met."""


def traced(
    subject: Subject,
    params: Any,
    like: Programs | None = None,
    symbolic: bool = False,
    instead: Any = None,
) -> Programs:
    """Trace the optimizer on parameters of these shapes.

    Args:
      subject: the optimizer.
      params: a tree of arrays.
      like: the same optimizer traced on other parameters, to know its arguments.
      symbolic: whether sizes are to be symbols.
      instead: parameters to go on with if it wants a loss: what looks at the loss looks at all
        leaves, and a line search is slow to trace twice.

    Raises:
      Unexplained: it fails on them.
    """
    _check(params)
    params = symbolic_sizes(_sizes(params)) if symbolic else _sizes(params)
    names = subject.numbers if like is None else like.numbers
    numbers = {k: _abstract(subject.numbers[k]) for k in names}
    functions: dict[str, Any] = dict(like.functions) if like else {}
    extra = {k: params if k == "grad" else _abstract(1.0) for k in (like.extra if like else ())}
    tried = like is not None
    while True:
        try:
            return _traced(subject, params, numbers, extra, functions)
        except Unexplained:
            raise
        except Exception as error:
            wanted = missing(error) - extra.keys() - functions.keys()
            if instead is not None and any(k.endswith("_fn") for k in wanted):
                params, instead = _sizes(instead), None
                extra = {k: params if k == "grad" else x for k, x in extra.items()}
            functions |= {k: loss for k in wanted if k.endswith("_fn")}
            plain = wanted - functions.keys()
            extra |= {k: params if k == "grad" else _abstract(1.0) for k in plain}
            if wanted:
                continue
            if numbers and not tried:
                numbers = _kept(subject, params, numbers, extra, functions)
                tried = True
            else:
                raise Unexplained(_message(error)) from error


def _sizes(params: Any) -> Any:
    return jax.tree.map(lambda p: jax.ShapeDtypeStruct(np.shape(p), jnp.float64), params)


def symbolic_sizes(params: Any) -> Any:
    """The tree with a letter for every axis that is longer than 1; of a leaf's axes the longer stay
    longer, and those of more than 128 places so."""
    letters = map("".join, itertools.product("abcdefghjlmopqrsuvwyz", repeat=2))
    leaves, treedef = jax.tree.flatten(params)
    sizes: list[dict[str, int]] = [{next(letters): d for d in x.shape} for x in leaves]
    limits = []
    for own in sizes:
        for (x, d), (y, e) in itertools.permutations(own.items(), 2):
            limits += [f"{x} >= {y} + 1"] * (d > e)
        limits += [f"{x} >= {LARGE}" for x, d in own.items() if d >= LARGE]
        limits += [f"{x} <= {LARGE - 1}" for x, d in own.items() if d < LARGE and len(own) > 1]
    used = ", ".join(x for own in sizes for x in own)
    dims = iter(letters_of_sizes(used, tuple(limits)) if used else ())
    return treedef.unflatten([
        jax.ShapeDtypeStruct(tuple(next(dims) for _ in x.shape), x.dtype) for x in leaves
    ])  # fmt: skip


def _check(params: Any) -> None:
    """Equations are of real weights, and of at least one.

    Raises:
      Unexplained: some leaf holds something else.
    """
    leaves = jax.tree_util.tree_leaves_with_path(params)
    if not leaves:
        raise Unexplained("params holds no array")
    for path, leaf in leaves:
        name = f"the leaf {jax.tree_util.keystr(path, simple=True, separator='.') or 'params'!r}"
        dtype = getattr(leaf, "dtype", np.asarray(leaf).dtype)
        if not jnp.issubdtype(dtype, jnp.floating) and dtype.kind not in "iu":
            raise Unexplained(f"{name} is of type {dtype}; equations are of real numbers")
        if 0 in np.shape(leaf):
            raise Unexplained(f"{name} of params is empty; leave it out")


def _abstract(value: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(
        (), jnp.int64 if np.asarray(value).dtype.kind in "iu" else jnp.float64
    )


def _kept(subject: Subject, params: Any, numbers: Mapping[str, Any], *rest: Any) -> dict[str, Any]:
    """The settings that may be letters: not those that shape the program."""
    kept = {}
    for name, value in numbers.items():
        with contextlib.suppress(Exception):
            _traced(subject, params, {name: value}, *rest)
            kept[name] = value
    return kept


def missing(error: Exception) -> set[str]:
    """The arguments of `update` that an error asks for."""
    names = str(error).partition(" required keyword-only argument")[2]
    ours = re.search(r"\w+ needs (\w+)[,.].* Write tx\.update", str(error))
    if not isinstance(error, TypeError) or not (names or ours):
        return set()
    return {ours[1]} if ours else set(re.findall(r"'(\w+)'", names))


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
    if getattr(subject.make(subject.numbers), "looks_ahead", False):
        at = jax.make_jaxpr(point)(*inputs)
    read = None
    with contextlib.suppress(Exception):  # a state that is no state of ours
        read = jax.make_jaxpr(evaluation)(*inputs)
    program, (moves, after) = jax.make_jaxpr(update, return_shape=True)(*inputs)
    if jax.tree.structure(after) != jax.tree.structure(state):
        raise Unexplained("its state changes its structure in the first update")
    shapes = [[jax.tree.structure(x), *map(jnp.shape, jax.tree.leaves(x))] for x in (moves, params)]
    if shapes[0] != shapes[1]:
        raise Unexplained("what it puts out is no tree like the parameters")
    return Programs(
        subject, params, numbers, extra, functions, state, init_program, program, at, read
    )


def loss(params: Any, *args: Any, **kwargs: Any) -> Any:
    """Some loss of the parameters, for optimizers that evaluate it themselves."""
    del args, kwargs
    return _some_loss(params)


def _of_params(params: Any) -> Any:
    leaves = jax.tree.leaves(params)
    return jnp.asarray(sum(jnp.sum(jnp.cosh(0.3 * leaf - 0.2)) for leaf in leaves))


_of_params.__name__ = LOSS  # it is read as a function of the parameters, whatever it computes
_some_loss = jax.jit(_of_params)
