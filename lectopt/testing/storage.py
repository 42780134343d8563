"""The state as something that is kept: its buffers, and checkpoints of it."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import SkipTest

import jax
import jax.numpy as jnp

from lectopt.testing import trees
from lectopt.testing.registry import check
from lectopt.testing.subject import Subject


def _buffers(tree: Any, root: str) -> dict[int, str]:
    """The name of the leaf that holds each buffer.

    Raises:
      AssertionError: two leaves hold the same one.
    """
    found: dict[int, str] = {}
    for path, leaf in trees.named_leaves(tree):
        if not isinstance(leaf, jax.Array) or leaf.size == 0:
            continue
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            continue
        name, where = root + path.replace("the only leaf", ""), leaf.unsafe_buffer_pointer()
        assert where not in found, f"{found[where]} and {name} are one buffer"
        found[where] = name
    return found


@check
def donation(subject: Subject) -> None:
    """No two leaves of the state share a buffer, and none has one of the parameters, since a step
    that donates both would donate it twice. A copy is `jnp.copy` or `jnp.array(x)`."""
    tx, params = subject.build(), trees.params()
    state = tx.init(params)
    own, theirs = _buffers(state, "state"), _buffers(params, "params")
    for where in own.keys() & theirs.keys():
        raise AssertionError(f"{own[where]} and {theirs[where]} are one buffer after init")
    _, state = subject.update(tx, trees.gradients(), state, params)
    _buffers(state, "state after an update")


def _restored(subject: Subject, store: Callable[[Any], Any]) -> None:
    tx, params = subject.build(), trees.params()
    _, state = subject.update(tx, trees.gradients(), tx.init(params), params)
    whole = {"params": params, "opt_state": state}
    again = store(whole)
    trees.same_bits(again["opt_state"], state, "the restored state")
    trees.same_bits(
        subject.update(tx, trees.gradients(1), again["opt_state"], params),
        subject.update(tx, trees.gradients(1), state, params),
        "(update, state) that follows the restored state",
    )


@check
def msgpack_checkpoint(subject: Subject) -> None:
    """Flax's `to_bytes` and `from_bytes` give the state back, bit by bit, and the run goes on."""
    import flax.serialization

    def store(whole: Any) -> Any:
        return flax.serialization.from_bytes(whole, flax.serialization.to_bytes(whole))

    _restored(subject, store)


@check
def orbax_checkpoint(subject: Subject) -> None:
    """Orbax gives the state back, bit by bit, and the run goes on."""
    try:
        import orbax.checkpoint as ocp
    except ImportError:
        raise SkipTest("Orbax is not installed (pip install orbax-checkpoint)") from None

    def store(whole: Any) -> Any:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Orbax's own, about its options
            checkpointer = ocp.PyTreeCheckpointer()
            checkpointer.save(Path(folder) / "state", whole)
            return checkpointer.restore(Path(folder) / "state", item=whole)

    _restored(subject, store)
