"""SGD as a Markov chain: the distribution of its iterates at three temperatures."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt.landscapes import double_well
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "“SGD as MCMC”: with noise the iterates are samples of exp(-loss / temperature), and the "
    "learning rate is a temperature. (TTIC 31230)"
)
SMALL = dict(steps=2000, chains=150)


def measure(
    steps: int = 6000, chains: int = 600, rate: float = 0.05, tilt: float = 0.08
) -> dict[str, Any]:
    """Of many chains of Langevin dynamics on a double well, the first coordinate in the later
    half of the steps, and the density that it should have."""
    ground = double_well(tilt)
    grid = np.linspace(-2.4, 2.4, 481)
    heights = np.asarray(ground(np.stack([grid, 0 * grid], axis=1)), np.float64)
    found = {}

    def run(key: Any, temperature: Any) -> Any:
        begin, key = jax.random.split(key)
        theta = jax.random.uniform(begin, (2,), minval=-1.5, maxval=1.5)
        tx = lectopt.sgld(rate, temperature, key=key)

        def step(carry: Any, _: Any) -> Any:
            theta, state = carry
            updates, state = tx.update(jax.grad(ground)(theta), state, theta)
            return (theta + updates, state), theta[0]

        return jax.lax.scan(step, (theta, tx.init(theta)), None, steps)[1][steps // 2 :: 20]

    lanes = jax.jit(jax.vmap(run, (0, None)))
    for temperature in (0.1, 0.2, 0.5):
        samples = lanes(jax.random.split(jax.random.key(1), chains), jnp.float32(temperature))
        density = np.exp(-heights / temperature)
        density /= density.sum() * (grid[1] - grid[0])
        found[temperature] = dict(samples=np.asarray(samples).ravel(), density=density)
    return dict(grid=grid, heights=heights, found=found)


def distances(measured: dict[str, Any]) -> dict[float, float]:
    """The largest difference between the distribution functions (Kolmogorov's)."""
    apart = {}
    for temperature, one in measured["found"].items():
        expected = np.cumsum(one["density"]) / one["density"].sum()
        below = np.searchsorted(np.sort(one["samples"]), measured["grid"]) / len(one["samples"])
        apart[temperature] = float(np.abs(below - expected).max())
    return apart


def verdict(found: dict[str, Any]) -> Verdict:
    """The distributions agree, and a lower temperature keeps more to the deeper well."""
    apart = distances(found)
    deep = {t: float((one["samples"] < 0).mean()) for t, one in found["found"].items()}
    told = ", ".join(f"{apart[t]:.3f} ({100 * deep[t]:.0f} %)" for t in apart)
    return Verdict(
        max(apart.values()) < 0.06 and deep[0.1] > deep[0.2] > deep[0.5],
        f"at temperatures {', '.join(map(str, apart))} the distribution of the iterates is within "
        f"{told} of exp(-loss / temperature); in brackets, the share in the deeper well.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """Histograms with the densities, over the well."""
    panels = figure.subplots(1, 3, sharey=True)
    for k, (axes, (temperature, one)) in enumerate(
        zip(panels, found["found"].items(), strict=True)
    ):
        colour = style(k)["color"]
        axes.hist(one["samples"], bins=60, range=(-2.2, 2.2), density=True, color=colour, alpha=0.5)
        axes.plot(found["grid"], one["density"], color="black", lw=1.2)
        axes.set(title=f"temperature {temperature}", xlabel="x")
    panels[0].set_ylabel("density")
