"""Pictures of optimizers at work. Nothing else in the library imports this; matplotlib is imported
when a picture is drawn."""

import sys as _sys

from lectopt.display import offer as _offer
from lectopt.pictures.exploring import explorer
from lectopt.pictures.heatmaps import heatmap
from lectopt.pictures.learning_curves import curves
from lectopt.pictures.planes import plane
from lectopt.pictures.racing import race
from lectopt.pictures.rungs import rungs
from lectopt.pictures.sensitivities import sensitivity

__all__ = ["curves", "explorer", "heatmap", "plane", "race", "rungs", "sensitivity"]

_offer(_sys.modules[__name__])
