"""Problems made of Flax models."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from lectopt.training import Problem, objective
from tests.training.nets import (
    LinenNet,
    LinenNormed,
    NnxNet,
    NnxNormed,
    accuracy,
    cross_entropy,
    told,
)
from tests.training.samples import DATA

pytestmark = pytest.mark.usefixtures("fast_compilation")
KEY = jax.random.key(1)
TRAIN = DATA["train"]


def assert_same(a, b, rtol=1e-5):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol, atol=1e-6), a, b)


def test_nnx_and_linen_are_the_same_problem():
    of_nnx = Problem.from_nnx(NnxNet, cross_entropy, DATA, 8)
    of_linen = Problem.from_linen(LinenNet(), cross_entropy, DATA, 8)
    params = of_nnx.init(KEY)
    shapes = jax.tree.map(jnp.shape, params)
    assert shapes == jax.tree.map(jnp.shape, of_linen.init(KEY))
    assert shapes == {"a": {"kernel": (4, 8), "bias": (8,)}, "b": {"kernel": (8, 3), "bias": (3,)}}
    results = []
    for problem in (of_nnx, of_linen):
        problem.check()
        value, gradient, _, _ = objective.gradient(problem, params, {}, TRAIN, KEY)
        results.append((value, gradient, problem.metrics(params, DATA["validation"])))
    assert_same(*results)
    assert float(results[0][0]) > 0


def test_the_running_statistics_of_nnx_and_linen_are_the_same_and_those_of_the_batch():
    of_nnx = Problem.from_nnx(NnxNormed, cross_entropy, DATA, 8, evaluate=accuracy)
    of_linen = Problem.from_linen(LinenNormed(), told, DATA, 8)
    params, state = of_nnx.init(KEY)
    assert state.keys() == {"norm"} and state["norm"].keys() == {"mean", "var"}
    states = {}
    for name, problem, first in (
        ("nnx", of_nnx, state),
        ("linen", of_linen, {"batch_stats": state}),
    ):
        problem.check()
        assert problem.stateful
        value, gradient, _, new = objective.gradient(problem, params, first, TRAIN, KEY)
        metrics = problem.metrics(params, DATA["validation"], new)
        states[name] = value, gradient, metrics.get("loss"), new.get("batch_stats", new)
    assert_same(states["nnx"], states["linen"], 1e-4)
    hidden = TRAIN[0].astype(float) @ np.asarray(params["a"]["kernel"], float)
    found = states["nnx"][3]["norm"]
    np.testing.assert_allclose(found["mean"], 0.1 * hidden.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(found["var"], 0.9 + 0.1 * hidden.var(axis=0), rtol=1e-4)


def test_metrics_are_of_the_running_statistics():
    problem = Problem.from_nnx(NnxNormed, cross_entropy, DATA, 8)
    params, state = problem.init(KEY)
    other = jax.tree.map(lambda x: x + 1, state)
    split = DATA["validation"]
    one, two = (problem.metrics(params, split, s)["loss"] for s in (state, other))
    assert float(one) != float(two)
    first, rest = (jax.tree.map(lambda x, s=s: x[s], split) for s in (slice(10), slice(10, None)))
    parts = [
        10 * problem.metrics(params, first, state)["loss"],
        20 * problem.metrics(params, rest, state)["loss"],
    ]
    np.testing.assert_allclose(sum(parts) / 30, one, rtol=1e-5)  # no sample knows of the others


@pytest.mark.parametrize("library", ["nnx", "linen"])
def test_dropout_follows_the_key_in_training_and_is_off_in_evaluation(library):
    if library == "nnx":
        problem = Problem.from_nnx(partial(NnxNet, rate=0.5), cross_entropy, DATA, 8)
    else:
        problem = Problem.from_linen(LinenNet(0.5), told, DATA, 8)
    params = problem.init(jax.random.key(0))
    losses = [objective.value(problem, params, {}, TRAIN, jax.random.key(i)) for i in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]
    plain = Problem.from_linen(LinenNet(), cross_entropy, DATA, 8)
    assert_same(problem.metrics(params, TRAIN)["loss"], plain.metrics(params, TRAIN)["loss"])


def test_a_made_model_is_where_every_seed_begins():
    model = NnxNormed(nnx.Rngs(5))
    model.norm.mean[...] += 3
    model.eval()  # as it was saved; a training is a training all the same
    problem = Problem.from_nnx(model, cross_entropy, DATA, 8)
    for seed in (0, 1):
        params, state = problem.init(jax.random.key(seed))
        np.testing.assert_array_equal(params["a"]["kernel"], model.a.kernel[...])
        np.testing.assert_array_equal(state["norm"]["mean"], np.full(8, 3.0))
    new = objective.gradient(problem, params, state, TRAIN, KEY)[3]
    assert not np.allclose(new["norm"]["mean"], 3.0)


def test_variables_are_where_every_seed_begins():
    module, x = LinenNormed(), TRAIN[0][:1]
    variables = module.init(jax.random.key(5), x, train=False)
    problem = Problem.from_linen(module, told, DATA, 8, variables=variables)
    problem.check()
    params, state = problem.init(KEY)
    assert_same(params, variables["params"], 0)
    assert_same(state["batch_stats"], variables["batch_stats"], 0)
    with pytest.raises(ValueError, match=r'variables = {"params": ...*, got \[\'batch_stats\'\]'):
        Problem.from_linen(module, told, DATA, 8, variables=state)


def test_the_model_comes_back_in_its_own_type_ready_to_be_evaluated():
    x, y = DATA["validation"]
    for problem, kind in (
        (Problem.from_nnx(partial(NnxNet, rate=0.5), cross_entropy, DATA, 8), NnxNet),
        (Problem.from_nnx(NnxNormed, cross_entropy, DATA, 8), NnxNormed),
        (Problem.from_linen(LinenNet(0.5), told, DATA, 8), LinenNet),
    ):
        params, state = problem.start(KEY)
        model = problem.rebuild(params, state)
        assert type(model) is kind
        loss = optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()
        assert_same(loss, problem.metrics(params, (x, y), state)["loss"])


class Tied(nnx.Module):
    """A weight in two places, a list, a key and a count of its own, and what a call adds."""

    def __init__(self, rngs):
        self.layers = nnx.List([nnx.Linear(4, 4, rngs=rngs) for _ in range(2)])
        self.layers[1].kernel = self.layers[0].kernel
        self.out = nnx.Linear(4, 3, rngs=rngs)
        self.key = nnx.Variable(jax.random.key(7))
        self.calls = nnx.Variable(jnp.zeros((), jnp.int32))

    def __call__(self, x):
        self.calls[...] += 1
        self.key[...] = jax.random.split(self.key[...], 1)[0]
        for layer in self.layers:
            x = jnp.tanh(layer(x))
        self.last = nnx.Intermediate(x)
        return self.out(x)


def test_weights_stay_tied_and_variables_of_any_kind_are_carried():
    problem = Problem.from_nnx(Tied, cross_entropy, DATA, 8)
    problem.check()
    params, state = problem.start(KEY)
    assert len(jax.tree.leaves(params)) == 5  # one kernel, two biases, and the last layer
    _, gradient, _, new = objective.gradient(problem, params, state, TRAIN, KEY)
    assert jax.tree.structure(new) == jax.tree.structure(state)
    assert int(new["calls"]) == 1 and new["key"] != state["key"]

    def by_hand(kernel):
        x = TRAIN[0]
        for layer in params["layers"].values():
            x = jnp.tanh(x @ kernel + layer["bias"][None])
        logits = x @ params["out"]["kernel"] + params["out"]["bias"][None]
        return optax.softmax_cross_entropy_with_integer_labels(logits, TRAIN[1]).mean()

    assert_same(gradient["layers"][0]["kernel"], jax.grad(by_hand)(params["layers"][0]["kernel"]))
    model = problem.rebuild(params, new)
    assert model.layers[0].kernel is model.layers[1].kernel


def wide(width, rngs):
    return nnx.Linear(4, width, rngs=rngs)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (wide, r"wide must be given width beside rngs. Write lambda rngs: wide\(width=..., rngs="),
        (nnx.Linear, "must be given in_features, out_features beside rngs"),
        (lambda: NnxNet(nnx.Rngs(0)), "takes no rngs"),
        (lambda rngs: jnp.zeros(3), "returns an nnx.Module"),
        (3, "rngs -> nnx.Module, or a made module, got 3"),
    ],
)
def test_what_makes_no_model_of_rngs_is_refused(model, message):
    with pytest.raises(ValueError, match=message):
        Problem.from_nnx(model, cross_entropy, DATA, 8)


def test_a_model_is_made_by_place_or_by_name():
    for model in (NnxNet, partial(NnxNet, rate=0.1), lambda r: NnxNet(r), partial(wide, 3)):
        problem = Problem.from_nnx(model, cross_entropy, DATA, 8)
        assert len(jax.tree.leaves(problem.init(KEY))) in (2, 4)


class Untold(nn.Module):
    frozen: bool

    @nn.compact
    def __call__(self, x):
        return nn.Dense(3)(nn.BatchNorm(use_running_average=self.frozen)(x))


def test_a_module_must_be_told_whether_it_is_trained():
    with pytest.raises(ValueError, match=r"asks for train, .* model\(x, train=model.training\)"):
        Problem.from_linen(LinenNormed(), cross_entropy, DATA, 8).check()
    told_nothing = Problem.from_linen(Untold(True), cross_entropy, DATA, 8)
    with pytest.raises(ValueError, match="no call of the loss has changed them: call model"):
        told_nothing.check()
    always = Problem.from_linen(Untold(False), cross_entropy, DATA, 8)
    with pytest.raises(ValueError, match="trains in an evaluation: call model"):
        always.check()
    fixed = Problem.from_linen(
        LinenNormed(), lambda m, b: cross_entropy(partial(m, train=True), b), DATA, 8
    )
    with pytest.raises(ValueError, match="told to train in an evaluation"):
        fixed.check()
    frozen = Problem.from_linen(  # on purpose: it is told
        LinenNormed(), lambda m, b: cross_entropy(partial(m, train=False), b), DATA, 8
    )
    frozen.check()


def test_an_example_input_and_the_first_batch_of_an_iterable():
    batches = [(TRAIN[0][:8], TRAIN[1][:8])]
    problem = Problem.from_linen(LinenNet(), cross_entropy, {"train": lambda: iter(batches)})
    assert problem.init(KEY)["a"]["kernel"].shape == (4, 8)

    def loss(model, batch):
        return jnp.mean(model(batch["features"]["x"]) ** 2)

    data = {"train": {"features": {"a": np.zeros(9, int), "x": np.zeros((9, 6), np.float32)}}}
    problem = Problem.from_linen(LinenNet(), loss, data, 3, example_input=np.zeros((1, 6)))
    problem.check()
    assert problem.init(KEY)["a"]["kernel"].shape == (6, 8)
