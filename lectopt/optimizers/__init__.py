"""The algorithms, as wiring: each names its parts, and the parts hold the recurrences.

Where Optax has the name, the same call gives Optax's numbers. Keywords after the `*` name the
conventions in which lectures and frameworks differ; they change the arithmetic, and the default is
Optax's.
"""

from lectopt.optimizers._adam import adam as adam
from lectopt.optimizers._adam import adamw as adamw
from lectopt.optimizers._adam_family import adamax as adamax
from lectopt.optimizers._adam_family import amsgrad as amsgrad
from lectopt.optimizers._adam_family import nadam as nadam
from lectopt.optimizers._adam_family import radam as radam
from lectopt.optimizers._adaptive import adadelta as adadelta
from lectopt.optimizers._adaptive import adagrad as adagrad
from lectopt.optimizers._adaptive import rmsprop as rmsprop
from lectopt.optimizers._averaged import asgd as asgd
from lectopt.optimizers._belief import adabelief as adabelief
from lectopt.optimizers._belief import yogi as yogi
from lectopt.optimizers._descent import momentum as momentum
from lectopt.optimizers._descent import nesterov as nesterov
from lectopt.optimizers._descent import sgd as sgd
from lectopt.optimizers._layers import adafactor as adafactor
from lectopt.optimizers._layers import novograd as novograd
from lectopt.optimizers._signs import lion as lion
from lectopt.optimizers._signs import local_gains as local_gains
from lectopt.optimizers._signs import rprop as rprop
from lectopt.optimizers._statistical import sgld as sgld
from lectopt.optimizers._statistical import snr_sgd as snr_sgd
from lectopt.optimizers._whole_tree import lookahead as lookahead
from lectopt.optimizers._whole_tree import prodigy as prodigy
