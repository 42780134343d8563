"""How lanes are divided."""

import pytest

from lectopt._sweep.sizing import balanced


@pytest.mark.parametrize(
    ("configurations", "seeds", "threads", "most", "width"),
    [
        (64, 1, 2, 16, 16),
        (24, 3, 2, 16, 12),  # two chunks without an empty lane
        (17, 3, 2, 16, 9),
        (16, 1, 2, 16, 8),  # a chunk for each thread
        (16, 2, 2, 16, 16),
        (5, 1, 8, 16, 1),
        (1, 1, 2, 16, 1),
        (10_000, 1, 2, 128, 125),
    ],
)
def test_lanes_are_divided_evenly(configurations, seeds, threads, most, width):
    assert balanced([(100, configurations)], seeds, threads, most) == width
    chunks = -(-configurations // width)
    assert width <= most and chunks * width - configurations < chunks  # less than a lane a chunk


def test_few_lanes_of_a_halving_are_empty():
    """24 configurations for 50 steps, 8 for 100, 3 for 350: of 12 lanes most would be empty."""
    width = balanced([(50, 24), (100, 8), (350, 3)], 3, 2, 16)
    assert width in (3, 4)
