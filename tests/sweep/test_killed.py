"""SIGKILL at random moments, of one to four processes: the table is the same, bit for bit."""

import os
import random
import subprocess
import sys
import time

import pytest

from lectopt._sweep.reading import read_records
from tests.sweep.killed import train
from tests.sweep.test_directory import assert_same

KILLS = 30


@pytest.mark.slow
def test_kills(tmp_path, fast_compilation):
    chance = random.Random(0)
    running, kills = [], 0
    command = [sys.executable, "-m", "tests.sweep.killed", str(tmp_path / "study")]
    try:
        while True:
            while len(running) < (1 + kills % 4 if kills < KILLS else 2):
                with open(tmp_path / "log", "a") as log:
                    running.append(subprocess.Popen(command, stdout=log, stderr=log))
            time.sleep(chance.uniform(0, 0.4))
            files = sum(len(names) for _, _, names in os.walk(tmp_path / "study"))
            ended = [one for one in running if one.poll() is not None]
            for one in ended:
                assert one.returncode == 0, (tmp_path / "log").read_text()[-3000:]
            if ended and kills >= KILLS:
                break
            if ended:  # all is done already: begin again, with what is left to kill
                pytest.fail(f"done after {kills} kills; make the study larger")
            if kills < KILLS and files > 3 and chance.random() < 0.5:
                one = running.pop(chance.randrange(len(running)))
                one.kill()
                one.wait()
                kills += 1
    finally:
        for one in running:
            one.kill()
            one.wait()
    assert_same(train(tmp_path / "study").records, train(None).records)
    assert read_records(tmp_path / "study")[3]
    assert not [*(tmp_path / "study" / "claims").iterdir()]
