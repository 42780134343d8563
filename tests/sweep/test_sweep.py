"""Sweeps: a lane is a plain training; diverged lanes neither win nor disturb; one compilation."""

import importlib.util
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import pytest

import lectopt
from lectopt.sweep import Runs, SweepResult, sweep
from lectopt.training import Problem, batch_indices, random_streams

N, STEPS, RATES = 40, 13, np.array([0.003, 0.03, 0.3])

pytestmark = pytest.mark.usefixtures("fast_compilation")


def make_data():
    random = np.random.default_rng(0)
    x = random.normal(size=(2 * N, 5)).astype(np.float32)
    y = (x[:, 0] > x[:, 1]).astype(np.int32)
    return {"train": (x[:N], y[:N]), "validation": (x[N:60], y[N:60]), "test": (x[60:], y[60:])}


DATA = make_data()


def init(key):
    return {"w": 0.2 * jax.random.uniform(key, (5, 2)), "b": jnp.zeros((1, 2))}


def loss(params, batch, key):
    """Logistic regression on noisy inputs, so that the noise stream matters."""
    x, y = batch
    x = x + 0.2 * jax.random.uniform(key, x.shape, x.dtype)
    logits = x @ params["w"] + params["b"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def evaluate(params, split):
    x, y = split
    logits = x @ params["w"] + params["b"]
    return {
        "accuracy": (logits.argmax(-1) == y).mean(),
        "loss": optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(),
    }


PROBLEM = Problem(init, loss, DATA, 8, evaluate)
run = partial(sweep, PROBLEM, steps=STEPS, progress=False)


def batches(seed):
    """What a seed gives each step: the batch, and the key of its noise."""
    streams = random_streams(seed)
    for step in range(STEPS):
        samples = np.asarray(batch_indices(streams.data, step, N, 8))
        x, y = DATA["train"]
        yield (x[samples], y[samples]), jax.random.fold_in(streams.noise, step)


loss_and_grad = jax.jit(jax.value_and_grad(loss))


def plain_training(tx, seed):
    """The parameters and the batch losses of one training, in the plainest way."""
    params = init(random_streams(seed).init)
    state = tx.init(params)
    update = jax.jit(optax.with_extra_args_support(tx).update)
    losses = []
    for batch, key in batches(seed):
        value, grads = loss_and_grad(params, batch, key)
        updates, state = update(grads, state, params, value=value)
        params = optax.apply_updates(params, updates)
        losses.append(float(value))
    return params, losses


# ---- a lane is a training


def polyak(learning_rate):
    """An optimizer that needs the value of the loss."""
    return optax.polyak_sgd(scaling=learning_rate)


def test_a_lane_is_a_plain_training_of_its_seed_and_rate():
    makers = {
        "adam": optax.adam,
        "nesterov": partial(optax.sgd, momentum=0.9, nesterov=True),
        "polyak": polyak,
    }
    result = run(makers, {"learning_rate": RATES}, [5, 2], eval_every=4)
    assert result.evaluated_at == (4, 8, 12, 13)
    for name, maker in makers.items():
        for rate in RATES:
            params, losses = plain_training(maker(float(rate)), seed=2)
            own = f"optimizer == {name!r} and seed == 2 and learning_rate == {rate}"
            final, curve = result.table().query(own), result.curves().query(own)
            assert len(final) == 1 and final.diverged_at.item() == -1
            for split in DATA:
                for metric, value in evaluate(params, DATA[split]).items():
                    np.testing.assert_allclose(final[f"{split}_{metric}"], value, rtol=2e-5)
            means = [*np.reshape(losses[:12], (3, 4)).mean(axis=1), losses[12]]
            np.testing.assert_allclose(curve.train_loss, means, rtol=2e-5)
            assert curve.step.tolist() == [4, 8, 12, 13]


def test_the_look_ahead_is_where_the_gradient_is_and_the_base_point_what_is_measured():
    def by_hand(rate, decay=0.9):  # v = decay v - rate grad(params + decay v); params += v
        params = init(random_streams(0).init)
        velocity = jax.tree.map(jnp.zeros_like, params)
        for batch, key in batches(seed=0):
            ahead = jax.tree.map(lambda p, v: p + decay * v, params, velocity)
            _, grads = loss_and_grad(ahead, batch, key)
            velocity = jax.tree.map(lambda v, g: decay * v - rate * g, velocity, grads)
            params = jax.tree.map(jnp.add, params, velocity)
        return evaluate(params, DATA["test"])["loss"]

    forms = {form: partial(lectopt.nesterov, form=form) for form in ("shifted", "look_ahead")}
    table = run(forms, {"learning_rate": RATES}, 1).table()
    expected = [by_hand(rate) for rate in RATES]
    for form in forms:
        found = table[table.optimizer == form].test_loss
        np.testing.assert_allclose(found, expected, rtol=2e-5, err_msg=form)


def test_lanes_of_a_seed_are_paired():
    result = run({"a": optax.sgd, "b": optax.sgd}, {"learning_rate": [0.1, 0.1, 0.2]}, 2)
    a, b = result.runs["a"], result.runs["b"]
    np.testing.assert_array_equal(a.train_loss, b.train_loss)
    np.testing.assert_array_equal(a.train_loss[:, :, 0], a.train_loss[:, :, 1])
    assert (a.train_loss[:, 0] != a.train_loss[:, 1]).all()  # seeds differ


def test_evaluating_more_often_changes_nothing():
    rare, often = (
        run({"sgd": optax.sgd}, {"learning_rate": RATES}, 2, eval_every=every) for every in (99, 2)
    )
    assert rare.evaluated_at == (13,) and often.evaluated_at == (2, 4, 6, 8, 10, 12, 13)
    pd.testing.assert_frame_equal(rare.table(), often.table())


def test_tiles_of_any_length_are_one_program():
    def weakly_typed(learning_rate):  # its state starts as a Python number
        last = optax.GradientTransformation(lambda p: 0.0, lambda g, s, p=None: (g, g["b"].sum()))
        return optax.chain(last, optax.sgd(learning_rate))

    def traces(steps):
        count = 0

        def counted(params, batch, key):
            nonlocal count
            count += 1
            return loss(params, batch, key)

        problem = Problem(init, counted, DATA, 8, evaluate)
        makers = {"it": weakly_typed}
        sweep(problem, makers, {"learning_rate": RATES}, 2, steps, eval_every=3, progress=False)
        return count

    assert traces(3) == traces(10) > 0


def test_state_keeps_its_dtypes_in_half_precision():
    problem = Problem(
        lambda key: jax.tree.map(lambda x: x.astype(jnp.bfloat16), init(key)),
        lambda params, batch, key: loss(params, (batch[0].astype(jnp.bfloat16), batch[1]), key),
        DATA,
        8,
    )
    result = sweep(problem, {"adam": optax.adam}, {"learning_rate": RATES}, 1, 20, progress=False)
    losses = result.runs["adam"].train_loss[:, 0]
    assert (losses[-1] < losses[0]).all()


# ---- divergence


def test_a_diverged_lane_is_frozen_and_disturbs_no_other():
    calm = run({"sgd": optax.sgd}, {"learning_rate": [0.1, 0.2, 0.3]}, 2, eval_every=4)
    wild = run({"sgd": optax.sgd}, {"learning_rate": [0.1, 1e38, 0.3]}, 2, eval_every=4)
    a, b = calm.runs["sgd"], wild.runs["sgd"]
    for lane in (0, 2):
        np.testing.assert_array_equal(a.train_loss[..., lane], b.train_loss[..., lane])
        for split in DATA:
            for metric in ("accuracy", "loss"):
                others = (r.final[split][metric][:, lane] for r in (a, b))
                np.testing.assert_array_equal(*others)
    assert (a.diverged_at == -1).all()
    np.testing.assert_array_equal(b.diverged_at[:, [0, 2]], -1)
    # With rate 1e38 the first update is still finite, and the loss after it is not below the bound.
    np.testing.assert_array_equal(b.diverged_at[:, 1], 1)
    assert np.isfinite(b.train_loss[0, :, 1]).all() and np.isnan(b.train_loss[1:, :, 1]).all()
    assert len(set(b.validation["loss"][:, 0, 1].tolist())) == 1  # frozen from the first tile on


def test_each_way_to_diverge():
    """Minimise w^2 / 2 from w = 1, where gradient descent multiplies w by 1 - rate."""

    def quadratic(params, batch, key):
        return 0.5 * jnp.sum(params**2) + 0 * batch.sum()

    problem = Problem(lambda key: jnp.ones(1), quadratic, {"train": np.ones(4)}, 2)

    def diverged_at(maker, rates, **options):
        result = sweep(
            problem, {"it": maker}, {"learning_rate": rates}, 1, 20, progress=False, **options
        )
        return result.table().diverged_at.tolist(), result.runs["it"].final["train"]["loss"][0]

    # At rate 3 the loss is 4^t / 2, above 1000 / 2 from step 5 on; w keeps that step's value.
    steps, losses = diverged_at(optax.sgd, [1.0, 3.0])
    assert steps == [-1, 5]
    np.testing.assert_allclose(losses, [0, 0.5 * 4.0**5])
    assert diverged_at(optax.sgd, [3.0], divergence_factor=10)[0] == [2]
    assert diverged_at(optax.sgd, [3.0], divergence_factor=np.inf)[0] == [-1]

    def broken(learning_rate):  # its third update is not finite
        def update(updates, state, params=None):
            return jax.tree.map(
                lambda g: jnp.where(state == 2, jnp.nan, -learning_rate * g), updates
            ), state + 1

        return optax.GradientTransformation(lambda params: jnp.zeros((), int), update)

    steps, losses = diverged_at(broken, [0.5])
    assert steps == [2]
    np.testing.assert_allclose(losses, 0.5 * 0.25**2)  # two updates were made


def by_hand(accuracy, diverged_at):
    """A result of one optimizer: arrays of shape (seeds, configurations)."""
    accuracy, diverged_at = np.array(accuracy, np.float32), np.array(diverged_at)
    seeds, configurations = accuracy.shape
    final = {split: {"accuracy": accuracy} for split in ("validation", "test")}
    rates = {"learning_rate": 10.0 ** np.arange(configurations)}
    empty = np.zeros((1, seeds, configurations))
    return SweepResult(
        tuple(range(seeds)), (1,), {"it": Runs(rates, diverged_at, empty, {}, final)}
    )


@pytest.mark.parametrize("bad", [1.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("mode", ["max", "min"])
def test_best_is_never_a_diverged_configuration(bad, mode):
    accuracy = [[0.5, 0.7, bad], [0.5, 0.9, 0.5]]
    for diverged_at in ([[-1, -1, 3], [-1, -1, -1]], [[-1, -1, -1], [-1, -1, 8]]):
        best = by_hand(accuracy, diverged_at).best(mode=mode)
        assert best.learning_rate.item() == (10 if mode == "max" else 1)
        assert (best.diverged.item(), best.configurations.item()) == (1, 3)
        if mode == "max":
            np.testing.assert_allclose(best.validation_accuracy, 0.8, rtol=1e-6)
            np.testing.assert_allclose(best.test_accuracy_sd, np.sqrt(2) / 10, rtol=1e-6)


def test_best_of_a_metric_that_is_nan_without_divergence():
    assert by_hand([[np.nan, 0.4, np.inf]], [[-1, -1, -1]]).best().learning_rate.item() == 10


def test_an_optimizer_that_always_diverges_has_no_best(tmp_path):
    result = by_hand([[0.9, 0.8]], [[1, 0]])
    best = result.best()
    assert best.optimizer.tolist() == ["it"] and best.diverged.item() == 2
    assert best[["learning_rate", "validation_accuracy", "test_accuracy"]].isna().all(axis=None)
    result.plot_sensitivity(path=tmp_path / "all_diverged.png")
    assert (tmp_path / "all_diverged.png").stat().st_size > 1000


# ---- spaces


def test_each_optimizer_can_have_its_own_space():
    result = run(
        {"adam": optax.adam, "sgd": optax.sgd, "fixed": lambda: optax.sgd(0.1)},
        {
            "adam": {"learning_rate": [0.01, 0.1], "b1": [0.0, 0.5, 0.9]},
            "sgd": {"learning_rate": [0.1]},
            "fixed": {},
        },
        seeds=2,
        eval_every=7,
    )
    table = result.table()
    assert table.columns[:6].tolist() == [
        *("optimizer", "configuration", "learning_rate", "b1", "seed", "diverged_at"),
    ]
    assert table.groupby("optimizer").size().to_dict() == {"adam": 12, "sgd": 2, "fixed": 2}
    adam = table[table.optimizer == "adam"]
    assert adam.seed.tolist() == [0, 1] * 6
    assert adam.learning_rate.tolist() == [0.01] * 6 + [0.1] * 6
    assert adam.b1.tolist() == [0.0, 0.0, 0.5, 0.5, 0.9, 0.9] * 2
    sgd, fixed = (table[table.optimizer == name] for name in ("sgd", "fixed"))
    assert sgd.b1.isna().all() and fixed.learning_rate.isna().all()
    np.testing.assert_allclose(sgd.test_loss, fixed.test_loss, rtol=1e-6)
    assert len(result.curves()) == 2 * len(table)
    assert sorted(result.best().optimizer) == ["adam", "fixed", "sgd"]
    figure = result.plot_sensitivity
    with pytest.raises(ValueError, match=r"'learning_rate' in every optimizer, but \['fixed'\]"):
        figure()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizers": {}}, "optimizers by name"),
        ({"optimizers": [optax.adam]}, "optimizers by name"),
        ({"optimizers": {"a": optax.adam(0.1)}}, "'a': wanted a maker"),
        (
            {"optimizers": {"a": lambda learning_rate: 3}},
            "'a': .*Optax transformation, .*returns 3",
        ),
        ({"space": {"rate": [0.1]}}, r"'a': wanted a maker that takes .*\['rate'\].*learning_rate"),
        ({"space": {}}, "missing a required argument: 'learning_rate'"),
        ({"space": [0.1]}, "wanted a space"),
        ({"space": {"learning_rate": 0.1}}, r"1-D array of numbers .* got 0.1; write \[0.1\]"),
        ({"space": {"learning_rate": []}}, "1-D array"),
        ({"space": {"learning_rate": ["high"]}}, "1-D array of numbers"),
        ({"space": {"b": {"learning_rate": [1]}}}, r"one for each of \['a'\] .* got .*\['b'\]"),
        ({"seeds": 0}, "positive number of seeds"),
        ({"seeds": [1, 1]}, "distinct"),
        ({"seeds": [0.5]}, "each seed"),
        ({"steps": 0}, "steps, at least 1, got 0"),
        ({"eval_every": 0}, "eval_every, at least 1, got 0"),
        ({"divergence_factor": 0.5}, "above 1, or inf, got 0.5"),
        ({"problem": Problem(init, evaluate, DATA, 8)}, "one real number"),
    ],
)
def test_sweep_refuses(changes, message):
    def wrong(params, batch, key):
        return batch[0]

    arguments = {
        "problem": PROBLEM,
        "optimizers": {"a": optax.sgd},
        "space": {"learning_rate": RATES},
        "seeds": 1,
        "steps": 2,
        "progress": False,
    }
    if "problem" in changes:
        changes = {"problem": Problem(init, wrong, DATA, 8)}
    with pytest.raises(ValueError, match=message):
        sweep(**{**arguments, **changes})


# ---- what is reported


@pytest.fixture(scope="module")
def result():
    return run({"adam": optax.adam, "sgd": optax.sgd}, {"learning_rate": RATES}, 3)


def test_best_is_the_best_row_of_the_table(result):
    best = result.best("loss", "validation", "min")
    means = result.table().groupby(["optimizer", "learning_rate"], as_index=False).mean()
    for row in best.to_dict("records"):
        own = means[means.optimizer == row["optimizer"]]
        winner = own.loc[own.validation_loss.idxmin()]
        assert row["learning_rate"] == winner.learning_rate
        np.testing.assert_allclose(row["test_loss"], winner.test_loss, rtol=1e-5)
    assert best.validation_loss.is_monotonic_increasing
    assert result.best("loss", "test", "max").columns.is_unique
    assert repr(result) == "SweepResult(18 trainings of 2 optimizers, 3 seeds, 13 steps)"


def test_csv_round_trip(result, tmp_path):
    path = tmp_path / "new" / "table.csv"
    result.to_csv(path)
    read = pd.read_csv(path)
    pd.testing.assert_frame_equal(read, result.table(), check_dtype=False, rtol=1e-6)
    np.testing.assert_allclose(read.learning_rate.unique(), RATES, rtol=1e-15)
    assert [file.name for file in path.parent.iterdir()] == ["table.csv"]


def test_a_failed_write_leaves_the_old_file(result, tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail(self, target, **options):
        Path(target).write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        result.to_csv(path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_sensitivity_has_a_panel_per_optimizer(result, tmp_path):
    figure = result.plot_sensitivity("loss", "test", "min", path=tmp_path / "loss.svg")
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["adam", "sgd"]
    assert "<svg" in (tmp_path / "loss.svg").read_text()
    best = result.best("loss", "test", "min").set_index("optimizer")
    for ax in figure.axes:
        star = next(line for line in ax.lines if line.get_marker() == "*")
        row = best.loc[ax.get_title(loc="left")]
        np.testing.assert_allclose(star.get_xydata(), [[row.learning_rate, row.test_loss]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("recall",), r"one of the metrics \['accuracy', 'loss'\], got 'recall'"),
        (("loss", "holdout"), "one of the splits .* got 'holdout'"),
        (("loss", "test", "least"), 'mode "max" or "min"'),
    ],
)
def test_unknown_metrics_are_refused(result, arguments, message):
    for method in (result.best, result.plot_sensitivity):
        with pytest.raises(ValueError, match=message):
            method(*arguments)


def test_progress_is_one_bar_or_silence(capsys):
    space = {"learning_rate": [0.1, 1e38]}
    sweep(PROBLEM, {"a": optax.sgd}, space, 1, 4, progress=False)
    assert capsys.readouterr() == ("", "")
    sweep(PROBLEM, {"a": optax.sgd, "b": optax.sgd}, space, 1, 4)
    bar = capsys.readouterr().err
    assert "8/8" in bar and "a:" in bar and "b:" in bar and "diverged=2" in bar


def test_the_example_runs_small(tmp_path, capsys, monkeypatch):
    """With three of its optimizers; of the others, that they are made as a sweep makes them."""
    path = Path(__file__).parents[2] / "examples" / "digits_sweep.py"
    spec = importlib.util.spec_from_file_location("digits_sweep", path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    for make in example.OPTIMIZERS.values():
        jax.eval_shape(lambda rate, make=make: make(learning_rate=rate).init(jnp.ones(2)), 0.1)
    few = {name: example.OPTIMIZERS[name] for name in ("sgd", "nesterov", "adam")}
    monkeypatch.setattr(example, "OPTIMIZERS", few)
    options = {"--steps": 30, "--rates": 3, "--seeds": 2, "--out": tmp_path / "out"}
    example.main([str(word) for option in options.items() for word in option])
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert len(table) == len(example.OPTIMIZERS) * 3 * 2
    assert table.test_accuracy.between(0, 1).all() and table.test_accuracy.max() > 0.8
    printed = capsys.readouterr().out
    assert all(name in printed for name in [*example.OPTIMIZERS, "sensitivity.png"])
    assert (tmp_path / "out" / "sensitivity.png").stat().st_size > 10_000
