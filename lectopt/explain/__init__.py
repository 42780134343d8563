"""The equations of any Optax transformation, read off its program.

`lectopt.explain` is this package, and can be called: `lectopt.explain(optax.adam)`. SymPy is
imported only then.
"""

import sys
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lectopt.explain.explanation import Explanation
    from lectopt.explain.verdicts import Comparison

__all__ = [
    "explain",
    "replay",
    "same_update",
]

EXTRA = 'lectopt.explain needs SymPy. Write pip install "lectopt[explain]".'


def explain(
    tx_or_maker: Any,
    /,
    *,
    letters: str | Mapping[str, str] | None = None,
    params: Any = None,
    **settings: Any,
) -> "Explanation":
    """The equations that a gradient transformation really runs.

    `print(explain(optax.adam))` shows them with letters for the settings, and
    `explain(optax.adam(0.1))` with the numbers of an optimizer that is already built. They are read
    off the program that JAX traces, so they can be had of anybody's transformation; what has no
    formula (a line search, a matrix function) is shown as a function of what it depends on.

    A formula speaks of one weight at update number `t`, from 1, and of real numbers: a guard
    against overflow or underflow is left out. A setting that is exactly 0 or 1 stays a number and
    so vanishes, other numbers become letters, and a schedule a function of `t`; decays are taken to
    lie between 0 and 1, and positive settings to be positive. `x_hat[t]` is the average `x[t]`
    corrected for its start, `‖g[t]‖` a norm over all parameters, `‖g[t]‖_leaf` one over one leaf.

    Args:
      tx_or_maker: a gradient transformation, or a function that makes one.
      letters: a lecture's notation, `"cmu11785"`, `"liege"`, `"isi"`, `"ttic31230"`, `"stat479"` or
        `"kingma"`, or a dict from names to letters: `{"learning_rate": "η", "mu": "m"}`.
      params: a tree of arrays to read the optimizer on, also of thousands. By default leaves of
        every rank, a scalar, a vector, a matrix and a kernel, or what a mask or labels ask for.
      **settings: of the maker; those without a default need not be given.

    Returns:
      An `Explanation`: print it, or see its `latex`, `start`, `reads` and `symbols`; its
      `["theta"]` and `["mu"]` are SymPy expressions.

    Raises:
      TypeError: no transformation was given, the maker does not take these settings, or `letters`
        is neither a name nor a dict.
      ValueError: a setting is out of its range, or `letters` is no notation.
      ImportError: SymPy is not installed.
    """
    _need_sympy()
    from lectopt.explain.explaining import explain as explained

    return explained(tx_or_maker, letters, params, settings)


def same_update(
    a: Any, b: Any, map: Mapping[str, Any] | None = None, *, params: Any = None
) -> "Comparison":
    """Whether two gradient transformations make the same updates.

    Args:
      a: a transformation or a maker of transformations, whose settings are then left open.
      b: the other one.
      map: names of `b` in terms of `a`: `{"momentum": "decay"}` for settings, `{"theta": "theta +
        decay*trace", "trace": "-trace/learning_rate"}` for a change of variable; the two then are
        the same if `b` does in these variables what `a` does.
      params: as for `explain`.

    Returns:
      A `Comparison`, true if they are the same; it says whether that was proved, for all inputs
      and settings, or tested on random histories, and else shows where they differ.

    Raises:
      TypeError: `map` is no mapping from names to formulas.
      ValueError: it names what `b` does not have, or cannot be read.
      ImportError: SymPy is not installed.
    """
    _need_sympy()
    from lectopt.explain.compare import compared

    return compared(a, b, map or {}, params)


def replay(
    tx_or_maker: Any, /, *, steps: int = 5, seed: int = 0, params: Any = None, **settings: Any
) -> float:
    """How far the printed equations are from the transformation that they describe.

    The equations are evaluated in plain NumPy beside `steps` updates on random gradients, both in
    float64.

    Args:
      tx_or_maker: as for `explain`.
      steps: how many updates.
      seed: of the gradients and the first parameters.
      params: as for `explain`.
      **settings: as for `explain`.

    Returns:
      The largest difference of parameters or statistics, relative to 1 + their size.

    Raises:
      TypeError: `steps` is no integer.
      ValueError: `steps` is less than 1, or the transformation could not be explained.
      ImportError: SymPy is not installed.
    """
    return explain(tx_or_maker, params=params, **settings).replay(steps, seed)


def _need_sympy() -> None:
    try:
        import sympy  # noqa: F401
    except ImportError as error:
        raise ImportError(EXTRA) from error


class _Package(types.ModuleType):
    """A package that can be called, so that `lectopt.explain` is both."""

    __call__ = staticmethod(explain)


sys.modules[__name__].__class__ = _Package
