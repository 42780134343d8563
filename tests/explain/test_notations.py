"""In a lecture's letters, what is printed is its slide.

A slide is transcribed by hand, with its letters, its formulas and its counting. Three things are
not kept: where it assigns (`:=`) and counts nothing, the indices are added; a letter in `ahead`,
whose new value is that of t+1 on the slide ("θ[t+1] = θ[t] - γ*g[t]"), is moved to our count, where
update t goes from t-1 to t; and a velocity in `minus` has the other sign on the slide. A line must
be printed as it stands; after "~" the slide has its terms or factors in another order, and the
formulas are compared.
"""

import functools as ft
import inspect
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import pytest
import sympy as sp

import lectopt
from lectopt import lectures
from lectopt.explain import explain
from lectopt.explain.letters import Notation, tex
from lectopt.explain.notations import NOTATIONS, notation
from lectopt.lectures import cmu11785 as cmu
from lectopt.lectures import isi, liege
from lectopt.lectures import stat479 as stat
from lectopt.lectures import ttic31230 as ttic
from tests.support.algorithms import ALGORITHMS
from tests.support.sampling import sampled

part = ft.partial
WORD = re.compile(r"(?<!\w)(?!sqrt\b)(?:∂?[^\W\d][\w\u0302-\u0304²]*|∇)(?:\[[^\]]*\])?")


@dataclass(frozen=True)
class Slide:
    """`makers` in the letters of the lecture that the id begins with are `lines`."""

    id: str
    makers: tuple[Any, ...]
    lines: str
    ahead: str = ""
    minus: str = ""

    @property
    def lecture(self) -> str:
        """Whose letters these are."""
        lectures = ("cmu11785", "liege", "isi", "ttic31230", "stat479", "kingma")
        return lectures[int(self.id[1])]


velocity = part(lectopt.momentum, form="velocity")
average = part(lectopt.momentum, form="ema")
look_ahead = part(lectopt.nesterov, form="look_ahead")
inside = part(lectopt.adam, eps_placement="inside")
rms_outside = part(lectopt.rmsprop, eps_placement="outside")
adagrad = part(lectopt.adagrad, initial_accumulator_value=0.0, eps_placement="outside")
code = dict(momentum=0.9, dampening=0.1)

SLIDES = (
    Slide("S0-06 SGD", (lectopt.sgd, cmu.sgd), "W[k] = W[k-1] - η*∇[k]"),
    Slide("S0-31 momentum", (velocity, cmu.momentum),
        "ΔW[k] = β*ΔW[k-1] - η*∇[k]; W[k] = W[k-1] + ΔW[k]"),
    Slide("S0-34 Nesterov", (look_ahead, part(cmu.nesterov, form="look_ahead")),
        "∇[k] = ∇L(W[k-1] + β*ΔW[k-1]); ΔW[k] = β*ΔW[k-1] - η*∇[k]; W[k] = W[k-1] + ΔW[k]"),
    Slide("S0-38 RMSProp", (lectopt.rmsprop, cmu.rmsprop),
        "E[k] = γ*E[k-1] + (1 - γ)*∂D[k]^2; ~w[k+1] = w[k] - η/sqrt(E[k] + ε)*∂D[k]", ahead="w"),
    Slide("S0-40 Adam", (inside, cmu.adam),
        "m[k] = δ*m[k-1] + (1 - δ)*∂D[k]; v[k] = γ*v[k-1] + (1 - γ)*∂D[k]^2;"
        "m_hat[k] = m[k]/(1 - δ^k); v_hat[k] = v[k]/(1 - γ^k);"
        "~w[k+1] = w[k] - η/sqrt(v_hat[k] + ε)*m_hat[k]", ahead="w"),
    Slide("S1-04 SGD", (lectopt.sgd, liege.sgd, liege.gradient_descent),
        "θ[t+1] = θ[t] - γ*g[t]", ahead="θ"),
    Slide("S1-11 momentum", (velocity, liege.momentum),
        "u[t] = α*u[t-1] - γ*g[t]; θ[t+1] = θ[t] + u[t]", ahead="θ"),
    Slide("S1-14 Nesterov", (look_ahead, part(liege.nesterov, form="look_ahead")),
        "g[t] = ∇L(θ[t] + α*u[t-1]); u[t] = α*u[t-1] - γ*g[t]; θ[t+1] = θ[t] + u[t]", ahead="θ"),
    Slide("S1-16 AdaGrad", (adagrad, liege.adagrad),
        "r[t] = r[t-1] + g[t]^2; ~θ[t+1] = θ[t] - γ/(δ + sqrt(r[t]))*g[t]", ahead="θ"),
    Slide("S1-17 RMSProp", (rms_outside, liege.rmsprop),
        "r[t] = ρ*r[t-1] + (1 - ρ)*g[t]^2; ~θ[t+1] = θ[t] - γ/(δ + sqrt(r[t]))*g[t]", ahead="θ"),
    Slide("S1-18 Adam", (lectopt.adam, liege.adam),
        "s[t] = ρ1*s[t-1] + (1 - ρ1)*g[t]; s_hat[t] = s[t]/(1 - ρ1^t);"
        "r[t] = ρ2*r[t-1] + (1 - ρ2)*g[t]^2; r_hat[t] = r[t]/(1 - ρ2^t);"
        "~θ[t+1] = θ[t] - γ*s_hat[t]/(δ + sqrt(r_hat[t]))", ahead="θ"),
    Slide("S2-07 weight decay", (isi.weight_decay,), "~W[t] = W[t-1] - α*(∇[t] + λ/m*W[t-1])"),
    Slide("S2-13 SGD", (lectopt.sgd, isi.gradient_descent), "θ[t] = θ[t-1] - α*∇[t]"),
    # On the slide t begins at 0, so that it divides by 1 - β^(t+1), and w is what is v_hat here.
    Slide("S2-17 moving average", (isi.moving_average,),
        "v[t] = β*v[t-1] + (1 - β)*y[t]; v_hat[t] = v[t]/(1 - β^t); w[t] = v_hat[t]"),
    Slide("S2-18 momentum", (average, isi.momentum),
        "v[t] = β*v[t-1] + (1 - β)*∇[t]; θ[t] = θ[t-1] - α*v[t]"),
    Slide("S2-20 RMSProp", (part(lectopt.rmsprop, eps=0.0), part(isi.rmsprop, literal=True)),
        "S[t] = β*S[t-1] + (1 - β)*∇[t]^2;"
        "θ[t] = θ[t-1] - α*(0 if S[t] == 0 else ∇[t]/sqrt(S[t]))",  # no guard on the slide
    ),
    Slide("S2-21 Adam, with the correction of S2-17", (inside, isi.adam),
        "v[t] = β1*v[t-1] + (1 - β1)*∇[t]; S[t] = β2*S[t-1] + (1 - β2)*∇[t]^2;"
        "θ[t] = θ[t-1] - α*v_hat[t]/sqrt(S_hat[t] + ε)"),
    Slide("S3-01 SGD", (lectopt.sgd, ttic.vanilla_sgd), "Φ[t] = Φ[t-1] - η*ĝ[t]"),
    Slide("S3-09 running average", (ttic.running_average,),
        "μ̂[t+1] = (1 - 1/N)*μ̂[t] + x[t+1]/N", ahead="μ̂ x"),
    Slide("S3-13 RMSProp, with the new s", (part(lectopt.rmsprop, decay=0.99), ttic.rmsprop),
        "s[t+1] = β*s[t] + (1 - β)*ĝ[t+1]^2; Φ[t] = Φ[t-1] - η*ĝ[t+1]/sqrt(s[t+1] + ε)",
        ahead="s ĝ"),
    Slide(
        "S3-14 momentum, nonstandard",
        (average, part(ttic.momentum, parameterization="nonstandard")),
        "g̃[t+1] = μ*g̃[t] + (1 - μ)*ĝ[t+1]; Φ[t+1] = Φ[t] - η*g̃[t+1]", ahead="g̃ ĝ Φ"),
    Slide("S3-15 momentum, standard", (velocity, ttic.momentum),
        "~v[t+1] = μ*v[t] + η*ĝ[t+1]; ~Φ[t+1] = Φ[t] - v[t+1]", ahead="v ĝ Φ", minus="v"),
    Slide("S3-17 Adam, as meant: dividing", (lectopt.adam, ttic.adam),
        "g̃[t+1] = β1*g̃[t] + (1 - β1)*ĝ[t+1]; s[t+1] = β2*s[t] + (1 - β2)*ĝ[t+1]^2;"
        "~Φ[t+1] = Φ[t] - lr/(sqrt(s_hat[t]) + ε)*g̃_hat[t]", ahead="g̃ ĝ s Φ"),
    Slide("S4-18 momentum", (velocity, stat.momentum),
        "~Δw[t] = α*Δw[t-1] + η*∇[t]; ~w[t+1] = w[t] - Δw[t]", ahead="w", minus="Δw"),
    Slide("S4-20 PyTorch's code", (part(stat.SGD, literal=True, **code),),
        "v[t] = momentum*v[t-1] + (1 - dampening)*gradientW[t]; W[t] = W[t-1] - lr*v[t]"),
    Slide("S4-20 the original definition", (part(stat.original_momentum, **code),),
        "~v[t] = momentum*v[t-1] + (1 - dampening)*lr*gradientW[t]; ~W[t] = W[t-1] - v[t]",
        minus="v"),
    Slide("S4-23 local gains", (lectopt.local_gains, stat.local_gains),
        "w[t] = w[t-1] - η*g[t]*∇[t]"),
    Slide("S4-24 RMSProp", (rms_outside, stat.rmsprop),
        "MeanSquare[t] = β*MeanSquare[t-1] + (1 - β)*∇[t]^2; "
        "w[t] = w[t-1] - η*∇[t]/(sqrt(MeanSquare[t]) + ε)"),
    Slide("S4-25 Adam as the lecture prints it", (part(stat.adam, literal=True),),
        "Δw[t] = α*Δw[t-1] + η*∇[t]; r[t] = β*r[t-1] + (1 - β)*∇[t]^2;"
        "w[t] = w[t-1] - η*Δw[t]/(r[t] + ε)"),
    Slide("S4-26 Adam as quoted", (lectopt.adam, stat.adam),
        "m[t] = β1*m[t-1] + (1 - β1)*g[t]; v[t] = β2*v[t-1] + (1 - β2)*g[t]^2;"
        "m_hat[t] = m[t]/(1 - β1^t); v_hat[t] = v[t]/(1 - β2^t);"
        "θ[t] = θ[t-1] - α*m_hat[t]/(sqrt(v_hat[t]) + ε)"),
    Slide("S5, Kingma and Ba, algorithm 2", (part(lectopt.adamax, eps_placement="none"),),
        "m[t] = β1*m[t-1] + (1 - β1)*g[t]; u[t] = max(β2*u[t-1], abs(g[t]))"),
)  # fmt: skip


def counted(line, ahead, time):
    """The line with our count."""
    for letter in ahead.split():
        line = re.sub(rf"(?<!\w){letter}\[{time}\]", f"{letter}[{time}-1]", line)
        line = line.replace(f"{letter}[{time}+1]", f"{letter}[{time}]")
    return line


def formula(text, names, minus=""):
    """Text as a SymPy expression; `names` collects its letters."""

    def word(match):
        name = names.setdefault(match[0], f"x{len(names)}")
        return f"(-{name})" if minus and match[0].startswith(f"{minus}[") else name

    return sp.sympify(WORD.sub(word, text))


def printed(maker, letters):
    """The printed lines, without the spaces that align them."""
    text = unicodedata.normalize("NFC", str(explain(maker, letters=letters)))
    return [re.sub(" +", " ", line).strip() for line in text.splitlines()]


@pytest.mark.parametrize(
    "slide, maker",
    [pytest.param(s, m, id=f"{s.id}, {k}") for s in SLIDES for k, m in enumerate(s.makers)],
)
def test_printed_as_on_the_slide(slide, maker):
    found = printed(maker, slide.lecture)
    for line in unicodedata.normalize("NFC", slide.lines).split(";"):
        line = counted(line.strip(), slide.ahead, NOTATIONS[slide.lecture].time)
        if not line.startswith("~"):
            assert line in found
            continue
        left, right = line[1:].split(" = ")
        (ours,) = (row.partition(" = ")[2] for row in found if row.startswith(f"{left} = "))
        names = {}
        wanted = formula(right, names, slide.minus)
        wanted = -wanted if left.partition("[")[0] == slide.minus else wanted
        assert sp.expand(formula(ours, names) - wanted) == 0


def test_a_function_of_a_lecture_has_its_letters():
    assert notation(None, liege.adam) == notation("liege", liege.adam)
    assert notation(None, part(liege.adam, gamma=0.1)).statistic("nu") == "r"
    assert notation(None, lectopt.adam) == notation(None) == Notation()
    assert notation(None, lectopt.adam(0.1)) == Notation()
    assert printed(stat.rmsprop, None) == printed(stat.rmsprop, "stat479")
    assert not any("number of all weights" in x for x in printed(ttic.running_average, None))


def test_letters_of_ones_own_go_to_what_is_named_after_them():
    own = notation({"theta": "x", "g": "h", "nu": "q", "learning_rate": "a"})
    assert own.setting("lr") == own.statistic("learning_rate") == "a"
    assert (own.statistic("average"), own.statistic("previous_gradient")) == ("x_avg", "h_prev")
    assert (own.statistic("nu_max"), own.statistic("exp_avg_sq")) == ("q_max", "q")


# --- No letter means two things.


# They ask for stages, for an optimizer, or for parameters: the last two are masks.
ASKING = ("gradual_unfreezing", "LossScaleOptimizer", "matrices", "all_but_matrices")


def makers():
    """Our algorithms, primitives and spellings, with the settings that show all their parts."""
    for row in ALGORITHMS:
        yield pytest.param(row.make, row.numbers, id=row.id)
    modules = [lectopt.primitives, lectopt.dialects.torch, lectopt.dialects.keras]
    modules += [lectopt.dialects.papers, *map(vars(lectures).get, NOTATIONS)]
    for module in filter(None, modules):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            made = inspect.signature(function).return_annotation is lectopt.Transformation
            own = function.__module__.startswith(module.__name__) and not name.startswith("_")
            if own and (made or module is lectopt.primitives) and name not in ASKING:
                yield pytest.param(function, {}, id=f"{module.__name__.split('.')[-1]}.{name}")


@pytest.mark.parametrize("maker, settings", sampled(makers(), 6))
def test_no_letter_means_two_things(maker, settings):
    reading = explain(maker, **settings).reading
    subject = reading.programs.subject
    names = [*reading.settings.values(), *subject.schedules]
    slots = dict.fromkeys(state.key for state in reading.states if state.role == "slot")
    lecture = subject.title.removeprefix("lectopt.lectures.").split(".")[0]
    for letters in [lecture] if lecture in NOTATIONS else [None, *NOTATIONS]:
        chosen = notation(letters, maker, settings)
        for own in (chosen, notation(letters)):  # the second is for a maker that is not known
            meant = [*(own.symbol(name) for name in reading.symbols), own.time]
            choices = [own.setting_choices(name, subject.maker) for name in names]
            choices += [own.statistic_choices(key, subject.maker) for key in slots]
            for letters_for_it in choices:
                meant.append(next((x for x in letters_for_it if x not in meant), letters_for_it[0]))
            typeset = [tex(letter) for letter in meant]
            assert sorted(set(meant)) == sorted(meant), letters
            assert sorted(set(typeset)) == sorted(typeset), letters
