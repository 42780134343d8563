"""PyTorch's averages of the weights, `torch.optim.swa_utils`."""

from typing import Annotated, Any

from lectopt.averaging import Scheme, uniform
from lectopt.controls.averaging import average_params
from lectopt.dialects.spelling import Unneeded, spelled
from lectopt.settings import Fraction
from lectopt.signatures import checked
from lectopt.transformation import Transformation

Device = Annotated[Any, Unneeded("The average lies where the parameters do.")]
Buffers = Annotated[
    Any, Unneeded("Buffers are no parameters here: average them in the training loop, or not.")
]


@checked
def get_ema_avg_fn(decay: Fraction = 0.999) -> Scheme:
    """`average = decay average + (1 - decay) param`, from the first parameters themselves.

    `lectopt.averaging.exponential` is corrected for its start instead.

    Args:
      decay: in [0, 1].
    """
    return Scheme("dialects.torch.get_ema_avg_fn", _share, {"decay": decay})


def _share(t: Any, decay: Any) -> Any:
    return 1 - decay


def get_swa_avg_fn() -> Scheme:
    """The mean of all parameters; `lectopt.averaging.uniform`."""
    return uniform()


@spelled()
def AveragedModel(
    device: Device = None,
    avg_fn: Any = None,
    multi_avg_fn: Any = None,
    use_buffers: Buffers = False,
) -> Transformation:
    """An average of the parameters after every update, read with `lectopt.evaluation_params`.

    It is the last of a chain, `chain(torch.SGD(0.1), torch.AveragedModel())`, where PyTorch calls
    `update_parameters(model)`. `lectopt.average_params` has `start` and `every` for the updates to
    leave out.

    Args:
      device: not needed.
      avg_fn: `get_ema_avg_fn(decay)`, any of `lectopt.averaging`, or None for the mean.
      multi_avg_fn: the same.
      use_buffers: not needed.
    """
    return average_params(avg_fn or multi_avg_fn or uniform())


get_ema_multi_avg_fn, get_swa_multi_avg_fn = get_ema_avg_fn, get_swa_avg_fn
