"""A 32-bit program in 64 bits: to tell what it computes from how it rounds.

Every float32 becomes a float64; whole numbers, casts to narrow types, and the constants that were
chosen for float32 stay as they are. So two programs that differ only by rounding agree in many
digits, and two formulas do not.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from lectopt.explain.interpreting import CALLS, called, scanned

NARROW, WIDE = jnp.float32, jnp.float64
LARGEST = 10_000  # constant that is read number by number


def widened(program: Any) -> Callable[..., list[Any]]:
    """The function of a closed jaxpr, in 64 bits; to be called where those are enabled."""
    return lambda *args: _closed(program, args)


def _wide(x: Any) -> Any:
    return x.astype(WIDE) if getattr(x, "dtype", None) == NARROW else x


def _narrow(x: Any, aval: Any) -> Any:
    return x.astype(NARROW) if aval.dtype == NARROW else x


def _closed(program: Any, args: Sequence[Any]) -> list[Any]:
    return _run(program.jaxpr, program.consts, args)


def _run(jaxpr: Any, consts: Sequence[Any], args: Sequence[Any]) -> list[Any]:
    env = dict(zip(jaxpr.constvars, map(decimal, consts), strict=True))
    env |= dict(zip(jaxpr.invars, args, strict=True))

    def get(v: Any) -> Any:
        return decimal(np.asarray(v.val, v.aval.dtype)) if hasattr(v, "val") else env[v]

    for eqn in jaxpr.eqns:
        outs = _equation(eqn, [get(v) for v in eqn.invars])
        env.update(zip(eqn.outvars, outs, strict=True))
    return [get(v) for v in jaxpr.outvars]


def decimal(x: Any) -> Any:
    """A float32 as the shortest decimal that is this number there; anything else as it is."""
    if getattr(x, "dtype", None) != NARROW or np.size(x) > LARGEST:
        return _wide(jnp.asarray(x))
    return jnp.asarray(np.asarray(x).astype(str).astype(np.float64))


def _equation(eqn: Any, x: list[Any]) -> list[Any]:
    name, p = eqn.primitive.name, eqn.params
    if name in CALLS and (inner := called(p)) is not None:
        return _closed(inner, x) if hasattr(inner, "consts") else _run(inner, [], x)
    if name == "cond":
        branches = [lambda *a, b=b: _closed(b, a) for b in p["branches"]]
        return list(lax.switch(x[0].astype(jnp.int32), branches, *x[1:]))
    if name == "while":
        return _while(p, x)
    if name == "scan":
        return _scan(p, x)
    if any(hasattr(v, "eqns") or hasattr(v, "jaxpr") for v in p.values()) or name in EXACT:
        x = [_narrow(y, v.aval) for y, v in zip(x, eqn.invars, strict=True)]
    else:
        p = {k: _parameter(v) for k, v in p.items()}
    outs = eqn.primitive.bind(*x, **p)
    return list(map(_wide, outs if eqn.primitive.multiple_results else [outs]))


# What looks at the bits of a float32.
EXACT = frozenset({"bitcast_convert_type", "nextafter", "reduce_precision"})


def _parameter(value: Any) -> Any:
    """A type among the parameters of an operation; other parameters stay."""
    is_type = isinstance(value, type(jnp.dtype("float32"))) or value is NARROW
    return jnp.dtype(WIDE) if is_type and value == NARROW else value


def _while(p: dict[str, Any], x: list[Any]) -> list[Any]:
    n, m = p["cond_nconsts"], p["body_nconsts"]
    asked, held, carry = x[:n], x[n : n + m], x[n + m :]
    return list(
        lax.while_loop(
            lambda c: _closed(p["cond_jaxpr"], [*asked, *c])[0],
            lambda c: _closed(p["body_jaxpr"], [*held, *c]),
            carry,
        )
    )


def _scan(p: dict[str, Any], x: list[Any]) -> list[Any]:
    consts, carry, rows = scanned(p, x)

    def body(carry: Any, row: Any) -> Any:
        outs = _closed(p["jaxpr"], [*consts, *carry, *row])
        return outs[: len(carry)], outs[len(carry) :]

    carry, ys = lax.scan(body, list(carry), list(rows), p["length"], reverse=p["reverse"])
    return [*carry, *ys]
