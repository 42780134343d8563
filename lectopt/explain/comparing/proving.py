"""Proof that two formulas are equal: for all values that their symbols may have.

A formula is brought to a normal form: a fraction of polynomials in what is no polynomial (roots,
powers, cases, sums), the insides of these being in normal form themselves. Formulas with cases are
compared case by case. What this does not prove may still be equal.
"""

from collections.abc import Iterator
from typing import Any

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from lectopt.explain.algebra.bounds import bounds
from lectopt.explain.algebra.cases import Case
from lectopt.explain.algebra.conditions import rebuilt
from lectopt.explain.algebra.nodes import number, size

QUESTIONS = 6  # cases are told apart by so many conditions at most
LARGEST = 1500  # nodes of a formula that is still brought to normal form


def equal(a: Any, b: Any) -> bool:
    """Whether `a` and `b` are proved to be equal."""
    if a == b:
        return True
    if size(a) + size(b) > LARGEST:
        return False
    return all(_equal(*pair) for pair in _cases(a, b, QUESTIONS))


def _cases(a: Any, b: Any, questions: int) -> Iterator[tuple[Any, Any]]:
    """Both formulas under each answer to the questions they ask."""
    question = next((q for q in map(_question, (a, b)) if q is not None), None)
    if question is None or questions == 0:
        yield a, b
        return
    for answer in (sp.true, sp.false):
        given = {question: answer}
        yield from _cases(rebuilt(a, given), rebuilt(b, given), questions - 1)


def _question(expr: Any) -> Any:
    """A condition that some case turns on, itself free of cases; None if there is none."""
    for case in expr.atoms(Case):
        for part in sp.preorder_traversal(case.args[0]):
            if isinstance(part, Relational) and not part.has(Case):
                return part
            if isinstance(part, Boolean) and not isinstance(part, sp.And | sp.Or | sp.Not):
                if not isinstance(part, Relational) and part not in (sp.true, sp.false):
                    return part
    return None


def _equal(a: Any, b: Any) -> bool:
    if a == b:
        return True
    if isinstance(a, Boolean) or isinstance(b, Boolean):
        return bool(normal(a) == normal(b))
    above, _ = _fraction(normal(a) - normal(b))
    return above == 0


def normal(expr: Any) -> Any:
    """The normal form of a formula."""
    if not expr.args:
        return expr
    if isinstance(expr, sp.Pow):
        return _power(expr)
    args = [normal(arg) for arg in expr.args]
    if isinstance(expr, sp.Add | sp.Mul):
        above, below = _fraction(expr.func(*args))
        return above / below
    return expr.func(*args)


def _power(expr: Any) -> Any:
    base, exponent = expr.args
    if exponent.is_Integer:
        above, below = _fraction(normal(base) ** exponent)
        return above / below
    if exponent.is_Rational:  # the root of a product is the product of roots, if none is negative
        factors = [normal(f) ** exponent for f in sp.Mul.make_args(base) if _sure(f)]
        rest = sp.Mul(*(f for f in sp.Mul.make_args(base) if not _sure(f)))
        return sp.Mul(*factors) * (normal(rest) ** exponent if rest != 1 else 1)
    whole = [x for x in sp.Add.make_args(exponent) if x.is_Integer]
    rest = exponent - sp.Add(*whole)
    return normal(base) ** sp.Add(*whole) * normal(base) ** normal(rest)


def _sure(factor: Any) -> bool:
    return bounds(factor).nonnegative


def _fraction(expr: Any) -> tuple[Any, Any]:
    """Numerator and denominator without common factors, expanded."""
    kernels: dict[Any, Any] = {}
    rational = _with_kernels(expr, kernels)
    above, below = sp.fraction(sp.cancel(sp.together(rational)))
    back = {dummy: kernel for kernel, dummy in kernels.items()}
    above, below = (sp.expand(part).xreplace(back) for part in (above, below))
    return (-above, -below) if below.could_extract_minus_sign() else (above, below)


def _with_kernels(expr: Any, kernels: dict[Any, Any]) -> Any:
    """`expr` as a rational function, with a letter for whatever is none."""
    if expr.is_Symbol or expr.is_Rational:
        return expr
    if isinstance(expr, sp.Add | sp.Mul):
        return expr.func(*(_with_kernels(arg, kernels) for arg in expr.args))
    if isinstance(expr, sp.Pow) and expr.exp.is_Integer:
        return _with_kernels(expr.base, kernels) ** expr.exp
    if isinstance(expr, sp.Pow) and expr.exp.is_Rational:  # sqrt(x)^3 is x sqrt(x)
        whole, part = divmod(expr.exp, sp.S.One)
        kernel = sp.Pow(expr.base, part)
        letter = kernels.setdefault(kernel, sp.Dummy(f"k{len(kernels):03d}"))
        return letter * _with_kernels(expr.base, kernels) ** whole
    if number(expr) is not None and not expr.is_finite:
        return expr
    return kernels.setdefault(expr, sp.Dummy(f"k{len(kernels):03d}"))
