"""Float64 NumPy twins of the optimisers: each a plain loop written from its slide or paper.

The oracle of the tests. No twin imports or copies the library.
"""

from .adam import *
from .adaptive import *
from .belief import *
from .distance import *
from .ftrl import *
from .layers import *
from .lookahead import *
from .matrices import *
from .mixtures import *
from .momentum import *
from .nadam import *
from .quasi_newton import *
from .schedule_free import *
from .schedules import *
from .signs import *
from .statistical import *
from .trust import *
from .wrappers import *
