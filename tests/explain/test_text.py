"""What an explanation says: its lines, its LaTeX, its letters, its formulas as SymPy has them."""

import functools as ft

import optax
import pytest
import sympy as sp

import lectopt
from lectopt.explain import explain
from tests.explain.lines import EXACT, lines

part = ft.partial


def test_adam_reads_like_its_slide():
    for adam in (optax.adam, lectopt.adam):
        found = lines(explain(adam))
        assert set(found) >= {
            "m[t] = β1*m[t-1] + (1 - β1)*g[t]",
            "v[t] = β2*v[t-1] + (1 - β2)*g[t]^2",
            "m_hat[t] = m[t]/(1 - β1^t)",
            "v_hat[t] = v[t]/(1 - β2^t)",
            "θ[t] = θ[t-1] - α*m_hat[t]/(sqrt(v_hat[t]) + ε)",
        }
        assert not any("reads" in line or "count" in line for line in found)
    built = lines(explain(lectopt.adam(1e-3)))
    assert "m[t] = 0.9*m[t-1] + 0.1*g[t]" in built
    assert "θ[t] = θ[t-1] - 0.001*m_hat[t]/(sqrt(v_hat[t]) + 1e-08)" in built


@pytest.mark.parametrize(
    "tx, line",
    [
        (optax.rmsprop, "θ[t] = θ[t-1] - α*g[t]/sqrt(v[t] + ε)"),
        (part(optax.rmsprop, eps_in_sqrt=False), "θ[t] = θ[t-1] - α*g[t]/(sqrt(v[t]) + ε)"),
        (part(lectopt.rmsprop, eps=0.0), "θ[t] = θ[t-1] - α*(0 if v[t] == 0 else g[t]/sqrt(v[t]))"),
        (optax.adagrad, "θ[t] = θ[t-1] - α*g[t]/sqrt(r[t] + ε)"),
        (lectopt.momentum, "v[t] = β*v[t-1] - α*g[t]"),
        (part(lectopt.nesterov, form="look_ahead"), "g[t] = ∇L(θ[t-1] + β*v[t-1])"),
        (lectopt.nesterov, "evaluate at θ[t] - a[t]"),
        (optax.lion, "θ[t] = θ[t-1] - α*(sign(β1*m[t-1] + (1 - β1)*g[t]) + λ*θ[t-1])"),
        (optax.clip_by_global_norm, "u[t] = g[t] if ‖g[t]‖ < c else c*g[t]/‖g[t]‖"),
        (lectopt.clip_by_global_norm, "u[t] = g[t] if ‖g[t]‖ <= c else c*g[t]/‖g[t]‖"),
        (lectopt.clip_by_norm, "u[t] = g[t] if ‖g[t]‖_leaf <= c else c*g[t]/‖g[t]‖_leaf"),
        (optax.clip_by_block_rms, "u[t] = g[t]/max(1, ‖g[t]‖_leaf/(c*sqrt(n)))"),
        (optax.clip, "u[t] = clip(g[t], -c, c)"),
        (optax.polyak_sgd, "reads value"),
        (optax.zero_nans, "u[t] = 0 if isnan(g[t]) else g[t]"),
        (optax.noisy_sgd, "ξ[t] ~ N(0, 1)"),
        (lectopt.sgld, "θ[t] = θ[t-1] + sqrt(2*α)*ξ[t] - α*g[t]"),
        (optax.yogi, "start: m[0] = 1e-06, v[0] = 1e-06"),
        (optax.adagrad, "start: r[0] = r0"),
        (optax.rprop, "start: Δ[0] = α, u_prev[0] = 0"),
    ],
)
def test_lines(tx, line):
    assert line in lines(explain(tx))


def test_long_expressions_that_recur_get_a_letter():
    found = lines(explain(optax.lamb))
    assert "a[t] = m_hat[t]/(sqrt(v_hat[t]) + ε)" in found
    assert found[6].startswith("θ[t] = θ[t-1] - α*a[t]*(1 if ‖a[t]‖_leaf == 0 or")


def test_the_lag_of_optaxs_rprop_is_visible():
    """It moves by the step that it stored in the update before."""
    update = explain(optax.rprop)["update"]
    old = {s.name for s in update.free_symbols}
    assert old == {"u_prev[t-1]", "g[t]"}  # no step size, and the gradient only in the condition
    assert "Δ[t-1]" in {s.name for s in explain(lectopt.rprop)["update"].free_symbols}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # optimistic_adam says so of itself
def test_latex():
    latex = explain(optax.adam).latex
    assert latex.startswith("\\begin{aligned}\n") and latex.endswith("\n\\end{aligned}")
    assert r"m_{t} &= \beta_{1} \, m_{t-1} + \left(1 - \beta_{1}\right) \, g_{t} \\" in latex
    assert (
        r"\theta_{t} &= \theta_{t-1} - \alpha \, \frac{\hat{m}_{t}}{\sqrt{\hat{v}_{t}} + \epsilon}"
    ) in latex
    cases = explain(optax.clip_by_global_norm).latex
    assert r"\begin{cases} g_{t} & \text{if } \left\lVert g_{t} \right\rVert < c \\" in cases


def test_in_notebooks():
    explanation = explain(lectopt.adam)
    assert explanation._repr_latex_() == f"$$\n{explanation.latex}\n$$"
    page = explanation._repr_html_()
    assert "lectopt.adam" in page and "start: m[0] = 0" in page and "&amp;=" in page
    assert repr(explanation) == str(explanation) == explanation.text


@pytest.mark.parametrize(
    "letters, line",
    [
        ("cmu11785", "w[k] = w[k-1] - η*m_hat[k]/sqrt(v_hat[k] + ε)"),
        ("liege", "θ[t] = θ[t-1] - γ*s_hat[t]/sqrt(r_hat[t] + δ)"),
        ("isi", "θ[t] = θ[t-1] - α*v_hat[t]/sqrt(S_hat[t] + ε)"),
        ("ttic31230", "Φ[t] = Φ[t-1] - lr*g̃_hat[t]/sqrt(s_hat[t] + ε)"),
        ("stat479", "θ[t] = θ[t-1] - α*m_hat[t]/sqrt(v_hat[t] + ε)"),
        ("kingma", "θ[t] = θ[t-1] - α*m_hat[t]/sqrt(v_hat[t] + ε)"),
        (
            {"learning_rate": "h", "mu": "p", "theta": "x", "g": "f", "t": "n"},
            "x[n] = x[n-1] - h*p_hat[n]/sqrt(v_hat[n] + ε)",
        ),
    ],
)
def test_letters(letters, line):
    adam = part(lectopt.adam, eps_placement="inside")
    explanation = explain(adam, letters=letters)
    assert line in lines(explanation)
    assert explanation.replay(steps=3) <= EXACT
    assert r"\hat{\tilde{g}}_{t}" in explain(adam, letters="ttic31230").latex


def test_start_reads_and_symbols():
    explanation = explain(optax.rmsprop, initial_scale=0.5)
    assert explanation.symbols == {
        "α": "learning_rate", "β": "decay", "ε": "eps", "v0": "initial_scale",
    }  # fmt: skip
    assert str(explanation.start["nu"]) == "v0"
    assert explanation.reads == frozenset()
    assert explain(optax.adamw).reads == {"params"}
    assert explain(optax.lbfgs).reads == {"params", "value", "value_fn"}
    assert explain(part(lectopt.rprop, variant="irprop+")).reads == {"value"}
    assert explain(lectopt.adam(0.1)).symbols == {}


def test_sympy_expressions():
    explanation = explain(optax.sgd, momentum=0.9)
    alpha, mu, v, g, theta = map(
        explanation.symbol, ["learning_rate", "momentum", "trace", "g", "theta"]
    )
    assert sp.simplify(explanation["trace"] - (mu * v + g)) == 0
    assert sp.simplify(explanation["theta"] - (theta - alpha * (mu * v + g))) == 0
    assert sp.diff(explanation["update"], g) == -alpha
    assert explanation["v"] == explanation["trace"]
    assert explanation.parse("theta - learning_rate*(momentum*trace + g)").equals(
        explanation["theta"]
    )
    assert [str(eq.lhs) for eq in explanation.equations] == ["v[t]", "θ[t]"]
    numbers = explain(optax.sgd(0.25))
    assert numbers["update"] == -0.25 * numbers.symbol("g")
    with pytest.raises(KeyError, match="there are trace, theta, update"):
        explanation["nu"]
