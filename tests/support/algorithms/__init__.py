"""THE table of algorithms. Every contract test runs over it; a new algorithm is a function, an
export and a row in the file of its family."""

from tests.support.algorithms.adam import ADAM
from tests.support.algorithms.adaptive import ADAPTIVE
from tests.support.algorithms.algorithm import Algorithm
from tests.support.algorithms.belief import BELIEF
from tests.support.algorithms.descent import DESCENT
from tests.support.algorithms.layers import LAYERS
from tests.support.algorithms.signs import SIGNS
from tests.support.algorithms.statistical import STATISTICAL
from tests.support.algorithms.whole_tree import WHOLE_TREE

ALGORITHMS = DESCENT + ADAPTIVE + ADAM + BELIEF + SIGNS + STATISTICAL + LAYERS + WHOLE_TREE
