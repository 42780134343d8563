"""Trees and arrays: what differs between leaves, sums over one or all, rows and columns."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import optax
import pytest

import lectopt
from lectopt.explain import explain
from tests.explain.lines import EXACT, FLOAT32, lines
from tests.support.optax_transformations import MATRIX

ROOT = Path(__file__).parents[2]
PARAMS = {"encoder": {"w": MATRIX, "b": jnp.ones(2)}, "head": jnp.ones(4)}


def test_masks_and_partitions_are_explained_by_group():
    masked = explain(lectopt.adamw, mask={"w": True, "b": False})
    groups = {group.leaves: str(masked["theta", group.leaves[0]]) for group in masked.groups}
    assert "λ" in groups[("w",)] and "λ" not in groups[("b",)]
    assert masked.replay() <= EXACT
    with pytest.raises(KeyError, match="depends on the leaf"):
        masked["theta"]

    labels = {"conv": "fast", "dense": "slow", "head": "slow"}
    rates = {"fast": lectopt.adam(0.1), "slow": lectopt.sgd(0.2)}
    found = lines(explain(optax.partition(rates, labels)))
    assert found.index("conv:") < found.index("dense, head:")
    assert "θ[t] = θ[t-1] - 0.2*g[t]" in found

    by_path = lectopt.chain(lectopt.sgd(0.5), lectopt.scale_by_path({"encoder/.*": 0.1}))
    explanation = explain(by_path, params=PARAMS)
    assert [group.leaves for group in explanation.groups] == [("encoder.b", "encoder.w"), ("head",)]
    assert explanation.replay() <= EXACT
    frozen = lectopt.unfreeze_gradually({"encoder/.*": 3}, lectopt.adam(0.1))
    assert explain(frozen, params=PARAMS).replay(steps=6) <= EXACT


def test_a_sum_over_one_leaf_is_told_from_one_over_all():
    assert "‖g[t]‖_leaf" not in str(explain(optax.clip_by_global_norm))
    assert "‖g[t]‖_leaf" in str(explain(optax.lars))
    tree = explain(optax.clip_by_global_norm, params=PARAMS)
    assert len(tree.groups) == 1 and tree.groups[0].leaves == ("encoder.b", "encoder.w", "head")
    assert "‖g[t]‖ < c" in str(tree) and tree.replay() <= EXACT
    noisy = explain(optax.chain(optax.clip_by_global_norm(1.0), optax.add_noise(0.1, 0.5, key=0)))
    assert len(noisy.groups) == 1 and noisy.replay() <= EXACT
    assert "switched_at[0] = 0" in str(explain(lectopt.swats))  # what belongs to no leaf
    scalar = explain(optax.lamb, params=jnp.float32(1.0))
    assert scalar.replay() <= EXACT
    norm = explain(lectopt.monitor(lectopt.sgd(0.1)), params=PARAMS)
    assert norm.replay() <= FLOAT32  # monitor records in float32


def test_matrices():
    """What treats rows and columns otherwise is shown to, or is a function with a name."""
    assert "Σ_j(g[t])/2" in str(explain(optax.centralize, params=MATRIX))
    wide = explain(optax.adafactor, params=jnp.ones((130, 140)))
    assert "v_row[t]" in str(wide) and wide.replay(steps=2) <= EXACT
    muon = explain(optax.contrib.muon, params=MATRIX)
    assert "orthogonalize" in str(muon)


def test_sizes_are_letters_but_for_given_parameters():
    assert explain(optax.scale_by_param_block_rms).replay() <= EXACT
    assert "sqrt(n)" in str(explain(optax.scale_by_param_block_rms))
    assert "n is the number of weights of the leaf" in str(explain(optax.adafactor))
    given = explain(optax.scale_by_param_block_rms, params=jnp.ones(4))
    assert "sqrt(n)" not in str(given) and given.replay() <= EXACT


def strange(program, start=lambda p: ()):
    return optax.GradientTransformation(start, program)


SQUARE = jnp.ones((3, 3))


@pytest.mark.parametrize(
    "tx, lines_printed",
    [
        (strange(lambda u, s, p=None: (u.T, s)), ["u[t] = transposed(g[t])"]),
        (
            strange(lambda u, s, p=None: (u + s, s.T + u), lambda p: 0 * p),
            ["state[t] = transposed(state[t-1]) + g[t]", "u[t] = state[t-1] + g[t]"],
        ),
        (
            strange(
                lambda u, s, p=None: (u / (1 + s[None]), s + (u**2).sum(1)), lambda p: 0 * p[0]
            ),
            # What is added up by rows is then looked at by columns.
            ["state[t] = state[t-1] + Σ_j(g[t]^2)", "u[t] = g[t]/(state[t-1][j] + 1)"],
        ),
        (strange(lambda u, s, p=None: (jnp.roll(u, 1), s)), ["u[t] = concatenate(g[t])"]),
        (
            strange(lambda u, s, p=None: (jnp.where(jnp.eye(3, dtype=bool), u, 0), s)),
            ["u[t] = g[t] if index_i() == index_j() else 0"],
        ),
        (
            strange(lambda u, s, p=None: (u / jnp.linalg.norm(u, axis=1, keepdims=True), s)),
            ["u[t] = g[t]/‖g[t]‖_j"],
        ),
        (
            strange(lambda u, s, p=None: (u * s.sum(), jnp.sqrt(s)), lambda p: jnp.full(5, 0.25)),
            ["u[t] = Σ_p(state[t-1])*g[t]"],
        ),
        (
            strange(lambda u, s, p=None: (u * s.sum(), s), lambda p: jnp.full((3, 3), 0.25)),
            [],
        ),
    ],
)
def test_places_are_not_mixed_up(tx, lines_printed):
    """A transposed matrix, a vector beside rows or columns, sums of what is alike at all places."""
    explanation = explain(tx, params=SQUARE)
    assert explanation.replay(steps=6) <= EXACT
    assert not set(lines_printed) - set(lines(explanation))


def test_strangers_get_an_answer():
    sort = strange(lambda u, s, p=None: (jnp.sort(u), s))
    assert "u[t] = sort(g[t])" in lines(explain(sort, params=jnp.ones(5)))
    mixed = strange(lambda u, s, p=None: (u + u.T, s))
    square = explain(mixed, params=jnp.ones((3, 3)))
    assert "u[t] = g[t] + transposed(g[t])" in lines(square) and square.replay() <= EXACT
    loop = strange(lambda u, s, p=None: (jax.lax.fori_loop(0, 3, lambda i, x: x * x, u), s))
    assert explain(loop).replay() <= EXACT
    broken = strange(lambda u, s, p=None: 1 / 0)
    assert "ZeroDivisionError" in explain(broken).obstacle
    growing = strange(lambda u, s, p=None: (u, (*s, 1)))
    assert "changes its structure" in explain(growing).obstacle
    for params, reason in (
        ({"w": jnp.ones(2, complex)}, "the leaf 'w' is of type complex64; .* real numbers"),
        ({"w": jnp.ones(0)}, "the leaf 'w' of params is empty; leave it out"),
        ({}, "params holds no array"),
    ):
        assert re.fullmatch(reason, explain(optax.sgd, params=params).obstacle)
    assert "not explained" in explain(growing).latex and explain(growing)._repr_html_()


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3), (2, 3, 2), (5,)])
def test_slots_of_other_shapes(shape):
    """Rows and columns, and one number for every leaf, in a tree with leaves of both kinds."""
    params = {"w": jnp.ones(shape), "b": jnp.ones(3)}
    for tx in (lectopt.adafactor(0.1, 2, clipping_threshold=0.5), lectopt.novograd(0.1)):
        explanation = explain(tx, params=params)
        assert not explanation.obstacle and explanation.replay(steps=4) <= EXACT
    labels = {"row[t]", "column[t]"} if len(shape) > 1 else {"v[t]"}
    page = explain(lectopt.adafactor(0.1, 2), params=params["w"])
    assert labels <= {line.split(" = ")[0] for line in lines(page)}


@pytest.mark.parametrize("fast", [lectopt.nesterov(0.1), optax.adam(0.1), lectopt.prodigy()])
def test_a_transformation_inside_another(fast):
    explanation = explain(lectopt.lookahead(fast, 3, 0.5), params=PARAMS)
    assert not explanation.obstacle and explanation.replay(steps=7) <= EXACT
