"""More weights than samples: which of the many solutions SGD and Adam find."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt.numerics import double
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "Adaptive methods generalise worse than SGD: on least squares SGD finds the solution of least "
    "norm, Adam another one. (STAT 479, after Wilson et al. 2017)"
)
SMALL = dict(steps=1500)


def measure(
    steps: int = 6000, samples: int = 30, dimension: int = 100, relevant: int = 5
) -> dict[str, Any]:
    """The distance of the weights from the solution of least norm, and the errors, by step."""
    rng = np.random.default_rng(0)
    w = np.zeros(dimension)
    w[:relevant] = 1.0
    # Features of very different sizes, of which the large ones matter.
    size = np.geomspace(1, 0.05, dimension)
    x, fresh = (size * rng.normal(size=(n, dimension)) for n in (samples, 2000))
    y, fresh_y = x @ w, fresh @ w
    least = np.linalg.pinv(x) @ y
    bound = np.linalg.eigvalsh(x @ x.T / samples).max()
    ways = {}
    with double():
        for name, tx in {"sgd": lectopt.sgd(1 / bound), "adam": lectopt.adam(0.01)}.items():

            def step(carry: Any, _: Any, tx: Any = tx) -> Any:
                theta, state = carry
                updates, state = tx.update(x.T @ (x @ theta - y) / samples, state, theta)
                return (theta + updates, state), theta + updates

            start = jnp.zeros(dimension)

            def run(step: Any = step, start: Any = start, tx: Any = tx) -> Any:
                return jax.lax.scan(step, (start, tx.init(start)), None, steps)[1]

            ways[name] = np.asarray(jax.jit(run)())[:: max(1, steps // 300)]
    return dict(
        least=least,
        every=max(1, steps // 300),
        distance={k: np.linalg.norm(v - least, axis=1) for k, v in ways.items()},
        train={k: np.mean((v @ x.T - y) ** 2, axis=1) for k, v in ways.items()},
        test={k: np.mean((v @ fresh.T - fresh_y) ** 2, axis=1) for k, v in ways.items()},
    )


def verdict(found: dict[str, Any]) -> Verdict:
    """Both fit the samples; SGD alone is at the least norm, and is better on new ones."""
    norm = np.linalg.norm(found["least"])
    apart = {k: v[-1] / norm for k, v in found["distance"].items()}
    train, test = ({k: v[-1] for k, v in found[name].items()} for name in ("train", "test"))
    return Verdict(
        bool(apart["sgd"] < 0.05 and apart["adam"] > 0.2 and test["adam"] > test["sgd"]),
        f"relative to its norm SGD ends {apart['sgd']:.1e} from the solution of least norm and "
        f"Adam {apart['adam']:.2f}. Errors on the samples {train['sgd']:.0e} and "
        f"{train['adam']:.0e}, on new ones {test['sgd']:.3f} and {test['adam']:.3f}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The distance, and both errors."""
    panels = figure.subplots(1, 3)
    titles = {"distance": "distance from least norm", "train": "error on the samples"}
    for axes, name in zip(panels, ("distance", "train", "test"), strict=True):
        for k, (who, values) in enumerate(found[name].items()):
            steps = np.arange(len(values)) * found["every"]
            axes.plot(steps, values, lw=1.5, label=who, **style(k))
        axes.set(yscale="log", xlabel="step")
        axes.set_title(titles.get(name, "error on new samples"))
    panels[0].legend()
