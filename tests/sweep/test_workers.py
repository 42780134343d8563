"""Workers elsewhere: any executor gives the table of this process."""

import concurrent.futures as cf
import multiprocessing
import pickle
import threading

import numpy as np
import optax
import pytest

from lectopt._sweep import elsewhere, sweep
from lectopt._sweep.elsewhere import Elsewhere
from lectopt._sweep.sizing import Size
from lectopt._sweep.study import Study
from lectopt._sweep.workers import Bench
from tests.sweep.logistic import PROBLEM
from tests.sweep.test_directory import RATES, alone, assert_same, train  # noqa: F401

pytestmark = pytest.mark.usefixtures("fast_compilation")


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    monkeypatch.setattr(elsewhere, "_known", {})


class Counting(cf.ThreadPoolExecutor):
    """Counts the bytes that are sent."""

    def __init__(self):
        super().__init__(2)
        self.sent = []

    def submit(self, function, *arguments):
        self.sent.append(sum(len(pickle.dumps(argument)) for argument in arguments))
        return super().submit(function, *arguments)


def test_threads_of_somebody_else(alone, tmp_path):  # noqa: F811
    with Counting() as executor:
        assert_same(train(executor=executor).records, alone.records)
        few = [size for size in executor.sent if size < 4000]
        assert len(few) >= 4 and len(executor.sent) - len(few) <= 2  # the study travels rarely
        halved = train(executor=executor, halving=2, directory=tmp_path)
    assert_same(halved.records, train(halving=2).records)


@pytest.mark.slow
def test_processes(alone):  # noqa: F811
    context = multiprocessing.get_context("spawn")
    with cf.ProcessPoolExecutor(2, mp_context=context, initializer=as_fixture) as executor:
        assert_same(train(executor=executor).records, alone.records)


def as_fixture():
    """What the fixtures set: the text of a program does not tell how it is compiled."""
    import jax

    jax.config.update("jax_disable_most_optimizations", True)


def test_a_worker_with_another_program_is_refused():
    changing = np.random.default_rng()  # so that a worker of this process traces for itself

    def of_its_process(learning_rate):
        other = threading.current_thread().name == "other"
        return optax.sgd(learning_rate * (2 if other and changing else 1))

    with (
        cf.ThreadPoolExecutor(1, initializer=rename) as executor,
        pytest.raises(RuntimeError, match="compiles another program for optimizer 'sgd' .*flags"),
    ):
        train(executor=executor, makers={"sgd": of_its_process})


def rename():
    threading.current_thread().name = "other"


def test_what_cannot_be_sent_is_named():
    lock = threading.Lock()

    def locked(learning_rate):
        with lock:
            return optax.sgd(learning_rate)

    study = Study(PROBLEM, {"locked": locked}, 5, None, None, 1e3)
    with cf.ThreadPoolExecutor(1) as executor:
        with pytest.raises(ValueError, match="optimizer 'locked' cannot be sent to workers"):
            Elsewhere(Bench(study, Size(1, 1)), executor)


def test_an_error_of_a_worker_comes_back():
    class Broken(cf.ThreadPoolExecutor):
        def submit(self, function, *arguments):
            return super().submit(fail)

    with Broken(1) as executor, pytest.raises(OSError, match="no disk"):
        train(executor=executor)


def fail():
    raise OSError("no disk")


def test_a_sweep_in_a_thread(alone):  # noqa: F811
    """Where no signal can be handled."""
    with cf.ThreadPoolExecutor(1) as pool:
        assert_same(pool.submit(train).result().records, alone.records)
    assert sweep is not None


class Gone(cf.Executor):
    """What has lost all of its workers: what it is given is never done."""

    def submit(self, *arguments, **words):
        return cf.Future()


def test_workers_that_are_gone_are_not_waited_for_when_the_sweep_is_left(monkeypatch):
    monkeypatch.setattr(elsewhere.Elsewhere, "patience", 0.1)
    result = sweep(
        PROBLEM, {"sgd": optax.sgd}, {"learning_rate": [0.1]}, 2, seeds=1, tile=1,
        executor=Gone(), max_seconds=3.0, progress=False,
    )  # fmt: skip
    assert not result.complete and not result.records
