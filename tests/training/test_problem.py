"""Problems and their data: what is split, drawn, refused, and made from Flax models."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from lectopt.training import (
    Problem,
    batch_indices,
    digits,
    epoch_permutation,
    random_streams,
    split_data,
    standardize,
)

pytestmark = pytest.mark.usefixtures("fast_compilation")

LABELS = np.repeat([0, 1, 2], [50, 31, 9])
SAMPLES = np.arange(len(LABELS))
X = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
DATA = {"train": (X[:60], LABELS[:60]), "validation": (X[60:], LABELS[60:])}


def cross_entropy(model, batch):
    x, y = batch
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()


# ---- splitting and standardising


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


# ---- batches


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
    assert len({tuple(key.tolist()) for key in keys}) == 6


# ---- Problem


def mean_square(params, batch, key):
    del key
    return ((batch[0] @ params - batch[1]) ** 2).mean()


def linear(**changes):
    arguments = {"init": lambda key: jnp.zeros(4), "loss": mean_square, "data": DATA}
    return Problem(**{**arguments, "batch_size": 8, **changes})


def test_problem_measures_the_loss_by_default():
    problem = linear()
    assert repr(problem) == "Problem(train=60, validation=30, batch_size=8)"
    assert (problem.size, problem.steps_per_epoch) == (60, 7)
    metrics = problem.metrics(jnp.zeros(4), DATA["validation"])
    np.testing.assert_allclose(metrics["loss"], np.mean(LABELS[60:] ** 2), rtol=1e-6)
    problem.check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"test": DATA["train"]}}, r'at least the split "train", got \[\'test\'\]'),
        ({"data": (X, LABELS)}, "got tuple"),
        ({"data": {"train": (X, LABELS[1:])}}, "split 'train': .*same number"),
        ({"data": {**DATA, "test": X}}, "split 'test': wanted .* as 'train' is"),
        ({"batch_size": 0}, "integer batch_size from 1 to 60, .*got 0"),
        ({"batch_size": 61}, "got 61"),
        ({"batch_size": 8.0}, "got 8.0"),
    ],
)
def test_problem_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        linear(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"loss": lambda params, batch, key: batch[0] @ params},
            "one real number, .*take the mean",
        ),
        ({"loss": lambda params, batch, key: jnp.array(1)}, "one real number"),
        ({"loss": lambda params, batch, key: (jnp.sum(params), {})}, "one real number"),
        ({"evaluate": lambda params, split: {"error": split[1]}}, "one number for 'error'"),
        ({"evaluate": lambda params, split: params.sum()}, "evaluate to return"),
    ],
)
def test_check_refuses_what_is_not_a_scalar(changes, message):
    with pytest.raises(ValueError, match=message):
        linear(**changes).check()


# ---- Flax


class NnxNet(nnx.Module):
    def __init__(self, rngs, rate=0.0):
        self.a, self.b = nnx.Linear(4, 8, rngs=rngs), nnx.Linear(8, 3, rngs=rngs)
        self.dropout = nnx.Dropout(rate, rngs=rngs)

    def __call__(self, x):
        return self.b(self.dropout(jnp.tanh(self.a(x))))


class LinenNet(nn.Module):
    rate: float = 0.0

    @nn.compact
    def __call__(self, x, train=False):
        x = jnp.tanh(nn.Dense(8, name="a")(x))
        return nn.Dense(3, name="b")(nn.Dropout(self.rate)(x, deterministic=not train))


def test_nnx_and_linen_are_the_same_problem():
    of_nnx = Problem.from_nnx(NnxNet, cross_entropy, DATA, 8)
    of_linen = Problem.from_linen(LinenNet(), cross_entropy, DATA, 8)
    key = jax.random.key(1)
    params = of_nnx.init(key)
    shapes = jax.tree.map(jnp.shape, params)
    assert shapes == jax.tree.map(jnp.shape, of_linen.init(key))
    assert shapes == {"a": {"kernel": (4, 8), "bias": (8,)}, "b": {"kernel": (8, 3), "bias": (3,)}}

    results = [
        (
            jax.value_and_grad(problem.loss)(params, DATA["train"], key),
            problem.metrics(params, DATA["validation"]),
        )
        for problem in (of_nnx, of_linen)
    ]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7), *results)
    assert float(of_nnx.loss(params, DATA["train"], key)) > 0


@pytest.mark.parametrize("library", ["nnx", "linen"])
def test_dropout_follows_the_key_in_training_and_is_off_in_evaluation(library):
    if library == "nnx":
        problem = Problem.from_nnx(partial(NnxNet, rate=0.5), cross_entropy, DATA, 8)
    else:

        def training_loss(model, batch):
            return cross_entropy(lambda x: model(x, train=True), batch)

        def evaluate(model, split):
            return {"loss": cross_entropy(model, split)}

        problem = Problem.from_linen(LinenNet(0.5), training_loss, DATA, 8, evaluate)
    params = problem.init(jax.random.key(0))
    losses = [float(problem.loss(params, DATA["train"], jax.random.key(i))) for i in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]
    plain = Problem.from_linen(LinenNet(), cross_entropy, DATA, 8)
    np.testing.assert_allclose(
        problem.metrics(params, DATA["train"])["loss"],
        plain.metrics(params, DATA["train"])["loss"],
        rtol=1e-6,
    )


def test_models_with_running_statistics_are_refused_by_name():
    class Normalised(NnxNet):
        def __init__(self, rngs):
            super().__init__(rngs)
            self.norm = nnx.BatchNorm(3, rngs=rngs)

    with pytest.raises(ValueError, match=r"norm\.mean \(BatchStat\).*LayerNorm"):
        Problem.from_nnx(Normalised, cross_entropy, DATA, 8)
    module = nn.Sequential([nn.Dense(3), nn.BatchNorm(use_running_average=True)])
    with pytest.raises(ValueError, match=r"got \['batch_stats'\] too"):
        Problem.from_linen(module, cross_entropy, DATA, 8)
