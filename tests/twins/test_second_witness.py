"""The twins of yogi, AdaBelief, Lion and Lookahead beside Optax: two witnesses, neither lectopt."""

import numpy as np
import optax
import pytest

from tests.support import twins as T
from tests.support.witness import RATES, STEPS, TREE, assert_close, schedule

# Slow, as the contract runs the twins and Optax beside every algorithm; here one judges the other.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("x64", "fast_compilation")]


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
    assert_close(TREE.twin_of_weights(twin, **settings), TREE.optax(tx))


def test_yogi_of_the_paper_is_optaxs_without_the_corrections():
    """Without epsilon the step is m_hat / sqrt(v_hat), and the corrections are factors of it."""
    b1, b2 = 0.8, 0.95

    def corrections(decay):
        return lambda count: 1 - decay ** (count + 1.0)

    tx = optax.chain(
        optax.scale_by_yogi(b1, b2, 0.0, 0.0, 1e-6),
        optax.scale_by_schedule(corrections(b1)),
        optax.scale_by_schedule(lambda count: corrections(b2)(count) ** -0.5),
        optax.scale_by_learning_rate(schedule),
    )
    settings = dict(beta1=b1, beta2=b2, eps=0.0, m0=1e-6, v0=1e-6)
    assert_close(TREE.twin_of_weights(T.yogi, **settings), TREE.optax(tx))


@pytest.mark.parametrize("k, alpha", [(5, 0.5), (1, 0.3), (7, 0.8), (4, 1.0)])
@pytest.mark.parametrize("inner", ["sgd", "adam"])
def test_lookahead(k, alpha, inner):
    twin, fast = dict(sgd=(T.lookahead_sgd, optax.sgd), adam=(T.lookahead_adam, optax.adam))[inner]
    slow = []
    path = TREE.twin_of_weights(twin, k=k, alpha=alpha, slow=slow)
    expected = TREE.optax(optax.lookahead(fast(schedule), k, alpha), pair=True)
    assert_close(path, expected.fast)
    flat = np.concatenate([leaf.reshape(STEPS, -1) for leaf in expected.slow], axis=1)
    np.testing.assert_allclose(np.array(slow), flat, rtol=1e-10, atol=1e-12)


def test_lookahead_with_a_reset_starts_the_schedule_again_in_optax():
    tx = optax.lookahead(optax.adam(schedule), 7, 0.8, reset_state=True)
    settings = dict(k=7, alpha=0.8, reset=True)
    again = TREE.twin_of_weights(T.lookahead_adam, lambda t: RATES[t % 7], **settings)
    assert_close(again, TREE.optax(tx, pair=True).fast)
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
