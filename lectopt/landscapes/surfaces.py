"""Test functions of two parameters (Rastrigin's and Ackley's of any number)."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.landscapes.landscape import Landscape
from lectopt.landscapes.quadratics import whole


def beale() -> Landscape:
    """`(1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2`, least at `(3, 1/2)`.

    Source: CMU 11-785, "Visualizing the optimizers: Beale's Function"; Beale 1958.
    """

    def value(theta: jax.Array) -> jax.Array:
        x, y = theta
        return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2

    window = ((-4.5, 4.5), (-4.5, 4.5))
    return Landscape("beale", value, np.array([1.0, 1.5]), 0.0, ((3.0, 0.5),), window)


def saddle() -> Landscape:
    """`x^2 - y^2`, which has no minimum: the start is close to the ridge `y = 0`, on which descent
    ends at the saddle `(0, 0)`.

    Source: CMU 11-785, "Visualizing the optimizers: Saddle Point".
    """

    def value(theta: jax.Array) -> jax.Array:
        x, y = theta
        return x**2 - y**2

    return Landscape("saddle", value, np.array([-1.5, 1e-3]), window=((-2.0, 2.0), (-2.0, 2.0)))


def rosenbrock(a: float = 1.0, b: float = 100.0) -> Landscape:
    """`(a - x)^2 + b (y - x^2)^2`, least at `(a, a^2)`: a curved valley with a flat floor.

    Args:
      a: where the minimum is.
      b: how steep the sides are, above 0.

    Source: Rosenbrock 1960.
    """
    if not b > 0:
        raise ValueError(f"rosenbrock: wanted b above 0, got {b!r}; write b=100.0")

    def value(theta: jax.Array) -> jax.Array:
        x, y = theta
        return (a - x) ** 2 + b * (y - x**2) ** 2

    window = ((-2.0, 2.0), (-1.0, 3.0))
    return Landscape("rosenbrock", value, np.array([-1.2, 1.0]), 0.0, ((a, a**2),), window)


def double_well(tilt: float = 0.0) -> Landscape:
    """`(x^2 - 1)^2 / 4 + tilt x + y^2 / 2`: two minima, at `(-1, 0)` and `(1, 0)` without tilt,
    with a barrier of 1/4 between them.

    Args:
      tilt: slope along `x`, in (-0.38, 0.38), where both wells are left (`2 / 27^0.5 = 0.385`). If
        it is positive, the left well is the deeper one; the start is in the other.
    """
    if not abs(tilt) < 0.38:
        raise ValueError(f"double_well: wanted tilt in (-0.38, 0.38), got {tilt!r}; write tilt=0.1")

    def value(theta: jax.Array) -> jax.Array:
        x, y = theta
        return (x**2 - 1) ** 2 / 4 + tilt * x + y**2 / 2

    # The wells are at the outer roots of x^3 - x + tilt = 0 (Viète).
    turn = math.acos(-tilt * math.sqrt(27) / 2) / 3
    right, left = (2 / math.sqrt(3) * math.cos(turn - 2 * math.pi * k / 3) for k in (0, 2))
    deepest = [left] if tilt > 0 else [right] if tilt < 0 else [-1.0, 1.0]
    lowest = (deepest[0] ** 2 - 1) ** 2 / 4 + tilt * deepest[0]
    start = np.array([-1.5 if tilt < 0 else 1.5, 1.0])
    window = ((-2.0, 2.0), (-1.5, 1.5))
    return Landscape("double_well", value, start, lowest, tuple((x, 0.0) for x in deepest), window)


def himmelblau() -> Landscape:
    """`(x^2 + y - 11)^2 + (x + y^2 - 7)^2`: four minima of value 0.

    Source: Himmelblau 1972.
    """

    def value(theta: jax.Array) -> jax.Array:
        x, y = theta
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    minima = (
        (3.0, 2.0),
        (-2.805118086952745, 3.131312518250573),
        (-3.779310253377747, -3.283185991286170),
        (3.584428340330492, -1.848126526964404),
    )
    window = ((-5.0, 5.0), (-5.0, 5.0))
    return Landscape("himmelblau", value, np.array([-0.5, -1.0]), 0.0, minima, window)


def rastrigin(dimension: int = 2) -> Landscape:
    """`sum_i (x_i^2 + 10 (1 - cos(2 pi x_i)))`, least at 0, with a local minimum near every
    point of whole numbers.

    Source: Rastrigin 1974.
    """

    def value(theta: jax.Array) -> jax.Array:
        return jnp.sum(theta**2 + 10 * (1 - jnp.cos(2 * jnp.pi * theta)))

    return _around_zero("rastrigin", value, dimension, start=2.3, window=5.12)


def ackley(dimension: int = 2) -> Landscape:
    """`20 (1 - exp(-0.2 rms(x))) + e - exp(mean(cos(2 pi x)))`, least at 0: a hole in a field of
    ripples that is flat far away. It has no gradient at the minimum itself.

    Source: Ackley 1987.
    """

    def value(theta: jax.Array) -> jax.Array:
        square = jnp.mean(theta**2)
        # The root has no derivative at 0; there it is taken to be 0.
        rms = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)
        ripples = jnp.exp(jnp.mean(jnp.cos(2 * jnp.pi * theta)))
        return 20 * (1 - jnp.exp(-0.2 * rms)) + math.e - ripples

    return _around_zero("ackley", value, dimension, start=2.6, window=5.0)


def _around_zero(
    name: str, value: Callable[[jax.Array], jax.Array], dimension: int, start: float, window: float
) -> Landscape:
    whole(name, "dimension", dimension)
    first = start * (1 - 0.25 * np.arange(dimension) / dimension)
    shown = ((-window, window), (-window, window)) if dimension == 2 else None
    return Landscape(name, value, first, 0.0, (tuple(np.zeros(dimension)),), shown)
