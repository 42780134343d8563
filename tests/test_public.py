"""What `lectopt` offers: every name once, importable, documented, and nothing else."""

import importlib
import inspect
import pkgutil
import pydoc
import re
import subprocess
import sys
import types

import pytest

import lectopt
from tests.support.public import FUNCTIONS, MODULES

NAMES = sorted(lectopt.__all__)
NAMESPACES = [name for name in NAMES if inspect.ismodule(getattr(lectopt, name))]
PACKAGES = ["combinators", "controls", "optimizers", "primitives", "schedules"]


@pytest.mark.parametrize("name", MODULES)
def test_dir_holds_the_public_names_and_nothing_else(name):
    module = MODULES[name]
    assert [k for k in dir(module) if not k.startswith("__")] == sorted(module.__all__)
    assert len({*module.__all__}) == len(module.__all__)


def test_every_module_that_a_public_one_names_is_among_them():
    assert {f"lectopt.{name}" for name in [*NAMESPACES, *PACKAGES]} <= MODULES.keys()
    assert {"lectopt.lectures.cmu11785", "lectopt.dialects.torch", "lectopt.testing"} <= {*MODULES}


@pytest.mark.parametrize("name", [k for k in MODULES if re.match(r"\w+\.(lect|dial|aver)", k)])
def test_a_lecture_or_a_dialect_offers_all_its_functions(name):
    module = MODULES[name]
    own = inspect.getmembers(module, inspect.isfunction)
    here = {k for k, f in own if f.__module__ == name or f.__module__.startswith(f"{name}.")}
    assert {k for k in here if not k.startswith("_")} <= {*module.__all__}


def test_help_begins_with_every_name_in_order():
    """One line of the docstring says what the indented names below it are."""
    text = "".join(re.findall(r"^ +.*\n", inspect.cleandoc(lectopt.__doc__) + "\n", re.MULTILINE))
    assert re.findall(r"\w+", text) == lectopt.__all__


def test_testing_is_there_when_it_is_asked_for():
    code = (
        "import sys, lectopt; assert 'lectopt.testing' not in sys.modules and 'testing' in "
        "dir(lectopt); lectopt.testing.CHECKS"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="module 'lectopt' has no attribute 'tsting'"):
        lectopt.tsting  # noqa: B018


@pytest.mark.parametrize("where", FUNCTIONS, ids=".".join)
def test_help_shows_the_arguments_in_short_lines(where):
    function = FUNCTIONS[where]
    shown = pydoc.plain(pydoc.render_doc(function)).partition("\n\n")[2]
    signature = shown[: shown.index(inspect.getdoc(function).splitlines()[0])]
    arguments = len(inspect.signature(function).parameters)
    assert signature.count("\n") <= max(20, arguments + 4)
    assert max(map(len, shown.splitlines())) <= 100
    for foreign in ("Annotated", "Range(", "typing.", "collections.", "_src", "~"):
        assert foreign not in signature
    for name in inspect.signature(function).parameters:
        assert re.search(rf"\b{name}\b", signature)


def test_help_of_adam_fits_a_screen():
    shown = pydoc.plain(pydoc.render_doc(lectopt.adam)).splitlines()
    assert len(shown) <= 40
    assert "    learning_rate: LearningRate," in shown and "    b1: Decay = 0.9," in shown


def test_a_star_import_brings_them():
    found = {}
    exec("from lectopt import *", found)
    assert set(found) - {"__builtins__"} == set(NAMES)


def test_no_name_of_a_package_is_missing_but_what_belongs_beside_its_schedules():
    packages = [importlib.import_module(f"lectopt.{name}") for name in PACKAGES]
    offered = {name for package in packages for name in package.__all__}
    beside = {"RobbinsMonro", "Schedule", "relative", "scaled", "shifted"}
    assert offered - set(NAMES) == beside
    assert not any(hasattr(lectopt, name) for name in beside)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_lists_all_that_it_imports(name):
    """Whatever a package's `__init__` takes from its modules is offered."""
    package = importlib.import_module(f"lectopt.{name}")
    if not hasattr(package, "__path__"):
        own = inspect.getmembers(package, inspect.isfunction)
        here = {k for k, v in own if v.__module__ == package.__name__ and not k.startswith("_")}
        assert set(package.__all__) <= here
        return
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    public = {k for k in vars(package) if not k.startswith("_")}
    shadowed = {
        k for k in modules if not isinstance(getattr(package, k, package), types.ModuleType)
    }
    assert sorted(package.__all__) == sorted(public - (modules - shadowed))


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_is(name):
    thing = getattr(importlib.import_module("lectopt"), name)
    assert inspect.getdoc(thing)
    if not inspect.ismodule(thing):
        assert thing.__module__.startswith("lectopt") and thing.__name__ == name


@pytest.mark.parametrize("name", NAMESPACES)
def test_what_a_namespace_offers_says_what_it_is(name):
    module = importlib.import_module(f"lectopt.{name}")
    things = {own: getattr(module, own) for own in module.__all__}
    if name == "settings":  # annotations, which have no docstring
        things = {"Range": things["Range"]}
    for own, thing in things.items():
        assert inspect.getdoc(thing), own
