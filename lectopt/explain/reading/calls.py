"""Operations without a formula: line searches, matrix functions, random draws.

Each becomes a `Call` node with a name that a reader recognises and a record of how it is computed,
so that an explanation that contains one can still be replayed.
"""

import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
import sympy as sp
from jax.extend import core as jex

from lectopt.explain.algebra.nodes import Call
from lectopt.explain.reading.jaxprs import is_key
from lectopt.explain.reading.places import Dims, Layout

# Random functions of JAX by the names of their programs, and the distribution each draws from.
DRAWS = {
    "normal": "N(0, 1)",
    "uniform": "U",
    "bernoulli": "Bernoulli",
    "rademacher": "±1 with equal chance",
    "truncated_normal": "N(0, 1), truncated",
    "laplace": "Laplace(0, 1)",
    "gumbel": "Gumbel(0, 1)",
    "exponential": "Exp(1)",
}
LOSS = "L"  # the name of the program that stands for the loss
MARK = "schedule of "  # in the name of a program: what it computes is to have a name


class Title(NamedTuple):
    """The name that a part of a program gives to its result; `draw` is its distribution."""

    letter: str
    draw: str = ""


@dataclass(frozen=True)
class Record:
    """One output of an operation: `run` computes all outputs from arrays shaped like `inputs`."""

    token: Any
    run: Callable[..., Sequence[Any]]
    index: int
    inputs: tuple[tuple[Dims, Any], ...]  # letters and abstract value of each input
    dims: Dims
    aval: Any

    def expression(self, exprs: Sequence[Any]) -> Any:
        """The node for this output."""
        call = Call(self.token, *exprs)
        return sp.Ne(call, 0, evaluate=False) if self.aval.dtype == bool else call


def title_of(eqn: Any) -> Title | None:
    """The name that this operation gives to its result, if any."""
    name = eqn.params.get("name")
    if not isinstance(name, str):
        return None
    if name.startswith(MARK):
        return Title(name.removeprefix(MARK))
    draw = DRAWS.get(name.strip("_"))
    if draw is None or len(eqn.outvars) != 1 or not eqn.invars or not is_key(eqn.invars[0].aval):
        return None
    ends = [v.val for v in eqn.invars[1:] if isinstance(v, jex.Literal)]
    if len(ends) != len(eqn.invars) - 1:
        return None
    arguments = f"({', '.join(f'{float(x):g}' for x in ends)})" if ends else ""
    return Title("ξ", draw + arguments)


def call_of(eqn: Any, dims: Sequence[Dims], layout: Layout) -> list[Record]:
    """The records of an operation, one for each of its outputs."""

    def run(*arrays: Any) -> Sequence[Any]:
        bound = eqn.primitive.get_bind_params(eqn.params)
        functions, params = bound if isinstance(bound, tuple) else ((), bound)  # before JAX 0.9
        out = eqn.primitive.bind(*functions, *arrays, **params)
        return out if eqn.primitive.multiple_results else [out]

    name = _name(eqn)
    if name == "iota":  # the number of a place, from 0
        name = f"index_{layout.dims(eqn.outvars[0].aval.shape)[eqn.params['dimension']]}"
    if id(eqn) not in layout.written:  # programs inside it are long to write
        ends = [str(v.aval) for v in (*eqn.invars, *eqn.outvars)]
        layout.written[id(eqn)] = eqn, f"{eqn.primitive.name} {eqn.params} {ends}"
    mark = zlib.crc32(f"{layout.written[id(eqn)][1]} {dims}".encode())
    given = tuple(zip(dims, (v.aval for v in eqn.invars), strict=True))
    records = []
    for k, var in enumerate(eqn.outvars):
        part = f".{k + 1}" if len(eqn.outvars) > 1 else ""
        token = sp.Symbol(f"{name}{part}#{mark:x}")
        records.append(Record(token, run, k, given, layout.dims(var.aval.shape), var.aval))
    return records


def turned(dims: Dims, aval: Any, layout: Layout) -> Record:
    """An array whose axes run over other letters than those of its shape, taken as it is."""
    own = layout.dims(aval.shape)
    name = "transposed" if {*dims} == {*own} else "moved"
    token = sp.Symbol(f"{name}#{dims}{aval}")
    return Record(token, lambda array: [array], 0, ((dims, aval),), own, aval)


def constant_of(array: Any, layout: Layout) -> Record:
    """An array of unequal numbers, or a random key, as an operation without inputs."""
    data = jax.random.key_data(array) if is_key(array) else array
    mark = zlib.crc32(np.asarray(data).tobytes())
    token = sp.Symbol(f"const#{mark:x}")
    return Record(token, lambda: [array], 0, (), layout.dims(np.shape(array)), jax.typeof(array))


def _name(eqn: Any) -> str:
    """The operation's own name, or for a loop the function in which it stands."""
    name = eqn.params.get("name") or eqn.primitive.name
    if eqn.primitive.name not in ("while", "scan", "cond", "custom_linear_solve"):
        return str(name).strip("_")
    traceback = eqn.source_info.traceback
    for frame in traceback.frames if traceback else ():
        if f"{os.sep}jax{os.sep}" not in frame.file_name:
            parts = [p for p in frame.function_name.split(".") if not p.startswith("<")]
            name = next((p for p in reversed(parts) if p not in ("update_fn", "body")), name)
            break
    return str(name).strip("_")
