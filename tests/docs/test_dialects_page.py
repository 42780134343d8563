"""docs/dialects.md lists what the dialects have, which is what the libraries have."""

import importlib.util
import inspect
import re
from pathlib import Path

import optax
import pytest

from lectopt.dialects import keras, torch
from lectopt.dialects import optax as ox

DOCS = Path(__file__).parents[2] / "docs"
ASIDE = {"ReduceLROnPlateau", "AveragedModel", "LossScaleOptimizer"}
# Classes that others are made from; and what optax.partition does.
TAKEN = {"LRScheduler", "Optimizer", "LearningRateSchedule", "MultiOptimizer"}


def sections():
    """The names in each table of the page."""
    parts = re.split(r"^## ", (DOCS / "dialects.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {p.splitlines()[0]: re.findall(r"^\| `(\w+)`", p, re.MULTILINE) for p in parts}


def offered(dialect):
    """What makes a transformation or a schedule."""
    functions = {n: getattr(dialect, n) for n in dialect.__all__ if n[0].isupper()}
    return {n for n, f in functions.items() if inspect.isfunction(f)} - ASIDE


def test_the_page_lists_what_the_dialects_have():
    found = sections()
    assert {*found["PyTorch: optimizers"], *found["PyTorch: schedules"]} == offered(torch)
    assert {*found["Keras: optimizers"], *found["Keras: schedules"]} == offered(keras)
    aliases = vars(importlib.import_module("optax._src.alias"))
    assert set(found["Optax: aliases"]) == {n for n in ox.__all__ if n in aliases}


def test_that_is_all_that_the_libraries_have():
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("keras") is None:
        pytest.skip("torch or keras is not installed: nothing to compare with")
    import torch as pytorch

    from tests.support.oracles.record import import_keras

    def classes(home):
        return {n for n, c in vars(home).items() if inspect.isclass(c) and not n.startswith("_")}

    optim, framework = pytorch.optim, import_keras().optimizers
    theirs = {n for n in classes(optim) if issubclass(getattr(optim, n), optim.Optimizer)}
    schedulers = optim.lr_scheduler
    base = schedulers.LRScheduler
    theirs |= {n for n in classes(schedulers) if issubclass(getattr(schedulers, n), base)}
    assert offered(torch) | ASIDE >= theirs - TAKEN and "Muon" in theirs
    theirs = {
        n for n in classes(framework) if issubclass(getattr(framework, n), framework.Optimizer)
    }
    theirs |= classes(framework.schedules)
    assert offered(keras) | ASIDE >= theirs - TAKEN and "Muon" in theirs
    aliases = vars(importlib.import_module("optax._src.alias"))
    theirs = {n for n, f in aliases.items() if inspect.isfunction(f) and hasattr(optax, n)}
    made = {n for n in theirs if "Transformation" in str(inspect.signature(aliases[n]))}
    assert set(ox.__all__) >= {n for n in made if aliases[n].__module__ == "optax._src.alias"}


def test_the_readme_counts_what_the_page_has():
    """How many agree in twelve digits or more, of how many."""
    text = (DOCS / "dialects.md").read_text("utf-8")
    digits = {
        part.splitlines()[0].partition(":")[0]: []
        for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    }
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        rows = re.findall(r"^\| `\w+` \| \d+ \| (\d+) ", part, re.MULTILINE)
        digits[part.splitlines()[0].partition(":")[0]] += map(int, rows)
    said = [
        f"{sum(n >= 12 for n in digits[who])} of {len(digits[who])}"
        for who in ("Optax", "PyTorch", "Keras")
    ]
    assert f"| – | {' | '.join(said)} |" in (DOCS.parent / "README.md").read_text("utf-8")
