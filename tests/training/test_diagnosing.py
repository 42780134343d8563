"""Verdicts on runs: each on one that is built so that it holds, and on one where it does not."""

import contextlib
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import lectopt
from lectopt import Problem, fit, monitor, read_run
from lectopt.training import diagnose
from lectopt.training.history import History
from lectopt.training.run import Run, Stopped
from tests.training.nets import cross_entropy
from tests.training.samples import DATA

pytestmark = pytest.mark.usefixtures("fast_compilation")
DEPTH = 6
NAMES = [
    "rate too high",
    "gradients vanish",
    "dead layer",
    "clipping always acts",
    "Adagrad's rate has collapsed",
]


class NnxDeep(nnx.Module):
    """Sigmoids in a row; with weights of a half each their factors are 1/8 at most."""

    def __init__(self, rngs, depth):
        small = nnx.initializers.normal(0.5)
        self.hidden = nnx.List(nnx.Linear(4, 4, kernel_init=small, rngs=rngs) for _ in range(depth))
        self.out = nnx.Linear(4, 3, rngs=rngs)

    def __call__(self, x):
        for layer in self.hidden:
            x = nnx.sigmoid(layer(x))
        return self.out(x)


class LinenDeep(nn.Module):
    depth: int

    @nn.compact
    def __call__(self, x):
        for i in range(self.depth):
            x = nn.sigmoid(nn.Dense(4, kernel_init=nn.initializers.normal(0.5), name=f"h{i}")(x))
        return nn.Dense(3, name="out")(x)


class NnxRelu(nnx.Module):
    """One hidden layer of ReLUs, with a bias under which no sample reaches them, or of 0."""

    def __init__(self, rngs, bias):
        start = nnx.initializers.constant(bias)
        self.hidden = nnx.Linear(4, 6, bias_init=start, rngs=rngs)
        self.out = nnx.Linear(6, 3, rngs=rngs)

    def __call__(self, x):
        return self.out(nnx.relu(self.hidden(x)))


class LinenRelu(nn.Module):
    bias: float

    @nn.compact
    def __call__(self, x):
        start = nn.initializers.constant(self.bias)
        return nn.Dense(3, name="out")(nn.relu(nn.Dense(6, bias_init=start, name="hidden")(x)))


def nnx_problem(model, *arguments):
    return Problem.from_nnx(lambda rngs: model(rngs, *arguments), cross_entropy, DATA, 20)


def linen_problem(model, *arguments):
    return Problem.from_linen(model(*arguments), cross_entropy, DATA, 20)


def plain(widths, activation, scale, bias=0.0):
    """A network of plain arrays, in lists of dicts."""

    def init(key):
        keys = jax.random.split(key, len(widths) - 1)
        sizes = zip(keys, widths[:-1], widths[1:], strict=True)
        first = [
            {"w": scale * jax.random.normal(k, (m, n)), "b": jnp.zeros(n)} for k, m, n in sizes
        ]
        first[0]["b"] += bias
        return {"layers": first}

    def loss(params, batch, key):
        x, y = batch
        *hidden, out = params["layers"]
        for layer in hidden:
            x = activation(x @ layer["w"] + layer["b"][None])
        logits = x @ out["w"] + out["b"][None]
        return optax.softmax_cross_entropy_with_integer_labels(logits, y)

    return Problem(init, loss, DATA, 20)


def diagnosed(problem, tx, steps=40):
    return diagnose(fit(problem, monitor(tx, layers=True), steps, eval_every=steps))


@pytest.mark.slow  # deep networks take long to compile
@pytest.mark.parametrize(
    ("make", "first"),
    [
        (lambda depth: nnx_problem(NnxDeep, depth), "hidden/0"),
        (lambda depth: linen_problem(LinenDeep, depth), "h0"),
        (lambda depth: plain([4] * (depth + 1) + [3], jax.nn.sigmoid, 0.5), "layers/0"),
    ],
    ids=["NNX", "Linen", "plain"],
)
def test_gradients_vanish_in_deep_sigmoids(make, first):
    deep = diagnosed(make(DEPTH), lectopt.sgd(0.1))
    verdict = deep["gradients vanish"]
    assert verdict.holds and verdict.number < 1e-3 and f"of {first!r}" in verdict.text
    assert "W^T and g'" in str(verdict)
    assert deep["dead layer"].holds is False
    assert f"All {DEPTH + 1} layers" in deep["dead layer"].text


@pytest.mark.slow  # three models with a monitor
@pytest.mark.parametrize(
    ("make", "hidden"),
    [
        (lambda bias: nnx_problem(NnxRelu, bias), "hidden"),
        (lambda bias: linen_problem(LinenRelu, bias), "hidden"),
        (lambda bias: plain([4, 6, 3], jax.nn.relu, 0.5, bias), "layers/0"),
    ],
    ids=["NNX", "Linen", "plain"],
)
def test_a_dead_layer(make, hidden):
    dead, alive = (diagnosed(make(bias), lectopt.adam(1e-2)) for bias in (-100.0, 0.0))
    verdict = dead["dead layer"]
    assert verdict.holds and verdict.number == 1 and f"of {hidden!r} was 0" in verdict.text
    assert verdict in dead.found and "dying ReLU" in str(dead)
    assert dead["gradients vanish"].holds is None  # of one layer that has a gradient
    assert alive["dead layer"].holds is False and not alive.found
    healthy = alive["gradients vanish"]
    assert healthy.holds is False and healthy.number > 0.01 and "W^T" not in str(healthy)


LINE = Problem(
    lambda key: {"w": jnp.ones(2)},
    lambda params, batch, key: (params["w"][None] * batch).sum(-1),
    {"train": np.array([[3.0, 4.0]] * 4, np.float32)},
)  # its gradient is (3, 4), of norm 5


@pytest.mark.parametrize(
    "clip",
    [
        lectopt.clip_by_global_norm,
        pytest.param(optax.clip_by_global_norm, marks=pytest.mark.slow),
    ],
    ids=["lectopt", "optax"],
)
def test_clipping_always_acts(clip):
    for bound, always in ((4.9, True), (5.1, False)):
        tx = lectopt.chain(clip(bound), lectopt.sgd(0.1))
        found = diagnose(fit(LINE, monitor(tx), 30))["clipping always acts"]
        assert found.holds is always and found.number == always
        assert "100% of the steps" in found.text or not always
    half = optax.partition({"a": monitor(lectopt.chain(clip(3.5), lectopt.sgd(0.1)))}, {"w": "a"})
    assert diagnose(fit(LINE, half, 30))["clipping always acts"].holds


@pytest.mark.parametrize("adagrad", [lectopt.adagrad, optax.adagrad], ids=["lectopt", "optax"])
def test_adagrads_rate_has_collapsed(adagrad):
    """At a gradient of constant size it falls like 1 / sqrt(t): 100 times in 10,000 steps and, as
    the first 5 steps stand for the beginning, sqrt(3) times as many."""
    for steps, collapsed in ((45_000, True), (4_500, False)):
        verdict = diagnose(fit(LINE, adagrad(0.1), steps, eval_every=steps))[NAMES[-1]]
        truth = math.sqrt(0.95 * steps / 3)
        assert verdict.holds is collapsed and verdict.number == pytest.approx(truth, rel=0.01)
    # A schedule that is known is not taken for a collapse; one that is not known is said.
    falls = lectopt.exponential_decay(0.1, 0.05)
    verdict = diagnose(fit(LINE, adagrad(falls), 200))[NAMES[-1]]
    assert verdict.holds is (adagrad is optax.adagrad)
    assert ("its schedule" in verdict.text) is (adagrad is optax.adagrad)
    other = diagnose(fit(LINE, lectopt.adam(0.1), 200))[NAMES[-1]]
    assert other.holds is False and "no sum of squares" in other.text


def quadratic(noise):
    """Curvatures 1 and 10, at a distance of 1 in each: stable below a rate of 0.2."""
    h = jnp.array([1.0, 10.0])
    draws = noise * np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)
    return Problem(
        lambda key: jnp.ones(2),
        lambda w, batch, key: (h[None] * (w[None] - batch) ** 2).sum(-1) / 2,
        {"train": draws},
        4,
    )


@pytest.mark.parametrize("rate, too_high", [(0.01, False), (0.15, False), (0.202, True)])
def test_the_rate_is_too_high_above_two_over_the_curvature(rate, too_high):
    verdict = diagnose(fit(quadratic(0.0), lectopt.sgd(rate), 100))["rate too high"]
    assert verdict.holds is too_high
    assert f"at a rate of {rate}" in verdict.text


def test_noise_is_no_rise():
    """Of trainings at whose start the loss is as low as it gets, with noise alone."""
    problem = Problem(
        lambda key: jnp.zeros(2), quadratic(1.0).loss, quadratic(1.0).data, 4, order="replacement"
    )
    for seed in range(8):
        run = fit(problem, lectopt.sgd(1e-4), 300, seed=seed)
        assert diagnose(run)["rate too high"].holds is False


def test_what_is_not_finite():
    problem = Problem(
        lambda key: jnp.full(1, 2.0), lambda w, batch, key: (w[None] ** 4).sum(-1) + 0 * batch,
        {"train": np.zeros(3, np.float32)},
    )  # fmt: skip
    for action in ("stop", "skip"):
        expected = pytest.warns(UserWarning, match="not finite")
        with expected if action == "stop" else contextlib.nullcontext():
            run = fit(problem, lectopt.sgd(1.0), 40, on_nonfinite=action)
        verdict = diagnose(run)["rate too high"]
        assert verdict.holds and verdict.number > 0 and "not finite" in verdict.text
    for data in (np.full(3, np.nan), np.array([np.nan] + 29 * [0.0])):
        broken = Problem(problem.init, problem.loss, {"train": data.astype(np.float32)}, 1)
        run = fit(broken, lectopt.sgd(1e-3), 60, on_nonfinite="skip")
        verdict = diagnose(run)["rate too high"]
        assert verdict.holds is None and "look at the data" in verdict.text


def test_what_cannot_be_told_is_said(tmp_path):
    bare = diagnose(fit(quadratic(0.1), lectopt.sgd(0.01), 60, directory=tmp_path / "run"))
    assert list(bare) == NAMES and not bare.found
    assert [bare[name].holds for name in NAMES] == [False, None, None, None, False]
    assert "monitor(tx, layers=True)" in bare["dead layer"].text
    assert str(bare).count("\n") == len(NAMES) - 1 and "dead layer: not known." in repr(bare)
    assert str(diagnose(read_run(tmp_path / "run"))) == str(bare)
    short = diagnosed(quadratic(0.1), lectopt.adagrad(0.01), 5)
    assert [short[name].holds for name in NAMES] == [None] * 5
    none = Run({}, {}, {}, 0, None, Stopped("interrupted", 0, ""), recorded=History())
    assert [verdict.holds for verdict in diagnose(none).values()] == [None] * 4 + [False]
