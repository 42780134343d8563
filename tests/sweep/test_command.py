"""`lectopt sweep FILE.toml --directory D`."""

import sys

import numpy as np
import pandas as pd
import pytest

import lectopt
from lectopt import __main__ as first_word
from lectopt._sweep.command import read
from lectopt._sweep.space import Fixed
from tests.sweep.logistic import PROBLEM, run
from tests.sweep.stopping import stopped_after_a_tile

pytestmark = pytest.mark.usefixtures("fast_compilation")

FILE = """
problem = "tests.sweep.logistic:PROBLEM"
steps = 13
seeds = 2
tile = 3

[optimizers]
sgd = "lectopt.sgd"
heavy = { maker = "lectopt.momentum", form = "heavy_ball" }

[space]
learning_rate = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
"""


def written(path, text=FILE):
    (path / "sweep.toml").write_text(text)
    return str(path / "sweep.toml")


@pytest.mark.usefixtures("heard")
def test_a_sweep_from_a_file_is_stopped_and_goes_on(tmp_path, monkeypatch, capsys):
    command = ["sweep", written(tmp_path), "--directory", str(tmp_path / "it")]
    with stopped_after_a_tile(monkeypatch):
        assert first_word.main(command) == 1
    stopped = capsys.readouterr()
    assert "tiles done" in stopped.out and "the same command goes on" in stopped.err
    assert first_word.main(command) == 0
    out = capsys.readouterr().out
    assert "SweepResult(12 configurations of 2 optimizers, 2 seeds" in out and "by heavy" in out
    makers = {"sgd": lectopt.sgd, "heavy": lambda learning_rate: lectopt.momentum(
        learning_rate, form="heavy_ball")}  # fmt: skip
    expected = run(makers, {"learning_rate": [0.003, 0.01, 0.03, 0.1, 0.3, 1.0]}, 2).table()
    pd.testing.assert_frame_equal(lectopt.read_sweep(tmp_path / "it").table(), expected)
    assert first_word.main([*command, "--max-seconds", "0"]) == 2
    assert "a positive number of max_seconds" in capsys.readouterr().err


def test_what_a_file_says(tmp_path, monkeypatch):
    (tmp_path / "of_mine.py").write_text("from tests.sweep.logistic import PROBLEM\n"
                                         "def make(width):\n    return PROBLEM\n")  # fmt: skip
    monkeypatch.syspath_prepend(tmp_path)
    found = read(
        written(
            tmp_path,
            """
            problem = "of_mine:make"
            optimizers = ["lectopt.adam", "optax.sgd"]
            samples = 4
            [space.adam]
            learning_rate = { loguniform = [1e-4, 1.0] }
            width = { randint = [1, 9] }
            [space.sgd]
            momentum = { choice = [0.5, 0.9] }
            width = [1, 2]
            """,
        )
    )
    assert found["problem"](1) is PROBLEM and found["samples"] == 4
    assert [*found["optimizers"]] == ["adam", "sgd"]
    adam, sgd = found["space"].values()
    np.testing.assert_allclose(adam["learning_rate"].ppf([0, 0.5, 1]), [1e-4, 1e-2, 1.0])
    assert adam["width"].ppf(1.0) == 8
    assert sgd["width"] == [1, 2] and all(isinstance(x, Fixed) for x in sgd["momentum"])
    del sys.modules["of_mine"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("steps = 13", "stepz = 13", "has 'stepz'; wanted problem, optimizers, space, steps"),
        ("steps = 13", "steps = ", "is no TOML"),
        ("[space]", "[spice]", "lacks space"),
        ('"tests.sweep.logistic:PROBLEM"', "3", "wanted problem = "),
        ("logistic:PROBLEM", "logistic:NOBODY", "there is no tests.sweep.logistic:NOBODY"),
        ('"lectopt.sgd"', '"lectopt.sgt"', "there is no lectopt.sgt"),
        ('"lectopt.sgd"', "{ form = 3 }", "optimizer 'sgd': wanted"),
        (
            "[0.003, 0.01, 0.03, 0.1, 0.3, 1.0]",
            "{ lognormal = [1] }",
            "setting 'learning_rate': wanted a list",
        ),
        (
            "[0.003, 0.01, 0.03, 0.1, 0.3, 1.0]",
            "{ uniform = [1, 2, 3, 4] }",
            "setting 'learning_rate': uniform",
        ),
        ("[0.003, 0.01, 0.03, 0.1, 0.3, 1.0]", '["fast"]', "learning_rate"),
        ("[0.003, 0.01, 0.03, 0.1, 0.3, 1.0]", "{ loguniform = [0.1, 1] }", "samples=64"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, capsys, old, new, told):
    command = [
        "sweep",
        written(tmp_path, FILE.replace(old, new)),
        "--directory",
        str(tmp_path / "d"),
    ]
    assert first_word.main(command) == 2
    said = capsys.readouterr().err
    assert said.startswith("lectopt sweep: ") and told in said
    assert not (tmp_path / "d").exists() or not [*(tmp_path / "d").glob("tiles/*")]


def test_no_file(tmp_path, capsys):
    assert first_word.main(["sweep", str(tmp_path / "no.toml"), "--directory", "x"]) == 2
    assert "no.toml" in capsys.readouterr().err
