"""Statistics of gradients: against NumPy, sample by sample, and where single samples have none."""

import gc
import math
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt import Problem, fit
from lectopt.training import gradient_drift, gradient_statistics, random_streams
from tests.training.nets import LinenNet, LinenNormed, NnxNet, NnxNormed, cross_entropy, told
from tests.training.samples import DATA as SAMPLES

pytestmark = pytest.mark.usefixtures("fast_compilation")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(203, 3)).astype(np.float32)
Y = (X @ [1.0, -2.0, 0.5] + RNG.normal(size=203)).astype(np.float32)
W = {"w": jnp.array([0.3, 0.2, -0.4])}
DATA = {"train": (X, Y), "few": (X[:3], Y[:3])}


def squares(each, **changes):
    """Least squares, whose loss is one number a sample or their mean."""

    def loss(params, batch, key):
        x, y = batch
        errors = (x @ params["w"] - y) ** 2 / 2
        return errors if each else errors.mean()

    return Problem(lambda key: W, loss, DATA, 8, **changes)


def by_hand(w=W["w"]):
    """The gradient of every sample, in NumPy: `(x w - y) x`."""
    x, y = X.astype(float), Y.astype(float)
    return (x @ np.asarray(w, float) - y)[:, None] * x


@pytest.mark.parametrize("each", [True, False])
def test_mean_and_variance_are_those_of_all_samples(each):
    """203 samples are three chunks of 64 and a part of a fourth one."""
    found = gradient_statistics(squares(each), {"params": W})
    g = by_hand()
    mean, variance = g.mean(0), g.var(0, ddof=1)
    assert found.samples == 203
    np.testing.assert_allclose(found.mean["w"], mean, rtol=1e-5)
    np.testing.assert_allclose(found.variance["w"], variance, rtol=1e-5)
    np.testing.assert_allclose(found.standard_error["w"], np.sqrt(variance / 203), rtol=1e-5)
    for batch_size in (None, 16):
        ends = [mean + s * 2 * np.sqrt(variance / (batch_size or 203)) for s in (-1, 1)]
        for side, end in zip(found.interval(batch_size), ends, strict=True):
            np.testing.assert_allclose(side["w"], end, rtol=1e-4, atol=1e-5)
    square = mean @ mean - variance.sum() / 203
    assert found.trace == pytest.approx(variance.sum(), rel=1e-5)
    assert found.squared_norm == pytest.approx(square, rel=1e-4)
    assert found.noise_scale == pytest.approx(variance.sum() / square, rel=1e-4)
    np.testing.assert_allclose(found.critical_batch_size()["w"], 16 * variance / mean**2, rtol=1e-4)
    assert "203 samples, noise_scale=" in repr(found)


def test_micro_batches_are_the_two_batch_sizes_of_mccandlish():
    """S = (|G_small|^2 - |G_big|^2) / (1/B_small - 1/B_big), and |G|^2 = (B_big |G_big|^2 - B_small
    |G_small|^2) / (B_big - B_small), with the mean of |G_small|^2 over the micro-batches."""
    found = gradient_statistics(squares(False), {"params": W}, micro_batch=10, seed=3)
    order = np.asarray(jax.random.permutation(random_streams(3).data, 203))[:200]
    small = by_hand()[order].reshape(20, 10, 3).mean(1)
    small_sq, big_sq = (small**2).sum(1).mean(), (small.mean(0) ** 2).sum()
    trace = (small_sq - big_sq) / (1 / 10 - 1 / 200)
    square = (200 * big_sq - 10 * small_sq) / (200 - 10)
    assert found.samples == 200
    assert found.trace == pytest.approx(trace, rel=1e-4)
    assert found.squared_norm == pytest.approx(square, rel=1e-4)
    assert found.noise_scale == pytest.approx(trace / square, rel=1e-3)


def test_the_noise_scale_is_that_of_the_distribution():
    """Gradients w - y with y ~ N(0, s^2 I): tr = d s^2 and |g|^2 = |w|^2 exactly. Both estimates
    are unbiased, so that many of them have the right mean."""
    d, s, w = 5, 2.0, np.full(5, 0.6, np.float32)
    problem = Problem(
        lambda key: jnp.zeros(d),
        lambda params, batch, key: ((params[None] - batch) ** 2).sum(-1) / 2,
        {"train": np.zeros((2, d), np.float32)},
    )
    draws = np.random.default_rng(1).normal(size=(100, 64, d)).astype(np.float32) * np.float32(s)
    for micro_batch in (1, 8):
        found = [
            gradient_statistics(problem, {"params": w}, y, micro_batch=micro_batch) for y in draws
        ]
        traces, norms = [f.trace for f in found], [f.squared_norm for f in found]
        for values, truth in ((traces, d * s**2), (norms, d * 0.36)):
            error = np.std(values) / 10
            assert abs(np.mean(values) - truth) < 3.5 * error
        assert np.mean(traces) / np.mean(norms) == pytest.approx(20 / 1.8, rel=0.15)


def test_no_gradient_above_the_noise():
    data = np.array([[1.0], [-1.0]] * 4, np.float32)
    problem = Problem(
        lambda key: jnp.zeros(1), lambda p, batch, key: (p[None] * batch).sum(-1), {"train": data}
    )
    found = gradient_statistics(problem, {"params": jnp.zeros(1)})
    assert found.squared_norm < 0 and found.noise_scale == math.inf
    assert found.critical_batch_size() == math.inf
    still = gradient_statistics(problem, {"params": jnp.zeros(1)}, np.ones((4, 1), np.float32))
    assert still.noise_scale == 0 and still.wrong_sign(1) == 0 and still.critical_batch_size() == 0


def test_the_probability_of_a_wrong_sign():
    """S3-07, drawn: gradients of mean .1 and sd .5, of which batches of 100 are averaged."""
    data = np.random.default_rng(0).normal(0.1, 0.5, size=4000).astype(np.float32)
    problem = Problem(
        lambda key: jnp.zeros(()), lambda params, batch, key: params * batch, {"train": data}
    )
    found = gradient_statistics(problem, {"params": jnp.zeros(())}, samples=4000)
    batches = np.random.default_rng(1).choice(data, size=(20000, 100))
    drawn = (batches.mean(1) < 0).mean()
    assert float(found.wrong_sign(100)) == pytest.approx(drawn, abs=4 * math.sqrt(drawn / 20000))


NETS = {
    "NNX": (Problem.from_nnx, lambda rate: lambda rngs: NnxNet(rngs, rate), cross_entropy),
    "Linen": (Problem.from_linen, LinenNet, told),
}


@pytest.mark.parametrize("net", NETS)
def test_of_a_network(net):
    """Without dropout the mean is the gradient of the whole split; dropout is noise on top."""
    make, model, loss = NETS[net]
    problem, noisy = (make(model(rate), loss, SAMPLES, 16) for rate in (0.0, 0.5))
    params = problem.init(jax.random.key(0))
    at = {"params": jax.tree.map(np.asarray, params)}
    found = gradient_statistics(problem, at)
    assert jax.tree.structure(found.mean) == jax.tree.structure(params)
    whole = jax.grad(lambda p: problem.loss(p, SAMPLES["train"], jax.random.key(0)).mean())(params)
    for a, b in zip(*map(jax.tree.leaves, (found.mean, whole)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert gradient_statistics(noisy, at).trace > found.trace > 0


@pytest.mark.parametrize(
    "made",
    [
        lambda: Problem.from_nnx(NnxNormed, cross_entropy, SAMPLES, 16),
        lambda: Problem.from_linen(LinenNormed(), told, SAMPLES, 16),
    ],
    ids=["NNX", "Linen"],
)
def test_of_running_statistics_only_micro_batches(made):
    problem = made()
    params, state = problem.start(jax.random.key(0))
    at = {"params": params, "model_state": state}
    with pytest.raises(ValueError, match="depends on the others .* micro_batch=32"):
        gradient_statistics(problem, at)
    found = gradient_statistics(problem, at, micro_batch=10)
    assert found.samples == 60 and 0 < found.trace < math.inf
    with pytest.raises(ValueError, match=r"\['model_state'\] is missing"):
        gradient_statistics(problem, {"params": params})


def test_drift_is_the_curvature_on_the_way():
    """Of a quadratic it is |H d| / |d|, and at most its largest eigenvalue."""
    problem, way = squares(True), np.array([0.1, -0.3, 0.2])
    H = X.astype(float).T @ X / len(X)
    after = {"params": {"w": W["w"] + way}}
    found = gradient_drift(problem, {"params": W}, after)
    assert found == pytest.approx(np.linalg.norm(H @ way) / np.linalg.norm(way), rel=1e-4)
    assert found <= np.linalg.eigvalsh(H)[-1]
    with pytest.raises(ValueError, match="the same place"):
        gradient_drift(problem, after, after)


def test_as_a_callback_it_is_compiled_once(monkeypatch):
    problem, traces, scales = squares(True), [], []

    def loss(params, batch, key):
        traces.append(1)
        return problem.loss(params, batch, key)

    traced = Problem(lambda key: W, loss, DATA, 8)

    def note(run):
        scales.append((gradient_statistics(traced, run).noise_scale, len(traces)))

    fit(traced, lectopt.adam(0.1), 12, eval_every=4, callbacks=[note])
    assert len(scales) == 3 and scales[1][1] == scales[2][1]


def test_no_problem_is_kept_alive():
    problem = squares(True)
    gradient_statistics(problem, {"params": W})
    gone = weakref.ref(problem)
    del problem
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(data="test"), r"no split 'test'; there are \['few', 'train'\]"),
        (dict(samples=0), "samples from 1 to 203, got 0"),
        (dict(samples=204), "samples from 1 to 203"),
        (dict(micro_batch=0), "micro_batch from 1 to 101"),
        (dict(micro_batch=102), "at least two of them, got 102"),
        (dict(data="few", micro_batch=2), "micro_batch from 1 to 1"),
        (dict(micro_batch=2.0), "got 2.0"),
        (dict(data=lambda: iter(())), r"give data=\(x, y\), a batch of it"),
        (dict(at={}), r"\['params'\] is missing"),
        (dict(at={"weights": W}), "start has"),
        (dict(at={"params": {"w": jnp.zeros(4)}}), r"w has shape \(4,\), and not \(3,\)"),
    ],
)
def test_what_cannot_be_measured(arguments, message):
    with pytest.raises(ValueError, match=message):
        gradient_statistics(squares(True), **{"at": {"params": W}, **arguments})


def test_half_precision_and_complex_weights():
    half = {"w": W["w"].astype(jnp.bfloat16)}
    found = gradient_statistics(squares(True), {"params": half})
    np.testing.assert_allclose(found.variance["w"], by_hand().var(0, ddof=1), rtol=0.05)
    c = np.array([1 + 2j, 3 - 1j, 0.5j], np.complex64)  # loss |w - c|^2 / 2, gradient w - c
    problem = Problem(
        lambda key: jnp.zeros((), jnp.complex64),
        lambda w, batch, key: jnp.abs(w - batch) ** 2 / 2,
        {"train": c},
    )
    found = gradient_statistics(problem, {"params": jnp.ones((), jnp.complex64)})
    np.testing.assert_allclose(found.mean, 1 - c.mean(), rtol=1e-5)
    np.testing.assert_allclose(found.variance, c.var(ddof=1), rtol=1e-5)
