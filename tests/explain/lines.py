"""What the tests of `explain` share: the printed lines, and how exact a replay is."""

import re
from pathlib import Path

EXACT = 1e-12
FLOAT32 = 1e-6  # for what Optax itself computes in float32, whatever the parameters are
ROOT = Path(__file__).parents[2]


def lines(explanation):
    """The printed lines without the spaces that align them."""
    return [re.sub(" +", " ", line).strip() for line in str(explanation).splitlines()]
