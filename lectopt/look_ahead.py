"""Whether anybody has asked a look-ahead method where it wants its gradients.

An update cannot see where its gradient was taken. But who never calls `point` has not taken it
there: a loop that is not made for it, `optax.chain`, `nnx.Optimizer`. To warn of nobody else is
worth more than to warn of all: an equal optimizer that was asked is enough, and one that was made
in a traced function, and may have been made there twice, is not judged.
"""

import warnings
from typing import Any

from jax.core import Tracer

SETTLED = "_settled"  # an attribute of those that were asked, or have warned
_settled: set[int] = set()  # the hashes of all of them


def take_gradients_as_given(tx: Any) -> Any:
    """`tx`, which will not warn: it was asked, or its gradients are made up, and taken nowhere."""
    if getattr(tx, "looks_ahead", False) and not vars(tx).get(SETTLED):
        vars(tx)[SETTLED] = True
        _settled.add(hash(tx))
    return tx


def warn_unless_asked(tx: Any) -> None:
    """Warn, once, if a transformation looks ahead and nobody has asked it where."""
    if SETTLED in vars(tx):
        return
    vars(tx)[SETTLED] = False
    if tx.looks_ahead and not _is_traced(tx) and hash(tx) not in _settled:
        _settled.add(hash(tx))
        warnings.warn(
            f"{tx!r} wants its gradients at tx.point(params, state), and nobody has asked it for "
            "that point: with gradients at params it is another method, plain momentum in the "
            "place of Nesterov's. Write grads = jax.grad(loss)(tx.point(params, state)). "
            "optax.chain has no point: write lectopt.chain. For loops that do not ask there is "
            'nesterov(..., form="shifted").',
            stacklevel=3,
        )


def _is_traced(tx: Any) -> bool:
    own = any(isinstance(value, Tracer) for value in tx.settings.values())
    return own or any(map(_is_traced, tx.parts))
