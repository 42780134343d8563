"""Finding one's way in a jaxpr: which equations make what, and what stands inside them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core as jex

MOVES = ("copy", "copy_p", "convert_element_type", "stop_gradient", "reduce_precision")


def is_key(array: Any) -> bool:
    """Whether an array, abstract or not, holds random keys."""
    return hasattr(array, "dtype") and jnp.issubdtype(array.dtype, jax.dtypes.prng_key)


def wraps(dtype: Any) -> bool:
    """Whether integers of this kind come soon to their ends, where they are no numbers any more."""
    return dtype.kind == "u" or (dtype.kind == "i" and dtype.itemsize < 4)


def equations(jaxpr: Any) -> Iterator[Any]:
    """The equations of a program and of the programs inside them."""
    for eqn in jaxpr.eqns:
        yield eqn
        for value in eqn.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(inner, "jaxpr", inner)
                if isinstance(inner, jex.Jaxpr):
                    yield from equations(inner)


def origins(jaxpr: Any, names: Mapping[Any, Any]) -> dict[Any, Any]:
    """`names`, given to the variables that are only moved into the named ones."""
    made = {var: eqn for eqn in jaxpr.eqns for var in eqn.outvars}
    found: dict[Any, Any] = {}
    for var, name in names.items():
        eqn = made.get(var)
        while eqn is not None and eqn.primitive.name in MOVES:
            (before,) = eqn.invars
            if isinstance(before, jex.Literal) or before.aval.dtype != var.aval.dtype:
                break
            eqn = made.get(before)
            var = before if eqn is not None else var
        found.setdefault(var, name)
    return found


def uses(jaxpr: Any) -> Counter[Any]:
    """How many equations take a variable, or put it out."""
    inputs = (v for eqn in jaxpr.eqns for v in set(map(id, eqn.invars)))
    return Counter(inputs) + Counter(map(id, jaxpr.outvars))


def needed(jaxpr: Any, outputs: Sequence[Any]) -> set[int]:
    """The equations of a program that some of its outputs depend on."""
    wanted, found = set(map(id, outputs)), set()
    for k, eqn in reversed(list(enumerate(jaxpr.eqns))):
        if any(id(v) in wanted for v in eqn.outvars):
            found.add(k)
            wanted |= {id(v) for v in eqn.invars}
    return found
