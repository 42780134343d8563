"""What PyTorch's optimizers have in common: the frame around every algorithm.

The learning rate is the last factor. Weight decay is an L2 penalty (its gradient is added first)
unless it is decoupled. `foreach`, `fused`, `capturable` and `differentiable` stand in the
signatures, so that they are PyTorch's, and are refused: they choose how PyTorch computes, not what.
"""

from typing import Annotated, Any

from lectopt.combinators import chain
from lectopt.dialects.spelling import Unneeded, absent, spelled
from lectopt.primitives import add_decayed_weights, negate, shrink_weights
from lectopt.settings import Decay
from lectopt.transformation import Transformation

Betas = tuple[Decay, Decay]
Foreach = Annotated[
    Any, Unneeded("It chooses among PyTorch's loops over the parameters; XLA fuses them anyway.")
]
Fused = Annotated[Any, Unneeded("It chooses PyTorch's fused kernels; XLA fuses every update.")]
Capturable = Annotated[Any, Unneeded("It is for CUDA graphs; jax.jit captures every update.")]
Differentiable = Annotated[Any, Unneeded("Every update here can be differentiated through.")]
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


pytorch = spelled(_cycled)


def framed(tx: Transformation, weight_decay: Any, maximize: bool) -> Transformation:
    """Around every algorithm: ascent on demand, then the gradient of the L2 penalty."""
    first = [negate()] * bool(maximize)
    penalty = [] if absent(weight_decay) else [add_decayed_weights(weight_decay)]
    return chain(*first, *penalty, tx) if first or penalty else tx


def decoupled(tx: Transformation, lr: Any, weight_decay: Any, maximize: bool) -> Transformation:
    """Decay beside the algorithm: `param (1 - lr weight_decay)`, then its step."""
    decay = [] if absent(weight_decay) else [shrink_weights(lr, weight_decay)]
    return framed(chain(tx, *decay) if decay else tx, 0, maximize)
