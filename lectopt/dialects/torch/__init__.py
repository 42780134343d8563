"""PyTorch 2.13's optimizers and schedulers: its names, arguments, defaults and numbers.

`optimizer = torch.Adam(lr=1e-3)` takes everything that `torch.optim.Adam` takes after the
parameters. `lr` is a number, a tracer, or a schedule such as `torch.StepLR(1e-3, step_size=30,
steps_per_epoch=391)`, where PyTorch has a scheduler that acts on the optimizer from outside.
"""

from lectopt.dialects.torch.adams import Adam as Adam
from lectopt.dialects.torch.adams import Adamax as Adamax
from lectopt.dialects.torch.adams import AdamW as AdamW
from lectopt.dialects.torch.adams import NAdam as NAdam
from lectopt.dialects.torch.adams import RAdam as RAdam
from lectopt.dialects.torch.adaptive import Adadelta as Adadelta
from lectopt.dialects.torch.adaptive import Adagrad as Adagrad
from lectopt.dialects.torch.adaptive import RMSprop as RMSprop
from lectopt.dialects.torch.cycles import CyclicLR as CyclicLR
from lectopt.dialects.torch.cycles import OneCycleLR as OneCycleLR
from lectopt.dialects.torch.descent import ASGD as ASGD
from lectopt.dialects.torch.descent import SGD as SGD
from lectopt.dialects.torch.descent import Rprop as Rprop
from lectopt.dialects.torch.moving import from_optimizer as from_optimizer
from lectopt.dialects.torch.moving import read_params as read_params
from lectopt.dialects.torch.schedulers import CosineAnnealingLR as CosineAnnealingLR
from lectopt.dialects.torch.schedulers import ExponentialLR as ExponentialLR
from lectopt.dialects.torch.schedulers import LambdaLR as LambdaLR
from lectopt.dialects.torch.schedulers import MultiStepLR as MultiStepLR
from lectopt.dialects.torch.schedulers import ReduceLROnPlateau as ReduceLROnPlateau
from lectopt.dialects.torch.schedulers import StepLR as StepLR
