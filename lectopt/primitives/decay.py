"""Weight decay: a pull of every weight towards zero."""

from typing import Any

import jax

from lectopt.lifting import leafwise
from lectopt.settings import NonNegative, checked
from lectopt.transformation import Core, Now, State, Transformation


@leafwise()
def _decayed(g: Any, param: Any, *, weight_decay: NonNegative) -> Any:
    return g + weight_decay * param


@checked
def add_decayed_weights(weight_decay: NonNegative = 0.0, mask: Any = None) -> Transformation:
    """`g + weight_decay param`.

    First in a chain it is the gradient of an L2 penalty `weight_decay/2 |param|^2` (the lectures'
    lambda/m); after the normalisation and before the learning rate it is AdamW's decoupled decay.
    With plain SGD the two are the same.

    Args:
      weight_decay: zero or more.
      mask: tree of booleans (or a prefix of the parameters, or a function of them): which leaves
        decay.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: ISI, L2 regularisation and weight decay (S2-06, S2-07); Loshchilov and Hutter 2019.
    """
    core = _decayed(weight_decay).core
    settings = dict(weight_decay=weight_decay, mask=mask)

    def step(updates: Any, state: State, now: Now) -> tuple[Any, State]:
        if mask is None:
            return core.step(updates, state, now)
        where = mask(now.params) if callable(mask) else mask
        picked = jax.tree.map(
            lambda yes, part: jax.tree.map(lambda u: u if yes else None, part), where, updates
        )
        decayed, state = core.step(picked, state, now)
        return jax.tree.map(
            lambda d, u: u if d is None else d, decayed, updates, is_leaf=lambda x: x is None
        ), state

    return Transformation(
        Core(
            "add_decayed_weights",
            core.start,
            step,
            counted=core.counted,
            settings=settings,
            defaults=dict(mask=None),
        )
    )
