"""Dask's workers: one is killed, and the table is the same."""

import os
import threading

import numpy as np
import pytest

from tests.sweep.test_directory import assert_same, train


@pytest.mark.slow
def test_dask_with_a_worker_that_is_killed(tmp_path):
    """Two workers on the loopback interface; one is killed when it has begun."""
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    rates = np.logspace(-4, -1, 16)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster, distributed.Client(cluster) as client:  # fmt: skip
        pids = [*client.run(os.getpid).values()]
        done = threading.Event()

        def kill():
            while not done.wait(0.05):
                if len([*(tmp_path / "tiles").glob("*.npz")]) >= 2:
                    os.kill(pids[0], 9)
                    return

        thread = threading.Thread(target=kill)
        thread.start()
        found = train(tmp_path, rates, tile=2, steps=2000, executor=client.get_executor())
        done.set()
        thread.join()
    assert_same(found.records, train(None, rates, tile=2, steps=2000).records)
