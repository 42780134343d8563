"""What `lectopt` offers: every name once, importable, documented, and nothing else."""

import importlib
import inspect
import pkgutil
import types

import pytest

import lectopt

NAMES = sorted(lectopt.__all__)
NAMESPACES = [name for name in NAMES if inspect.ismodule(getattr(lectopt, name))]
PACKAGES = ["combinators", "controls", "optimizers", "primitives", "schedules"]


def test_dir_holds_the_public_names_and_nothing_else():
    assert [name for name in dir(lectopt) if not name.startswith("__")] == NAMES
    assert len(set(NAMES)) == len(NAMES)


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
    for own in getattr(module, "__all__", ()):
        assert inspect.getdoc(getattr(module, own)), own
