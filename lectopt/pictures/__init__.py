"""Pictures: races on landscapes, a page to play with, and what sweeps found.

They return matplotlib figures and write them where `path` says; the suffix is the format. Nothing
of the library imports this package.
"""

import sys as _sys

from lectopt.display import offer as _offer
from lectopt.pictures.exploring import explorer
from lectopt.pictures.race import race

__all__ = ["explorer", "race"]

_offer(_sys.modules[__name__])
