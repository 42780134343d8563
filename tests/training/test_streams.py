"""Training batches from an iterable, and what the loop knows of its place."""

import numpy as np
import pytest

import lectopt
from lectopt import fit
from lectopt.training.feeding import Feeder
from tests.training.runs import DATA, N, problem, whole

pytestmark = pytest.mark.usefixtures("fast_compilation")


class Loader:
    """Batches of 8 in order, the last one smaller, as lists, as a DataLoader collates them."""

    def __init__(self):
        self.epochs = 0

    def __len__(self):
        return -(-N // 8)

    def __iter__(self):
        self.epochs += 1
        x, y = DATA["train"]
        return ([x[i : i + 8], y[i : i + 8]] for i in range(0, N, 8))


def streamed(train):
    return problem(data={**DATA, "train": train}, batch_size=None)


def test_an_iterable_trains_as_its_arrays_do():
    loader = Loader()
    run = fit(streamed(loader), lectopt.adam(0.1), epochs=3, eval_every="epoch")
    arrays = problem(order="sequential", last_batch="keep")
    other = fit(arrays, lectopt.adam(0.1), epochs=3, eval_every="epoch")
    assert loader.epochs == 3 and run.step == 21
    for a, b in ((run.history, other.history), (run.evaluations, other.evaluations)):
        assert a.columns.tolist() == b.columns.tolist()
        np.testing.assert_allclose(a, b, rtol=2e-4)
    np.testing.assert_allclose(run.params["w"], other.params["w"], rtol=1e-4)
    assert run.best.step == other.best.step


def test_a_function_that_starts_an_iterator():
    run = fit(streamed(lambda: iter(Loader())), lectopt.adam(0.1), 10)
    same = fit(streamed(Loader()), lectopt.adam(0.1), 10)
    np.testing.assert_array_equal(run.history, same.history)


def test_what_gives_nothing_is_refused():
    used_up = iter(Loader())
    with pytest.raises(ValueError, match="the iterable gave no batch"):
        fit(streamed(lambda: iter([])), lectopt.sgd(0.1), 3)
    with pytest.raises(ValueError, match="the iterable gave no batch"):
        fit(streamed(lambda: used_up), lectopt.sgd(0.1), 30)


def test_a_batch_of_another_width_is_named():
    class Ragged(Loader):
        def __iter__(self):
            return ([x[:, :2] if i == 2 else x, y] for i, (x, y) in enumerate(super().__iter__()))

    with pytest.raises(ValueError, match="the batch of step 2 has the shapes .* the first one had"):
        fit(streamed(Ragged()), lectopt.sgd(0.1), 5)


def test_what_is_not_finite_stops_an_iterable_too():
    class Broken(Loader):
        def __iter__(self):
            return ([x * np.nan if i == 2 else x, y] for i, (x, y) in enumerate(super().__iter__()))

    with pytest.warns(UserWarning, match="the loss .* is not finite in step 2"):
        run = fit(streamed(Broken()), lectopt.sgd(0.1), 12)
    assert run.step == 2 and np.isfinite(run.params["w"]).all()


def test_averages_of_a_model_with_a_state_say_whose_statistics_they_have():
    tx = lectopt.chain(lectopt.sgd(0.1), lectopt.average_params(lectopt.averaging.uniform()))
    with pytest.warns(UserWarning, match="running statistics .* are those of the trained weights"):
        run = fit(streamed(Loader()), tx, 5)
    assert whole(run)[1] == run.model[1]


class Telling:
    """An iterator that tells its place, as Grain's do."""

    def __init__(self, batches):
        self.batches, self.i = batches, 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.i == len(self.batches):
            raise StopIteration
        self.i += 1
        return self.batches[self.i - 1]

    def get_state(self):
        return {"i": self.i}

    def set_state(self, state):
        self.i = state["i"]


class TellingBytes(Telling):
    def get_state(self):
        return str(self.i).encode()

    def set_state(self, state):
        self.i = int(state)


class Stateful(Loader):
    """An iterable that tells where its iteration is, as torchdata's loaders do."""

    def __init__(self):
        self.begin, self.i = 0, -1

    def __iter__(self):
        for i in range(self.begin, 7):
            self.i = i
            yield np.array([i])
        self.begin = 0

    def state_dict(self):
        return {"next": self.i + 1}

    def load_state_dict(self, state):
        self.begin = state["next"]


NUMBERS = [np.array([i]) for i in range(7)]


@pytest.mark.parametrize("taken", [0, 1, 6, 7, 10, 14])
@pytest.mark.parametrize(
    "make",
    [lambda: lambda: Telling(NUMBERS), lambda: lambda: TellingBytes(NUMBERS), lambda: Stateful(),
     lambda: NUMBERS.__iter__ and (lambda: iter(NUMBERS))],
    ids=["iterator", "bytes", "iterable", "silent"],
)  # fmt: skip
def test_a_place_is_gone_back_to(make, taken, recwarn):
    feeder = Feeder(make())
    for _ in range(taken):
        feeder.next()
    other = Feeder(make())
    other.restore(feeder.place())
    for _ in range(9):
        assert feeder.next() == other.next() and feeder.taken == other.taken
    silent = not isinstance(other.train, Stateful) and isinstance(other._batches, type(iter([])))
    said = [w for w in recwarn if "does not tell its place" in str(w.message)]
    assert len(said) == (silent and taken > 0)
