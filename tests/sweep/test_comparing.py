"""`compare`: chosen on the even seeds, compared on the odd ones, against plain NumPy."""

import numpy as np
import pytest

from lectopt._sweep.comparing import arrival
from lectopt._sweep.statistics import interval_of_mean
from tests.sweep.made import grid, record, result


def noisy(seed, configurations=4, seeds=20):
    random = np.random.default_rng(seed)
    shared = np.random.default_rng(99).normal(size=seeds)  # what makes pairs of them
    level = random.normal(size=(configurations, 1))
    return 5 + level + shared + 0.3 * random.normal(size=(configurations, seeds))


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_metric_against_numpy(direction):
    finals = {"a": noisy(0), "b": noisy(1)}
    found = result(grid("a", finals["a"]) + grid("b", finals["b"]), direction=direction).compare(
        "a", "b"
    )
    pick = np.argmin if direction == "minimize" else np.argmax
    odd = {}
    for name, values in finals.items():
        chosen = pick(values[:, 0::2].mean(axis=1))
        assert found.settings[name] == {"learning_rate": 10.0**chosen}
        odd[name] = values[chosen, 1::2]
    np.testing.assert_allclose(found.difference, (odd["a"] - odd["b"]).mean())
    assert (found.low, found.high) == interval_of_mean(odd["a"] - odd["b"])
    assert found.low < found.difference < found.high and found.pairs == 10
    # The seeds are shared: unpaired, the interval would be far wider.
    assert found.high - found.low < 0.5 * (4 * np.sqrt(np.var(odd["a"]) / 5))
    with pytest.raises(ValueError, match="metrics were compared: read .difference"):
        _ = found.ratio


def falling(optimizer, settings, seed, steps_to_one, **more):
    """A loss that falls from 2 in a straight line, and is 1 after so many steps, of 100."""
    curve = 2 - 10 * np.arange(1, 11) / steps_to_one
    return record(optimizer, settings, seed, curve[-1], curves={"validation_loss": curve}, **more)


def test_steps_against_numpy():
    random = np.random.default_rng(0)
    needed = {name: random.uniform(20, 140, size=(3, 16)) for name in "ab"}
    records = [
        falling(name, {"rate": float(c)}, s, needed[name][c, s])
        for name in "ab"
        for c in range(3)
        for s in range(16)
    ]
    found = result(records).compare("a", "b", steps_to=1.0)
    counted = {name: np.minimum(x, 100) for name, x in needed.items()}
    logs, never = {}, {}
    for name in "ab":
        chosen = np.log(counted[name][:, 0::2]).mean(axis=1).argmin()
        assert found.settings[name] == {"rate": float(chosen)}
        logs[name] = np.log(counted[name][chosen, 1::2])
        never[name] = int((needed[name][chosen, 1::2] > 100).sum())
    gap = logs["a"] - logs["b"]
    np.testing.assert_allclose(found.ratio, np.exp(gap.mean()))
    np.testing.assert_allclose((found.low, found.high), np.exp(interval_of_mean(gap)), rtol=1e-6)
    assert found.failed == never and sum(never.values()) > 0 and found.pairs == 8
    assert "never arrived, counted as all steps: " in str(found)
    back = result(records).compare("b", "a", steps_to=1.0)
    np.testing.assert_allclose(back.ratio * found.ratio, 1)
    with pytest.raises(ValueError, match="steps were compared: read .ratio"):
        _ = found.difference


def test_what_is_printed():
    def of(factor, seeds=20):
        random = np.random.default_rng(3)
        needed = random.uniform(30, 40, seeds)
        noise = random.uniform(0.95, 1.05, seeds)
        records = [falling("momentum", {}, s, needed[s]) for s in range(seeds)]
        records += [falling("nesterov", {}, s, factor * noise[s] * needed[s]) for s in range(seeds)]
        return result(records).compare("nesterov", "momentum", steps_to=1.0)

    assert str(of(0.5)).startswith("nesterov needs 0.505x the steps of momentum (95 %")
    assert str(of(0.5)).endswith(", 10 pairs)")
    assert str(of(1.0)).endswith("10 pairs): no difference seen")
    assert str(of(0.5, seeds=8)).endswith("(4 pairs: too few for an interval)")
    assert str(of(0.5, seeds=2)).endswith("(1 pair: too few for an interval)")
    assert np.isnan(of(0.5, seeds=8).high) and not of(0.5, seeds=8).high < 1
    nowhere = result([falling(x, {}, s, 500) for x in "ab" for s in range(12)])
    assert str(nowhere.compare("a", "b", steps_to=1.0)) == (
        "neither a nor b reaches validation_loss 1 (6 pairs)"
    )
    alike = result([falling(x, {}, s, n) for x, n in (("a", 20), ("b", 40)) for s in range(12)])
    assert str(alike.compare("a", "b", steps_to=1.0)) == (
        "a needs 0.5x the steps of b (95 % interval 0.5 to 0.5, 6 pairs, all alike)"
    )
    losses = result(grid("a", noisy(0, 1)) + grid("b", 1 + noisy(0, 1)))
    assert str(losses.compare("a", "b")) == (
        "validation_loss of a is -1 from that of b (95 % interval -1 to -1, 10 pairs): a is better"
    )
    assert str(losses.compare("b", "a")).endswith("b is worse")


def test_ties_go_to_the_first():
    tied = result(grid("a", np.ones((3, 12))) + grid("b", np.ones((2, 12))))
    found = tied.compare("a", "b")
    assert found.settings == {"a": {"learning_rate": 1.0}, "b": {"learning_rate": 1.0}}
    assert (found.difference, found.low, found.high) == (0, 0, 0)
    assert "no difference seen" in str(found)


def test_diverged_trainings_are_neither_chosen_nor_compared():
    good, better = np.full((1, 12), 2.0), np.full((1, 12), 1.0)
    records = grid("a", np.concatenate([good, better]), diverged={(1, 4)}) + grid("b", good)
    assert result(records).compare("a", "b").settings["a"] == {"learning_rate": 1.0}
    # On an odd seed it is not seen by the choice; the pair has no difference, and is numbered.
    records = grid("a", np.concatenate([good, better]), diverged={(1, 5)}) + grid("b", good)
    found = result(records).compare("a", "b")
    assert found.settings["a"] == {"learning_rate": 10.0} and found.pairs == 5
    assert found.failed == {"a": 1, "b": 0} and "diverged, left out: 1 of a" in str(found)
    # NaN that no divergence explains, too.
    records = grid("a", [[1.0, np.nan] + [1.0] * 10]) + grid("b", good)
    assert result(records).compare("a", "b").pairs == 5
    records = grid("a", [[np.nan] * 12]) + grid("b", good)
    with pytest.raises(ValueError, match="a has no configuration that was trained to the end"):
        result(records).compare("a", "b")


def test_a_diverged_training_counts_as_all_steps():
    records = [falling("b", {}, s, 50) for s in range(12)]
    records += [falling("a", {}, s, 50, diverged_at=70 if s == 1 else None) for s in range(12)]
    found = result(records).compare("a", "b", steps_to=1.0)
    np.testing.assert_allclose(found.ratio, 2 ** (1 / 6))
    assert found.failed == {"a": 1, "b": 0} and found.pairs == 6


def test_seeds_that_only_one_has_make_no_pairs():
    records = grid("a", noisy(0, 2, seeds=20)) + grid("b", noisy(1, 2, seeds=14))
    with pytest.raises(ValueError, match="b has no configuration that was trained .* even seeds"):
        result(records).compare("a", "b")
    odd_missing = [r for r in grid("b", noisy(1, 2)) if r.seed not in (5, 7)]
    assert result(grid("a", noisy(0, 2)) + odd_missing).compare("a", "b").pairs == 8
    for seeds in (1, [0], [2, 4, 8], [1, 3]):
        some = range(seeds) if isinstance(seeds, int) else seeds
        few = [record(name, {}, s, 1.0) for name in "ab" for s in some]
        with pytest.raises(ValueError, match="settings are chosen on the even seeds.* Write seeds"):
            result(few).compare("a", "b")


def test_culled_configurations_are_not_chosen():
    records = [record("a", {"r": 1}, s, None, culled_at=10) for s in range(12)]
    records += [record("a", {"r": 2}, s, 3.0) for s in range(12)]
    records += [record("b", {"r": 1}, s, 3.0) for s in range(12)]
    assert result(records).compare("a", "b").settings["a"] == {"r": 2}


def test_arguments():
    records = grid("a", noisy(0)) + grid("b", noisy(1))
    with pytest.raises(ValueError, match=r"one of \['a', 'b'\], got 'c'"):
        result(records).compare("a", "c")
    with pytest.raises(ValueError, match="two optimizers, got 'a' twice"):
        result(records).compare("a", "a")
    with pytest.raises(ValueError, match="one of the metrics .* got 'validation_recall'"):
        result(records).compare("a", "b", "validation_recall")


def test_arrival():
    def of(curve, target, direction="minimize", **more):
        made = record("a", {}, 0, 1.0, curves={"validation_loss": curve}, **more)
        return arrival(made, "validation_loss", direction, target)

    assert of([4, 2, 1], 2) == 20 and of([4, 2, 1], 3) == 15 and of([4, 2, 1], 1) == 30
    assert of([4, 2, 1], 5) == 10 and np.isnan(of([4, 2, 1], 0.9))
    assert of([1, 2, 4], 3, "maximize") == 25
    assert of([4, 1, 8, 1], 2.5) == 15  # the first time
    assert of([np.nan, 2, 1], 2) == 20 and of([4, np.inf, 1], 2) == 30
    assert np.isnan(of([4, 1], 2, diverged_at=19)) and np.isnan(of([np.nan], 2))


def test_level_is_what_the_share_of_each_optimizer_reaches():
    def curves(optimizer, ends):
        return [
            record(optimizer, {"r": i}, 0, end, curves={"validation_loss": [9, end, end + 1]})
            for i, end in enumerate(ends)
        ]

    strong, weak = np.arange(1.0, 11), np.arange(3.0, 13)
    both = result(curves("a", strong) + curves("b", weak))
    for share in (0.1, 0.25, 0.5, 0.7, 1.0):
        level = both.level(share)
        reached = [(np.minimum(x, 9) <= level).mean() for x in (strong, weak)]
        assert min(reached) >= share
        just_below = [(np.minimum(x, 9) <= level - 1e-9).mean() for x in (strong, weak)]
        assert min(just_below) < share
    assert both.level(0.1) == 3
    upwards = result(curves("a", strong) + curves("b", weak), direction="maximize")
    assert upwards.level(0.1) == 11 and upwards.level(0.2) == 10
    lost = result([*curves("a", strong), record("b", {}, 0, 1.0, diverged_at=3)])
    with pytest.raises(ValueError, match="fewer than 10% of the trainings of b end"):
        lost.level(0.1)
    with pytest.raises(ValueError, match="no training is done yet"):
        result([], complete=False).level(0.1)
    for share in (0, 1.1, -1):
        with pytest.raises(ValueError, match="quantile in"):
            both.level(share)
