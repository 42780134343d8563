"""Averages of SGD's iterates on the worst function for the last one: T times the gap, by T."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt import averaging
from lectopt.numerics import double
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "“Averaging schemes can improve the bound”: on strongly convex functions without smoothness "
    "the last iterate of SGD has log(T) / T, “polynomial decay averaging” 1 / T. (CMU 11-785)"
)
SMALL = dict(horizons=(30, 100))
LAST, UNIFORM, POLYNOMIAL = "last iterate", "uniform mean", "polynomial decay, γ = 3"
SCHEMES = {UNIFORM: averaging.uniform(), POLYNOMIAL: averaging.polynomial_decay(3)}


def slopes(horizon: int) -> np.ndarray:
    """Of `f(x) = max_i h_i . x + |x|^2 / 2`, whose least value is 0: row i is `a_j` for j < i, -1
    at i, and 0 after it (Harvey et al. 2019)."""
    a = 1 / (2 * (horizon - np.arange(horizon)))
    rows = np.broadcast_to(a, (horizon + 1, horizon))
    return np.tril(rows, -1) - np.eye(horizon + 1, horizon)


def measure(horizons: tuple[int, ...] = (30, 100, 300, 1000)) -> dict[str, Any]:
    """The value after T updates with rate 1 / t, of the last iterate and of two means: for each T
    the function that is the worst for it."""
    gaps: dict[str, list[float]] = {name: [] for name in (LAST, *SCHEMES)}
    for horizon in horizons:
        with double():
            for name, value in _run(jnp.asarray(slopes(horizon))).items():
                gaps[name].append(float(value))
    return dict(horizons=np.array(horizons), gaps={k: np.array(v) for k, v in gaps.items()})


def _run(h: Any) -> dict[str, Any]:
    rate = lectopt.inverse_strong_convexity(1.0)
    txs = {
        name: lectopt.chain(lectopt.sgd(rate), lectopt.average_params(scheme))
        for name, scheme in SCHEMES.items()
    }

    @jax.jit
    def run(h: Any) -> dict[str, Any]:
        def step(carry: Any, _: Any) -> Any:
            w, states = carry
            values = h @ w
            grad = (
                h[jnp.argmax(values >= values.max() - 1e-11)] + w
            )  # the worst of all subgradients
            new, updates = {}, w
            for name, tx in txs.items():  # they take one way, and average it otherwise
                updates, new[name] = tx.update(grad, states[name], w)
            return (w + updates, new), None

        w = jnp.zeros(h.shape[1])
        begin = {name: tx.init(w) for name, tx in txs.items()}
        (w, states), _ = jax.lax.scan(step, (w, begin), length=h.shape[1])
        ends = {name: lectopt.evaluation_params(state, w) for name, state in states.items()}
        return {k: (h @ x).max() + (x**2).sum() / 2 for k, x in {LAST: w, **ends}.items()}

    return run(h)


def verdict(found: dict[str, Any]) -> Verdict:
    """T times the gap grows by log(T) / 4 for the last iterate, and not for the polynomial mean."""
    t = found["horizons"]
    scaled = {name: t * gaps for name, gaps in found["gaps"].items()}
    growth = float(np.polyfit(np.log(t), scaled[LAST], 1)[0])
    still = float(np.ptp(scaled[POLYNOMIAL]))
    told = "; ".join(
        f"{name} {values[0]:.2f} to {values[-1]:.2f}" for name, values in scaled.items()
    )
    return Verdict(
        bool(
            abs(growth - 0.25) < 0.03 and still < 0.05 and (scaled[POLYNOMIAL] < scaled[LAST]).all()
        ),
        f"from T = {t[0]} to {t[-1]}, T times the gap goes: {told}. That of the last iterate grows "
        f"by {growth:.3f} log(T), 1/4 proved (Harvey et al. 2019).",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """T times the gap, by T."""
    axes = figure.subplots()
    for k, (name, gaps) in enumerate(found["gaps"].items()):
        axes.plot(found["horizons"], found["horizons"] * gaps, "o-", ms=5, label=name)
        axes.lines[-1].set(**style(k))
    axes.set(xscale="log", xlabel="updates T", ylabel="T × (value - least value)", ylim=(0, None))
    axes.legend()
