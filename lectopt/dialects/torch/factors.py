"""PyTorch's schedulers that multiply the rate by what a function says."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.dialects.spelling import formula
from lectopt.settings import LearningRate, Steps

UNTRACED = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


@formula("torch", raw=("lr_lambda",))
def LambdaLR(
    count: Any,
    *,
    lr: LearningRate[Any],
    lr_lambda: Callable[[Any], Any],
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """`lr lr_lambda(epoch)`; see `lectopt.lambda_schedule`.

    Args:
      lr: see `StepLR`.
      lr_lambda: function of the epoch, from 0. It is traced; one that branches in Python, as
        PyTorch's may, is called back at every update.
      steps_per_epoch: see `StepLR`.
    """
    return lr * _called(lr_lambda, count // steps_per_epoch)


@formula("torch", raw=("lr_lambda",))
def MultiplicativeLR(
    count: Any,
    *,
    lr: LearningRate[Any],
    lr_lambda: Callable[[Any], Any],
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """`lr lr_lambda(1) ... lr_lambda(epoch)`, multiplied anew at every update.

    Args:
      lr: see `StepLR`.
      lr_lambda: see `LambdaLR`; the factor of an epoch, from 1.
      steps_per_epoch: see `StepLR`.
    """
    try:
        return lr * _product(lambda n: jnp.asarray(lr_lambda(n), float), count // steps_per_epoch)
    except UNTRACED:
        whole = _Product(lr_lambda)
        return lr * _called(whole, count // steps_per_epoch)


def _product(factor: Callable[[Any], Any], n: Any) -> Any:
    n = jnp.asarray(n, int)
    one = jnp.ones((), jnp.result_type(float))
    return jax.lax.fori_loop(1, n + 1, lambda i, product: product * factor(i), one)


class _Product:
    """The product of the factors up to a number, those before it remembered."""

    def __init__(self, factor: Callable[[Any], Any]):
        self.factor, self.known = factor, [1.0]

    def __call__(self, n: Any) -> Any:
        for i in range(len(self.known), int(n) + 1):
            self.known.append(self.known[-1] * self.factor(i))
        return self.known[int(n)]


def _called(function: Callable[[Any], Any], epoch: Any) -> Any:
    """`function(epoch)`, with whole numbers as wide as floats: JAX divides int32 in float32."""
    epoch = jnp.asarray(epoch, int)
    try:
        return function(epoch)
    except UNTRACED:
        return _called_back(function, epoch)


def _called_back(function: Callable[[Any], Any], epoch: Any) -> Any:
    """The same by a call of Python. The number travels as 32-bit words: the thread that calls may
    not know that floats are wide."""
    dtype = jnp.result_type(float)
    words = jax.ShapeDtypeStruct((dtype.itemsize // 4,), jnp.uint32)

    def back(n: Any) -> Any:
        return np.asarray([function(int(n))], dtype).view(np.uint32)

    found = jax.pure_callback(back, words, epoch, vmap_method="sequential")
    return jax.lax.bitcast_convert_type(found if dtype.itemsize > 4 else found[0], dtype)
