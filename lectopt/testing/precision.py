"""How checks compute: in double precision, operation by operation, or compiled quickly."""

import contextlib
from collections.abc import Iterator

import jax

# For programs that run for microseconds: what `jax_disable_most_optimizations` sets.
QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


@contextlib.contextmanager
def double() -> Iterator[None]:
    """64-bit numbers; `jax.enable_x64` is new, the experimental one is old."""
    if hasattr(jax, "enable_x64"):
        with jax.enable_x64(True):
            yield
    else:
        from jax.experimental import enable_x64  # pyright: ignore[reportAttributeAccessIssue]

        with enable_x64(True):
            yield


def stepwise() -> contextlib.AbstractContextManager[None]:
    """Nothing is compiled but single operations, which all subjects share: for a few updates of
    small leaves that is sooner done than a program of their own."""
    return jax.disable_jit()
