"""The slides as equations: each line is what its lecture writes, and what our algorithm does.

The proof is for all gradients, all states and all settings; that our algorithm is not the variant
is proved by a number.
"""

import ast
from collections.abc import Mapping
from typing import Any

import pytest

import lectopt
from lectopt.explain import explain
from lectopt.explain.evaluating import Evaluator
from lectopt.explain.facts import Facts
from lectopt.explain.primitives import raised
from lectopt.explain.proving import Prover
from lectopt.explain.rewriting import rewrite, walk
from lectopt.explain.terms import Term, absolute, add, div, equal, ite, maximum, mul, neg, num, sub
from tests.explain.slides import SLIDES, Slide

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
