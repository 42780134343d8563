"""Parts of a program that are shown by a name: schedules, losses, random numbers.

A name in a program is anybody's choice and means nothing. A schedule and a loss are known by marks
that are put there when the program is traced and that no Python function is called; a draw is known
by its program, which must be the one that `jax.random` makes.
"""

import functools as ft
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core as jex

from lectopt.explain.arrays import is_key
from lectopt.numerics import FORMULAS

MARK = "schedule of "  # in the name of a program: what it computes is to have a name
LOSS = "loss of params"  # the name of the program that stands for the loss

# Random functions of JAX, of a key, a shape, a type and ends; and the distribution of each.
DRAWS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "normal": ("N(0, 1)", lambda k, s, d: jax.random.normal(k, s, d)),
    "uniform": ("U", lambda k, s, d, a=0.0, b=1.0: jax.random.uniform(k, s, d, a, b)),
    "bernoulli": ("Bernoulli", lambda k, s, d, p=0.5: jax.random.bernoulli(k, p, s)),
    "rademacher": ("±1 with equal chance", lambda k, s, d: jax.random.rademacher(k, s, d)),
    "truncated_normal": (
        "N(0, 1), truncated",
        lambda k, s, d, a=-1.0, b=1.0: jax.random.truncated_normal(k, a, b, s, d),
    ),
    "laplace": ("Laplace(0, 1)", lambda k, s, d: jax.random.laplace(k, s, d)),
    "gumbel": ("Gumbel(0, 1)", lambda k, s, d: jax.random.gumbel(k, s, d)),
    "exponential": ("Exp(1)", lambda k, s, d: jax.random.exponential(k, s, d)),
}


def title(eqn: Any) -> str | None:
    """The letter for what a call computes, if it was marked."""
    name = eqn.params.get("name")
    marked = isinstance(name, str) and name.startswith(MARK)
    return name.removeprefix(MARK) if marked else None


def formula(eqn: Any) -> Any:
    """The program of the plain formula that a call of this library computes by other means."""
    plain = FORMULAS.get(str(eqn.params.get("name")))
    if plain is None:
        return None
    return jax.make_jaxpr(plain)(*(v.aval for v in eqn.invars))


def is_loss(eqn: Any) -> bool:
    """Whether a call is the loss that stands for the user's."""
    return eqn.params.get("name") == LOSS


def draw(eqn: Any) -> str | None:
    """The distribution that a call draws from, None if it is no draw of JAX's."""
    name = eqn.params.get("name")
    known = DRAWS.get(name.strip("_")) if isinstance(name, str) else None
    if known is None or len(eqn.outvars) != 1 or not eqn.invars or not is_key(eqn.invars[0].aval):
        return None
    ends = [v.val for v in eqn.invars[1:] if isinstance(v, jex.Literal)]
    if len(ends) != len(eqn.invars) - 1:
        return None
    aval = eqn.outvars[0].aval
    if not all(isinstance(d, int) for d in aval.shape):
        return None
    if str(eqn.params.get("jaxpr")) != _program(name, aval.shape, str(aval.dtype), len(ends)):
        return None
    return known[0] + (f"({', '.join(f'{float(x):g}' for x in ends)})" if ends else "")


@ft.lru_cache(maxsize=256)
def _program(name: str, shape: tuple[int, ...], dtype: str, ends: int) -> str:
    """What JAX itself makes of this draw, "" if that is not known."""
    function = DRAWS[name.strip("_")][1]
    try:
        program = jax.make_jaxpr(lambda k: function(k, shape, jnp.dtype(dtype)))(jax.random.key(0))
    except Exception:  # other arguments than are known here
        return ""
    eqns = [e for e in program.jaxpr.eqns if e.params.get("name") == name]
    return str(eqns[0].params["jaxpr"]) if len(eqns) == 1 else ""
