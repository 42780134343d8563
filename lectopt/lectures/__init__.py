"""Lectures: the algorithms of each lecture in its order, its letters and its conventions.

`cmu11785.adam` is the Adam of that lecture's slide: the slide's symbols, spelled out, are the
argument names (`lambda_` is lambda, which Python keeps for itself), its typical values are the
defaults, and epsilon and the rate stand where it puts them. So the same letter means different
things in different lectures: `gamma` is a decay at CMU and the learning rate in Liège. A docstring
opens with the words of the slide and gives its entry in the catalogue of the lectures.

What a slide leaves open has a cautious default, and the docstring says so: a learning rate has a
default only where the lecture gives one, an epsilon without a value is 1e-8, the value that ISI and
STAT 479 give, and every sum starts at 0. Where a slide is misprinted the function is what was
meant, and `literal=True` what is printed; a misprint that cannot be run is described instead.
"""

import sys as _sys

from lectopt.display import offer as _offer
from lectopt.lectures import cmu11785, isi, liege, misprints, stat479, ttic31230

__all__ = [
    "cmu11785",
    "isi",
    "liege",
    "misprints",
    "stat479",
    "ttic31230",
]

_offer(_sys.modules[__name__])
