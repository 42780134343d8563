"""When a training stops, and what comes back."""

import math
import os
import signal
import threading

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import converged, fit
from tests.training.runs import assert_same, assert_same_run, clock, problem, whole

pytestmark = pytest.mark.usefixtures("fast_compilation")
TX = lectopt.adam(0.1)


def test_patience_and_the_best_before_it():
    run = fit(problem(), lectopt.sgd(1.0), 400, eval_every=2, patience=3)
    assert run.stopped.reason == "patience" and run.step < 400
    losses = run.evaluations.validation_loss
    assert run.best.step == losses.idxmin() == run.step - 6
    assert run.best.metrics == run.evaluations.loc[run.best.step].to_dict()
    assert str(run.stopped) == f"patience at {run.step}: no better validation_loss in 3 evaluations"
    at_best = fit(problem(), lectopt.sgd(1.0), run.best.step, eval_every=2)
    assert_same(run.best.params, at_best.params)
    assert_same(run.best.model, (at_best.params, at_best.model_state))
    assert repr(run.best).startswith(f"Best(step={run.best.step}, train_loss=")


def test_the_best_is_kept_whether_or_not_anything_stops():
    for words, chosen in ((dict(minimize="accuracy"), "idxmin"), (dict(maximize="loss"), "idxmax")):
        run = fit(problem(**words), TX, 20)
        column = run.evaluations[f"validation_{[*words.values()][0]}"]
        assert run.best.step == getattr(column, chosen)() and run.stopped.reason == "steps"


def test_callbacks_see_the_run_so_far_and_may_keep_it():
    kept = []
    run = fit(problem(), TX, 20, eval_every=5, callbacks=[kept.append])
    assert [r.step for r in kept] == [5, 10, 15, 20] and all(r.stopped is None for r in kept)
    assert [len(r.history) for r in kept] == [5, 10, 15, 20]
    for r in kept:  # what they hold was not used up by the loop
        straight = fit(problem(), TX, r.step, eval_every=5)
        assert_same(whole(r), whole(straight))
        assert_same(r.model, straight.model)
    assert run.stopped.reason == "steps"


def test_a_callback_stops_with_its_reason():
    said = fit(problem(), TX, 20, eval_every=5, callbacks=[lambda run: run.step >= 10 and "enough"])
    assert said.stopped == ("callback", 10, "enough")
    silent = fit(problem(), TX, 20, eval_every=5, callbacks=[lambda run: run.step >= 10])
    assert silent.stopped == ("callback", 10, "")


def test_until_the_loss_has_converged():
    run = fit(problem(), lectopt.sgd(0.5), 2000, eval_every=10, callbacks=[converged(50, 0.01)])
    assert run.stopped.reason == "callback" and 100 <= run.step < 2000
    losses = run.history.loss.to_numpy(float)
    for step in run.evaluations.index:
        before, now = losses[:step][-100:-50], losses[:step][-50:]
        over = len(before) == 50 and before.mean() - now.mean() < 0.01 * abs(before.mean())
        assert over == (step == run.step)
    for wrong in (dict(window=0), dict(tolerance=-1.0), dict(tolerance=math.nan)):
        with pytest.raises(ValueError, match="a window of at least 1 step and a tolerance"):
            converged(**wrong)


def breaking(step, what):
    """An optimizer whose update of `w` is NaN at one step."""

    def update(updates, state, params=None):
        bad = jnp.where(state == step, what, 1.0)
        return {"w": -0.1 * bad * updates["w"], "b": -0.1 * updates["b"]}, state + 1

    return optax.GradientTransformation(lambda params: jnp.zeros((), int), update)


def test_a_run_stops_at_what_is_not_finite_with_what_it_had():
    with pytest.warns(UserWarning, match="the update of w is not finite in step 7. The run stops"):
        run = fit(problem(), breaking(7, jnp.nan), 20, eval_every=5)
    assert run.stopped.reason == "nonfinite" and run.step == 7
    assert run.stopped.detail == "the update of w is not finite in step 7"
    assert_same(whole(run), whole(fit(problem(), breaking(99, jnp.nan), 7, eval_every=5)))
    assert run.history.index.tolist() == list(range(8)) and run.history.skipped.tolist()[-1]
    assert run.evaluations.index.tolist() == [5]


def test_what_is_not_finite_may_be_skipped_or_raised():
    run = fit(problem(), breaking(7, jnp.inf), 20, on_nonfinite="skip")
    # The state of the optimizer is not moved either: the same step breaks every time.
    assert run.step == 20 and run.history.skipped.tolist() == [False] * 7 + [True] * 13
    assert np.isfinite(run.params["w"]).all()
    assert np.isfinite(run.evaluations.train_loss).tolist() == [True] * 7 + [False] * 13
    with pytest.raises(FloatingPointError, match="the update of w .* in step 7; 7 updates were"):
        fit(problem(), breaking(7, jnp.inf), 20, on_nonfinite="raise")


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (lambda p: jnp.log(p["b"].sum() - 1.0), "the loss"),
        (lambda p: jnp.sqrt(jnp.sum(p["b"] ** 2)), "the gradient of b"),
        (lambda p: 1e38 * (p["w"].sum() + 1) * 1e3, "the loss"),
    ],
)
def test_what_is_not_finite_at_the_first_step_is_named(broken, named):
    wrong = problem(loss=lambda params, state, batch, key: (broken(params), state))
    with pytest.warns(UserWarning, match=f"{named}.* is not finite in step 0"):
        run = fit(wrong, lectopt.sgd(0.1), 5)
    assert run.step == 0 and run.stopped.reason == "nonfinite" and run.best is None
    assert np.isfinite(run.params["w"]).all() and len(run.history) == 1
    assert "0 steps" in repr(run) and len(run.evaluations) == 0


def kill(number, at):
    """A callback that sends this process a signal."""
    return lambda run: os.kill(os.getpid(), number) if run.step == at else None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("heard")
def test_a_signal_is_taken_between_two_blocks(number):
    before = signal.getsignal(number)
    run = fit(problem(), TX, 20, eval_every=5, callbacks=[kill(number, 10)])
    assert run.stopped == ("interrupted", 10, signal.Signals(number).name)
    assert signal.getsignal(number) is before
    straight = fit(problem(), TX, 10, eval_every=5)
    assert_same(whole(run), whole(straight))
    np.testing.assert_array_equal(run.history, straight.history)


@pytest.mark.usefixtures("heard")
def test_a_second_interruption_is_raised():
    def twice(run):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(problem(), TX, 20, callbacks=[twice])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_the_process_ignores_stays_ignored(heard):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run = fit(problem(), TX, 10, eval_every=5, callbacks=[kill(signal.SIGINT, 5)])
    assert run.step == 10 and run.stopped.reason == "steps"


def test_in_a_thread_no_signal_is_handled():
    found = []
    thread = threading.Thread(target=lambda: found.append(fit(problem(), TX, 10)))
    thread.start()
    thread.join()
    assert_same_run(found[0], fit(problem(), TX, 10))


def test_a_block_is_about_a_second(monkeypatch):
    """With a clock on which each block takes 1/4 s, a block has at most 4 times as many steps."""
    clock(monkeypatch, 0.25)
    run = fit(problem(), TX, 3000, eval_every=3000)
    lengths = [len(block["loss"]) for block in run.recorded.blocks]
    assert lengths[:5] == [1, 4, 16, 64, 256] and max(lengths) <= 2048 and sum(lengths) == 3000


def test_a_run_goes_on_from_another():
    first = fit(problem(), TX, 12)
    go_on = fit(problem(), TX, 30, start=first)
    straight = fit(problem(), TX, 30)
    assert_same(whole(go_on), whole(straight))
    assert go_on.history.index.tolist() == list(range(12, 30))
    np.testing.assert_array_equal(go_on.history, straight.history.loc[12:])
    assert_same(whole(first), whole(fit(problem(), TX, 12)))  # what was given is not used up
    numpy = jax.device_get(dict(params=first.params, opt_state=first.opt_state, step=12))
    partly = fit(problem(), TX, 30, start=numpy)
    assert_same(partly.params, straight.params)
    assert float(partly.model_state["seen"]) == 18 * 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(start={"weights": 1}), r"start has \['weights'\]; it may have any of"),
        (dict(start=3), "wanted start to be a Run, or a dict of"),
        (dict(start={"params": {"w": jnp.zeros((5, 2))}}), "params does not fit: b is missing"),
        (dict(start={"model_state": {"seen": jnp.zeros(2)}}), r"seen has shape \(2,\), and not \("),
        (dict(start={"step": 30}), "at step 30, after the last one of 20"),
        (dict(epochs=1), "give steps or epochs, one of them"),
        (dict(steps=None), "give steps or epochs"),
        (dict(steps=0), "an integer for steps, at least 1, got 0"),
        (dict(steps=2.0), "an integer for steps, at least 1, got 2.0"),
        (dict(steps=None, epochs=-1), "a positive number of epochs, got -1"),
        (dict(eval_every=0), "an integer for eval_every, at least 1, got 0"),
        (dict(patience=0), "an integer for patience, at least 1, got 0"),
        (dict(on_nonfinite="ignore"), "'stop', 'skip' or 'raise', got 'ignore'"),
        (dict(optimizer=lectopt.adam), r"learning_rate. Write adam\(learning_rate=...\)"),
        (dict(optimizer=0.1), "wanted an optimizer, .* got 0.1"),
        (dict(optimizer=lambda: 3), "must return an Optax transformation, got 3"),
        (dict(problem=problem), "wanted a lectopt.Problem, .*Call it."),
    ],
)
def test_fit_refuses(arguments, message):
    given = dict(problem=problem(), optimizer=TX, steps=20)
    with pytest.raises(ValueError, match=message):
        fit(**{**given, **arguments})


def test_patience_needs_a_validation_split():
    alone = problem(data={"train": problem().data["train"]})
    with pytest.raises(ValueError, match="patience needs a split to judge by"):
        fit(alone, TX, 20, patience=2)
