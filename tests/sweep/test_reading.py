"""`read_sweep`: a directory without the code that made it."""

import pandas as pd
import pytest

import lectopt
from tests.sweep.logistic import RATES, run


def test_what_a_directory_holds_is_what_the_sweep_returned(tmp_path):
    result = run({"sgd": lectopt.sgd}, {"learning_rate": RATES}, 2, directory=tmp_path / "sweep")
    read = lectopt.read_sweep(tmp_path / "sweep")
    assert read.complete and result.complete
    pd.testing.assert_frame_equal(read.table(), result.table())
    pd.testing.assert_frame_equal(read.curves(), result.curves())
    assert read.best().equals(result.best())


def test_nothing_and_something_else(tmp_path):
    with pytest.raises(ValueError, match="no sweep"):
        lectopt.read_sweep(tmp_path)
    (tmp_path / "manifest.json").write_text('{"kind": "run"}')
    with pytest.raises(ValueError, match="holds a run .*and not a sweep"):
        lectopt.read_sweep(tmp_path)
