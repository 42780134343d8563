"""Quadratic functions, whose descents are known in closed form, and Nesterov's worst one."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.landscapes.landscape import Landscape


def quadratic(condition: float = 10.0, dimension: int = 2) -> Landscape:
    """`sum_i h_i x_i^2 / 2` with curvatures `h_i` from `1 / condition` to 1, evenly spaced in their
    logarithm. Gradient descent is stable below a rate of 2.

    Args:
      condition: the ratio of the largest curvature to the least, 1 or more.
      dimension: number of parameters, 1 or more.

    Source: Louppe, "isotropic and anisotropic" curvature.
    """
    return _axes("quadratic", condition, dimension, np.ones)


def long_valley(condition: float = 50.0) -> Landscape:
    """`x^2 / (2 condition) + y^2 / 2`: the floor falls slowly along `x`.

    Args:
      condition: how many times steeper the sides are than the floor, 1 or more.

    Source: CMU 11-785, "Visualizing the optimizers: Long Valley"; Louppe's valley floor.
    """
    return _axes("long_valley", condition, 2, lambda _: np.array([-2.0, 1.5]))


def ravine(condition: float = 50.0) -> Landscape:
    """The long valley, turned by 30 degrees: its floor is along no parameter, so that a rate for
    each parameter is of no help.

    Args:
      condition: how many times steeper the sides are than the floor, 1 or more.

    Source: Majumdar, "without momentum / with momentum".
    """
    _condition("ravine", condition)
    turn = np.array([[np.sqrt(3) / 2, -0.5], [0.5, np.sqrt(3) / 2]])
    matrix = turn @ np.diag([1 / condition, 1.0]) @ turn.T

    def value(theta: jax.Array) -> jax.Array:
        return theta @ jnp.asarray(matrix, theta.dtype) @ theta / 2

    start = turn @ np.array([-2.0, 1.0])
    return Landscape("ravine", value, start, 0.0, ((0.0, 0.0),), ((-2.5, 2.5), (-2.5, 2.5)))


def worst_case(dimension: int = 100) -> Landscape:
    """`(x_1^2 + sum_i (x_i - x_{i+1})^2 + x_n^2) / 8 - x_1 / 4`: of all convex functions with
    curvatures up to 1, one on which methods that see gradients alone are slowest. From 0, step `k`
    reaches no further than the coordinate `k`.

    Args:
      dimension: number of parameters `n`, 1 or more. The bound is for the first `n / 2` steps.

    Source: Nesterov 2004, section 2.1.2.
    """
    n = whole("worst_case", "dimension", dimension)

    def value(theta: jax.Array) -> jax.Array:
        padded = jnp.pad(theta, 1)
        return jnp.sum(jnp.diff(padded) ** 2) / 8 - theta[0] / 4

    least = 1 - np.arange(1, n + 1) / (n + 1)
    lowest = (1 / (n + 1) - 1) / 8
    return Landscape("worst_case", value, np.zeros(n), lowest, (tuple(least),), _window(n))


def whole(maker: str, name: str, value: int) -> int:
    """`value`, which must be a whole number of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(
            f"{maker}: wanted a whole {name} of 1 or more, got {value!r}; write {name}=2"
        )
    return int(value)


def _condition(maker: str, condition: float) -> None:
    if not 1 <= condition < np.inf:
        raise ValueError(
            f"{maker}: wanted a condition of 1 or more, got {condition!r}; write condition=50"
        )


def _window(dimension: int) -> tuple[tuple[float, float], tuple[float, float]] | None:
    return ((-2.5, 2.5), (-2.5, 2.5)) if dimension == 2 else None


def _axes(
    name: str, condition: float, dimension: int, start: Callable[[int], np.ndarray]
) -> Landscape:
    _condition(name, condition)
    n = whole(name, "dimension", dimension)
    curvatures = np.geomspace(1 / condition, 1.0, n)

    def value(theta: jax.Array) -> jax.Array:
        return jnp.sum(jnp.asarray(curvatures, theta.dtype) * theta**2) / 2

    return Landscape(name, value, start(n), 0.0, (tuple(np.zeros(n)),), _window(n))
