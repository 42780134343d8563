"""Arithmetic that stays finite, differentiable and exact where the plain formula does not."""

import contextlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

FORMULAS: dict[str, Callable[..., Any]] = {}  # the name of a program -> what it computes


def computes(formula: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: a function computes this formula by other means, which lose no digits.

    `lectopt.explain` shows the formula.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__name__ = f"{function.__module__}.{function.__name__}"
        FORMULAS[function.__name__] = formula
        return jax.jit(function)

    return decorate


@jax.custom_jvp
def sqrt(x: Any) -> Any:
    """`sqrt(x)`, its derivative 0 at 0: one can differentiate through dead coordinates."""
    return jnp.sqrt(x)


@sqrt.defjvp
def _sqrt_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (dx,) = primals, tangents
    y = jnp.sqrt(x)
    return y, jnp.where(x > 0, dx / (2 * jnp.where(x > 0, y, 1)), 0)


def abs_sq(x: Any) -> Any:
    """`x^2`, and `|x|^2` for complex numbers."""
    return jnp.real(x) ** 2 + jnp.imag(x) ** 2 if jnp.iscomplexobj(x) else x * x


@jax.custom_jvp
def one_minus_power(decay: Any, t: Any) -> Any:
    """`1 - decay^t` without cancellation, the same for static and traced settings; with a
    derivative at a decay of 0 too."""
    return -jnp.expm1(t * jnp.log(decay))


@one_minus_power.defjvp
def _one_minus_power_jvp(primals: Any, tangents: Any) -> Any:
    (decay, t), (d_decay, d_t) = primals, tangents
    some = jnp.where(decay > 0, decay, 1)
    by_decay = -t * jnp.where(decay > 0, some ** (t - 1), jnp.where(t == 1, 1, 0))
    by_t = -jnp.where(decay > 0, some**t * jnp.log(some), 0)
    change = by_decay * d_decay
    if getattr(d_t, "dtype", None) != jax.dtypes.float0:
        change = change + by_t * d_t
    return one_minus_power(decay, t), change


def precision(wide: bool) -> contextlib.AbstractContextManager[Any]:
    """64-bit numbers, or 32-bit ones; `jax.enable_x64` is new, the experimental one is old."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(wide)
    from jax.experimental import enable_x64  # pyright: ignore[reportAttributeAccessIssue]

    return enable_x64(wide)


def double() -> contextlib.AbstractContextManager[Any]:
    """64-bit numbers."""
    return precision(True)
