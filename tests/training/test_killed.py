"""A process that is killed at any moment loses nothing but time."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("interrupted.py")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """What starts the program in a process of its own; they share what is compiled."""
    cache = tmp_path_factory.mktemp("compiled")
    env = os.environ | {
        "PYTHONPATH": str(PROGRAM.parents[2]),
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }

    def run(directory, block=0.05):
        command = [sys.executable, str(PROGRAM), str(directory), str(block)]
        return subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return run


@pytest.fixture(scope="module")
def straight(start, tmp_path_factory):
    """The run that nobody disturbed."""
    out, error = start(tmp_path_factory.mktemp("run"), block=1.0).communicate()
    assert out, error
    found = json.loads(out)
    assert found["step"] == 400 and found["reason"] == "steps" and found["reductions"] > 0
    return found


def killed_and_resumed(start, directory, moments):
    """Kill the program so many seconds after it has begun to train, each time; then let it end."""
    kills = 0
    for moment in moments:
        process = start(directory)
        lines = directory / "history.jsonl"
        before = lines.stat().st_size if lines.exists() else 0
        while process.poll() is None and (not lines.exists() or lines.stat().st_size == before):
            time.sleep(0.005)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.communicate()
    out, error = start(directory).communicate()
    assert out, error
    return json.loads(out), kills


@pytest.mark.slow  # starts three processes, each of which compiles
def test_killed_once(start, straight, tmp_path):
    found, kills = killed_and_resumed(start, tmp_path / "run", [0.2])
    assert found == straight and kills == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_at_random_moments(start, straight, tmp_path, seed):
    """Twenty kills in all."""
    moments = [random.Random(seed).uniform(0, 1.5) for _ in range(4)]
    found, kills = killed_and_resumed(start, tmp_path / "run", moments)
    assert found == straight and kills >= 1
