"""What a run gives to a function that is traced, and how many programs a run compiles."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import fit
from lectopt.training import Problem, programs
from tests.training import runs
from tests.training.nets import LinenNormed, NnxNormed, cross_entropy, told
from tests.training.samples import DATA

pytestmark = pytest.mark.usefixtures("fast_compilation")
AVERAGED = lectopt.chain(
    lectopt.sgd(0.1), lectopt.average_params(lectopt.averaging.exponential(0.9))
)
X = DATA["validation"][0]
CALLS = {
    "nnx": lambda model, x: model(x),
    "linen": lambda model, x: model(x, train=False),
    "plain": lambda model, x: runs.logits(model[0], x),
}


def problem(kind):
    if kind == "nnx":
        return Problem.from_nnx(NnxNormed, cross_entropy, DATA, 8)
    if kind == "linen":
        return Problem.from_linen(LinenNormed(), told, DATA, 8)
    return runs.problem()


@pytest.mark.parametrize(
    "kind", ["nnx", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("linen", "plain"))]
)
def test_a_model_that_is_first_asked_for_in_a_traced_function_keeps_no_tracer(kind):
    run, call = fit(problem(kind), AVERAGED, 3), CALLS[kind]
    x = runs.DATA["validation"][0] if kind == "plain" else X
    with jax.checking_leaks():
        inside = jax.jit(lambda x: call(run.model, x))(x)
        jax.grad(lambda x: call(run.model, x).sum())(x)
        best = jax.vmap(lambda x: call(run.best.model, x[None]))(x)[:, 0]
    outside = call(run.model, x)
    np.testing.assert_allclose(inside, outside, rtol=1e-5, atol=1e-6)
    assert not isinstance(outside, jax.core.Tracer) and best.shape == outside.shape
    assert run.model is run.model or isinstance(run.model, nn.Module | tuple)
    if kind == "nnx":  # it is of the outside, and may be changed there
        run.model.train()
        assert jnp.isfinite(run.model(x)).all()


def test_a_run_compiles_the_same_programs_however_long_it_is(monkeypatch):
    """Its start, its first state, a block, an evaluation, the weights to use: and nothing of a
    step, a block or an evaluation is compiled anew, nor called more often than blocks are begun."""
    compiled, calls = [], []

    def heard(name, seconds, **facts):
        if name.endswith("backend_compile_duration"):
            compiled.append(facts.get("fun_name"))

    run_block = programs.Programs.run
    monkeypatch.setattr(programs.Programs, "run", lambda *args: calls.append(1) or run_block(*args))
    runs.clock(monkeypatch, 0.01)  # a block of 2 steps takes as long as one of 100
    tx = optax.adam(0.1)
    fit(runs.problem(), tx, 4)  # what single operations compile, once in a process
    jax.monitoring.register_event_duration_secs_listener(heard)
    found = []
    try:
        for steps in (40, 4000):
            compiled.clear(), calls.clear()
            fit(runs.problem(), tx, steps)
            found.append((len(compiled), len(calls)))
    finally:
        jax.monitoring.unregister_event_duration_listener(heard)
    assert [programs for programs, _ in found] == [5, 5]
    assert found[1][1] <= 20 + 4  # evaluations, and the first blocks, each 8 times the one before
