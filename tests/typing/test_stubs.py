"""The stub files are what docs/stubs.py writes, so that they cannot drift from the code."""

from pathlib import Path

import pytest

import lectopt
from tests.support.public import FUNCTIONS, MODULES, stubs


@pytest.mark.parametrize("name", MODULES)
def test_stub_is_what_the_script_writes(name):
    path = stubs.path_of(MODULES[name])
    written = path.read_text("utf-8") if path.exists() else ""
    assert written == stubs.stub(MODULES[name]), "Write python docs/stubs.py."


def test_there_are_no_others():
    offered = {stubs.path_of(module) for module in MODULES.values()}
    assert {*Path(lectopt.__path__[0]).rglob("*.pyi")} <= offered


def test_what_a_decorator_has_made_is_in_a_stub():
    """Of two makers, and of a function that only is checked."""
    made = {where for where, function in FUNCTIONS.items() if stubs.is_made(function)}
    assert {("lectopt", "ema"), ("lectopt", "cosine_decay")} < made
    assert ("lectopt", "adam") not in made
