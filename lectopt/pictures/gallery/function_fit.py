"""A function that approaches samples: all of them before each adjustment, and one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lectopt
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "Batch update: adjust the function at all points at once. Incremental update: one sample after "
    "the other, “with greater overall adjustment than a single batch update”. (CMU 11-785)"
)
SMALL = dict(passes=40, hidden=8)


def measure(
    samples: int = 12, passes: int = 400, hidden: int = 24, rate: float = 0.05
) -> dict[str, Any]:
    """A net with a hidden layer of tanh on points of a wave: the function after each pass."""
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(-2, 2, samples))
    y = np.sin(2.5 * x) + 0.3 * x
    grid = np.linspace(-2.3, 2.3, 200)
    begin = dict(
        a=rng.normal(size=hidden) * 2, b=rng.normal(size=hidden),
        c=rng.normal(size=hidden) / np.sqrt(hidden), d=np.zeros(()),
    )  # fmt: skip
    begin = jax.tree.map(lambda v: jnp.asarray(v, jnp.float32), begin)
    tx = lectopt.sgd(rate)

    def value(w: Any, x: Any) -> Any:
        return jnp.tanh(x[:, None] * w["a"][None] + w["b"][None]) @ w["c"] + w["d"]

    def loss(w: Any, rows: Any) -> Any:
        return ((value(w, jnp.asarray(x)[rows]) - jnp.asarray(y)[rows]) ** 2).mean() / 2

    def step(w: Any, rows: Any) -> Any:
        updates, _ = tx.update(jax.grad(loss)(w, rows), tx.init(w), w)
        return optax.apply_updates(w, updates), None

    def once(w: Any, order: Any) -> Any:
        w, _ = jax.lax.scan(step, w, order)
        return w, (value(w, jnp.asarray(grid)), loss(w, jnp.arange(samples)))

    orders = np.stack([rng.permutation(samples) for _ in range(passes)])
    ways = {}
    for name, order in {"batch": orders[:, None, :], "incremental": orders[:, :, None]}.items():
        functions, losses = jax.jit(lambda order: jax.lax.scan(once, begin, order)[1])(order)
        first = np.asarray(value(begin, jnp.asarray(grid)))[None]
        ways[name] = dict(functions=np.concatenate([first, functions]), losses=np.asarray(losses))
    return dict(ways=ways, grid=grid, samples=(x, y))


def verdict(found: dict[str, Any]) -> Verdict:
    """How far the function has moved after one pass, and the loss that passes come to."""
    moved = {
        name: float(np.sqrt(np.mean((one["functions"][1] - one["functions"][0]) ** 2)))
        for name, one in found["ways"].items()
    }
    last = {name: float(one["losses"][-1]) for name, one in found["ways"].items()}
    passes = len(found["ways"]["batch"]["losses"])
    return Verdict(
        moved["incremental"] > moved["batch"] and last["incremental"] < last["batch"],
        f"at the same rate one pass moves the function by {moved['incremental']:.3f} (root mean "
        f"square) sample by sample, and by {moved['batch']:.3f} all at once; {passes} passes leave "
        f"a loss of {last['incremental']:.1g} and {last['batch']:.1g}.",
    )


def scenes(found: dict[str, Any], figure: Any) -> tuple[int, Callable[[int], None]]:
    """The function of both after each pass, on earlier ones in grey."""
    panels = figure.subplots(1, 2, sharey=True)
    lines = []
    passes = len(found["ways"]["batch"]["losses"])
    for k, (axes, (name, one)) in enumerate(zip(panels, found["ways"].items(), strict=True)):
        for early in sorted({0, 1, 3, 10, 30, 100} & set(range(passes))):
            axes.plot(
                found["grid"], one["functions"][early], color="0.75" if early else "0.4", lw=0.8
            )
        axes.plot(*found["samples"], "o", ms=4, color="black")
        (line,) = axes.plot(found["grid"], one["functions"][-1], lw=2, **style(k))
        axes.set(xlabel="x", title=name)
        lines.append((axes, name, line, one))

    def show(moment: int) -> None:
        now = passes ** (moment / 60) if moment else 0  # first ones slowly
        at = min(passes, round(now))
        for axes, name, line, one in lines:
            line.set_ydata(one["functions"][at])
            axes.set_title(f"{name}, after {at} passes; grey: earlier")

    show(60)
    return 60, show


def draw(found: dict[str, Any], figure: Any) -> None:
    """The last scene."""
    scenes(found, figure)
