"""How checks compute: in double precision, operation by operation, or compiled quickly."""

import contextlib

import jax

from lectopt.numerics import double

__all__ = ["QUICKLY", "double", "stepwise"]

# For programs that run for microseconds: what `jax_disable_most_optimizations` sets.
QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


def stepwise() -> contextlib.AbstractContextManager[None]:
    """Nothing is compiled but single operations, which all subjects share: for a few updates of
    small leaves that is sooner done than a program of their own."""
    return jax.disable_jit()
