"""PyTorch's clipping of gradients, `torch.nn.utils`: before the optimizer in a chain."""

import math
from typing import Annotated, Any

import jax
import jax.numpy as jnp

from lectopt.dialects.spelling import Unneeded, local, spelled
from lectopt.dialects.torch.frame import Foreach
from lectopt.lifting import treewise
from lectopt.norms import scaled_norm
from lectopt.primitives import clip_by_value
from lectopt.settings import Bound, Numeric, Range, Scalar
from lectopt.transformation import Transformation

Order = Annotated[Numeric, Range(0, math.inf, True, "a number above zero, or math.inf", 2.0, True)]
Finite = Annotated[Any, Unneeded("An update cannot raise: look at the norm in the training loop.")]


@treewise()
@local("torch")
def clip_grad_norm_(
    updates: Any,
    *,
    max_norm: Bound[Any],
    norm_type: Order[Scalar] = 2.0,
    error_if_nonfinite: Finite = False,
    foreach: Foreach = None,
) -> Any:
    """The whole gradient scaled by `min(1, max_norm / (|g| + 1e-6))`.

    `chain(torch.clip_grad_norm_(1.0), torch.AdamW())`, where PyTorch calls it before
    `optimizer.step()`. `lectopt.clip_by_global_norm` does without the 1e-6.

    Args:
      max_norm: zero or more.
      norm_type: order of the norm, above zero; `math.inf` for the largest size.
      error_if_nonfinite: not needed.
      foreach: not needed.

    Source: `torch.nn.utils.clip_grad_norm_`.
    """
    del error_if_nonfinite, foreach
    sizes = [jnp.abs(g) for g in jax.tree.leaves(updates)]
    largest = jnp.max(jnp.stack([size.max(initial=0) for size in sizes]))
    if norm_type == math.inf:
        norm: Any = largest
    elif norm_type == 2:
        norm = math.prod(scaled_norm(sizes))
    else:  # of parts of the largest, as powers overflow
        unit = jnp.where(largest > 0, largest, 1)
        total = sum(jnp.sum((size / unit) ** norm_type) for size in sizes)
        norm = unit * total ** (1 / norm_type)
    share = jnp.minimum(max_norm / (norm + 1e-6), 1)
    return jax.tree.map(lambda g: g * share.astype(g.real.dtype), updates)


@spelled()
def clip_grad_value_(clip_value: Bound, foreach: Foreach = None) -> Transformation:
    """Every coordinate brought into `[-clip_value, clip_value]`; `lectopt.clip_by_value`.

    Args:
      clip_value: zero or more.
      foreach: not needed.
    """
    return clip_by_value(clip_value)
