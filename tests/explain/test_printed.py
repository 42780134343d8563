"""The printed text and LaTeX, read again and run beside the optimizer that they describe.

`replay` evaluates the formulas behind the print; a sign or a parenthesis that is lost in printing
escapes it. Here nothing is taken from `explain` but what it prints and which letter stands for
which setting.
"""

import inspect
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt.explain import explain
from tests.support.algorithms import ALGORITHMS, is_first
from tests.support.optax_transformations import OPTAX, Row
from tests.support.printed import (
    CONTINUED,
    EVALUATION,
    POINT,
    Equations,
    Unreadable,
    plain,
    typeset,
)

EXACT, FLOAT32 = 1e-10, 1e-6
STEPS = 6  # RAdam's first updates are another rule than the sixth
VECTORS = {"a": jnp.ones(4), "b": jnp.ones(4)}  # labelled as the masks of Optax's rows
SHAPES = (  # of formulas that no optimizer has: updates by the gradient and the parameter
    lambda g, p: jnp.exp(-jnp.abs(g) - 0.5 * p),
    lambda g, p: (g - p) / (jnp.exp(-p * p) + 2 / (1 + jnp.abs(g))) - g / (3 * jnp.cos(p)),
    lambda g, p: (p - jnp.tanh(g)) ** 3 - (g - (p - jnp.sin(g)) * 2) / 7,
    lambda g, p: jnp.where((g > 0) & (p > 0) | (g < -1), jnp.log(1 + g * g), jnp.floor(g / 2)),
    lambda g, p: 2.0 ** (-jnp.clip(g - p, -1, 3)) * jnp.sqrt(jnp.abs(p)) / (jnp.abs(p) + 1) ** 2,
)
RUNS = {f"optax.{row.name}": row for row in OPTAX}
RUNS |= {f"lectopt.{row.id}": row for row in ALGORITHMS}
OTHER_CONVENTIONS = {f"lectopt.{row.id}" for row in ALGORITHMS if not is_first(row)}
RUNS |= {f"shape {k}": Row("", optax.stateless_with_tree_map(f)) for k, f in enumerate(SHAPES)}
UNREAD = {  # why -> which
    "not explained": (
        "optax.monitor", "optax.measure_with_ema", "optax.lookahead", "optax.sophia",
        "optax.differentially_private_aggregate",
    ),
    "no formula": (  # a line search, a function of matrices, a list
        "optax.lbfgs", "optax.scale_by_lbfgs", "optax.scale_by_backtracking_linesearch",
        "optax.scale_by_zoom_linesearch", "optax.galore", "optax.muon", "optax.mechanize",
        "lectopt.lbfgs", "lectopt.lbfgs/torch", "lectopt.mechanize/sgd", "lectopt.sm3",
    ),
    r"~ N\(0, 1\)": ("optax.noisy_sgd", "optax.add_noise", "lectopt.sgld", "lectopt.noisy_sgd"),
}  # fmt: skip
WHY = {name: why for why, names in UNREAD.items() for name in names}


def settings_of(maker, given):
    """All settings of a maker, in float64 and large enough for each to be seen in the updates."""
    found = {}
    for name, parameter in inspect.signature(maker).parameters.items():
        value = given.get(name, parameter.default)
        if value is parameter.empty:
            value = (lambda count: 1 / (1.0 + count)) if name.endswith("_fn") else 0.1
        if isinstance(value, float):  # JAX gives a Python number the width of what it meets
            value = np.float64(3e-3 if 0 < value < 3e-3 else value)
        found[name] = 0 if name == "key" and value is None else value
    return found


def subject(name):
    """The optimizer of a row, its explanation, the numbers of its letters, and parameters."""
    row = RUNS[name]
    ours = name.startswith("lectopt.")
    maker, given, params = (
        (row.make, row.numbers, None) if ours else (row.tx, row.settings, row.params)
    )
    built = hasattr(maker, "update")
    settings = {} if built else settings_of(maker, given)
    explanation = explain(maker, params=params, **settings)
    tuples = {k: v for k, v in settings.items() if isinstance(v, tuple)}
    values = settings | {f"{k}[{i}]": x for k, v in tuples.items() for i, x in enumerate(v)}
    letters = {} if explanation.obstacle else explanation.symbols
    numbers = {letter: values[k] for letter, k in letters.items() if not callable(values[k])}
    tx = maker if built else maker(**settings)
    return tx, explanation, numbers, VECTORS if params is None else params


def leaves(tree):
    """The leaves by the labels that `explain` gives them."""
    return {k: np.asarray(x) for k, x in (tree if isinstance(tree, dict) else {"": tree}).items()}


def gradient(random, like):
    """Sizes from 1e-3 to 1e2 of both signs; zeros here and there, and always for one weight."""
    values = 10 ** random.uniform(-3, 2, like.shape) * random.choice([-1, 0, 1, 1], like.shape)
    values.flat[0] = 0
    return jnp.asarray(values)


def check(text, latex, tx, numbers, params, tolerance):
    """Run the optimizer, and beside it what is printed and what is typeset of it."""
    random = np.random.default_rng(0)
    params = jax.tree.map(lambda p: jnp.asarray(random.normal(size=p.shape)), params)
    pages = [Equations(x, leaves(params), numbers) for x in (text, typeset(text, latex))]
    ours = isinstance(tx, lectopt.Transformation)
    update = optax.with_extra_args_support(tx).update
    state = tx.init(params)

    def agree(name, time, tree):
        for page in pages:
            for leaf, value in leaves(tree).items():
                found = np.broadcast_to(page(name, time, leaf), value.shape)
                np.testing.assert_allclose(found, value, tolerance, 1e-3 * tolerance, err_msg=name)

    for time in range(1, STEPS + 1):
        if ours:
            agree(POINT, time, tx.point(params, state))
        grads = jax.tree.map(lambda p: gradient(random, p), params)
        loss = random.uniform(0.5, 1.5)
        for page in pages:
            for leaf, g in leaves(grads).items():
                page.give(time, leaf, g=g, L=loss)
        extra = {"value": loss} if re.search("reads .*value", text) else {}
        updates, state = update(grads, state, params, **extra)
        params = optax.apply_updates(params, updates)
        agree("θ", time, params)
        if ours:
            agree(EVALUATION, time, lectopt.evaluation_params(state, params))


PLAIN = [name for name in RUNS if name not in OTHER_CONVENTIONS][::8]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in PLAIN else pytest.mark.slow) for name in RUNS],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # optimistic_adam says so of itself
def test_what_is_printed_is_what_runs(name, x64):
    tx, explanation, numbers, params = subject(name)
    text, latex = CONTINUED.sub(" ", explanation.text), explanation.latex
    tolerance = FLOAT32 if "computes a part in float32" in text else EXACT
    tolerance *= getattr(RUNS[name], "conditioning", 1)
    with jax.disable_jit():  # each operation is compiled once for all optimizers
        if name in WHY:
            with pytest.raises(Unreadable, match=WHY[name]):
                check(text, latex, tx, numbers, params, tolerance)
        else:
            check(text, latex, tx, numbers, params, tolerance)


def test_what_is_not_read_is_a_row():
    assert WHY.keys() <= RUNS.keys()


@pytest.mark.parametrize(
    "name, right, wrong",
    [
        ("optax.adam", "(1 - β1)*g[t]", "1 - β1*g[t]"),
        ("optax.adam", "(sqrt(v_hat[t]) + ε)", "sqrt(v_hat[t] + ε)"),
        ("optax.lars", " - α*", " + α*"),
        ("optax.rprop", "η_plus if u_prev[t-1]*g[t] > 0", "η_minus if u_prev[t-1]*g[t] > 0"),
        ("lectopt.nesterov/look_ahead", "∇L(θ[t-1] + β*v[t-1])", "∇L(θ[t-1])"),
        ("optax.adam", r"\left(1 - \beta_{1}\right) \, g", r"1 - \beta_{1} \, g"),
        (
            "optax.scale_by_trust_ratio",
            r"a_{t-1} \right\rVert_{\mathrm{leaf}}}",
            r"a_{t-1} \right\rVert}",
        ),
    ],
)
def test_a_fault_in_print_is_noticed(name, right, wrong, x64):
    tx, explanation, numbers, params = subject(name)
    text, latex = CONTINUED.sub(" ", explanation.text), explanation.latex
    assert right in text + latex
    with pytest.raises(AssertionError), jax.disable_jit():
        check(text.replace(right, wrong), latex.replace(right, wrong), tx, numbers, params, EXACT)


def test_latex_is_read_as_text():
    assert plain(r"\alpha \, \frac{\hat{m}_{1,t-1}^{2}}{x + 1 \cdot 10^{-8}}") == (
        "α*((m1_hat[t-1]^(2))/(x + 1e-8))"
    )
    cases = r"-\eta_{+} & \text{if } a_{t} = 0\text{ or }b \\ 2 & \text{otherwise}"
    assert plain(rf"\begin{{cases}} {cases} \end{{cases}}") == (
        "((-η_plus) if (a[t] == 0 or b) else (2))"
    )
