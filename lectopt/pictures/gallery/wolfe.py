"""The steps that the conditions of Wolfe allow along a ray, and the one that a search takes."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import COLOURS

CLAIM = (
    "The conditions of Wolfe: steps that decrease enough and are not too short; a line search "
    "finds one. (Liège)"
)
SMALL = dict(points=200)
C1, C2 = 0.1, 0.5  # so that the intervals can be seen


def ray(theta: Any) -> Any:
    """A function of one number with several valleys, falling at 0."""
    return 0.05 * (theta - 6) ** 2 + 0.5 * jnp.sin(2 * theta) - 0.6 * theta / (1 + theta**2)


def measure(points: int = 2000, until: float = 13.0) -> dict[str, Any]:
    """Which steps from 0 the conditions allow, and those that the searches take."""
    steps = np.linspace(until / points, until, points)
    both = {}
    for kind in ("weak", "strong"):

        def allowed(step: Any, kind: Any = kind) -> Any:
            return lectopt.wolfe_conditions(ray, 0.0, 1.0, step, c1=C1, c2=C2, kind=kind)

        found = jax.jit(jax.vmap(allowed))(jnp.asarray(steps))
        tx = lectopt.scale_by_wolfe_line_search(kind, C1, C2)
        value, grad = jax.value_and_grad(ray)(0.0)
        start = jnp.zeros(())
        search = functools.partial(jax.jit(tx.update, static_argnames="value_fn"), value_fn=ray)
        taken, _ = search(jnp.ones(()), tx.init(start), start, value=value, grad=grad)
        both[kind] = dict(
            decrease=np.asarray(found.decrease),
            both=np.asarray(found.decrease & found.curvature),
            taken=float(taken),
        )
    slope = float(jax.grad(ray)(0.0))
    return dict(steps=steps, kinds=both, slope=slope, heights=np.asarray(jax.vmap(ray)(steps)))


def verdict(found: dict[str, Any]) -> Verdict:
    """What a search takes is among what is allowed; the strong set lies inside the weak one."""
    shares, inside = {}, True
    for kind, one in found["kinds"].items():
        near = np.abs(found["steps"] - one["taken"]).argmin()
        inside &= bool(one["both"][near])
        shares[kind] = one["both"].mean()
    weak, strong = (found["kinds"][kind]["both"] for kind in ("weak", "strong"))
    inside &= not (strong & ~weak).any()
    taken = {kind: one["taken"] for kind, one in found["kinds"].items()}
    return Verdict(
        inside,
        f"with c1 = {C1} and c2 = {C2} the weak conditions allow {100 * shares['weak']:.0f} % of "
        f"these steps, the strong ones {100 * shares['strong']:.0f} %, all of them weak too; the "
        f"searches take {taken['weak']:.2f} and {taken['strong']:.2f}, which are among them.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The ray with the line of sufficient decrease, and bands of what is allowed."""
    axes = figure.subplots()
    steps, heights = found["steps"], found["heights"]
    begin = float(ray(0.0))
    axes.plot(steps, heights, color="black", lw=1.4)
    axes.plot(steps, begin + C1 * found["slope"] * steps, "--", color="black", lw=0.8)
    axes.text(
        steps[-1], begin + C1 * found["slope"] * steps[-1], "decrease", ha="right", va="bottom"
    )
    low = heights.min()
    for k, (kind, one) in enumerate(found["kinds"].items()):
        floor = low - 0.35 * (k + 1)
        height = np.where(one["both"], floor, np.nan)
        axes.plot(
            steps, height, lw=7, color=COLOURS[k], solid_capstyle="butt", label=f"{kind} conditions"
        )
        axes.plot(
            one["taken"],
            float(ray(one["taken"])),
            "o",
            ms=7,
            color=COLOURS[k],
            label=f"{kind} search takes",
        )
    axes.set(xlabel="step along the direction", ylabel="value", ylim=(low - 1.1, None))
    axes.legend(ncols=2, loc="upper center")
