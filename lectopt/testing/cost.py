"""What a transformation costs in memory."""

import jax
import jax.numpy as jnp

from lectopt.testing.registry import check
from lectopt.testing.subject import Subject

_SIDE = 100


@check(applies=lambda subject: subject.slots is not None)
def slots(subject: Subject) -> None:
    """The state of a 100 x 100 leaf has at most as many numbers for every weight as `slots` says;
    single numbers for the whole tree are not counted."""
    assert subject.slots is not None
    state = jax.eval_shape(subject.build().init, {"w": jnp.ones((_SIDE, _SIDE))})
    numbers = sum(leaf.size for leaf in jax.tree.leaves(state) if leaf.size > 1)
    found = numbers / _SIDE**2
    assert found <= subject.slots, f"it keeps {found:g} numbers a weight, not {subject.slots:g}"
