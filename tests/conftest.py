"""Strict JAX for every test, and eight devices on the CPU for the sharding tests."""

import collections
import gc
import os
import signal
import tempfile

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import pytest

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_addoption(parser):
    parser.addoption("--at-most", type=int, help="of each test's cases run so many, spread evenly")


@pytest.hookimpl(trylast=True)  # of the cases that -m and -k have left
def pytest_collection_modifyitems(config, items):
    most, cases = config.getoption("at_most"), collections.defaultdict(list)
    if most is None:
        return
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    chosen = {each[len(each) * k // most] for each in cases.values() for k in range(most) if each}
    kept = [item for item in items if item in chosen]
    others = [item for item in items if item not in chosen]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = kept


# What is traced and compiled stays: to look through all of it every 700 objects finds nothing.
gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def compile_once():
    """Tests that trace the same program anew get it compiled already. Each worker has a folder of
    its own, as JAX does not write these files in one piece."""
    with tempfile.TemporaryDirectory() as folder:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        jax.config.update("jax_compilation_cache_dir", folder)
        yield


@pytest.fixture(scope="module")
def fast_compilation():
    """For modules with large programs that run for milliseconds."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def x64():
    """Double precision within a test; `jax.enable_x64` is new, the experimental one is old."""
    if hasattr(jax, "enable_x64"):
        with jax.enable_x64(True):
            yield
    else:
        from jax.experimental import enable_x64

        with enable_x64(True):
            yield


@pytest.fixture
def heard():
    """Ctrl-C as in a terminal: a test in the background of a script would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
