"""What the tests of runs in directories share."""

import pytest

from lectopt import fit
from tests.training.resumed import ARGUMENTS, TX
from tests.training.runs import problem


@pytest.fixture
def often(monkeypatch):
    """States are saved after every block."""
    monkeypatch.setattr("lectopt.training.store.SAVE_EVERY", 0.0)


@pytest.fixture(scope="module")
def straight(fast_compilation):
    return fit(problem(), TX, **ARGUMENTS)
