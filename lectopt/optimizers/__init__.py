"""The algorithms, as wiring: each names its parts, and the parts hold the recurrences.

Where Optax has the name, the same call gives Optax's numbers. Keywords after the `*` name the
conventions in which lectures and frameworks differ; they change the arithmetic, and the default is
Optax's.
"""

from lectopt.optimizers.adam import adam as adam
from lectopt.optimizers.adam import adamw as adamw
from lectopt.optimizers.adam_family import adamax as adamax
from lectopt.optimizers.adam_family import amsgrad as amsgrad
from lectopt.optimizers.adam_family import nadam as nadam
from lectopt.optimizers.adam_family import radam as radam
from lectopt.optimizers.adaptive import adadelta as adadelta
from lectopt.optimizers.adaptive import adagrad as adagrad
from lectopt.optimizers.adaptive import rmsprop as rmsprop
from lectopt.optimizers.asgd import asgd as asgd
from lectopt.optimizers.descent import momentum as momentum
from lectopt.optimizers.descent import nesterov as nesterov
from lectopt.optimizers.descent import sgd as sgd
from lectopt.optimizers.signs import local_gains as local_gains
from lectopt.optimizers.signs import rprop as rprop
from lectopt.optimizers.statistical import sgld as sgld
from lectopt.optimizers.statistical import snr_sgd as snr_sgd
