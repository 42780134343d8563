"""What PyTorch's optimizers have in common: the frame around every algorithm.

The learning rate is the last factor. Weight decay is an L2 penalty (its gradient is added first)
unless it is decoupled. `foreach`, `fused`, `capturable` and `differentiable` stand in the
signatures, so that they are PyTorch's, and are refused: they choose how PyTorch computes, not what.
"""

import functools as ft
from collections.abc import Callable
from typing import Annotated, Any, ParamSpec

import jax
import jax.numpy as jnp

from lectopt.combinators import chain
from lectopt.dialects.spelling import Unneeded, absent, spelled
from lectopt.lifting import Rule
from lectopt.primitives import add_decayed_weights, negate, shrink_weights
from lectopt.settings import Decay
from lectopt.transformation import State, Transformation
from lectopt.trees import dtype_of

Betas = tuple[Decay, Decay]
Foreach = Annotated[
    Any, Unneeded("It chooses among PyTorch's loops over the parameters; XLA fuses them anyway.")
]
Fused = Annotated[Any, Unneeded("It chooses PyTorch's fused kernels; XLA fuses every update.")]
Capturable = Annotated[Any, Unneeded("It is for CUDA graphs; jax.jit captures every update.")]
Differentiable = Annotated[Any, Unneeded("Every update here can be differentiated through.")]
ITERATIONS = ("max_iter", "max_eval", "tolerance_grad", "tolerance_change")  # of L-BFGS
ENGINE = ("foreach", "fused", "capturable", "differentiable")


def _cycled(where: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Let a scheduler that cycles the momentum overwrite it, as PyTorch's do."""
    cycle = getattr(settings["lr"], "momentum", None)
    if cycle is None:
        return settings
    if "betas" in settings:
        return settings | dict(betas=(cycle, *settings["betas"][1:]))
    if "momentum" in settings:
        return settings | dict(momentum=cycle)
    raise ValueError(
        f"{where}: there is no momentum here for the scheduler to cycle. "
        "Write cycle_momentum=False in it."
    )


P = ParamSpec("P")
LINEAR = ("SGD", "ASGD", "LBFGS")  # whose arithmetic is the same of a complex number and its parts


class OfReals(Rule):
    """A rule that refuses complex weights, of which PyTorch makes something else. In all else it is
    the rule."""

    def start(self, params: Any) -> State:
        """See `Transformation`."""
        for path, leaf in jax.tree_util.tree_leaves_with_path(params):
            if jnp.issubdtype(dtype_of(leaf), jnp.complexfloating):
                raise ValueError(
                    f"The weights at {jax.tree_util.keystr(path) or 'the only leaf'} are complex, "
                    "and PyTorch takes them for twice as many real ones. Write "
                    "optax.contrib.split_real_and_imaginary(optimizer), which makes its numbers."
                )
        return super().start(params)


def pytorch(maker: Callable[P, Transformation]) -> Callable[P, Transformation]:
    """`spelled`, for weights that are real unless PyTorch's arithmetic is that of complex ones."""

    @ft.wraps(maker)
    def made(*args: P.args, **kwargs: P.kwargs) -> Transformation:
        tx = maker(*args, **kwargs)
        if maker.__name__ in LINEAR:
            return tx
        parts = [*tx.parts]
        i = max(i for i, part in enumerate(parts) if isinstance(part, Rule))
        rule = parts[i]
        parts[i] = OfReals(**{name: rule.__dict__[name] for name in rule._fields_given})
        return chain(*parts)

    return spelled(_cycled)(made)


def framed(tx: Transformation, weight_decay: Any, maximize: bool) -> Transformation:
    """Around every algorithm: ascent on demand, then the gradient of the L2 penalty."""
    first = [negate()] * bool(maximize)
    penalty = [] if absent(weight_decay) else [add_decayed_weights(weight_decay)]
    return chain(*first, *penalty, tx) if first or penalty else tx


def decoupled(tx: Transformation, lr: Any, weight_decay: Any, maximize: bool) -> Transformation:
    """Decay beside the algorithm: `param (1 - lr weight_decay)`, then its step."""
    decay = [] if absent(weight_decay) else [shrink_weights(lr, weight_decay)]
    return framed(chain(tx, *decay) if decay else tx, 0, maximize)
