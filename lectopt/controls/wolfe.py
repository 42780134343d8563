"""The conditions of Wolfe: which steps along a direction are worth taking.

Everything happens on the ray `phi(a) = value_fn(params + a direction)`, a function of one number:
its slope is the derivative of `phi` itself, so trees, dtypes and shardings of the parameters do
not come up.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from lectopt.settings import NonNegative, Numeric, Range, Scalar
from lectopt.signatures import checked
from lectopt.trees import dtype_of, is_none
from lectopt.values import is_concrete

Phi = Callable[[Any], Any]
Slope = Annotated[Numeric, Range(0, 1, False, "a share of the slope at the start", 0.5)]
Kind = Literal["weak", "strong"]


class Wolfe(NamedTuple):
    """Which of the two conditions of Wolfe a step satisfies."""

    decrease: Any
    curvature: Any


@checked
def wolfe_conditions(
    value_fn: Callable[..., Any],
    params: Any,
    direction: Any,
    step: NonNegative[Scalar] = 1.0,
    *,
    c1: Slope[Scalar] = 1e-4,
    c2: Slope[Scalar] = 0.9,
    kind: Kind = "weak",
    **extra: Any,
) -> Wolfe:
    """Whether a step along a descent direction satisfies the conditions of Wolfe.

    With `phi(a) = value_fn(params + a direction)`: sufficient decrease is `phi(step) <= phi(0) +
    c1 step phi'(0)`; curvature is `phi'(step) >= c2 phi'(0)` (weak, the lecture's) or `|phi'(step)|
    <= c2 |phi'(0)|` (strong): steps that are not too short.

    Args:
      value_fn: function of the parameters, and of `extra`, to one number.
      params: where the ray starts.
      direction: a tree like `params`; None for leaves that do not move.
      step: zero or more; may be traced, `jax.vmap` over it gives the set of good steps.
      c1: share of the predicted decrease that is enough, in [0, 1).
      c2: share of the slope that may be left, above `c1`.
      kind: of the curvature condition.
      **extra: further arguments of `value_fn`.

    Returns:
      The two booleans `decrease` and `curvature`; False where a value is not finite.

    Source: Liège (S1-07).
    """
    check_order(c1, c2)
    phi = jax.value_and_grad(ray(value_fn, params, direction, extra))
    start, end = phi(jnp.zeros([])), phi(jnp.asarray(step, jnp.result_type(float)))
    return conditions(start, step, end, c1, c2, kind)


def check_order(c1: Any, c2: Any) -> None:
    """Raise ValueError unless `c1 < c2`, where both are known."""
    if is_concrete(c1) and is_concrete(c2) and not c1 < c2:
        raise ValueError(
            f"The conditions of Wolfe need c1 < c2, or no step may satisfy both; got c1={c1:g} "
            f"and c2={c2:g}. Write for example c1=1e-4, c2=0.9."
        )


def ray(value_fn: Callable[..., Any], params: Any, direction: Any, extra: Any) -> Phi:
    """`phi(a) = value_fn(params + a direction)`, in the default float."""

    def phi(a: Any) -> Any:
        def moved(d: Any, p: Any) -> Any:
            return p if d is None else (p + a * d).astype(dtype_of(p))

        there = jax.tree.map(moved, direction, params, is_leaf=is_none)
        return jnp.asarray(value_fn(there, **extra), jnp.result_type(float))

    return phi


def conditions(
    origin: tuple[Any, Any], a: Any, end: tuple[Any, Any], c1: Any, c2: Any, kind: str
) -> Wolfe:
    """The conditions at step `a`, from the value and the slope at its start and its end."""
    (value, slope), (new_value, new_slope) = origin, end
    finite = jnp.isfinite(new_value) & jnp.isfinite(new_slope)
    enough = new_value <= value + c1 * a * slope
    weak = new_slope >= c2 * slope
    flat = jnp.abs(new_slope) <= c2 * jnp.abs(slope) if kind == "strong" else weak
    return Wolfe(finite & enough, finite & flat)
