"""A sweep that is kept: it goes on where it was broken off, grows, and refuses what it is not."""

import os

import numpy as np
import optax
import pytest

import lectopt
from lectopt._sweep import sweep
from lectopt._sweep.claims import Claims
from lectopt._sweep.directory import Directory
from lectopt._sweep.reading import read_records
from tests.sweep.logistic import PROBLEM
from tests.sweep.stopping import stopped_after_a_tile

pytestmark = pytest.mark.usefixtures("fast_compilation")

RATES = np.logspace(-3, 1, 6)


def train(directory=None, rates=RATES, steps=36, **options):
    options = {"seeds": 2, "eval_every": 4, "tile": 4, "makers": {"sgd": optax.sgd}, **options}
    makers = options.pop("makers")
    space = {"learning_rate": rates}
    return sweep(PROBLEM, makers, space, steps, directory=directory, progress=False, **options)


def assert_same(a, b):
    assert len(a) == len(b) > 0
    for x, y in zip(a, b, strict=True):
        for name in ("optimizer", "settings", "seed", "steps", "diverged_at", "culled_at"):
            assert getattr(x, name) == getattr(y, name)
        np.testing.assert_array_equal(x.at_steps, y.at_steps)
        np.testing.assert_equal(dict(x.curves), dict(y.curves))
        np.testing.assert_equal(dict(x.finals), dict(y.finals))


@pytest.fixture(scope="module")
def alone():
    return train()


def test_what_is_kept_is_what_was_found(alone, tmp_path):
    assert_same(train(tmp_path).records, alone.records)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "tiles").iterdir()}
    assert len(before) == 4
    assert_same(train(tmp_path, tile="auto").records, alone.records)  # the recorded size
    records, column, direction, complete, tiles = read_records(tmp_path)
    assert_same(records, alone.records)
    assert (column, direction, complete, tiles) == ("validation_loss", "minimize", True, (4, 4))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not [*(tmp_path / "lanes").iterdir(), *(tmp_path / "claims").iterdir()]


def test_a_plan_that_is_not_whole_is_made_again(alone, tmp_path):
    train(tmp_path)
    plan = tmp_path / "plan.json"
    plan.write_bytes(plan.read_bytes()[:50])
    with pytest.warns(UserWarning, match="plan.json cannot be read"):
        assert_same(train(tmp_path).records, alone.records)
    (tmp_path / "manifest.json").write_bytes(b"{")
    with pytest.raises(ValueError, match="manifest.json cannot be read.* give another one"):
        train(tmp_path)


@pytest.mark.parametrize("damage", ["torn", "flipped", "empty"])
def test_a_tile_that_is_not_whole_is_trained_again(alone, tmp_path, damage):
    train(tmp_path)
    tile = sorted((tmp_path / "tiles").iterdir())[1]
    data = bytearray(tile.read_bytes())
    data[len(data) // 2] ^= 1
    tile.write_bytes({"torn": data[:-30], "flipped": data, "empty": b""}[damage])
    with pytest.warns(UserWarning, match=r"cannot be read .*npz\.torn now, and is trained again"):
        again = train(tmp_path)
    assert_same(again.records, alone.records)
    assert tile.exists() and tile.with_name(f"{tile.name}.torn").exists()


def test_what_is_missing_is_trained(tmp_path):
    train(tmp_path, RATES[:3])
    names = {path.name for path in (tmp_path / "tiles").iterdir()}
    grown = train(tmp_path, RATES, seeds=3, makers={"sgd": optax.sgd, "adam": optax.adam})
    assert len(grown.records) == 2 * 6 * 3 and grown.complete
    assert names < {path.name for path in (tmp_path / "tiles").iterdir()}
    fresh = train(None, RATES, seeds=3, makers={"sgd": optax.sgd, "adam": optax.adam})
    assert_same(grown.records, fresh.records)
    few = train(tmp_path, RATES[1:2], seeds=[2])
    assert [(r.settings["learning_rate"], r.seed) for r in few.records] == [(RATES[1], 2)]


def test_what_contradicts_is_an_error_that_says_how(tmp_path):
    train(tmp_path, RATES[:2])

    def double(learning_rate):
        return optax.sgd(2 * learning_rate)

    for changes, section, said in [
        ({"steps": 37}, "steps", "steps 36 there, 37 here"),
        ({"makers": {"sgd": double}}, "optimizer", "double"),
        ({"divergence_factor": 7.0}, "settings", "divergence_factor 1000.0 there, 7.0 here"),
        ({"halving": 3}, "settings", "halving None there, 3 here"),
    ]:
        with pytest.raises(ValueError, match=rf'(?s){said}.*accept_changes=\("{section}",\)'):
            train(tmp_path, RATES[:2], **changes)
    accepted = train(tmp_path, RATES[:2], makers={"sgd": double}, accept_changes=("optimizer",))
    assert_same(accepted.records, train(None, RATES[:2]).records)  # finished ones stay
    assert train(tmp_path, RATES[:2], makers={"sgd": double}).complete
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds notes.txt and no sweep"):
        train(tmp_path / "other")


def test_of_halving_the_best_go_on(tmp_path):
    rates = np.logspace(-3, 1, 9)
    result = train(tmp_path, rates, halving=3)
    by_culled = result.table().drop_duplicates("learning_rate").culled_at.fillna(-1).tolist()
    assert sorted(by_culled) == [-1, 4, 4, 4, 4, 4, 4, 12, 12]
    assert_same(result.records, train(None, rates, halving=3).records)
    assert_same(result.records, read_records(tmp_path)[0])
    whole = train(None, rates)
    for a, b in zip(result.records, whole.records, strict=True):  # what is left is not disturbed
        count = len(a.at_steps)
        np.testing.assert_allclose(a.curves["train_loss"], b.curves["train_loss"][:count], 1e-5)

    def mean(rate, step):
        own = [r for r in whole.records if r.settings["learning_rate"] == rate]
        return np.mean([r.curves["validation_loss"][[*r.at_steps].index(step)] for r in own])

    alive = [*rates]
    for step in (4, 12):
        alive = sorted(alive, key=lambda rate: mean(rate, step))[: len(alive) // 3]  # noqa: B023
    (winner,) = [r.settings["learning_rate"] for r in result.records if r.finals and not r.seed]
    assert alive == [winner]


@pytest.mark.usefixtures("heard")
def test_stopped_it_gives_what_there_is(tmp_path, alone, monkeypatch):
    with stopped_after_a_tile(monkeypatch):
        broken = train(tmp_path)
    assert not broken.complete and 2 <= len(broken.records) < 12  # a chunk of 4 lanes, or of 2
    done, total = broken.tiles
    assert 0 < done < total and f"{done} of {total} tiles done" in str(broken)
    assert not [*(tmp_path / "claims").iterdir()]
    whole = train(tmp_path)
    assert whole.tiles == (total, total)
    assert_same(whole.records, alone.records)
    late = train(tmp_path / "late", max_seconds=1e-3)
    assert not late.complete and not late.records
    assert_same(train(tmp_path / "late").records, alone.records)


def test_a_tile_is_claimed_once(tmp_path, monkeypatch):
    one, other = Claims(tmp_path), Claims(tmp_path)
    assert one.take("a") and not other.take("a") and other.take("b")
    one.give_back("a")
    assert other.take("a")
    other.close()
    assert not [*tmp_path.iterdir()]
    monkeypatch.setattr("lectopt._sweep.claims.BEAT", 1000.0)
    stale = Claims(tmp_path)
    assert stale.take("c")
    os.utime(tmp_path / "c", (1e9, 1e9))
    assert other.take("c") and not stale.take("c")
    stale.give_back("c")
    assert (tmp_path / "c").exists()  # another's now
    (tmp_path / "d").write_text(f"{os.uname().nodename} {2**22 + 1} x")  # no such process
    assert one.take("d")


def test_a_directory_of_a_run_is_refused(tmp_path):
    (tmp_path / "manifest.json").write_text('{"format": 1, "kind": "fit"}')
    with pytest.raises(ValueError, match="holds a fit of format 1, and not a sweep"):
        Directory(tmp_path)
    with pytest.raises(ValueError, match="holds a fit"):
        read_records(tmp_path)
    with pytest.raises(ValueError, match="there is no manifest"):
        read_records(tmp_path / "nowhere")


def test_half_precision_and_keys_are_kept(tmp_path):
    """At the rungs of halving, where states are files."""

    def noisy(learning_rate, key):
        return lectopt.sgld(learning_rate, key=key)

    options = dict(makers={"sgld": noisy}, halving=2, rates=RATES[:3] / 100)
    assert_same(train(tmp_path, **options).records, train(None, **options).records)
