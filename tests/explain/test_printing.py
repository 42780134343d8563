"""What is printed can be read back: in LaTeX that compiles, whatever the names are, and in letters
that mean one thing each."""

import functools as ft
import re

import jax.numpy as jnp
import optax
import pytest

import lectopt
from lectopt.explain import explain
from lectopt.explain.notations import notation
from lectopt.explain.slots import labels

EXACT = 1e-12
TWO = {"a": jnp.ones(3), "b": jnp.ones(4)}


def stranger(update, start=lambda p: ()):
    return optax.GradientTransformation(start, update)


def compiles(latex):
    """Whether the braces match, no power has a power, and nothing else is left of what LaTeX
    gives a meaning to."""
    bare = re.sub(r"\\[{}%&#$_\\]", "", latex)
    bare = bare.replace(" &", " ")  # the marks between the columns
    while (shorter := re.sub(r"\{[^{}]*\}", "•", bare)) != bare:
        assert not re.search(r"\^•(_•)?\^", shorter), latex
        bare = shorter
    return not set(bare) & set("{}%&#$~")


# --- LaTeX.


def test_a_power_of_a_power_of_ten_has_parentheses():
    latex = explain(optax.adam(0.1, b1=1e-8, b2=3e-7)).latex
    assert r"\frac{m_{t}}{1 - \left(10^{-8}\right)^{t}}" in latex
    assert r"\frac{v_{t}}{1 - \left(3 \cdot 10^{-7}\right)^{t}}" in latex
    assert r"\sqrt{\hat{v}_{t}} + 10^{-8}" in latex and compiles(latex)


def test_a_leaf_stands_below_its_letter_since_a_power_may_stand_above():
    squares = stranger(lambda u, s, p=None: ({"a": u["a"] + u["b"] ** 2, "b": u["b"]}, s))
    latex = explain(squares, params={"a": jnp.ones(3), "b": jnp.ones(3)}).latex
    assert r"g_{\mathrm{b},t}^{2}" in latex and compiles(latex)


def test_numbers_that_are_words():
    chosen = stranger(lambda u, s, p=None: (jnp.where(u > 5, jnp.nan, u), s))
    assert r"\mathrm{nan} & \text{if } g_{t} > 5" in explain(chosen).latex
    infinite = stranger(lambda u, s, p=None: (jnp.where(u > 5, -jnp.inf, u), s))
    assert r"-\infty & \text{if } g_{t} > 5" in explain(infinite).latex
    flag = stranger(lambda u, s, p=None: (u * s, jnp.bool_(True)), lambda p: jnp.bool_(False))
    assert r"\mathrm{state}_{t} &= \mathrm{True}" in explain(flag).latex


def test_what_is_divided_by_0_is_no_number():
    """The average stays 0, and is divided by `1 - 1^t`; of what is not 0 that is infinite."""
    never = explain(optax.adam, b1=1.0)
    assert "nan" in str(never) and r"\mathrm{nan}" in never.latex and never.replay(2) == 0
    halves = stranger(lambda u, s, p=None: (u / jnp.zeros(()), s))
    assert "u[t] = inf*g[t]" in str(explain(halves))
    assert r"\infty \, g_{t}" in explain(halves).latex


@pytest.mark.parametrize("name", ["a{b", "a}b", "a%b", "a&b", "a#b", "a$b", "a\\b", "a^b", "a~b"])
def test_marks_of_latex_in_names(name):
    mixing = stranger(lambda u, s, p=None: ({k: x * u[name] ** 2 for k, x in u.items()}, s))
    latex = explain(mixing, params={name: jnp.ones(3), "z": jnp.ones(3)}).latex
    assert name not in latex and compiles(latex)
    state = stranger(lambda u, s, p=None: (u, {name: s[name] + u}), lambda p: {name: 0 * p})
    assert compiles(explain(state).latex)

    def broken(u, s, p=None):
        raise ValueError(f"{name}_\n\n{name}")

    assert compiles(explain(stranger(broken)).latex)


def test_the_time_is_typeset_as_a_letter():
    latex = explain(optax.adam, letters={"t": "τ"}).latex
    assert r"m_{\tau-1}" in latex and r"\beta_{1}^{\tau}" in latex and "τ" not in latex


def test_a_notebook_typesets_no_title_and_no_note():
    by_path = lectopt.chain(lectopt.sgd(0.5), lectopt.scale_by_path({"a$|<b>$": 0.1}))
    page = explain(by_path, params=TWO)._repr_html_()
    outside = re.sub(r"\$\$.*\$\$", "", page, flags=re.DOTALL)
    assert "a<span>$</span>|&lt;b&gt;<span>$</span>" in outside
    assert "$" not in outside.replace("<span>$</span>", "")


# --- Names of leaves and of statistics.


@pytest.mark.parametrize(
    "names",
    [("a[0]", "@"), ("", "x"), ("x@y", "m[t]"), ("x_hat", "x"), ("a\nb", "a b"), ("[", "(")],
)
@pytest.mark.parametrize("maker", [optax.adam, optax.clip_by_global_norm, optax.scale_by_sm3])
def test_strange_names_of_leaves(names, maker):
    explanation = explain(maker, params={name: jnp.ones(3 + k) for k, name in enumerate(names)})
    assert len(explanation.leaves) == 2 and len(explanation.groups) == 1
    assert explanation.replay() <= EXACT


def test_every_leaf_has_a_label_of_its_own():
    tree = {"a.b": 1, "a": {"b": 2}, "c": [3], "c.0": 4, "": 5, "@[x]": 6}
    assert list(labels(tree).values()) == ["_", ".(x)", "a.b", "a.b_2", "c.0", "c.0_2"]
    assert list(labels({"a": 1}).values()) == [""]
    twice = explain(optax.adam, params={"a.b": jnp.ones(3), "a": {"b": jnp.ones(4)}})
    assert twice.obstacle == "" and twice.replay() <= EXACT


@pytest.mark.parametrize(
    "key, letter",
    [("x[t]", "x(t)"), ("a@b", "a.b"), ("a#b", "a.b"), ("", "state"), ("x_hat", "xhat")],
)
def test_strange_names_of_statistics(key, letter):
    decayed = stranger(
        lambda u, s, p=None: (u * s[key], {key: s[key] * 0.5 + u}), lambda p: {key: 0 * p + 0.1}
    )
    explanation = explain(decayed)
    assert f"{letter}[t] = 0.5*{letter}[t-1] + g[t]" in str(explanation)
    assert explanation.replay() <= EXACT


def test_no_two_statistics_have_one_name():
    start = {"x": [1.0, 2.0], "x2": 3.0, "y[0]": 4.0, "y(0)": 5.0}
    keep = stranger(
        lambda u, s, p=None: (
            u * (s["x"][0] + 2 * s["x"][1] + 3 * s["x2"] + 4 * s["y[0]"] + 5 * s["y(0)"]),
            {**s, "x": [s["x"][1], s["x2"] + 1], "x2": s["x"][0] * 2, "y[0]": s["y(0)"] + 1},
        ),
        lambda p: start,
    )
    explanation = explain(keep)
    assert len({state.key for state in explanation.reading.states}) == 5
    assert explanation.replay() <= EXACT


def test_accumulators_in_a_list_for_each_leaf_are_that_leafs():
    explanation = explain(optax.scale_by_sm3, params=TWO)
    assert [group.leaves for group in explanation.groups] == [("a", "b")]
    assert "m[t] = m[t-1] + g[t]^2" in str(explanation)
    matrix = explain(optax.scale_by_sm3, params={"a": jnp.ones((3, 5)), "b": jnp.ones(4)})
    assert {s.key for s in matrix.reading.states if s.label == "a"} == {"mu", "mu2", "nu"}
    assert matrix.replay() <= EXACT


# --- Letters.


@pytest.mark.parametrize(
    "letters, error, message",
    [
        (3, TypeError, "or a dict; got 3"),
        (["a"], TypeError, "or a dict; got"),
        ({"b1": 3}, TypeError, "letters are strings, by names; got 'b1': 3"),
        ({1: "b"}, TypeError, "letters are strings, by names; got 1: 'b'"),
        *(
            ({"b1": bad}, ValueError, "the letter for b1 must be a letter or a word")
            for bad in ("", " ", "a b", "+", "12", "a[t]", "{a}", "a@b", "\\beta", "m_hat")
        ),
        *(
            ({"b1": bad}, ValueError, "means nothing else in a formula")
            for bad in ("if", "else", "and", "or", "not", "inf")
        ),
        ({"g": "θ"}, ValueError, "'θ' would be the letter of params and of gradient"),
        ({"theta": "t"}, ValueError, "'t' would be the letter of params and of t"),
        ({"t": "k", "b1": "k"}, ValueError, "'k' would be the letter of t and of b1"),
        ({"learning_rate": "g"}, ValueError, "of gradient and of learning_rate"),
        ({"theta": "x", "g": "x"}, ValueError, "of params and of gradient"),
    ],
)
def test_letters_that_cannot_be_read(letters, error, message):
    with pytest.raises(error, match=re.escape(message)) as raised:
        explain(optax.adam, letters=letters)
    assert "for example letters=" in str(raised.value)


def test_letters_may_be_exchanged_and_have_accents():
    swapped = explain(optax.sgd, letters={"theta": "g", "g": "θ", "learning_rate": "σ\u0303²"})
    assert "g[t] = g[t-1] - σ\u0303²*θ[t]" in str(swapped) and swapped.replay() <= EXACT
    own = notation({"g": "∂D", "momentum": "β_max1", "theta": "∇"})
    assert (own.symbol("gradient"), own.setting("momentum")) == ("∂D", "β_max1")
    late = explain(ft.partial(optax.sgd, 0.1), letters={"theta": "t", "t": "n"})
    assert "t[n] = t[n-1] - 0.1*g[n]" in str(late)
