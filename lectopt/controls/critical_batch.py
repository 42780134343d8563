"""What the signal-to-noise rule has measured: averaging windows, and batch sizes worth having."""

import functools as ft
from typing import Any

import jax
import optax

from lectopt.settings import Positive, Scalar
from lectopt.signatures import checked
from lectopt.state_search import subtrees

WINDOW = "averaging_window"  # the slot of scale_by_snr


def averaging_window(opt_state: Any) -> Any:
    """The window N of every weight, in updates: over how many gradients its average must go for
    the best step.

    Found by name in the state, through any wrapper. During the warm-up it is `warmup`, and nothing
    has been measured yet.

    Args:
      opt_state: state of `snr_sgd`, of `scale_by_snr`, or of anything around them.

    Returns:
      A tree like the parameters, with a number of updates for every weight. In the place of a leaf
      that the rule does not see stands what the wrapper has put there.

    Raises:
      ValueError: there is no such rule in the state.

    Source: TTIC 31230 (S3-29, S3-31).
    """
    found = subtrees(opt_state, WINDOW)
    if not found:
        raise ValueError(
            "averaging_window: this state has none. Give the state of an optimizer that "
            "contains scale_by_snr, as in averaging_window(snr_sgd(1.0).init(params))."
        )
    return ft.reduce(_merged, found)


def _merged(a: Any, b: Any) -> Any:
    """Two groups of `optax.partition` in one tree: each has holes where the other has leaves."""
    if isinstance(a, optax.MaskedNode):
        return b
    parts, treedef = jax.tree.flatten(a, is_leaf=lambda x: x is not a)
    if isinstance(b, optax.MaskedNode) or jax.tree_util.treedef_is_leaf(treedef):
        return a
    others = treedef.flatten_up_to(b)
    return treedef.unflatten(map(_merged, parts, others))


@checked
def critical_batch_size(opt_state: Any, batch_size: Positive[Scalar]) -> Any:
    """The batch size B* for which a step would be best, estimated for every weight: `N batch_size`.

    Below it, twice the batch allows about twice the step; far above it, more samples buy little.
    Weights differ by orders of magnitude, and B* grows as the gradient falls: look at quantiles,
    over time.

    Args:
      opt_state: see `averaging_window`.
      batch_size: samples per gradient, above zero.

    Returns:
      A tree like the parameters, with a number of samples for every weight, at most `max_window
      batch_size`.

    Raises:
      ValueError: see `averaging_window`.

    Source: TTIC 31230 (S3-28, S3-29): `B* = 16 sigma^2 / g^2`, `N = B* / B`.
    """
    return jax.tree.map(lambda n: n * batch_size, averaging_window(opt_state))
