"""Data: what is split, standardised and drawn."""

import jax
import numpy as np
import optax
import pytest

import lectopt
from lectopt import Problem, fit
from lectopt.training import (
    batch_indices,
    digits,
    epoch_permutation,
    random_streams,
    split_data,
    standardize,
    stratified_batches,
)
from tests.training.samples import LABELS, X

pytestmark = pytest.mark.usefixtures("fast_compilation")
SAMPLES = np.arange(len(LABELS))


def test_split_is_a_partition_that_depends_on_the_seed_alone():
    parts = split_data(3, {"index": SAMPLES, "x": X}, stratify=LABELS)
    assert list(parts) == ["train", "validation", "test"]
    assert sorted(np.concatenate([part["index"] for part in parts.values()])) == list(SAMPLES)
    for part in parts.values():
        np.testing.assert_array_equal(part["x"], X[part["index"]])
    again = split_data(jax.random.key(3), SAMPLES, stratify=LABELS)
    np.testing.assert_array_equal(again["test"], parts["test"]["index"])
    assert set(split_data(4, SAMPLES)["test"]) != set(again["test"])


def test_split_divides_every_class_to_within_one_sample():
    shares = {"a": 0.5, "b": 0.3, "c": 0.2}
    parts = split_data(0, LABELS, shares, stratify=LABELS)
    for label, count in zip(*np.unique(LABELS, return_counts=True), strict=True):
        for name, share in shares.items():
            assert abs((parts[name] == label).sum() - share * count) < 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fractions": (0.5, 0.5)}, "one fraction for each"),
        ({"fractions": (0.5, 0.4, 0.2)}, "sum 1, got .* of sum 1.1"),
        ({"fractions": (1.2, -0.1, -0.1)}, "positive fractions"),
        ({"stratify": LABELS[:-1]}, r"one label for each of the 90 samples, got .*\(89,\)"),
        ({"fractions": {"a": 0.999, "b": 0.001}}, r"too few .* nothing is left for \['b'\]"),
        ({"data": (X, X[1:])}, "the same number of samples"),
        ({"data": 1.0}, "first axis is the samples"),
    ],
)
def test_split_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        split_data(0, **{"data": X, **arguments})


def test_standardize_learns_from_the_training_part_only():
    train = np.array([[1.0, 5.0, 0.1], [3.0, 5.0, 0.1], [5.0, 5.0, 0.1]])
    scaled, mean, sd = standardize({"train": train, "test": np.array([[7.0, 6.0, 0.1]])})
    np.testing.assert_allclose(mean, [3.0, 5.0, 0.1], rtol=1e-6)
    # The population variance of 1, 3, 5 is 8/3; a constant feature is only shifted.
    np.testing.assert_allclose(sd, [np.sqrt(8 / 3), 1, 1], rtol=1e-6)
    np.testing.assert_allclose(scaled["train"][:, 0] * np.sqrt(8 / 3), [-2, 0, 2], rtol=1e-6)
    np.testing.assert_allclose(scaled["test"], [[4 / np.sqrt(8 / 3), 1, 0]], atol=1e-6)
    assert scaled["test"].dtype == np.float32
    with pytest.raises(ValueError, match=r"a split 'train' .* got \['test'\]"):
        standardize({"test": train})


def test_digits_are_stratified_and_standardised():
    data = digits(seed=1)
    assert [len(y) for _, y in data.values()] == pytest.approx([1078, 359, 359], abs=5)
    x, y = data["train"]
    assert x.shape == (len(y), 64) and x.dtype == np.float32 and y.dtype == np.int32
    varies = np.ptp(x, axis=0) > 0
    assert 0 < (~varies).sum() < 10  # the corners are black in every training image
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(x[:, varies].std(axis=0), 1, rtol=1e-4)
    whole = sum(np.bincount(y, minlength=10) for _, y in data.values())
    assert whole.sum() == 1797
    for share, (_, y) in zip((0.6, 0.2, 0.2), data.values(), strict=True):
        assert np.abs(np.bincount(y, minlength=10) - share * whole).max() < 1


def test_an_epoch_visits_no_sample_twice_and_leaves_the_remainder_out():
    key, n, size = jax.random.key(0), 11, 3  # 3 batches, 2 samples are left out
    left_out = []
    for epoch in range(4):
        batches = [batch_indices(key, 3 * epoch + i, n, size) for i in range(3)]
        visited = np.concatenate(batches)
        assert len(set(visited.tolist())) == 9 and set(visited.tolist()) <= set(range(n))
        np.testing.assert_array_equal(visited, epoch_permutation(key, epoch, n)[:9])
        left_out.append(frozenset(range(n)) - set(visited.tolist()))
    assert len(set(left_out)) > 1
    traced = jax.jit(lambda step: batch_indices(key, step, n, size))(10)
    np.testing.assert_array_equal(traced, batches[1])


def test_streams_of_a_seed_differ_from_each_other_and_from_other_seeds():
    keys = [jax.random.key_data(key) for seed in (0, 1) for key in random_streams(seed)]
    assert len({tuple(key.tolist()) for key in keys}) == 8


@pytest.mark.parametrize("labels, size", [(LABELS, 16), (LABELS, 7), (LABELS, 90), ([0.5] * 5, 3)])
def test_every_class_has_its_share_of_a_batch(labels, size):
    """Rounded down or up; and every sample comes equally often."""
    labels = np.asarray(labels)
    n, sample = len(labels), jax.jit(stratified_batches(labels, size))
    train = {"i": np.arange(n), "y": labels}
    counts, draws = np.zeros(n), 400
    for i in range(draws):
        batch = sample(train, jax.random.key(i), i)
        np.testing.assert_array_equal(labels[batch["i"]], batch["y"])
        counts += np.bincount(batch["i"], minlength=n)
        for label in np.unique(labels):
            share = size * (labels == label).mean()
            found = (np.asarray(batch["y"]) == label).sum()
            assert np.floor(share - 1e-9) <= found <= np.ceil(share + 1e-9)
    expected = draws * size / n
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)
    firsts = [int(sample(train, jax.random.key(i), 0)["y"][0]) for i in range(40)]
    assert len(set(firsts)) == len(np.unique(labels))  # not in the order of the classes


def test_a_problem_with_stratified_batches():
    """And the full objective, as a split of its own beside the mean of the batches' losses."""
    train = (X, LABELS)
    data = {"train": train, "objective": train}
    problem = Problem(
        lambda key: np.zeros((4, 3), np.float32),
        lambda w, batch, key: optax.softmax_cross_entropy_with_integer_labels(
            batch[0] @ w, batch[1]
        ),
        data,
        9,
        sample=stratified_batches(LABELS, 9),
    )
    assert problem.steps_per_epoch == 10
    run = fit(problem, lectopt.sgd(0.5), 20, eval_every=5)
    logits = X.astype(float) @ np.asarray(run.params, float)
    each = np.log(np.exp(logits).sum(1)) - logits[np.arange(90), LABELS]
    assert run.evaluations.objective_loss.iloc[-1] == pytest.approx(each.mean(), rel=1e-5)
    running = run.history.loss.rolling(5).mean()
    np.testing.assert_allclose(running.iloc[4::5], run.evaluations.train_loss, rtol=1e-5)
    with pytest.raises(ValueError, match="90 labels for 80 training samples"):
        Problem(problem.init, problem.loss, {"train": (X[:80], LABELS[:80])},
                sample=problem.sample).check()  # fmt: skip
    for labels, size, message in (
        (LABELS[:, None], 9, r"got shape \(90, 1\)"),
        (LABELS, 91, "from 1 to 90, got 91"),
        (LABELS, 2.0, "got 2.0"),
    ):
        with pytest.raises(ValueError, match=message):
            stratified_batches(labels, size)
