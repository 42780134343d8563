"""The slides as equations: each line is what its lecture writes, and what our algorithm does.

A slide is a few definitions in the lecture's own letters, on the left the new value; a letter on
the right is the new value where it is defined above, else the old one. The proof is for all
gradients, all states and all settings. `isnt` is the variant that the slide is often taken for
(epsilon on the other side of the root, the rate on the other side of the velocity): that our
algorithm is not it is proved by a number.
"""

import ast
import functools as ft
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

import lectopt
from lectopt.explain import explain
from lectopt.explain.evaluating import Evaluator
from lectopt.explain.logic import Facts
from lectopt.explain.primitives import raised
from lectopt.explain.proving import Prover
from lectopt.explain.terms import (
    Term,
    absolute,
    add,
    div,
    equal,
    ite,
    maximum,
    mul,
    neg,
    num,
    rewrite,
    sub,
    walk,
)  # fmt: skip

part = ft.partial


@dataclass(frozen=True)
class Slide:
    """`make` with its settings is the slide `lines`; `letters` are the slide's for Optax's names.

    `state` gives the slide's letters for the statistics.
    """

    id: str
    make: Any
    lines: str
    isnt: str
    letters: Mapping[str, str]
    state: Mapping[str, str]
    point: str = "theta"


MOMENTS = "m = b1*m + (1 - b1)*g; v = b2*v + (1 - b2)*g**2; "
HATS = "mhat = m/(1 - b1**t); vhat = v/(1 - b2**t); "
ADAM = dict(alpha="learning_rate", b1="b1", b2="b2", eps="eps")
NAMES = dict(m="mu", v="nu")

SLIDES = (
    Slide(
        "S0-31 CMU, momentum: the rate inside",
        lectopt.momentum,
        "D = beta*D - eta*g; theta = theta + D",
        "D = beta*D + g; theta = theta - eta*D",
        dict(eta="learning_rate", beta="decay"),
        dict(D="trace"),
    ),
    Slide(
        "S1-11 Liège, momentum",
        lectopt.momentum,
        "u = alpha*u - gamma*g; theta = theta + u",
        "u = alpha*u - gamma*(1 - alpha)*g; theta = theta + u",
        dict(gamma="learning_rate", alpha="decay"),
        dict(u="trace"),
    ),
    Slide(
        "S2-18 ISI, momentum: a moving average",
        part(lectopt.momentum, form="ema"),
        "v = beta*v + (1 - beta)*g; theta = theta - alpha*v",
        "v = beta*v + g; theta = theta - alpha*v",
        dict(alpha="learning_rate", beta="decay"),
        dict(v="trace"),
    ),
    Slide(
        "S4-20 STAT 479, PyTorch's momentum: the rate outside",
        part(lectopt.momentum, form="heavy_ball", dampening=0.3),
        "v = m*v + (1 - d)*g; W = W - eta*v",
        "v = m*v + eta*(1 - d)*g; W = W - v",
        dict(eta="learning_rate", m="decay", d="dampening"),
        dict(v="trace", W="theta"),
    ),
    Slide(
        "S0-34 CMU, Nesterov: the gradient where the velocity leads",
        part(lectopt.nesterov, form="look_ahead"),
        "D = beta*D - eta*g; theta = theta + D",
        "D = beta*D - eta*g; theta = theta + beta*D - eta*g",
        dict(eta="learning_rate", beta="decay"),
        dict(D="trace"),
        point="theta + beta*D",
    ),
    Slide(
        "S1-16 Liège, AdaGrad",
        part(lectopt.adagrad, initial_accumulator_value=0.0, eps_placement="outside"),
        "r = r + g**2; theta = theta - gamma/(delta + sqrt(r))*g",
        "r = r + g**2; theta = theta - gamma/sqrt(r + delta)*g",
        dict(gamma="learning_rate", delta="eps"),
        dict(r="sum_of_squares"),
    ),
    Slide(
        "S0-38 CMU, RMSProp: epsilon inside the root",
        lectopt.rmsprop,
        "E = gamma*E + (1 - gamma)*g**2; w = w - eta/sqrt(E + eps)*g",
        "E = gamma*E + (1 - gamma)*g**2; w = w - eta/(sqrt(E) + eps)*g",
        dict(eta="learning_rate", gamma="decay", eps="eps"),
        dict(E="nu", w="theta"),
    ),
    Slide(
        "S1-17 Liège, RMSProp: epsilon outside",
        part(lectopt.rmsprop, eps_placement="outside"),
        "r = rho*r + (1 - rho)*g**2; theta = theta - gamma/(delta + sqrt(r))*g",
        "r = rho*r + (1 - rho)*g**2; theta = theta - gamma/sqrt(delta + r)*g",
        dict(gamma="learning_rate", rho="decay", delta="eps"),
        dict(r="nu"),
    ),
    Slide(
        "S2-20 ISI, RMSProp: no epsilon",
        part(lectopt.rmsprop, eps=0.0),
        "S = beta*S + (1 - beta)*g**2;"
        "theta = theta - alpha*Piecewise((0, Eq(S, 0)), (g/sqrt(S), True))",
        "S = beta*S + (1 - beta)*g**2; theta = theta - alpha*g/(sqrt(S) + 1)",
        dict(alpha="learning_rate", beta="decay"),
        dict(S="nu"),
    ),
    Slide(
        "S0-40 CMU, Adam: epsilon inside the root",
        part(lectopt.adam, eps_placement="inside"),
        MOMENTS + HATS + "theta = theta - alpha/sqrt(vhat + eps)*mhat",
        MOMENTS + HATS + "theta = theta - alpha/(sqrt(vhat) + eps)*mhat",
        ADAM,
        NAMES,
    ),
    Slide(
        "S1-18 Liège, Adam: epsilon outside",
        lectopt.adam,
        MOMENTS + HATS + "theta = theta - alpha*mhat/(eps + sqrt(vhat))",
        MOMENTS + "theta = theta - alpha*sqrt(1 - b2**t)/(1 - b1**t)*m/(sqrt(v) + eps)",
        ADAM,
        NAMES,
    ),
    Slide(
        "S3-17 TTIC 31230, Adam: as the author meant it, dividing by 1 - b^t",
        lectopt.adam,
        MOMENTS + "theta = theta - alpha/(sqrt(v/(1 - b2**t)) + eps)*m/(1 - b1**t)",
        MOMENTS + "theta = theta - alpha/(sqrt((1 - b2**t)*v) + eps)*(1 - b1**t)*m",
        ADAM,
        NAMES,
    ),
    Slide(
        "Keras, Adam: epsilon joins before the correction",
        part(lectopt.adam, eps_placement="uncorrected"),
        MOMENTS + "theta = theta - alpha*sqrt(1 - b2**t)/(1 - b1**t)*m/(sqrt(v) + eps)",
        MOMENTS + HATS + "theta = theta - alpha*mhat/(sqrt(vhat) + eps)",
        ADAM,
        NAMES,
    ),
    Slide(
        "S2-07 ISI, weight decay: it is not the gradient's, in Adam",
        part(lectopt.adamw, weight_decay=0.1),
        MOMENTS + HATS + "theta = theta - alpha*(mhat/(sqrt(vhat) + eps) + lam*theta)",
        MOMENTS.replace("*g", "*(g + lam*theta)")
        + HATS
        + "theta = theta - alpha*mhat/(sqrt(vhat) + eps)",
        ADAM | dict(lam="weight_decay"),
        NAMES,
    ),
    Slide(
        "Kingma and Ba, AdaMax",
        part(lectopt.adamax, eps_placement="none"),
        "m = b1*m + (1 - b1)*g; u = Max(b2*u, Abs(g));"
        "theta = theta - alpha/(1 - b1**t)*Piecewise((0, Eq(u, 0)), (m/u, True))",
        "m = b1*m + (1 - b1)*g; u = Max(b2*u, Abs(g)); theta = theta - alpha*m/(u + 1)",
        dict(alpha="learning_rate", b1="b1", b2="b2"),
        dict(m="mu", u="nu"),
    ),
    Slide(
        "Zeiler, AdaDelta",
        part(lectopt.adadelta, learning_rate=1.0),
        "E = rho*E + (1 - rho)*g**2; dx = sqrt(X + eps)/sqrt(E + eps)*g;"
        "X = rho*X + (1 - rho)*dx**2; theta = theta - dx",
        "E = rho*E + (1 - rho)*g**2; dx = (sqrt(X) + eps)/(sqrt(E) + eps)*g;"
        "X = rho*X + (1 - rho)*dx**2; theta = theta - dx",
        dict(rho="rho", eps="eps"),
        dict(E="e_g", X="e_x"),
    ),
)


OPERATIONS: dict[type, Any] = {
    ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.Div: div, ast.Pow: raised,
}  # fmt: skip
FUNCTIONS: dict[str, Any] = {
    "sqrt": lambda x: Term("sqrt", x), "Max": maximum, "Abs": absolute, "Eq": equal,
    "Piecewise": lambda first, rest: ite(first[1], first[0], rest[0]),
}  # fmt: skip


def term(text: str, names: Mapping[str, Term]) -> Any:
    """What a slide writes, as a term; pairs and truth values are those of `Piecewise`."""

    def of(node: ast.AST) -> Any:
        match node:
            case ast.Constant(value):
                return value if isinstance(value, bool) else num(str(value))
            case ast.Name(name):
                return names[name]
            case ast.Tuple(elts):
                return [of(x) for x in elts]
            case ast.UnaryOp(ast.USub(), x):
                return neg(of(x))
            case ast.BinOp(x, op, y):
                return OPERATIONS[type(op)](of(x), of(y))
            case ast.Call(ast.Name(name), args):
                return FUNCTIONS[name](*map(of, args))
        raise ValueError(f"no formula: {text}")

    return of(ast.parse(text.strip(), mode="eval").body)


def of_one_weight(x: Term) -> Term:
    """A formula without the place of the weight that it is of."""

    def bare(y: Term) -> Term | None:
        return Term("sym", y.args[0], (), y.args[2]) if y.op == "sym" else None

    return rewrite(x, bare, {})


def value(explanation: Any, name: str) -> Term:
    """The new value of a statistic, by the settings and the old ones."""
    return of_one_weight(explanation.value(name))


def are_equal(explanation: Any, a: Term, b: Term) -> bool:
    """Whether two formulas are proved to be equal, for all settings."""
    return Prover(explanation.reading.facts).equal(a, b).holds is True


def read(explanation: Any, slide: Slide, lines: str) -> dict[str, Term]:
    """The new values that a slide defines, in the symbols of the explanation."""
    known = explanation.vocabulary()
    names = {k: known[v] for k, v in (slide.letters | slide.state).items()}
    names |= {"g": known["g"], "t": Term("sym", "t", (), "int")}
    names.setdefault("theta", known["theta"])
    defined = {}
    for line in lines.split(";"):
        name, _, formula = (text.strip() for text in line.partition("="))
        names[name] = defined[name] = term(formula, names)
    return defined


def wanted(slide: Slide) -> dict[str, str]:
    """What the slide's letters for statistics are called, and which is the parameter."""
    return {"theta": "theta"} | dict(slide.state)


@pytest.mark.parametrize("slide", SLIDES, ids=lambda slide: slide.id)
def test_our_algorithm_is_its_slide(slide):
    explanation = explain(slide.make)
    names = wanted(slide)
    for name, formula in read(explanation, slide, slide.lines).items():
        if name in names:
            assert are_equal(explanation, value(explanation, names[name]), formula), name
    point = explanation.groups[0].point
    at = read(explanation, slide, f"at = {slide.point}")["at"]
    theta = explanation.vocabulary()["theta"]
    found = theta if point is None else of_one_weight(point)
    assert are_equal(explanation, found, at)


@pytest.mark.parametrize("slide", SLIDES, ids=lambda slide: slide.id)
def test_and_is_not_the_variant(slide):
    explanation = explain(slide.make)
    theta = next(k for k, v in wanted(slide).items() if v == "theta" and (k in slide.isnt))
    variant = read(explanation, slide, slide.isnt)[theta]
    ours = value(explanation, "theta")
    assert not are_equal(explanation, ours, variant)
    # All settings and statistics at 1/2 or so: the two formulas give two numbers.
    names = sorted({x.args[0] for x in walk(ours, variant) if x.op == "sym"} - {"t"})
    numbers = {name: 0.5 + 0.01 * k for k, name in enumerate(names)} | {"t": 3.0}
    number = Evaluator(numbers.__getitem__, int, {}, lambda *_: None, 1)
    assert abs(number(ours, ()) - number(variant, ())) > 1e-3


def test_adam_with_a_sign_error_is_noticed():
    """A proof that proves everything proves nothing."""
    explanation = explain(lectopt.adam)
    names = explanation.vocabulary()
    new = value(explanation, "mu")
    g = names["g"]
    assert are_equal(explanation, new, term("g + b1*(mu - g)", names))
    assert not are_equal(explanation, new, term("b1*mu + (1 + b1)*g", names))
    assert not are_equal(explanation, new, rewrite(new, {g: mul(g, g)}.get, {}))


def test_what_the_prover_can_do():
    names = {x: Term("sym", x, (), "real") for x in "abx"} | {"t": Term("sym", "t", (), "int")}
    prover = Prover(Facts(positive={"a", "b"}))

    def proved(first: str, second: str) -> bool:
        return prover.same(term(first, names), term(second, names))

    assert proved("sqrt(a/b)", "sqrt(a)/sqrt(b)")
    assert proved("a**(t + 1)", "a*a**t")
    assert not proved("(a**2 - b**2)/(a - b)", "a + b")  # where a is b there is no quotient
    assert prover.equal(term("(a**2 - b**2)/(a - b)", names), term("a + b", names)).needs
    assert not proved("sqrt(x**2)", "x")
    assert not proved("sqrt(a + b)", "sqrt(a) + sqrt(b)")
