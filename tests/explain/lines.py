"""What the tests of `explain` share: the printed lines, and how exact a replay is."""

import re
from pathlib import Path

from tests.support.printed import CONTINUED

EXACT = 1e-12
FLOAT32 = 1e-6  # for what Optax itself computes in float32, whatever the parameters are
BFLOAT16 = 2e-5  # an update of 1e-3 that is computed with 8 digits in base 2
ROOT = Path(__file__).parents[2]


def lines(explanation):
    """The printed lines, long ones in one piece, without the spaces that align them."""
    text = CONTINUED.sub(" ", str(explanation))
    return [re.sub(" +", " ", line).strip() for line in text.splitlines()]
