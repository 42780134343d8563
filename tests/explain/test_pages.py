"""What a page says of real programs: groups by rank, what it was read on, and only what is so."""

import time

import jax
import jax.numpy as jnp
import optax
import pytest

import lectopt
from lectopt.explain import explain
from tests.explain.lines import EXACT, lines
from tests.support.algorithms import ALGORITHMS
from tests.support.optax_transformations import OPTAX

WARMUP = optax.warmup_cosine_decay_schedule(0.0, 1e-3, 100, 1000)
ALL = "read on scalars, vectors, matrices and arrays of 4 axes"


def no_vectors(params):
    return jax.tree.map(lambda x: x.ndim > 1, params)


def gpt(layers, width=64):
    """The parameters of a transformer, as shapes."""

    def s(*shape):
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    def dense(n, m):
        return {"w": s(n, m), "b": s(m)}

    norm = {"scale": s(width), "bias": s(width)}
    block = {
        "ln1": norm, "qkv": dense(width, 3 * width), "proj": dense(width, width), "ln2": norm,
        "up": dense(width, 4 * width), "down": dense(4 * width, width),
    }  # fmt: skip
    return {"wte": s(997, width), "lnf": norm, **{f"h{k}": block for k in range(layers)}}


def placewise(rule):
    return optax.stateless_with_tree_map(rule)


def test_masks_by_rank_are_groups():
    found = lines(explain(optax.adamw(1e-3, weight_decay=0.1, mask=no_vectors)))
    assert found.index("matrices, arrays of 4 axes:") < found.index("scalars, vectors:")
    assert "θ[t] = θ[t-1] - 0.001*(m_hat[t]/(sqrt(v_hat[t]) + 1e-08) + 0.1*θ[t-1])" in found
    assert "θ[t] = θ[t-1] - 0.001*m_hat[t]/(sqrt(v_hat[t]) + 1e-08)" in found
    assert found[-1] == ALL


def test_what_is_alike_is_printed_once():
    assert len(explain(optax.adam).groups) == 1 and lines(explain(optax.adam))[-1] == ALL
    assert (
        lines(explain(optax.clip_by_block_rms))[1] == "u[t] = g[t]/max(1, ‖g[t]‖_leaf/(c*sqrt(n)))"
    )
    assert len(explain(optax.lamb).groups) == 1


def test_matrices_are_told_apart():
    centralized = lines(explain(optax.centralize))
    assert {"scalars, vectors:", "u[t] = g[t]", "u[t] = g[t] - Σ_j(g[t])/n_j"} <= set(centralized)
    muon = str(explain(optax.contrib.muon))
    assert "matrices:" in muon and "orthogonalize" in muon and "adam_b1" in muon
    factored = lines(explain(optax.adafactor))
    assert "v_row[t] = (1 - t^(-β))*v_row[t-1] + t^(-β)*Σ_i(g[t]^2 + ε)/n_i" in factored
    assert "a[t] = g[t]/(sqrt(n_j*v_row[t]/Σ_j(v_row[t]))*sqrt(v_col[t]))" in factored


def test_a_model_of_many_leaves():
    recipe = optax.chain(
        optax.clip_by_global_norm(1.0), optax.adamw(WARMUP, weight_decay=0.1, mask=no_vectors)
    )
    params = gpt(12)
    begin = time.process_time()
    explanation = explain(recipe, params=params)
    page = str(explanation)
    assert time.process_time() - begin < 10  # a second where nothing else runs
    assert [explanation.called(group) for group in explanation.groups] == ["vectors", "matrices"]
    assert f"read on the {len(jax.tree.leaves(params))} leaves of params" in page
    assert "‖g[t]‖ < 1" in page and len(page.splitlines()) < 30
    assert explain(recipe, params=gpt(1, 4)).replay(3) <= 1e-6  # Optax computes the rate in float32


def test_noise_for_many_leaves_is_one_line():
    params = [jnp.ones(3 + k) for k in range(16)]
    explanation = explain(optax.add_noise(0.1, 0.5, key=0), params=params)
    assert lines(explanation)[1:3] == ["ξ[t] ~ N(0, 1)", "u[t] = sqrt(0.1/sqrt(t))*ξ[t] + g[t]"]
    assert explanation.replay() <= EXACT


@pytest.mark.parametrize("maker", [optax.adamw, optax.lion, lectopt.adam])
def test_a_warm_up_is_a_descent(maker):
    assert any(
        line.startswith("θ[t] = ")
        for line in lines(explain(maker(optax.linear_schedule(0.0, 0.1, 10))))
    )


def test_types_are_not_passed_over():
    narrow = explain(placewise(lambda g, p: g.astype(jnp.bfloat16).astype(g.dtype)))
    assert "u[t] = bfloat16(g[t])" in lines(narrow) and narrow.replay() <= EXACT
    page = str(explain(optax.adam(1e-3, mu_dtype=jnp.bfloat16)))
    assert "m[t]     = bfloat16(" in page and "const" not in page
    whole = explain(placewise(lambda g, p: (10 * g).astype(jnp.int32).astype(g.dtype)))
    assert "u[t] = int32(10*g[t])" in lines(whole) and whole.replay() <= EXACT
    divided = placewise(
        lambda g, p: jax.lax.div((10 * g).astype(jnp.int32), jnp.int32(-3)).astype(g.dtype)
    )
    assert explain(divided).replay() <= EXACT


def test_a_name_means_nothing():
    def normal(x):
        return 2 * x

    def L(x):
        return 3 * x

    both = explain(placewise(lambda g, p: jax.jit(normal)(g) + jax.jit(L)(g)))
    assert "u[t] = 5*g[t]" in lines(both)


def test_a_condition_outside_says_nothing_of_a_sum():
    def cautious(g, p):
        agrees = g * p > 0
        share = jnp.mean(jnp.where(agrees, 1.0, 0.0))
        return jnp.where(agrees, g / jnp.maximum(share, 1e-3), 0)

    explanation = explain(placewise(cautious))
    assert "Σ_leaf(1 if θ[t-1]*g[t] > 0 else 0)/n" in str(explanation)
    assert explanation.replay() <= EXACT


def test_a_letter_for_nothing():
    with pytest.raises(ValueError, match="letters names 'nonexistent', which optax.adam does not"):
        explain(optax.adam, letters={"nonexistent": "q"})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # optimistic_adam says so of itself
def test_no_line_is_too_long():
    for row in OPTAX[:60]:
        page = str(explain(row.tx, params=row.params, **row.settings))
        assert max(map(len, page.splitlines()[1:])) <= 100, page
    for row in ALGORITHMS[:20]:
        page = str(explain(row.make, **row.numbers))
        assert max(map(len, page.splitlines()[1:])) <= 100, page
