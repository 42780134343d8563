"""A live `AveragedModel` as a transformation after the optimizer."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import optax

from lectopt.averaging import SHARE, Scheme, uniform
from lectopt.combinators import chain
from lectopt.controls.averaging import average_params
from lectopt.dialects.torch.averages import get_ema_avg_fn
from lectopt.transformation import Transformation


def scheme_of(model: Any) -> Scheme:
    """How a live `AveragedModel` averages.

    Raises:
      TypeError: by a function of somebody else.
    """
    function: Any = model.avg_fn or model.multi_avg_fn
    if function is None:
        return uniform()
    maker = function.__qualname__.partition(".")[0]
    if maker.startswith("get_swa"):
        return uniform()
    if maker not in ("get_ema_avg_fn", "get_ema_multi_avg_fn"):
        raise TypeError(
            f"The AveragedModel averages by {function.__qualname__}, which cannot be read. Write "
            "chain(tx, average_params(...)), and put the average into its state."
        )
    closure = inspect.getclosurevars(inspect.unwrap(function)).nonlocals
    return get_ema_avg_fn(float(closure["decay"]))


def averaged(tx: Any, state: Any, model: Any, averages: Any, made: int) -> tuple[Any, Any]:
    """An optimizer that has made so many updates, with the live average after it.

    Args:
      tx: a transformation of this library or of Optax.
      state: its state.
      model: the `AveragedModel`, updated after every step since it was first.
      averages: its parameters, as JAX has them.
      made: updates so far.
    """
    n, scheme = int(model.n_averaged), scheme_of(model)
    ours = isinstance(tx, Transformation)
    made = max(made, n) if ours else n
    after = average_params(scheme, made - n)
    own = after.init(averages)
    share = jnp.where(n == 0, 0.0, jnp.where(n == 1, 1.0, scheme.share(n, **scheme.settings)))
    own |= {"count": jnp.asarray(made, jnp.int32), SHARE: share.astype(own[SHARE].dtype)}
    own["average"] = jax.tree.map(lambda old, new: new.astype(old.dtype), own["average"], averages)
    if ours:
        return chain(tx, after), state | own
    return optax.chain(tx, after), (state, own)
