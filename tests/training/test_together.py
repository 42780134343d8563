"""Two processes on the loopback interface make one training together."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, Mesh

from tests.training import together

PROGRAM = Path(together.__file__)


def start(port, me, directory):
    env = os.environ | {"PYTHONPATH": str(PROGRAM.parents[2]), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(PROGRAM), str(port), "2", str(me), str(directory)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True)


def assert_close(found, run):
    """What the processes found, and a run of this one alone."""
    here = together.told(run)
    assert found["stopped"] == [*here["stopped"]] and found["best"] == here["best"]
    for name in ("loss", "evaluations"):
        np.testing.assert_allclose(found[name], here[name], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_two_processes_train_as_one_does(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [start(port, me, tmp_path / "run") for me in range(2)]
    try:
        (out, error), (_, other) = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert out, error[-3000:] + other[-3000:]
    found = json.loads(out.splitlines()[-1])
    assert found["stopped"] == ["interrupted", 20, "a signal to another process"]
    assert found["run"] == found["again"]
    assert found["kernel"] == [False, [4, 4]]

    device, kind = np.array(jax.devices()[:1]), (AxisType.Auto,) * 2
    one = Mesh(device.reshape(1, 1), ("data", "model"), axis_types=kind)
    with jax.set_mesh(one):
        run = together.train(40)
        assert_close(found["run"], run)
        x, y = together.DATA["train"]
        batches = [(x[i : i + 24], y[i : i + 24]) for i in range(0, 72, 24)]
        assert_close(found["batches"], together.streamed(lambda: iter(batches)))
        back = together.train(40, tmp_path / "run", accept_changes=("device",))
    assert back.step == 40
    np.testing.assert_allclose(back.params["a"]["kernel"], run.params["a"]["kernel"], atol=1e-5)
