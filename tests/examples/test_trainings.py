"""The examples of training, on reduced sizes."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt

pytestmark = pytest.mark.usefixtures("fast_compilation")
FOLDER = Path(__file__).parents[2] / "examples"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(FOLDER.parent)}


def example(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nnx_mlp(tmp_path):
    train = example("nnx_mlp").train
    run = train(16, 8, tmp_path)
    assert run.step == 128 and run.best.metrics["validation_accuracy"] > 0.8
    again = train(16, 8, tmp_path)
    assert again.history.equals(run.history)


@pytest.mark.slow  # ten seconds of compilation
def test_linen_cnn():
    run = example("linen_cnn").train(width=4, epochs=8)
    assert run.evaluations["validation_accuracy"].iloc[-1] > 0.5
    assert len(run.evaluations) == 8 and run.model_state["batch_stats"].keys()


@pytest.mark.slow
def test_transfer_learning():
    found = example("transfer_learning").main(known_steps=200, steps=60)
    assert list(found) == [
        "frozen", "gradually unfrozen", "discriminative rates", "from scratch"
    ]  # fmt: skip
    assert min(found.values()) > 0.5


@pytest.mark.slow  # the same
def test_own_loop(tmp_path):
    module = example("own_loop")
    state = module.main(tmp_path / "two", steps=40, every=10)
    straight = module.train(tmp_path / "one", 40, 10, 40)
    assert state.step == straight.step == 40
    for a, b in zip(*(jax.tree.leaves(s.params) for s in (state, straight)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert lectopt.metrics(state.opt_state)["update_norm"] > 0  # carried to another optimizer


@pytest.mark.slow
def test_resume_after_crash():
    """In a process of its own, as here programs are compiled otherwise than in those it starts."""
    code = "import resume_after_crash; assert resume_after_crash.main(steps=400)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=FOLDER, env=ENVIRONMENT)


def test_sgld():
    found = example("sgld").main(steps=6000)
    np.testing.assert_allclose(found["mean"], found["exact mean"], atol=0.03)
    np.testing.assert_allclose(found["sd"], found["exact sd"], rtol=0.15)
    assert abs(found["correlation"] - found["exact correlation"]) < 0.1


@pytest.mark.slow
def test_character_transformer(capsys):
    run = example("character_transformer").main(steps=30, width=16, layers=1, size=40_000)
    assert run.step == 30
    assert run.evaluations["validation_loss"].iloc[-1] < 4.2  # it has learned: log(90) is 4.5
    assert all(x.dtype == jnp.bfloat16 for x in jax.tree.leaves(run.params))
    slots = jax.tree.leaves(optax.tree.get(run.opt_state, "nu"))
    assert all(x.dtype == jnp.float32 for x in slots)
    assert "The " in capsys.readouterr().out


def test_from_pytorch(tmp_path):
    pytest.importorskip("torch", reason="the run that is taken over is PyTorch's")
    run = example("from_pytorch").main(tmp_path, before=30, total=60)
    assert run.history.index.tolist() == list(range(30, 60))
