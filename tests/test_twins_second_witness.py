"""The twins of the newer rules beside Optax, in float64: two witnesses, neither of them lectopt."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import twins as T
from optax import contrib

pytestmark = pytest.mark.usefixtures("x64")

STEPS, LATE, BIG = 60, 15, (130, 129)
RATES = 0.05 * (1 + 0.5 * np.cos(np.arange(STEPS))) / (1 + 0.1 * np.arange(STEPS))
SHAPES = ((), (5,), (7, 6), (2, 4, 3), (6,))


class Run:
    """A noisy quadratic on these leaves: some weights never have a gradient, some only late."""

    def __init__(self, *shapes):
        rng = np.random.default_rng(3)
        self.start = [rng.normal(size=shape) for shape in shapes]
        self.curvature = [rng.uniform(0.5, 2.0, size=shape) for shape in shapes]
        self.noise = [0.5 * rng.normal(size=(STEPS, *shape)) for shape in shapes]
        self.live = [np.ones((STEPS, *shape)) for shape in shapes]
        for live in self.live:
            match live.ndim:
                case 2 if live.shape[1] == 6:
                    live[:LATE] = 0  # a whole leaf
                case 2:
                    live[:, 3] = live[:LATE, 4] = 0
                case 3:
                    live[:, 2, :] = live[:, :, 1] = live[:LATE, 4, 2] = 0  # rows and columns

    def twin(self, rule, rate=RATES.__getitem__, **kwargs):
        """The path of a twin that takes leaves."""

        def grad(leaves, t):
            return [
                live[t] * (c * leaf + noise[t])
                for leaf, c, noise, live in zip(
                    leaves, self.curvature, self.noise, self.live, strict=True
                )
            ]

        return rule(self.start, grad, rate, STEPS, **kwargs)

    def twin_of_weights(self, rule, rate=RATES.__getitem__, **kwargs):
        """The path of a twin that takes one vector: all leaves, one after the other."""

        def flat(leaves, lead=()):
            return np.concatenate([leaf.reshape(*lead, -1) for leaf in leaves], axis=-1)

        curvature = flat(self.curvature)
        noise, live = flat(self.noise, (STEPS,)), flat(self.live, (STEPS,))
        path = rule(
            flat(self.start),
            lambda x, t: live[t] * (curvature * x + noise[t]),
            rate,
            STEPS,
            **kwargs,
        )
        ends = np.cumsum([leaf.size for leaf in self.start])[:-1]
        return [
            [part.reshape(leaf.shape) for part, leaf in zip(parts, self.start, strict=True)]
            for parts in (np.split(row, ends) for row in path)
        ]

    def optax(self, tx, pair=False):
        """The path of an Optax optimizer; `pair`: it wants fast and slow weights."""

        @jax.jit
        def run(start, curvature, noise, live):
            def step(carry, now):
                params, state = carry
                at = params.fast if pair else params
                grads = jax.tree.map(lambda x, c, n, on: on * (c * x + n), at, curvature, *now)
                updates, state = tx.update(grads, state, params)
                params = optax.apply_updates(params, updates)
                return (params, state), params

            params = optax.LookaheadParams.init_synced(start) if pair else start
            return jax.lax.scan(step, (params, tx.init(params)), (noise, live))[1]

        return run(self.start, self.curvature, self.noise, self.live)


TREE = Run(*SHAPES)


def schedule(count):
    return jnp.asarray(RATES)[count]


def close(path, expected, rtol=1e-10, atol=1e-12):
    assert all(leaf.dtype == jnp.float64 for leaf in expected)
    for i, leaf in enumerate(expected):
        np.testing.assert_allclose(np.array([row[i] for row in path]), leaf, rtol=rtol, atol=atol)


@pytest.mark.parametrize(
    "tx, twin, settings",
    [
        (
            optax.yogi(schedule),
            T.yogi,
            dict(corrected=True, m0=1e-6, v0=1e-6),
        ),
        (
            optax.yogi(schedule, 0.8, 0.95, 1e-4),
            T.yogi,
            dict(beta1=0.8, beta2=0.95, eps=1e-4, corrected=True, m0=1e-6, v0=1e-6),
        ),
        (
            optax.chain(
                optax.scale_by_yogi(0.8, 0.95, 1e-4, 1e-3, 0.1),
                optax.scale_by_learning_rate(schedule),
            ),
            T.yogi,
            dict(beta1=0.8, beta2=0.95, eps=1e-4, eps_root=1e-3, corrected=True, m0=0.1, v0=0.1),
        ),
        (optax.adabelief(schedule), T.adabelief, dict(eps=1e-16)),
        (optax.adabelief(schedule, eps=1e-8, eps_root=1e-8), T.adabelief, {}),
        (
            optax.adabelief(schedule, 0.8, 0.95, 1e-3, 1e-2),
            T.adabelief,
            dict(beta1=0.8, beta2=0.95, eps=1e-3, eps_s=1e-2),
        ),
        (optax.adabelief(schedule, nesterov=True), T.adabelief, dict(eps=1e-16, nesterov=True)),
        (optax.lion(schedule), T.lion, dict(lam=1e-3)),
        (
            optax.lion(schedule, 0.7, 0.8, weight_decay=0.1),
            T.lion,
            dict(beta1=0.7, beta2=0.8, lam=0.1),
        ),
    ],
)
def test_yogi_adabelief_and_lion(tx, twin, settings):
    close(TREE.twin_of_weights(twin, **settings), TREE.optax(tx))


def test_yogi_of_the_paper_is_optaxs_chain_without_the_corrections():
    """Optax has no such setting: its own state, read before and after it is corrected."""
    b1, b2 = 0.8, 0.95

    def corrections(decay):
        return lambda count: 1 - decay ** (count + 1.0)

    # Yogi with eps = 0 is m_hat / sqrt(v_hat), from which the corrections can be divided out.
    tx = optax.chain(
        optax.scale_by_yogi(b1, b2, 0.0, 0.0, 1e-6),
        optax.scale_by_schedule(corrections(b1)),
        optax.scale_by_schedule(lambda count: corrections(b2)(count) ** -0.5),
        optax.scale_by_learning_rate(schedule),
    )
    settings = dict(beta1=b1, beta2=b2, eps=0.0, m0=1e-6, v0=1e-6)
    close(TREE.twin_of_weights(T.yogi, **settings), TREE.optax(tx))


@pytest.mark.parametrize(
    "tx, settings",
    [
        (optax.novograd(schedule), dict(beta1=0.9, beta2=0.25, eps=1e-6)),
        (
            optax.novograd(schedule, 0.95, 0.98, 0.1, 0.2, 0.3),
            dict(eps=0.1, eps_root=0.2, d=0.3),
        ),
    ],
)
def test_novograd(tx, settings):
    close(TREE.twin(T.novograd, eps_at_first=True, **settings), TREE.optax(tx))


def test_novograd_of_the_paper_differs_in_the_first_step_alone():
    """Epsilon joins m_1 in Optax only, and the averaging variant is a smaller rate."""
    alive = Run((5,), (7, 6))
    ours = alive.twin(T.novograd, eps=0.1)
    theirs = alive.twin(T.novograd, eps=0.1, eps_at_first=True)
    for start, mine, other in zip(alive.start, ours[0], theirs[0], strict=True):
        steps = mine - start, other - start
        assert np.linalg.norm(steps[0]) == pytest.approx(RATES[0], rel=1e-12)
        assert np.linalg.norm(steps[1]) < RATES[0] * (1 - 1e-3)
    averaged = TREE.twin(T.novograd, d=0.1, average=True)
    slower = TREE.twin(T.novograd, lambda t: 0.05 * RATES[t], d=0.1)
    for a, b in zip(averaged[-1], slower[-1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


ADAFACTORS = [
    ({}, dict(smallest=128)),
    (dict(min_dim_size_to_factor=3), dict(smallest=3)),
    (dict(min_dim_size_to_factor=2), dict(smallest=2)),
    (dict(min_dim_size_to_factor=2, factored=False), dict(smallest=128)),
    (dict(clipping_threshold=None, multiply_by_parameter_scale=False), dict(smallest=128, d=None, relative=False)),
    (dict(min_dim_size_to_factor=3, clipping_threshold=2.0, decay_rate=0.5), dict(smallest=3, d=2.0, c=0.5)),
    (dict(min_dim_size_to_factor=3, decay_offset=-5, eps=1e-3), dict(smallest=3, offset=-5, eps1=1e-3)),
    (
        dict(min_dim_size_to_factor=3, momentum=0.8, weight_decay_rate=0.01, dtype_momentum=jnp.float64),
        dict(smallest=3, beta1=0.8, lam=0.01),
    ),
]  # fmt: skip


@pytest.mark.parametrize("theirs, ours", ADAFACTORS)
def test_adafactor(theirs, ours):
    """To seven digits: the decay of Optax, 1 - t^-0.8, is a float32."""
    path = TREE.twin(T.adafactor, **ours)
    close(path, TREE.optax(optax.adafactor(schedule, **theirs)), rtol=2e-6, atol=2e-7)


def in_double(count, exponent):
    return 1 - (count + 1.0) ** -exponent


@pytest.mark.parametrize("theirs, ours", ADAFACTORS)
def test_adafactor_to_ten_digits_with_its_decay_in_float64(theirs, ours, monkeypatch):
    exact = lambda *args: optax.scale_by_factored_rms(*args, decay_rate_fn=in_double)  # noqa: E731
    module = optax.adafactor.__globals__["factorized"]
    monkeypatch.setitem(
        optax.adafactor.__globals__,
        "factorized",
        type("Exact", (), {**vars(module), "scale_by_factored_rms": staticmethod(exact)}),
    )
    close(TREE.twin(T.adafactor, **ours), TREE.optax(optax.adafactor(schedule, **theirs)))


def test_adafactor_factors_by_default_what_has_two_axes_of_128():
    tree = Run(BIG, (127, 140))
    expected = tree.optax(optax.adafactor(schedule))
    close(tree.twin(T.adafactor, smallest=128), expected, rtol=2e-6, atol=2e-7)
    everything = tree.twin(T.adafactor)[-1]
    np.testing.assert_allclose(everything[0], expected[0][-1], rtol=2e-6, atol=2e-7)
    assert np.abs(everything[1] - expected[1][-1]).max() > 1e-3


def test_adafactor_of_the_paper_with_its_own_rate():
    """rho_t = min(1e-2, 1 / sqrt(t)), which Optax leaves to its user."""
    tx = optax.adafactor(lambda t: jnp.minimum(1e-2, 1 / jnp.sqrt(t + 1.0)), 2)
    path = TREE.twin(T.adafactor, lambda t: min(1e-2, 1 / np.sqrt(t + 1)))
    close(path, TREE.optax(tx), rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize(
    "theirs, ours",
    [
        ({}, {}),
        (dict(estim_lr0=1e-3, estim_lr_coef=0.5, eps=1e-3), dict(d0=1e-3, d_coef=0.5, eps=1e-3)),
        (dict(betas=(0.8, 0.95), beta3=0.9), dict(beta1=0.8, beta2=0.95, beta3=0.9)),
        (dict(weight_decay=0.1, estim_lr0=1e-2), dict(lam=0.1, d0=1e-2)),
        (dict(safeguard_warmup=True, estim_lr0=1e-3), dict(safeguard=True, d0=1e-3)),
    ],
)
def test_prodigy(theirs, ours):
    estimates = []
    path = TREE.twin(
        T.prodigy,
        lambda t: 20 * RATES[t],
        corrected=True,
        eps_with_new_d=True,
        estimates=estimates,
        **ours,
    )
    tx = contrib.prodigy(lambda count: 20 * schedule(count), **theirs)
    close(path, TREE.optax(tx))
    assert estimates[-1] > 2 * ours.get("d0", 1e-6)  # or the rule for d would not be tested


def test_prodigy_of_the_paper_is_optaxs_where_their_differences_vanish():
    """No correction: beta2 = beta1^2 has sqrt(1 - beta2^t) / (1 - beta1^t), taken into the rate."""
    b1, b2 = 0.9, 0.95
    counts = np.arange(1, STEPS + 1)
    correction = np.sqrt(1 - b2**counts) / (1 - b1**counts)
    tx = contrib.prodigy(
        lambda count: 20 * schedule(count) / jnp.asarray(correction)[count],
        (b1, b2),
        eps=0.0,
        estim_lr0=1e-3,
    )
    alive = Run((), (4,), (2, 4, 3))
    path = alive.twin(T.prodigy, lambda t: 20 * RATES[t], beta1=b1, beta2=b2, eps=0.0, d0=1e-3)
    close(path, alive.optax(tx))
    old = TREE.twin(T.prodigy, lambda t: 20 * RATES[t], eps=0.1, d0=1e-3)[-1]
    new = TREE.twin(T.prodigy, lambda t: 20 * RATES[t], eps=0.1, d0=1e-3, eps_with_new_d=True)[-1]
    assert any(np.abs(a - b).max() > 1e-6 for a, b in zip(old, new, strict=True))


def test_prodigy_that_may_not_estimate_is_adam_at_a_fixed_rate():
    """d = d0 throughout, and d cancels but for epsilon: Keras' Adam at the rate d0 gamma."""
    path = TREE.twin(T.prodigy, lambda t: RATES[t], d0=0.5, d_coef=0.0, corrected=True, eps=1e-3)
    adam = TREE.twin_of_weights(T.adam_keras, lambda t: 0.5 * RATES[t], eps=1e-3)
    for row, other in zip(path, adam, strict=True):
        for a, b in zip(row, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("k, alpha", [(5, 0.5), (1, 0.3), (7, 0.8), (4, 1.0)])
@pytest.mark.parametrize("inner", ["sgd", "adam"])
def test_lookahead(k, alpha, inner):
    twin, fast = dict(sgd=(T.lookahead_sgd, optax.sgd), adam=(T.lookahead_adam, optax.adam))[inner]
    slow = []
    path = TREE.twin_of_weights(twin, k=k, alpha=alpha, slow=slow)
    expected = TREE.optax(optax.lookahead(fast(schedule), k, alpha), pair=True)
    close(path, expected.fast)
    flat = np.concatenate([leaf.reshape(STEPS, -1) for leaf in expected.slow], axis=1)
    np.testing.assert_allclose(np.array(slow), flat, rtol=1e-10, atol=1e-12)


def test_lookahead_with_a_reset_starts_the_schedule_again_in_optax():
    tx = optax.lookahead(optax.adam(schedule), 7, 0.8, reset_state=True)
    settings = dict(k=7, alpha=0.8, reset=True)
    again = TREE.twin_of_weights(T.lookahead_adam, lambda t: RATES[t % 7], **settings)
    close(again, TREE.optax(tx, pair=True).fast)
    on = TREE.twin_of_weights(T.lookahead_adam, **settings)
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(on[-1], again[-1], strict=True))


def test_lookahead_without_a_pull_is_the_inner_rule():
    twins = ((T.lookahead_sgd, T.sgd), (T.lookahead_adam, T.adam_kingma))
    for ahead, plain in twins:
        path, other = TREE.twin_of_weights(ahead, alpha=1.0), TREE.twin_of_weights(plain)
        for row, expected in zip(path, other, strict=True):
            for a, b in zip(row, expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


NO_EPSILON = [
    (T.yogi, {}),
    (T.adabelief, {}),
    (T.lookahead_adam, {}),
    (T.novograd, {}),
    (T.novograd, dict(eps_at_first=True)),
    (T.prodigy, {}),
    (T.adafactor, {}),
    (T.adafactor, dict(smallest=128)),
]


@pytest.mark.parametrize("twin, settings", NO_EPSILON)
def test_without_an_epsilon_a_weight_without_a_gradient_stays(twin, settings):
    epsilon = "eps1" if twin is T.adafactor else "eps"
    of_leaves = twin in (T.novograd, T.adafactor, T.prodigy)
    run = TREE.twin if of_leaves else TREE.twin_of_weights
    path = run(twin, **{epsilon: 0.0}, **settings)
    for i, (live, start) in enumerate(zip(TREE.live, TREE.start, strict=True)):
        leaf = np.array([row[i] for row in path])
        dead = ~live.any(0)
        assert np.isfinite(leaf).all()
        assert (leaf[:, dead] == start[dead]).all()


def nothing_at_first(leaves, t):
    return [leaf * (t > 1) for leaf in leaves]


@pytest.mark.parametrize("safeguard", [False, True])
def test_prodigy_waits_for_its_first_gradient_and_for_a_warm_up_from_0(safeguard):
    """Where Optax has 0/0 = NaN from the first update on."""
    start, warm = [np.array([1.0, -2.0])], lambda t: t / 10
    for grad, rate in ((nothing_at_first, RATES.__getitem__), (lambda x, t: x, warm)):
        path = T.prodigy(start, grad, rate, 10, safeguard=safeguard)
        assert np.isfinite(path).all()
        assert (path[0][0] == start[0]).all() and (path[-1][0] != start[0]).all()
    x = jnp.asarray(start[0])
    for grads, rate in ((0 * x, 1.0), (x, lambda count: count / 10)):
        tx = contrib.prodigy(rate, safeguard_warmup=safeguard)
        updates, state = tx.update(grads, tx.init(x), x)
        guarded = safeguard and callable(rate)
        assert jnp.isnan(state.estim_lr) != guarded
