"""Dialects: the same algorithms as other libraries and the papers spell them.

A name has its source's arguments, in its order, with its defaults, and gives its numbers:
`torch.Adam` is PyTorch's Adam, `keras.Adam` is Keras', and they are not the same algorithm.
"""

import sys as _sys

from lectopt.dialects import keras, optax, papers, porting, torch
from lectopt.display import offer as _offer

__all__ = [
    "keras",
    "optax",
    "papers",
    "porting",
    "torch",
]

_offer(_sys.modules[__name__])
