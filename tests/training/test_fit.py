"""`fit`: the training that it makes, beside one that is written out, and a sweep's."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import fit
from lectopt._sweep.lanes import Lanes
from lectopt._sweep.space import Configuration
from lectopt._sweep.study import Study
from lectopt._sweep.tiles import Chunk, Tile, begun
from lectopt.training import batch_indices, random_streams
from tests.training.nets import NnxNormed, accuracy, cross_entropy
from tests.training.runs import DATA, N, X, Y, assert_same, clock, init, loss, problem, whole
from tests.training.samples import DATA as SAMPLES

pytestmark = pytest.mark.usefixtures("fast_compilation")


def by_hand(tx, steps, seed=0):
    """The plainest loop: parameters, state, and for each step the numbers of the history."""
    streams = random_streams(seed)
    params, state = init(streams.init)
    opt_state = tx.init(params)
    rows = []
    for step in range(steps):
        samples = np.asarray(batch_indices(streams.data, step, N, 8))
        batch, key = (X[samples], Y[samples]), jax.random.fold_in(streams.noise, step)

        def mean(params, state=state, batch=batch, key=key):
            each, named, new = loss(params, state, batch, key)
            return each.mean(), (named, new)

        (value, (named, state)), grads = jax.value_and_grad(mean, has_aux=True)(params)
        updates, opt_state = tx.update(grads, opt_state, params)
        params = optax.apply_updates(params, updates)
        norms = optax.tree.norm(grads), optax.tree.norm(updates)
        rows.append([value, named["largest"], *norms])
    return params, state, np.array(rows, float)


def test_a_run_is_the_loop_that_is_written_out():
    rate = lectopt.exponential_decay(0.3, 0.05)
    run = fit(problem(), lectopt.adam(rate), 13, seed=4, eval_every=4)
    params, state, rows = by_hand(lectopt.adam(rate), 13, seed=4)
    for a, b in zip(*map(jax.tree.leaves, ((params, state), whole(run)[:2])), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)
    names = ["loss", "largest", "grad_norm", "update_norm"]
    assert run.history.columns.tolist() == [*names, "learning_rate"]
    assert run.history.index.name == "step" and run.history.index.tolist() == list(range(13))
    np.testing.assert_allclose(run.history[names], rows, rtol=1e-4)
    np.testing.assert_allclose(
        run.history.learning_rate, 0.3 * np.exp(-0.05 * np.arange(13)), rtol=1e-5
    )
    assert (run.step, run.stopped.reason, run.stopped.step) == (13, "steps", 13)

    means = [*rows[:12, 0].reshape(3, 4).mean(axis=1), rows[12, 0]]
    assert run.evaluations.index.tolist() == [4, 8, 12, 13]
    assert run.evaluations.columns.tolist() == [
        "train_loss", "validation_accuracy", "validation_loss",
    ]  # fmt: skip
    np.testing.assert_allclose(run.evaluations.train_loss, means, rtol=1e-4)
    x, y = DATA["validation"]
    found = (x @ np.asarray(params["w"]) + np.asarray(params["b"])).argmax(axis=1) == y
    assert run.evaluations.validation_accuracy.iloc[-1] == pytest.approx(found.mean())
    for name in (
        "validation_loss 0.",
        "13 steps",
        "stopped: steps",
        f"best at {run.evaluations.validation_loss.idxmin()}",
    ):
        assert name in repr(run)


def lane(problem, maker, values, steps, every, seed):
    """The single lane of a sweep, and what was measured of it."""
    study = Study(problem, {"it": maker}, steps, None, every, 1e3)
    one = Configuration("it", values)
    lanes = Lanes(study.group(one), 1, jax.tree.map(jnp.asarray, dict(problem.data)))
    work = begun(Tile(0, 0, steps, (Chunk(seed, (one,)),)), every, [None])
    assert work.run(lanes, 1e3, lambda work: True)
    return work.states[0], work.outcome.curves[f"validation_{problem.metric}"][0].tolist()


def test_a_run_is_the_single_lane_of_a_sweep_bit_for_bit():
    """With running statistics, averages, micro-batches and a plateau on the validation split."""
    tx = lectopt.chain(
        lectopt.clip_by_global_norm(1.0),
        lectopt.adamw(0.1),
        lectopt.reduce_on_plateau(patience=0, mode="max"),
        lectopt.average_params(lectopt.averaging.exponential(0.9)),
    )
    normed = lectopt.Problem.from_nnx(
        NnxNormed, cross_entropy, SAMPLES, 16, evaluate=accuracy, maximize="accuracy", micro_batch=8
    )
    training, measured = lane(normed, lambda: tx, {}, 30, 4, 3)
    run = fit(normed, tx, 30, seed=3, eval_every=4)
    assert_same(whole(run), training[:3])
    assert measured == run.evaluations.validation_accuracy.tolist()
    assert int(run.opt_state["plateau"]["reductions"]) > 0


def test_a_rate_that_a_sweep_traces_is_the_same_rate():
    training, _ = lane(problem(), lectopt.momentum, {"learning_rate": 0.25}, 20, 20, 1)
    assert_same(whole(fit(problem(), lectopt.momentum(0.25), 20, seed=1))[:2], training[:2])


def test_no_length_of_a_block_changes_a_bit(monkeypatch):
    tx = lectopt.adam(0.1)
    whole_block = fit(problem(), tx, 40, eval_every=40)
    clock(monkeypatch, 1e-9)
    assert len(whole_block.recorded.blocks) < 5
    for seconds in (0.2, 10.0):
        clock(monkeypatch, seconds)
        run = fit(problem(), tx, 40, eval_every=9)
        assert len(run.recorded.blocks) >= 6
        assert_same(whole(run), whole(whole_block))
        np.testing.assert_array_equal(run.history, whole_block.history)


def test_a_seed_is_a_training():
    runs = [fit(problem(), lectopt.sgd(0.1), 5, seed=seed) for seed in (0, 0, 1)]
    assert_same(whole(runs[0]), whole(runs[1]))
    assert (runs[0].history.loss != runs[2].history.loss).all()
    for seed in (-1, 2**32, 0.5, True):
        with pytest.raises(ValueError, match=r"a seed that is an integer in \[0, 2\*\*32\)"):
            fit(problem(), lectopt.sgd(0.1), 5, seed=seed)


def test_steps_epochs_and_evaluations():
    run = fit(problem(), lectopt.sgd(0.1), epochs=3, eval_every="epoch")
    assert run.step == 18 and run.evaluations.index.tolist() == [6, 12, 18]
    run = fit(problem(last_batch="keep"), lectopt.sgd(0.1), epochs=1)
    assert run.step == 7 and len(run.evaluations) == 7
    assert float(run.model_state["seen"]) == N
    assert len(fit(problem(), lectopt.sgd(0.1), 60).evaluations) == 20


def test_without_a_validation_split_the_training_data_are_measured_and_nothing_is_best():
    run = fit(problem(data={"train": DATA["train"], "test": DATA["test"]}), lectopt.sgd(0.1), 4)
    assert run.best is None and "validation_loss" not in run.evaluations
    assert {"train_loss", "train_accuracy"} <= {*run.evaluations.columns}


def test_the_model_has_the_weights_to_use():
    tx = lectopt.chain(lectopt.sgd(0.3), lectopt.average_params(lectopt.averaging.uniform()))
    run = fit(problem(), tx, 12)
    params, state = run.model
    assert_same(params, lectopt.evaluation_params(run.opt_state, run.params))
    assert_same(state, run.model_state)
    assert not np.array_equal(params["w"], run.params["w"])


def test_statistics_are_made_anew_for_averaged_weights():
    """They are the mean over the batches, in order, of the statistics that NumPy finds."""
    tx = lectopt.chain(lectopt.adam(0.1), lectopt.average_params(lectopt.averaging.uniform()))
    normed = lectopt.Problem.from_nnx(NnxNormed, cross_entropy, SAMPLES, 16)
    run = fit(normed, tx, 20)
    model = run.model
    assert isinstance(model, NnxNormed)
    kernel, bias = (np.asarray(x, float) for x in (model.a.kernel[...], model.a.bias[...]))
    hidden = (SAMPLES["train"][0].astype(float) @ kernel + bias)[:48].reshape(3, 16, -1)
    np.testing.assert_allclose(model.norm.mean[...], hidden.mean(axis=(0, 1)), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(model.norm.var[...], hidden.var(axis=1).mean(axis=0), rtol=1e-3)
    assert not np.allclose(model.norm.mean[...], run.model_state["norm"]["mean"], rtol=1e-2)
    plain = fit(normed, lectopt.adam(0.1), 20)
    np.testing.assert_array_equal(plain.model.norm.mean[...], plain.model_state["norm"]["mean"])


def of_steps(steps):
    return lectopt.sgd(lectopt.cosine_decay(0.1, steps))


def test_a_function_gets_what_it_asks_for():
    of_function = fit(problem(), of_steps, 20)
    assert_same(whole(of_function), whole(fit(problem(), of_steps(20), 20)))
    runs = [
        fit(problem(), lambda key: lectopt.sgld(0.1, key=key), 5, seed=seed) for seed in (0, 0, 1)
    ]
    key = random_streams(0).optimizer
    assert_same(whole(runs[0])[:2], whole(fit(problem(), lectopt.sgld(0.1, key=key), 5))[:2])
    assert_same(whole(runs[0]), whole(runs[1]))
    assert (runs[0].history.update_norm != runs[2].history.update_norm).all()


@pytest.mark.parametrize(
    "tx",
    [
        optax.lbfgs(),
        optax.polyak_sgd(),
        lectopt.chain(lectopt.sgd(1.0), lectopt.scale_by_wolfe_line_search()),
    ],
    ids=["lbfgs", "polyak", "wolfe"],
)
def test_optimizers_that_want_the_loss_itself(tx):
    noiseless = problem(
        loss=lambda params, state, batch, key: (
            evaluate_loss(params, batch) + 1e-2 * sum(jnp.sum(x**2) for x in params.values()),
            state,
        ),
        batch_size=None,
    )
    run = fit(noiseless, tx, 30)
    assert run.history.loss.iloc[-1] < 0.6 * run.history.loss.iloc[0]


def evaluate_loss(params, batch):
    logits = batch[0] @ params["w"] + params["b"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, batch[1]).mean()


def test_layers_are_unfrozen_in_time():
    run = fit(problem(), lectopt.unfreeze_gradually({"w": 6}, lectopt.adam(0.1)), 6)
    first = init(random_streams(0).init)[0]
    np.testing.assert_array_equal(run.params["w"], first["w"])
    assert not np.array_equal(run.params["b"], first["b"])


@pytest.mark.slow  # a program for each
def test_the_rate_is_known_of_other_optimizers_that_tell_it():
    injected = fit(problem(), optax.inject_hyperparams(optax.adam)(learning_rate=0.25), 3)
    monitored = fit(problem(), optax.chain(optax.clip(1.0), lectopt.monitor(lectopt.sgd(0.5))), 3)
    np.testing.assert_allclose(injected.history.learning_rate, 0.25)
    np.testing.assert_allclose(monitored.history.learning_rate, 0.5)
    found = monitored.history  # a monitor's numbers are columns, too
    np.testing.assert_allclose(found.update_norm / found.param_norm, found.update_ratio, rtol=1e-5)
    assert "learning_rate" not in fit(problem(), optax.adam(0.1), 3).history


def test_a_plateau_watches_the_validation_split():
    """The reductions are those of its rule, on the metrics that were measured."""
    plateau = lectopt.reduce_on_plateau(factor=0.5, patience=1)
    run = fit(problem(), lectopt.chain(lectopt.sgd(3.0), plateau), 60, eval_every=3)
    scale, best, bad, scales = 1.0, np.inf, 0, []
    for value in run.evaluations.validation_loss[:-1]:  # the last one comes after the last update
        better = value < best * (1 - 1e-4)
        best, bad = (value, 0) if better else (best, bad + 1)
        if bad > 1:
            scale, bad = scale / 2, 0
        scales.append(scale)
    assert scales[-1] < 0.2
    expected = np.repeat([1.0, *scales], 3) * 3.0
    np.testing.assert_allclose(run.history.learning_rate, expected, rtol=1e-6)


def test_a_plateau_that_waits_for_the_wrong_way_is_refused():
    for words, mode in ((dict(maximize="accuracy"), "max"), (dict(), "min")):
        other = dict(max="min", min="max")[mode]
        wrong = lectopt.chain(lectopt.sgd(0.1), lectopt.reduce_on_plateau(mode=other))
        with pytest.raises(ValueError, match=f'is to be {mode}imised, .* Write mode="{mode}"'):
            fit(problem(**words), wrong, 5)


def test_a_plateau_without_a_validation_split_watches_the_batches():
    plateau = lectopt.reduce_on_plateau(factor=0.5, patience=0)
    alone = problem(data={"train": DATA["train"]})
    run = fit(alone, lectopt.chain(lectopt.sgd(1.0), plateau), 20)
    losses = run.history.loss.to_numpy()
    worse = losses[1:] >= np.minimum.accumulate(losses)[:-1] * (1 - 1e-4)
    np.testing.assert_allclose(run.history.learning_rate[1:], 0.5 ** np.cumsum(worse), rtol=1e-6)


def test_batches_of_ones_own():
    def sample(train, key, step):
        chosen = jax.random.randint(key, (4,), 0, N)
        return jax.tree.map(lambda x: x[chosen], train)

    run = fit(problem(sample=sample, batch_size=None), lectopt.sgd(0.1), 7)
    assert float(run.model_state["seen"]) == 28


def test_typed_keys_and_integers_in_a_state_and_half_precision():
    def half_init(key):
        params, _ = init(key)
        half = jax.tree.map(lambda x: x.astype(jnp.bfloat16), params)
        return half, {"key": key, "count": jnp.int32(0)}

    def half_loss(params, state, batch, key):
        wide = jax.tree.map(lambda x: x.astype(jnp.float32), params)
        each, _, _ = loss(wide, {"seen": 0}, batch, key)
        next_key = jax.random.split(state["key"], 1)[0]
        return each, {"key": next_key, "count": state["count"] + 1}

    half = problem(init=half_init, loss=half_loss)
    run = fit(half, lectopt.adam(0.1), 20)
    assert run.params["w"].dtype == jnp.bfloat16 and int(run.model_state["count"]) == 20
    assert run.model_state["key"].dtype == random_streams(0).init.dtype
    assert run.history.loss[-5:].mean() < run.history.loss[:5].mean()
