"""Dialects: the same algorithms as other libraries and the papers spell them.

A name has its source's arguments, in its order, with its defaults, and gives its numbers:
`torch.Adam` is PyTorch's Adam, `keras.Adam` is Keras', and they are not the same algorithm.
"""

from lectopt.dialects import keras, optax, papers, porting, torch

__all__ = [
    "keras",
    "optax",
    "papers",
    "porting",
    "torch",
]
