"""A package that is not installed is missed where it is needed, with what to install."""

import sys

import optax
import pytest

import lectopt
from lectopt.training import digits
from tests.sweep.logistic import PROBLEM, RATES, run


@pytest.fixture
def result():
    return run({"sgd": optax.sgd}, {"learning_rate": RATES[:2]}, seeds=1)


def missing(monkeypatch, *modules):
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)


def test_of_a_sweep(monkeypatch, result):
    missing(monkeypatch, "tqdm", "tqdm.auto", "matplotlib", "pandas", "sklearn.datasets")
    with pytest.raises(
        ImportError, match=r'needs tqdm: pip install "lectopt\[train\]", or progress'
    ):
        lectopt.sweep(PROBLEM, {"sgd": optax.sgd}, {"learning_rate": [0.1]}, 1, progress=True)
    with pytest.raises(ImportError, match=r'tables need pandas: pip install "lectopt\[train\]"'):
        result.table()
    with pytest.raises(ImportError, match=r'pictures need matplotlib: .*"lectopt\[demo\]"'):
        lectopt.pictures.sensitivity(result, "accuracy", direction="maximize")
    with pytest.raises(ImportError, match=r'scikit-learn: pip install "lectopt\[demo\]"'):
        digits()


def test_of_explain(monkeypatch):
    missing(monkeypatch, "sympy")
    with pytest.raises(ImportError, match=r'pip install "lectopt\[explain\]"'):
        lectopt.explain(optax.sgd)


def test_of_programs(monkeypatch):
    """They are written without the prover."""
    for package in ("flint", "z3"):
        missing(monkeypatch, package)
    assert "def update" in lectopt.explain(optax.sgd).code("numpy")
