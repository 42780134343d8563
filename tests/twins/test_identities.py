"""The identities that tie the twins together, on a noisy quadratic with a changing rate."""

import inspect

import numpy as np

from tests.support import twins as T

STEPS, START = 40, np.array([1.0, -2.0, 0.5, 3.0, -1.0])
NOISE = np.random.default_rng(7).normal(size=(STEPS, START.size)) * [1.0, 0.01, 0.3, 1.0, 0.5]
LIVE = np.ones((STEPS, START.size))
LIVE[:, 3] = 0  # a coordinate that never has a gradient
LIVE[:15, 4] = 0  # and one that has its first late
CURVATURE = np.diag([2.0, 0.5, 1.0, 1.0, 3.0]) + 0.1


def grad(theta, t):
    return LIVE[t] * (CURVATURE @ theta + NOISE[t])


def rate(t):
    return 0.05 * (1 + 0.5 * np.cos(t)) / (1 + 0.1 * t)


def run(twin, grad=grad, rate=rate, **kwargs):
    return twin(START, grad, rate, STEPS, **kwargs)


def assert_same(a, b, tol=1e-13):
    np.testing.assert_allclose(a, b, rtol=tol, atol=tol)


def test_every_rule_leaves_a_coordinate_without_gradient_alone():
    rules = [f for f in vars(T).values() if inspect.isfunction(f)]
    rules = [f for f in rules if f.__code__.co_varnames[:4] == ("theta", "grad", "rate", "steps")]
    decaying = {T.adamw, T.adamw_paper, T.adam_l2, T.asgd_torch, T.ftrl}
    needs = {
        T.irprop_plus: {"value": lambda w, t: w @ w},
        T.sgld: {"xi": np.zeros((STEPS, START.size))},
        T.noisy_sgd: {"xi": np.zeros((STEPS, START.size))},
        T.polyak: {"value": lambda w, t: w @ w},
    }
    assert len(rules) > 40
    for twin in rules:
        path = run(twin, **needs.get(twin, {}))
        assert path.shape == (STEPS, START.size)
        if twin is not T.snr_sgd_literal:  # the slide has no guards, and may blow up elsewhere
            assert np.isfinite(path).all(), twin.__name__
        assert twin in decaying or (path[:, 3] == START[3]).all(), twin.__name__


def test_nesterov_forms():
    base = run(T.nesterov_lookahead)
    assert_same(run(T.nesterov_two_stage), base)
    bases = []
    ahead = run(T.nesterov_shifted, bases=bases)
    assert_same(bases, base)
    before = np.vstack([START, base[:-1]])
    assert_same(ahead, base + 0.9 * (base - before))
    assert_same(
        run(T.nesterov_simplified, rate=lambda t: 0.02),
        run(T.nesterov_shifted, rate=lambda t: 0.02),
    )


def test_nesterov_with_a_momentum_schedule():
    def decay(t):
        return 1 - 3 / (t + 5)

    bases = []
    run(T.nesterov_shifted, decay=decay, bases=bases)
    assert_same(bases, run(T.nesterov_lookahead, decay=decay))
    assert_same(run(T.nesterov_lookahead, decay=lambda t: 0.9), run(T.nesterov_lookahead))


def test_momentum_forms():
    assert_same(run(T.momentum_inside, beta=0.0), run(T.sgd))
    assert_same(run(T.momentum_original), run(T.momentum_inside))
    assert_same(
        run(T.momentum_original, d=0.3), run(T.momentum_inside, rate=lambda t: 0.7 * rate(t))
    )
    assert_same(run(T.momentum_outside), run(T.momentum_torch))
    assert_same(run(T.momentum_ema), run(T.momentum_outside, d=0.9))
    assert_same(
        run(T.momentum_ema_corrected),
        run(T.momentum_ema, rate=lambda t: rate(t) / (1 - 0.9 ** (t + 1))),
    )
    assert_same(
        run(T.momentum_outside, d=0.5, grad=lambda x, t: grad(x, t) * (2 if t == 0 else 1)),
        run(T.momentum_torch, d=0.5),
    )
    constant = {"rate": lambda t: 0.03}
    assert_same(run(T.momentum_inside, **constant), run(T.momentum_outside, **constant))
    assert abs(run(T.momentum_inside) - run(T.momentum_outside)).max() > 1e-2


def test_adagrad_and_rmsprop_forms():
    assert_same(
        run(T.adagrad_inside, r0=0.1, eps=1e-3), run(T.adagrad_outside, r0=0.1 + 1e-3, delta=0)
    )
    assert_same(run(T.rmsprop_bare), run(T.rmsprop_outside, delta=0))
    assert_same(run(T.rmsprop_bare), run(T.rmsprop_inside, eps=0))
    assert_same(run(T.rmsprop_torch), run(T.rmsprop_outside, rho=0.99))
    assert_same(run(T.rmsprop_momentum_inside, mu=0), run(T.rmsprop_inside, eps=1e-7))
    assert_same(run(T.rmsprop_nesterov, mu=0), run(T.rmsprop_inside))
    assert_same(
        run(T.rmsprop_torch, centered=True),
        run(T.rmsprop_centered, decay=0.99, inside=False),
    )
    assert_same(
        run(T.rmsprop_momentum_inside, mu=0, centered=True),
        run(T.rmsprop_centered, eps=1e-7),
    )
    assert_same(
        run(T.rmsprop_momentum_inside, eps=0, rate=lambda t: 0.01),
        run(T.rmsprop_torch, eps=0, alpha=0.9, mu=0.9, rate=lambda t: 0.01),
    )


def test_adadelta_first_step():
    g = grad(START, 0)
    step = np.sqrt(1e-6) / np.sqrt(0.05 * g**2 + 1e-6) * g
    assert_same(run(T.adadelta)[0], START - rate(0) * step)


def test_adam_forms():
    assert_same(run(T.adam_liege), run(T.adam_kingma))
    assert_same(run(T.rmsprop_corrected, decay=0.999, inside=False), run(T.adam_kingma, b1=0))
    assert_same(run(T.rmsprop_corrected, decay=0.999), run(T.adam_cmu, delta=0))
    for twin in (T.adam_cmu, T.adam_keras):
        assert_same(run(twin, eps=0), run(T.adam_kingma, eps=0))
    assert_same(run(T.adamw, wd=0), run(T.adam_kingma))
    assert_same(run(T.adam_l2, wd=0), run(T.adam_kingma))
    assert_same(
        run(T.adamw_paper, alpha=1e-2, lam=1e-3),
        run(T.adamw, rate=lambda t: 1e-2 * rate(t), wd=0.1),
    )
    assert_same(run(T.adamax_keras, eps=0), run(T.adamax_kingma))
    assert_same(run(T.adamax_torch, eps=0), run(T.adamax_kingma))


def test_nadam_and_radam_forms():
    assert_same(run(T.nadam_torch, psi=1e9), run(T.nadam_optax))
    assert_same(run(T.nadam_keras), run(T.nadam_torch, psi=1.0, eps=1e-7))
    small = 1 / (1 - 0.999)  # the further nu of n_hat is a factor of rate and epsilon
    assert_same(
        run(T.nadam_dozat, mu=0, psi=0, eps=0, rate=lambda t: rate(t) * np.sqrt(0.999)),
        run(T.rmsprop_corrected, decay=0.999, eps=0),
    )
    assert_same(run(T.radam, eps=0, place="outside"), run(T.radam, eps=0))
    assert_same(run(T.radam, threshold=small * 10), run(T.momentum_ema_corrected))
    assert (run(T.radam, fallback="skip")[:5] == START).all()
    assert (run(T.radam, fallback="skip")[5, 0] != START[0]).all()


def test_nadam_dozat_on_a_constant_gradient():
    """There m_k = (1 - P_k) g and n_hat = nu g^2, with P_k = mu_1 ... mu_k."""
    g, k = np.full_like(START, 2.0), np.arange(1, STEPS + 2)
    mu = 0.9 * (1 - 0.5 * 0.96 ** (0.004 * k))
    P = np.cumprod(mu)
    m_hat = mu[1:] * (1 - P[:-1]) / (1 - P[1:]) + (1 - mu[:-1]) / (1 - P[:-1])
    steps = np.array([rate(t) for t in range(STEPS)]) * m_hat / np.sqrt(0.999)
    path = run(T.nadam_dozat, grad=lambda theta, t: g, eps=0)
    assert_same(path[:, 0], START[0] - np.cumsum(steps))


def test_amsgrad_forms():
    def growing(theta, t):
        return np.sign(START) * (1 + 0.1 * t)

    for twin in (T.amsgrad_torch, T.amsgrad_optax):
        assert_same(run(twin, grad=growing), run(T.adam_kingma, grad=growing))
        assert abs(run(twin, b2=0.9) - run(T.adam_kingma, b2=0.9)).max() > 1e-3
    assert_same(
        run(T.amsgrad_torch, eps=0),
        run(
            T.amsgrad_reddi,
            rate=lambda t: rate(t) * np.sqrt(1 - 0.999 ** (t + 1)) / (1 - 0.9 ** (t + 1)),
        ),
    )


def test_local_gains_agreement_and_bounds():
    assert_same(run(T.local_gains, agree="velocity"), run(T.local_gains))
    assert_same(run(T.local_gains, low=1, high=1), run(T.sgd))
    one = {"grad": lambda w, t: np.ones_like(w), "rate": lambda t: 1.0}
    path = run(T.local_gains, increment=0.5, high=2.0, **one)
    assert_same(START[0] - path[:4, 0], [1, 2.5, 4.5, 6.5])


def test_snr_sgd_first_moving_steps():
    """After K updates the averages are known sums; the next update is the first that moves."""
    K, xs = 5, np.array([1.0, 3.0, 2.0, 0.5, 1.5, 2.5, 1.0])
    for literal in (False, True):
        path = T.snr_sgd([0.0], lambda x, t: xs[[t]], lambda t: 0.8, 7, K=K, literal=literal)
        assert (path[:K] == 0).all()
        ages = 0.8 ** np.arange(K, -1, -1) / K
        weights = ages if literal else np.append(np.full(K, 0.8 / K), 1 / K)
        m, s = weights @ xs[:-1], weights @ xs[:-1] ** 2
        first = -0.05 * m**2 / (s - m**2) * xs[K]
        w = m**2 / (16 * (s - m**2))  # 1 / N, the weight of the newest gradient
        m, s = m + w * (xs[-1] - m), s + w * (xs[-1] ** 2 - s)
        assert_same(path[K:, 0], first + np.array([0, -0.05 * m**2 / (s - m**2) * xs[-1]]))


def test_snr_sgd_without_noise_is_gradient_descent():
    path = T.snr_sgd([2.0], lambda x, t: np.ones(1), lambda t: 0.25, 60, K=50)
    assert_same(path[-1], 2.0 - 0.25 * 10)


def test_swats_phases():
    switches = []
    path = run(T.swats, tol=1e9, min_steps=7, switches=switches, guard=False)
    (t, Lambda), adam = switches[0], run(T.adam_keras, eps=1e-9)
    assert t == 6
    assert_same(path[:7], adam[:7])
    after = T.momentum_outside(
        path[6],
        lambda w, i: grad(w, i + 7),
        lambda i: rate(i + 7) / rate(0) * 0.1 * Lambda,
        STEPS - 7,
    )
    assert_same(path[7:], after)
    points = np.vstack([START, adam])
    p, g = np.diff(points[:8], axis=0), np.array([grad(points[i], i) for i in range(7)])
    gamma = -(p * p).sum(1) / (p * g).sum(1)
    weights = 0.001 * 0.999 ** np.arange(6, -1, -1)
    assert_same(Lambda, weights @ gamma / weights.sum(), tol=1e-12)
    assert_same(run(T.swats, tol=0), adam)


def test_swats_relative_tolerance_does_not_see_the_scale_of_the_rate():
    def switch(scale, relative):
        switches = []
        run(
            T.swats,
            grad=lambda w, t: 1 + NOISE[t],
            rate=lambda t: scale,
            tol=0.1,
            relative=relative,
            switches=switches,
        )
        return switches[0][0] if switches else None

    assert switch(1e-3, True) == switch(1e3, True) is not None
    assert switch(1e-3, False) != switch(1e3, False)


def test_swats_guard_refuses_a_negative_rate():
    """With momentum, p . g > 0 right after the gradient turns, so Lambda would be negative."""

    def turning(w, t):
        return np.array([1.0 if t < 3 else -0.01])

    options = {"tol": 1e9, "min_steps": 4, "beta2": 0.1}
    free, guarded = [], []
    T.swats([0.0], turning, lambda t: 0.1, 5, guard=False, switches=free, **options)
    T.swats([0.0], turning, lambda t: 0.1, 5, switches=guarded, **options)
    assert free[0][0] == 3 and free[0][1] < 0
    assert not guarded


def test_asgd():
    delayed = run(T.sgd, rate=lambda t: rate(max(t - 1, 0)))
    averages = []
    assert_same(run(T.asgd_torch, lambd=0, t0=3, averages=averages), delayed)
    assert_same(averages, T.tail_average(delayed, start=4))


def test_averages():
    w = NOISE
    assert_same(T.polynomial_average(w, gamma=0), T.uniform_average(w))
    assert_same(T.suffix_average(w, fraction=1), T.uniform_average(w))
    assert_same(T.tail_average(w, start=0), T.uniform_average(w))
    s = np.arange(1, STEPS + 1)
    for average, weights in [
        (T.polynomial_average(w, gamma=3), s * (s + 1) * (s + 2)),
        (T.exponential_average(w, decay=0.8), 0.8 ** -s.astype(float)),
        (T.suffix_average(w, fraction=0.3), s > STEPS - 12),
        (T.tail_average(w, start=9), s > 9),
    ]:
        assert_same(average[-1], weights @ w / weights.sum())
