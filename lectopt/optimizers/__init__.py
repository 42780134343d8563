"""The algorithms, as wiring: each names its parts, and the parts hold the recurrences.

Where Optax has the name, the same call gives Optax's numbers. Keywords after the `*` name the
conventions in which lectures and frameworks differ; they change the arithmetic, and the default is
Optax's.
"""

from lectopt.optimizers.adam import adam as adam
from lectopt.optimizers.adam import adamw as adamw
from lectopt.optimizers.adaptive import adagrad as adagrad
from lectopt.optimizers.adaptive import rmsprop as rmsprop
from lectopt.optimizers.descent import momentum as momentum
from lectopt.optimizers.descent import nesterov as nesterov
from lectopt.optimizers.descent import sgd as sgd
