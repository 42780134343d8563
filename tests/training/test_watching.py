"""What is seen of a training: TensorBoard, bars and lines, and what is missing for it."""

import struct
import sys

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

import lectopt
from lectopt import fit, tensorboard
from lectopt.training import progress
from tests.training.runs import problem

pytestmark = pytest.mark.usefixtures("fast_compilation")
TX = lectopt.adam(0.1)


def shown(folder):
    """By name, the value at each step: what TensorBoard shows of the files of a folder. What was
    written before a session that starts at an earlier step is dropped from there on."""
    found = {}
    for path in sorted(folder.glob("events.*"), key=lambda p: p.stat().st_mtime_ns):
        text, place = path.read_bytes(), 0
        while place < len(text):
            (length,) = struct.unpack("Q", text[place : place + 8])
            event = Event.FromString(text[place + 12 : place + 12 + length])
            place += 16 + length
            if event.session_log.status == event.session_log.START:
                found = {
                    k: {s: x for s, x in v.items() if s < event.step} for k, v in found.items()
                }
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def test_tensorboard_shows_the_tables(tmp_path):
    run = fit(problem(), TX, 20, eval_every=6, callbacks=[tensorboard(tmp_path)])
    found = shown(tmp_path)
    assert {f"step/{name}" for name in run.history} <= found.keys()
    for name in run.history:
        assert [*found[f"step/{name}"]] == list(range(20))
        np.testing.assert_allclose([*found[f"step/{name}"].values()], run.history[name])
    for name in run.evaluations:
        assert found[f"evaluation/{name}"] == pytest.approx(run.evaluations[name].to_dict())


def test_tensorboard_of_a_run_that_goes_on_has_no_point_twice(tmp_path):
    def train(steps):
        fit(problem(), TX, steps, eval_every=5, directory=tmp_path / "run",
            callbacks=[tensorboard(tmp_path / "board")])  # fmt: skip

    train(10)
    train(25)
    found = shown(tmp_path / "board")
    assert [*found["step/loss"]] == list(range(25))
    assert [*found["evaluation/validation_loss"]] == [5, 10, 15, 20, 25]


def test_long_runs_are_thinned(tmp_path):
    fit(problem(), TX, 3000, eval_every=3000, callbacks=[tensorboard(tmp_path)])
    steps = [*shown(tmp_path)["step/loss"]]
    assert len(steps) == 1000 and steps[0] == 0 and steps[-1] == 2999


def test_a_bar_or_nothing(capsys):
    fit(problem(), TX, 20, progress=True)
    shown = capsys.readouterr().err
    assert "20/20" in shown and "validation_loss=" in shown
    for quiet in (False, None):
        fit(problem(), TX, 20, progress=quiet)
        assert capsys.readouterr() == ("", "")


def test_a_line_now_and_then_into_a_log(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    fit(problem(), TX, 20, eval_every=5)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("fit: 20 of 20 steps in ") and ", loss 0." in lines[-1]
    assert "validation_loss" in lines[-1]


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    run = fit(problem(), TX, 3)
    for module in ("tqdm.auto", "pandas", "tensorboardX", "orbax.checkpoint"):
        monkeypatch.setitem(sys.modules, module, None)
    extra = r'pip install "lectopt\[train\]"'
    with pytest.raises(ImportError, match=f"progress bar needs tqdm: {extra}, or progress=False"):
        fit(problem(), TX, 3, progress=True)
    with pytest.raises(ImportError, match=f"tables need pandas: {extra}"):
        _ = run.history
    with pytest.raises(ImportError, match=f"needs tensorboardX: {extra}"):
        tensorboard(tmp_path)
    with pytest.raises(ImportError, match=f"checkpoints need orbax-checkpoint: {extra}"):
        fit(problem(), TX, 3, directory=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert fit(problem(), TX, 3).step == 3
    assert "3 steps" in repr(run) and run._repr_html_() == f"<p>{run!r}</p>"
