"""What Keras' optimizers keep, and where it stands here."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lectopt.averaging import SHARE
from lectopt.dialects.moving import library

# A slot here of variable number `i` of a live optimizer; None where it has none.
Slot = Callable[[Any, int], Any]


def array(variable: Any) -> np.ndarray[Any, Any]:
    """A copy: Keras goes on writing into its own memory."""
    ops = library("keras").ops
    return np.array(ops.convert_to_numpy(ops.convert_to_tensor(variable)))


def listed(attribute: str, factor: int = 1) -> Slot:
    """What the optimizer has in a list of that name, with a sign."""

    def slot(optimizer: Any, i: int) -> Any:
        held = getattr(optimizer, attribute, None)
        return factor * array(held[i]) if held and held[i] is not None else None

    return slot


def _spread(attribute: str, axis: int) -> Slot:
    """Adafactor's means along one of the last two axes, once for each number of the variable."""

    def slot(optimizer: Any, i: int) -> Any:
        shape = tuple(optimizer._trainable_variables[i].shape)
        if len(shape) < 2:
            return None
        return np.broadcast_to(np.expand_dims(array(getattr(optimizer, attribute)[i]), axis), shape)

    return slot


def _whole(optimizer: Any, i: int) -> Any:
    """Adafactor's mean squares of what has no rows and columns."""
    return array(optimizer._v[i]) if len(optimizer._trainable_variables[i].shape) < 2 else None


def _if_orthogonal(attribute: str, wanted: bool) -> Slot:
    """What Muon keeps of the matrices that it makes orthogonal steps of, or of the others."""

    def slot(optimizer: Any, i: int) -> Any:
        return listed(attribute)(optimizer, i) if orthogonal(optimizer, i) == wanted else None

    return slot


def orthogonal(optimizer: Any, i: int) -> bool:
    """Whether a live Muon makes orthogonal steps of variable `i`."""
    return optimizer.adam_velocities[i] is None


def _ahead(optimizer: Any, i: int) -> Any:
    """How far the weights `y = (1 - b1) z + b1 x` stand ahead of the average `x`."""
    y, z = array(optimizer._trainable_variables[i]), array(optimizer._momentums[i])
    return (1 - optimizer.beta_1) * (z - y) / optimizer.beta_1


_MOMENTS = dict(mu=listed("_momentums"), nu=listed("_velocities"))
SLOTS: dict[str, dict[str, Slot]] = {
    "SGD": dict(trace=listed("momentums")),
    "Adam": _MOMENTS | dict(nu_max=listed("_velocity_hats")),
    "AdamW": _MOMENTS | dict(nu_max=listed("_velocity_hats")),
    "Adamax": dict(mu=listed("_m"), nu=listed("_u")),
    "Nadam": _MOMENTS,
    "RMSprop": dict(
        nu=listed("_velocities"),
        mu=listed("_average_gradients"),
        trace=listed("_momentums", -1),  # Keras subtracts its velocity
    ),
    "Adagrad": dict(sum_of_squares=listed("_accumulators")),
    "Adadelta": dict(e_g=listed("_accumulated_grads"), e_x=listed("_accumulated_delta_vars")),
    "Lion": dict(mu=listed("_momentums")),
    "Lamb": _MOMENTS,
    "Ftrl": dict(sum_of_squares=listed("_accumulators"), linear=listed("_linears")),
    "Adafactor": dict(row=_spread("_r", -1), column=_spread("_c", -2), nu=_whole),
    "Muon": dict(
        trace=_if_orthogonal("momentums", True),
        mu=_if_orthogonal("momentums", False),
        nu=listed("adam_velocities"),
    ),
    "ScheduleFreeAdamW": dict(look_ahead=_ahead, nu=listed("_velocities")),
}
EVERY: dict[str, Slot] = dict(
    average=listed("_model_variables_moving_average"),
    accumulated=listed("_accumulated_gradients"),
)


def scalars_of(optimizer: Any) -> dict[str, Any]:
    """The numbers of a state that belong to no single parameter here."""
    count = int(array(optimizer._iterations))  # calls, as many as updates unless they accumulate
    calls = optimizer.gradient_accumulation_steps or 1
    scalars: dict[str, Any] = dict(count=count)
    match type(optimizer).__name__:
        case "Nadam":
            scalars["mu_product"] = float(array(optimizer._u_product))
        case "ScheduleFreeAdamW":
            scalars["weight_sum"] = count // calls
        case _:
            pass
    if optimizer.use_ema:
        first = 1.0 if count == calls else 1 - optimizer.ema_momentum
        scalars[SHARE] = first if count >= calls else 0.0
    return scalars
