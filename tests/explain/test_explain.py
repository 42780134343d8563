"""What is printed is what runs: explanations of our transformations, of Optax's and of strangers'.

Every explanation is replayed: its equations, evaluated in plain NumPy, give the optimizer's own
numbers to 1e-12 in float64.
"""

import functools as ft
import inspect
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import optax
import pytest
import sympy as sp

import lectopt
from lectopt.explain import __main__ as command
from lectopt.explain import explain, replay
from tests.support.algorithms import ALGORITHMS
from tests.support.optax_transformations import MATRIX, OPTAX

part = ft.partial
EXACT = 1e-12
FLOAT32 = 1e-6  # for what Optax itself computes in float32, whatever the parameters are
ROOT = Path(__file__).parents[2]


def lines(explanation):
    """The printed lines without the spaces that align them."""
    return [re.sub(" +", " ", line).strip() for line in str(explanation).splitlines()]


# --- Reach: everything of ours, and Optax.


@pytest.mark.parametrize("row", ALGORITHMS, ids=lambda row: row.id)
def test_every_algorithm(row):
    explanation = explain(row.make, **row.numbers)
    assert explanation.obstacle == ""
    assert explanation.replay(steps=7) <= EXACT * row.conditioning
    built = explain(row.build())
    assert built.obstacle == "" and built.replay(steps=3) <= EXACT * row.conditioning


PARAMS = {"encoder": {"w": MATRIX, "b": jnp.ones(2)}, "head": jnp.ones(4)}
PARTS = {
    "add_decayed_weights": part(lectopt.add_decayed_weights, weight_decay=0.1),
    "add_l1": part(lectopt.add_l1, 0.1),
    "average_params/polynomial": lectopt.average_params(lectopt.polynomial_decay(3.0)),
    "average_params/uniform": lectopt.average_params(lectopt.uniform()),
    "average_params/exponential": lectopt.average_params(lectopt.exponential(0.9)),
    "average_params/suffix": lectopt.average_params(lectopt.suffix(0.5)),
    "average_params/ahead": lectopt.chain(
        lectopt.nesterov(0.1), lectopt.average_params(lectopt.uniform())
    ),
    "line_search": lectopt.chain(lectopt.negated(), lectopt.scale_by_wolfe_line_search()),
    "product": lectopt.product(lectopt.ema(0.9), lectopt.mean_square(0.9)),
    "ratio": lectopt.ratio(lectopt.identity(), lectopt.root(lectopt.mean_square(0.9), 1e-8)),
    "swats": lectopt.swats,
    "switch_when": lectopt.switch_when(lambda t: t >= 3, lectopt.adam(0.1), lectopt.sgd(0.1)),
}


@pytest.mark.parametrize("name", PARTS)
def test_every_control_and_combinator(name):
    explanation = explain(PARTS[name])
    assert explanation.obstacle == ""
    assert explanation.replay(steps=7) <= EXACT


def primitives():
    """The primitives that need no setting of a special kind."""
    makers = {k: v for k, v in vars(lectopt.primitives).items() if inspect.isfunction(v)}
    return sorted(k for k in makers if not k.startswith("_"))


@pytest.mark.parametrize("name", primitives())
def test_every_primitive(name):
    explanation = explain(getattr(lectopt.primitives, name))
    assert explanation.obstacle == ""
    assert explanation.replay() <= EXACT


@pytest.mark.parametrize("row", OPTAX, ids=lambda row: row.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # optimistic_adam says so of itself
def test_optax(row):
    explanation = explain(row.tx, params=row.params, **row.settings)
    assert row.why in explanation.obstacle and bool(explanation.obstacle) == bool(row.why)
    if row.why:
        assert "not explained" in str(explanation)
        with pytest.raises(ValueError, match="is not explained"):
            explanation.replay()
    else:
        narrow = "computes a part in float32" in str(explanation)
        assert row.float32 or not narrow  # older releases of Optax do less of it
        assert explanation.replay(steps=4) <= (FLOAT32 if narrow else EXACT)
    for opening, closing in (("{", "}"), (r"\begin", r"\end"), (r"\left", r"\right")):
        assert explanation.latex.count(opening) == explanation.latex.count(closing)


def spelled():
    """The optimizers of the lectures and of the dialects: what says that it returns one."""
    modules = [v for v in vars(lectopt.lectures).values() if inspect.ismodule(v)]
    modules += [lectopt.dialects.torch, lectopt.dialects.keras, lectopt.dialects.papers]
    for module in modules:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            here = function.__module__.startswith(module.__name__) and not name.startswith("_")
            if here and inspect.signature(function).return_annotation is lectopt.Transformation:
                yield pytest.param(function, id=f"{module.__name__.split('.')[-1]}.{name}")


# isi.gradual_unfreezing wants patterns of layers, as unfreeze_gradually does, which is below.
@pytest.mark.parametrize("maker", [p for p in spelled() if "unfreezing" not in p.id])
def test_every_spelling_in_lectures_and_dialects(maker):
    explanation = explain(maker)
    assert explanation.obstacle == "" and explanation.replay(steps=3) <= EXACT


def test_replay_notices_a_wrong_equation():
    explanation = explain(optax.adam)
    group = explanation.leaves[""]
    symbol = explanation.system.settings
    eps = next(s for s, name in symbol.items() if name == "eps")
    object.__setattr__(group, "update", group.update.subs(eps, 2 * eps + 1))
    assert explanation.replay(steps=2) > 1e-3
    assert replay(optax.adam, steps=2) <= EXACT


# --- What is printed.


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


def test_schedules_are_functions_of_t():
    schedule = optax.cosine_decay_schedule(1e-2, 100)
    explanation = explain(optax.adam, learning_rate=schedule)
    found = lines(explanation)
    assert any(line.startswith("α[t] = ") and "cos(" in line for line in found)
    assert "θ[t] = θ[t-1] - α[t]*m_hat[t]/(sqrt(v_hat[t]) + ε)" in found
    assert explanation.replay() <= EXACT
    ours = explain(lectopt.sgd, learning_rate=lectopt.inverse_time_decay(0.1, 0.5))
    assert ours.replay() <= EXACT
    assert ours.parse("t") in ours["update"].free_symbols
    inside, outside = (
        explain(part(lectopt.momentum, form=form), learning_rate=schedule)
        for form in ("velocity", "heavy_ball")
    )
    assert "v[t] = β*v[t-1] - α[t]*g[t]" in lines(inside)
    assert "θ[t] = θ[t-1] - α[t]*v[t]" in lines(outside)


@pytest.mark.parametrize(
    "schedule, formula",
    [
        (lectopt.cosine_decay(0.1, 9), "0.05*(1 + cos(π*min(9, t - 1)/9))"),
        (lectopt.cosine_restarts(0.1, 10, 2), "0.05*(1 + cos(π*((t - 1) mod 5)/5))"),
        (lectopt.step_decay(0.1, 0.5, 5), "0.1*0.5^floor((t - 1)/5)"),
        (lectopt.power_decay(0.1, 0.5), "0.1/sqrt(t)"),
        (lectopt.inverse_time_decay(0.1, 0.5), "0.1/(1 + 0.5*(t - 1))"),
        (lectopt.warmup(0.1, 10), "0.01*(t - 1) if t < 11 else 0.1"),
        (optax.linear_schedule(1.0, 0.0, 4), "1 - min(4, t - 1)/4"),
        (
            optax.piecewise_constant_schedule(0.1, {3: 0.1, 7: 0.5}),
            "(0.1 if t < 4 else 0.01) if t < 8 else 0.005",
        ),
        (
            optax.cosine_onecycle_schedule(10, 0.1, 0.5, div_factor=10, final_div_factor=10),
            "(0.001 + 0.0495*(1 + cos(π*(t - 6)/5)) if t >= 6 and t < 11 else 0) + "
            "(0.001 if t >= 11 else 0) + (0.1 - 0.045*(1 + cos(π*(t - 1)/5)) if t < 6 else 0)",
        ),
    ],
    ids=lambda x: getattr(x, "__qualname__", type(x).__name__).split(".")[0],
)
def test_schedule_reads_as_its_formula(schedule, formula):
    explanation = explain(optax.sgd, learning_rate=schedule)
    assert f"α[t] = {formula}" in lines(explanation)
    assert explanation.replay(steps=15) <= FLOAT32  # Optax computes its schedules in float32


def test_a_schedule_read_at_two_steps_has_one_letter():
    """Its letter is its value at the first; at the other step it is written out."""
    for form in ("shifted", "look_ahead", "simplified"):
        maker = part(lectopt.nesterov, form=form)
        explanation = explain(maker, decay=lambda count: 0.5 + 0.4 / (2.0 + count))
        assert "β[t] = " in str(explanation).replace("    ", " ").replace("  ", " ")
        assert explanation.replay(steps=12) <= EXACT


# --- Trees of parameters.


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


# --- What cannot be explained, and wrong input.


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
            ["state[t] = state[t-1] + moved(Σ_j(g[t]^2))"],  # the letter of three places is unsure
        ),
        (strange(lambda u, s, p=None: (jnp.roll(u, 1), s)), ["u[t] = reshape(g[t])"]),
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
    assert "not explained" in explain(growing).latex and explain(growing)._repr_html_()


def test_wrong_input():
    with pytest.raises(TypeError, match="wants a gradient transformation"):
        explain(3)
    with pytest.raises(TypeError, match="makes no gradient transformation"):
        explain(optax.constant_schedule)
    with pytest.raises(TypeError, match="unexpected keyword argument 'b3'"):
        explain(optax.adam, b3=0.9)
    with pytest.raises(TypeError, match="is built already"):
        explain(optax.adam(0.1), b1=0.9)
    with pytest.raises(TypeError, match="cannot be made without inner, mask"):
        explain(optax.masked)
    with pytest.raises(ValueError, match=r"b1 must lie in \[0, 1\)"):
        explain(lectopt.adam, b1=1.5)
    with pytest.raises(ValueError, match="letters must be one of cmu11785, liege"):
        explain(optax.adam, letters="stanford")


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)


def test_sympy_is_imported_only_when_explain_is_called():
    done = run(
        "import sys, lectopt, lectopt.explain\n"
        "assert 'sympy' not in sys.modules\n"
        "assert callable(lectopt.explain) and callable(lectopt.explain.explain)\n"
        "import lectopt.explain.writing.page as page\n"
        "assert lectopt.explain.writing.page is page\n"
    )
    assert done.returncode == 0, done.stderr
    missing = run(
        "import sys, lectopt, optax\nsys.modules['sympy'] = None\nlectopt.explain(optax.adam)\n"
    )
    assert 'ImportError: lectopt.explain needs SymPy. Write pip install "lectopt[explain]"' in (
        missing.stderr
    )


def test_command(capsys):
    assert command.main(["optax.adamw", "learning_rate=1e-3"]) == 0
    assert "λ*θ[t-1]" in capsys.readouterr().out
    assert command.main(["lectopt.adam", "--letters", "cmu11785", "--latex"]) == 0
    assert r"w_{k} &= w_{k-1} - \eta" in capsys.readouterr().out
    assert command.main(["optax.sgd", "--diff", "lectopt.sgd"]) == 0
    assert "the same update, proved" in capsys.readouterr().out
    assert command.main(["optax.adamw", "--diff", "lectopt.dialects.keras.AdamW"]) == 1
    out = capsys.readouterr().out
    assert "weight_decay is 0.0001 and 0.004" in out and "not the same update" in out
    assert command.main(["optax.adm"]) == 2
    assert "there is no optax.adm" in capsys.readouterr().err
    assert command.main(["optax.adam", "b3"]) == 2
    assert "a setting is written name=value" in capsys.readouterr().err


# --- The page of the documentation.


def test_the_page_lists_what_is_explained():
    page = (ROOT / "docs" / "explain.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| `(.*?)` \| (yes|no) \|", page, re.MULTILINE))
    assert listed == {row.name: "no" if row.why else "yes" for row in OPTAX}
