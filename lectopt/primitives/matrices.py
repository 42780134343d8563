"""Rules for matrices: nearly orthogonal updates; and which leaves are matrices."""

from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from lectopt.lifting import leafwise
from lectopt.numerics import abs_sq, computes, sqrt
from lectopt.settings import NonNegative
from lectopt.trees import wide_dtype

QUINTIC = ((3.4445, -4.775, 2.0315),) * 5  # Jordan's, steep at 0


def matrices(params: Any) -> Any:
    """Which leaves are matrices: a mask, for `masked` or for the weight decay that biases and
    scales do without, `adamw(rate, mask=matrices)`.

    Args:
      params: a tree of arrays.

    Returns:
      A tree like `params`: True for a leaf of two axes, else False.
    """
    return jax.tree.map(lambda leaf: jnp.ndim(leaf) == 2, params)


def all_but_matrices(params: Any) -> Any:
    """Which leaves are no matrices: the other leaves than those of `matrices`.

    Args:
      params: a tree of arrays.

    Returns:
      A tree like `params`: False for a leaf of two axes, else True.
    """
    return jax.tree.map(lambda leaf: jnp.ndim(leaf) != 2, params)


def _adjoint(x: Any) -> Any:
    return jnp.conj(jnp.swapaxes(x, -1, -2))


def _lying(x: Any, *last: Any) -> Any:
    """Where a product lies that has the batch axes of `x` and these last ones: to be said where the
    types say how arrays lie, and else None."""
    sharding = jax.typeof(x).sharding
    if AxisType.Explicit not in sharding.mesh.axis_types:
        return None
    return NamedSharding(sharding.mesh, P(*sharding.spec[:-2], *last))


def _times(a: Any, b: Any, lying: Any) -> Any:
    """`a b`, in float32 or wider: a narrow matrix is rounded once, after what is added."""
    wide = wide_dtype(b.dtype)
    product = "...ij,...jk->...ik"
    return jnp.einsum(product, a, b, preferred_element_type=wide, out_sharding=lying)


def _gram(x: Any) -> Any:
    """`x x^H`, all of it on every device."""
    return _times(x, _adjoint(x), _lying(x, None, None)).astype(x.dtype)


def _quintic(x: Any, a: Any, b: Any, c: Any) -> Any:
    """`a x + (b A + c A^2) x` with `A = x x^H`."""
    gram = _gram(x)
    wide = wide_dtype(x.dtype)
    a, b, c = (jnp.asarray(number, jnp.finfo(wide).dtype) for number in (a, b, c))
    inner = b * gram.astype(wide) + c * _times(gram, gram, _lying(x, None, None))
    along = _lying(x, *jax.typeof(x).sharding.spec[-2:])
    return (a * x.astype(wide) + _times(inner.astype(x.dtype), x, along)).astype(x.dtype)


def _frobenius(x: Any) -> Any:
    return sqrt(jnp.sum(abs_sq(x), axis=(-2, -1), keepdims=True))


def _over_norm(x: Any, eps: Any) -> Any:
    below = _frobenius(x) + eps
    return x / jnp.where(below == 0, 1, below)


def _over_norm_at_least(x: Any, eps: Any) -> Any:
    below = jnp.maximum(_frobenius(x), eps)
    return x / jnp.where(below == 0, 1, below)


@computes(_over_norm)
def _over_any_norm(x: Any, eps: Any) -> Any:
    unit = _unit(x)
    return _over_norm(x / unit, (eps / unit).astype(unit.dtype))


@computes(_over_norm_at_least)
def _over_any_norm_at_least(x: Any, eps: Any) -> Any:
    unit = _unit(x)
    return _over_norm_at_least(x / unit, (eps / unit).astype(unit.dtype))


def _unit(x: Any) -> Any:
    """A power of two near the largest number of a matrix: squares do not overflow in units of it,
    and nothing is rounded."""
    largest = jnp.max(jnp.abs(x), axis=(-2, -1), keepdims=True, initial=0)
    _, power = jnp.frexp(largest)
    return jnp.ldexp(jnp.ones_like(power, jnp.finfo(x.dtype).dtype), power)


def _normalised(x: Any, eps: Any, norm: str, at_least: bool) -> Any:
    """`x` with no singular value above 1."""
    if norm == "frobenius":
        return (_over_any_norm_at_least if at_least else _over_any_norm)(x, eps)
    unit = _unit(x)
    x, eps = x / unit, (eps / unit).astype(unit.dtype)
    if norm == "spectral":
        size = jnp.linalg.norm(x, 2, (-2, -1), keepdims=True)
        below = jnp.maximum(size, eps) if at_least else size + eps
        return x / jnp.where(below == 0, 1, below)
    gram = _gram(x)
    rows = jnp.sum(jnp.abs(gram), axis=-1, keepdims=True)
    below = jnp.maximum(rows if norm == "rows" else _frobenius(gram), eps / unit)
    return x / sqrt(jnp.where(below == 0, 1, below))


@leafwise()
def orthogonalize(
    g: Any,
    *,
    coefficients: Any = None,
    eps: NonNegative[Any] = 1e-8,
    norm: Literal["frobenius", "spectral", "rows", "schatten"] = "frobenius",
    eps_placement: Literal["outside", "least"] = "outside",
    dual_norm: bool = False,
    dtype: Any = None,
) -> Any:
    """The orthogonal matrix nearest to the gradient of a matrix, nearly: its singular values become
    1, give or take a third, by the iteration of Newton and Schulz.

    `X = g / (|g| + eps)`, then for each `(a, b, c)` of the coefficients `X = a X + (b A + c A^2) X`
    with `A = X X^H`, and out comes `X`. Axes before the last two
    count matrices; a vector is a row.

    Args:
      coefficients: three numbers for each step; None for five steps with Jordan's, `(3.4445,
        -4.775, 2.0315)`, which are steep at 0 and do not converge.
      eps: epsilon, zero or more.
      norm: what `|g|` is: the root of the sum of squares, the largest singular value, or
        `"schatten"`, the fourth root of the sum of their fourth powers; with `"rows"` each row is
        divided by the root of its sum in `|g g^H|`. In the last two epsilon is a least value, of
        the square.
      eps_placement: `"outside"` as above, or `"least"`, `g / max(|g|, eps)`.
      dual_norm: multiply what comes out by its inner product with the gradient.
      dtype: of the iteration, such as `"bfloat16"`; by default that of all arithmetic.

    Raises:
      ValueError: coefficients that are not three a step.

    Source: Jordan et al. 2024, Muon; Bernstein and Newhouse 2024 for the dual norm; Boissin et al.
    2025 for the rows, Grishina et al. 2025 for the norm of Schatten.
    """
    rows: Any = QUINTIC if coefficients is None else jnp.asarray(coefficients)
    if jnp.shape(jnp.asarray(rows))[1:] != (3,):
        raise ValueError(
            f"orthogonalize: coefficients must be three numbers for each step, got shape "
            f"{rows.shape}. Write coefficients=((3.4445, -4.775, 2.0315),) * 5."
        )
    matrix = jnp.atleast_2d(g)
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = (_adjoint(matrix) if tall else matrix).astype(dtype or g.dtype)
    x = _normalised(x, eps, norm, eps_placement == "least")
    for a, b, c in rows:
        x = _quintic(x, a, b, c)
    out = jnp.reshape(_adjoint(x) if tall else x, g.shape).astype(g.dtype)
    return jnp.sum(jnp.real(jnp.conj(g) * out)) * out if dual_norm else out


@leafwise()
def scale_by_shape(
    u: Any,
    *,
    consistent_rms: NonNegative[Any] | None = None,
    layout: Literal["in_out", "out_in"] = "in_out",
) -> Any:
    """A matrix, or a row, times what makes one learning rate right for all shapes: `u sqrt(max(1,
    n_out / n_in))`.

    Args:
      consistent_rms: `u consistent_rms sqrt(max(n_in, n_out))` instead, which gives an orthogonal
        matrix this root mean square; 0.2 is that of Adam's steps.
      layout: of a matrix: `"in_out"`, as in Flax and Keras, or `"out_in"`, as in PyTorch.

    Source: Jordan et al. 2024, Muon; Liu et al. 2025 for the consistent size.
    """
    rows, columns = jnp.atleast_2d(u).shape[-2:]
    fan_in, fan_out = (rows, columns) if layout == "in_out" else (columns, rows)
    if consistent_rms is None:
        return u * max(1.0, fan_out / max(1, fan_in)) ** 0.5
    return u * (consistent_rms * max(fan_in, fan_out) ** 0.5)
