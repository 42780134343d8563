"""A run whose process ends anywhere, or whose files are torn, goes on in the same bits."""

import errno
import json
import os

import pytest

from lectopt.training import checkpoints, files, store
from tests.training.resumed import Killed, interrupted, kill_at, rows, train
from tests.training.runs import assert_same_run

pytestmark = pytest.mark.usefixtures("fast_compilation", "often")

PLACES = {
    "before the manifest is there": (files.os, "replace", 1, False),
    "after the manifest": (files.os, "replace", 1, True),
    "before the first state": (checkpoints, "save", 1, False),
    "between arrays and done": (checkpoints, "mark", 3, False),
    "in the move of done": (files.os, "replace", 4, False),
    "after done": (checkpoints, "mark", 3, True),
    "before old ones are deleted": (store.shutil, "rmtree", 5, False),
    "in the history": (store, "_line", 20, False),
    "in the evaluations": (store.Store, "save", 12, False),
    "after the last state": (store.Store, "save", 40, True),
}


QUICK = ("between arrays and done",)


@pytest.mark.parametrize("place", rows(PLACES, QUICK))
def test_killed_anywhere_the_same_call_ends_in_the_same_bits(
    place, monkeypatch, tmp_path, straight
):
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_at(patched, *PLACES[place])
        train(tmp_path / "run")
    assert_same_run(train(tmp_path / "run"), straight)
    assert_same_run(train(tmp_path / "run"), straight)  # a finished run comes back
    states = sorted(p.name for p in (tmp_path / "run" / "checkpoints").iterdir())
    assert len(states) <= 2 and "40" in states
    assert not [*tmp_path.rglob("*orbax-checkpoint-tmp*")]


# What Orbax leaves behind in threads of its own when it cannot read.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "what",
    rows(["_METADATA", "manifest.ocdbt", "d", "done", "numbers", "history"], ["d"]),
)
def test_a_torn_state_is_said_once_and_the_one_before_it_is_taken(what, tmp_path, straight):
    interrupted(tmp_path)
    newest = tmp_path / "checkpoints" / "24"
    if what == "numbers":  # those of one array as another one's
        facts = json.loads((newest / "done").read_text())
        facts["leaves"][0]["crc32"] += 1
        (newest / "done").write_text(json.dumps(facts))
    elif what == "history":
        with open(tmp_path / "history.jsonl", "rb+") as file:
            file.truncate(os.path.getsize(tmp_path / "history.jsonl") - 9)
    else:
        for path in newest.rglob("d/*" if what == "d" else what):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(
        UserWarning, match=r"24 cannot be read .* it is 24.torn now. The run goes on"
    ):
        run = train(tmp_path)
    assert_same_run(run, straight)
    assert (tmp_path / "checkpoints" / "24.torn").exists()
    assert_same_run(train(tmp_path), straight)


def test_a_full_disk_is_said_and_stops_nothing(monkeypatch, tmp_path, straight):
    """For a while every write fails after some bytes of it."""
    append = store.append

    def full(path, data):
        append(path, data[:9])
        os.truncate(path, os.path.getsize(path) - 9)
        raise OSError(errno.ENOSPC, "No space left on device")

    def disk(run):
        monkeypatch.setattr(store, "append", full if 12 <= run.step < 30 else append)

    monkeypatch.setattr(store, "AGAIN", 0.0)
    with pytest.warns(UserWarning, match=r"cannot be saved .*No space left.* goes on, and tries"):
        run = train(tmp_path, callbacks=[disk])
    assert_same_run(run, straight)
    assert_same_run(train(tmp_path), straight)
