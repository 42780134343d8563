"""Around an optimizer: accumulation, settings in the state, guards, averages, schedules."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

from tests.support.pairs.known import (
    KnownPair,
    apart,
    by_count,
    by_leaf,
    by_weight,
    decimal,
    drawn_or,
    family,
    noise,
    pick,
    same,
    whole,
    witness,
)


@family
def accumulation(random: np.random.Generator) -> KnownPair:
    """Gradients of k batches, then one update with their mean."""
    k, rate = int(random.integers(2, 5)), decimal(random, 0.01, 0.3)

    def by_hand(scale: float, at: int = 0) -> Any:
        def step(g: Any, p: Any, t: Any, s: Any) -> Any:
            s = s + g / scale
            last = t % k == at
            return jnp.where(last, -rate * s, 0.0), jnp.where(last, 0.0, s)

        return by_leaf(step, 0.0, dtype=jnp.float32)

    forms = [optax.MultiSteps(optax.sgd(rate), k).gradient_transformation(), by_hand(k)]
    faults = [
        by_hand(1),
        by_hand(k, 1),
        optax.MultiSteps(optax.sgd(rate), k + 1).gradient_transformation(),
        optax.sgd(rate),
    ]
    return drawn_or(random, forms, faults, noise(random, 5), in_float32=True, compiled=True)


@family
def injected(random: np.random.Generator) -> KnownPair:
    rate, b, n = decimal(random, 0.01, 0.3), decimal(random, 0.5, 0.95), whole(random, 3, 9)
    line = optax.linear_schedule(rate, 0.0, n)
    forms = [
        (optax.inject_hyperparams(optax.sgd)(rate, momentum=b), optax.sgd(rate, momentum=b)),
        (optax.inject_hyperparams(optax.sgd)(line), optax.sgd(line)),
        (
            optax.inject_hyperparams(optax.adam)(rate, b1=b, eps=0.1),
            optax.adam(rate, b1=b, eps=0.1),
        ),
    ]
    faults = [
        (optax.inject_hyperparams(optax.sgd)(rate), optax.sgd(line)),
        (
            optax.inject_hyperparams(optax.adam)(rate, eps=0.1),
            optax.adam(rate, b1=0.8 * b, eps=0.1),
        ),
    ]
    if random.random() < 0.6:
        return same(*pick(random, *forms), in_float32=True)
    return apart(*pick(random, *faults), noise(random, 3))


@family
def guards(random: np.random.Generator) -> KnownPair:
    """What looks only at NaN and infinity, or is thought to."""
    rate = decimal(random, 0.01, 0.3)
    sgd = optax.sgd(rate)
    bad = [witness([1.0, x]) for x in (jnp.nan, jnp.inf)]
    finite = [
        (optax.apply_if_finite(sgd, 2), sgd, bad[1]),
        (optax.zero_nans(), optax.identity(), bad[0]),
        (by_weight(lambda g, p: jnp.where(jnp.isfinite(g), g, 0)), optax.identity(), bad[1]),
        (by_weight(lambda g, p: jnp.nan_to_num(g)), optax.identity(), bad[0]),
        (by_weight(lambda g, p: jnp.where(g == g, -rate * g, 0)), sgd, bad[0]),
        (
            by_weight(lambda g, p: jnp.where(~(g < rate), 0, g)),
            by_weight(lambda g, p: jnp.where(g >= rate, 0, g)),
            bad[0],
        ),
        (
            by_weight(lambda g, p: jnp.where(g > rate, g, 2 * p)),
            by_weight(lambda g, p: jnp.where(g <= rate, 2 * p, g)),
            bad[0],
        ),
    ]
    exact = [
        (optax.zero_nans(), by_weight(lambda g, p: jnp.where(g == g, g, 0))),
        (
            by_weight(lambda g, p: jnp.where(g > rate, g, 2 * g)),
            by_weight(lambda g, p: jnp.where(g <= rate, 2 * g, g)),
        ),
        (
            by_weight(lambda g, p: jnp.where(jnp.isnan(g), p, g)),
            by_weight(lambda g, p: jnp.where(g != g, p, g)),
        ),
    ]
    if random.random() < 0.6:
        first, second, at = pick(random, *finite)
        return same(first, second, finite_only=True, witness=at, compiled=True)
    return same(*pick(random, *exact), finite_only=False)


@family
def averages(random: np.random.Generator) -> KnownPair:
    b = decimal(random, 0.5, 0.95)

    def corrected(m: Any, t: Any) -> Any:
        return m / (1 - b**t).astype(m.dtype)

    plain = [
        optax.ema(b, debias=False),
        by_leaf(lambda g, p, t, m: (m + (1 - b) * (g - m),) * 2, 0.0),
        by_leaf(lambda g, p, t, m: ((1 - b) * (b * m + g), b * m + g), 0.0),
        optax.chain(optax.trace(b), optax.scale(1 - b)),
    ]
    debiased = [
        optax.ema(b),
        by_leaf(lambda g, p, t, m: (corrected(b * m + (1 - b) * g, t), b * m + (1 - b) * g), 0.0),
        by_leaf(lambda g, p, t, m, w: ((b * m + g) / (b * w + 1), b * m + g, b * w + 1), 0.0, 0.0),
    ]
    one, other = pick(random, (plain, debiased), (debiased, plain))
    return drawn_or(random, one, other, noise(random, 3))


@family
def schedules_by_hand(random: np.random.Generator) -> KnownPair:
    rate, end = decimal(random, 0.05, 0.5), decimal(random, 0.001, 0.01)
    n, warm = whole(random, 20, 200), whole(random, 2, 9)
    line = [
        optax.linear_schedule(rate, end, n),
        lambda t: rate + (end - rate) * jnp.minimum(t, n) / n,
        lambda t: jnp.where(t < n, rate - (rate - end) * t / n, end),
        optax.polynomial_schedule(rate, end, 1, n),
    ]
    cosine = [
        optax.cosine_decay_schedule(rate, n),
        lambda t: rate * jnp.cos(0.5 * jnp.pi * jnp.minimum(t, n) / n) ** 2,
        lambda t: 0.5 * rate * (1 + jnp.cos(jnp.pi * jnp.minimum(t, n) / n)),
    ]
    warmed = [
        optax.join_schedules(
            [optax.linear_schedule(0.0, rate, warm), optax.constant_schedule(rate)], [warm]
        ),
        lambda t: rate * jnp.minimum(1.0, t / warm),
        lambda t: jnp.where(t >= warm, rate, rate * t / warm),
        optax.linear_schedule(0.0, rate, warm),
    ]
    steps = [
        optax.piecewise_constant_schedule(rate, {n: 0.5}),
        lambda t: jnp.where(t < n, rate, 0.5 * rate),
        lambda t: rate * (1 - 0.5 * (t >= n)),
        optax.join_schedules(
            [optax.constant_schedule(rate), optax.constant_schedule(rate / 2)], [n]
        ),
    ]
    halved = [
        optax.exponential_decay(rate, n, 0.5),
        lambda t: rate * 0.5 ** (t / n),
        lambda t: rate * jnp.exp(-jnp.log(2.0) * t / n),
    ]
    kinds = {"line": line, "cosine": cosine, "warmed": warmed, "steps": steps, "halved": halved}
    names = random.permutation([*kinds])[:2]
    one, other = (kinds[name] for name in names)
    first, second = (one[k] for k in random.permutation(len(one))[:2])
    ok = random.random() < 0.6
    second = second if ok else pick(random, *other)
    run = pick(random, by_count, optax.sgd, lambda s: optax.adam(s, eps=0.1))
    pair = run(first), run(second)
    given = witness([1.0] * (n + 2))
    return same(*pair, names[0], in_float32=True) if ok else apart(*pair, given, " / ".join(names))
