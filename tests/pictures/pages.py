"""What a page of `pictures.explorer` computes, run by Node.js and by Chromium; and the same by JAX
in float64."""

import dataclasses
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.numerics import double
from lectopt.pictures.descents import by_rate, descend, is_built
from tests.explain.programs import NODE

STEPS = 200
SHARES = np.array([1.0, 0.1])  # of the rate that the page begins with
EVERY = """
const found = given.optimizers.map((_, k) => given.landscapes.map((ground, m) => SHARES.map((s) => {
  const settings = defaults(k, m);
  if ("learning_rate" in settings) settings.learning_rate *= s;
  return descend(k, settings, m, ground.start, STEPS).path;
})));
const all = JSON.stringify({ given, found });
""".replace("STEPS", str(STEPS)).replace("SHARES", str(SHARES.tolist()))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), "")


def in_node(page: Path) -> dict[str, Any]:
    """The page's `given`, and its paths by optimizer, landscape and share of the rate."""
    script = re.search(r"<script>\n(.*?)</script>", page.read_text("utf-8"), re.DOTALL)
    assert script
    code = script[1] + EVERY + "process.stdout.write(all);"
    ran = subprocess.run([NODE, "-"], input=code, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def in_chromium(page: Path) -> dict[str, Any]:
    """The same in a browser, which has drawn the page before."""
    asking = page.with_name("asking.html")
    code = f"{EVERY}document.body.textContent = all;"
    asking.write_text(f"{page.read_text('utf-8')}<script>{code}</script>", "utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page.parent}"]
    call = [CHROMIUM, *options, "--dump-dom", asking.as_uri()]
    ran = subprocess.run(call, capture_output=True, text=True, check=True, timeout=120)
    body = re.search(r"<body>(.*)</body>", ran.stdout, re.DOTALL)
    assert body
    return json.loads(html.unescape(body[1]))


LANES = 9
SOONER = 5  # steps: roundings that grow a millionfold a step are seen that much sooner or later


def by_jax(racer: Any, rate: float, landscape: Any) -> tuple[np.ndarray, np.ndarray]:
    """For each share of the rate, the path in float64, of shape (steps + 1, d), and for how many
    points it does not depend on roundings: those lie within 1e-12 of it who read the landscape a
    few roundings away, elsewhere at each step."""
    with double():
        make = (lambda _: racer) if is_built(racer) else by_rate("racer", racer)
        start = np.asarray(landscape.start, np.float64)

        def run(rate: Any, shift: Any) -> jax.Array:
            def rounded(x: Any, *more: Any) -> jax.Array:
                noise = shift * jnp.cos(1e12 * jax.lax.stop_gradient(x))
                return landscape.formula(x + noise, *more)

            return descend(make(rate), dataclasses.replace(landscape, formula=rounded), STEPS)[
                "points"
            ]

        shifts = 1e-15 * np.random.default_rng(0).uniform(-1, 1, (LANES, *start.shape))
        shifts[0] = 0
        both = jax.jit(jax.vmap(jax.vmap(run, (None, 0)), (0, None)))
        paths = np.asarray(both(rate * SHARES, shifts)).reshape(len(SHARES), LANES, STEPS + 1, -1)
    with np.errstate(over="ignore", invalid="ignore"):
        apart = np.abs(paths[:, 1:] - paths[:, :1]).max(axis=(1, 3))
        bad = ~np.isfinite(paths[:, 0]).all(axis=-1) | ~(apart < 1e-12 * magnitude(paths[:, 0]))
    certain = np.where(bad.any(axis=1), bad.argmax(axis=1) - SOONER, STEPS + 1)
    return paths[:, 0], np.maximum(certain, 1)


def magnitude(path: np.ndarray) -> np.ndarray:
    """How far the path has come from 0 by each step, but 1 at least."""
    return np.maximum.accumulate(np.maximum(np.abs(path).max(axis=-1), 1.0), axis=-1)


def distance(page: list, path: np.ndarray, points: int) -> float:
    """The largest distance of the page's path from JAX's over so many points, relative to its
    magnitude."""
    assert len(page) >= points
    apart = np.abs(np.array(page[:points]) - path[:points]).max(axis=1)
    return float((apart / magnitude(path[:points])).max())
