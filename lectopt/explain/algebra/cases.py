"""Values that depend on a condition, and what else is then known."""

from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from lectopt.explain.algebra.nodes import (
    Maximum,
    Minimum,
    Modulus,
    Remainder,
    Total,
    in_order,
    number,
    replaced,
)


class Case(sp.Expr):
    """`yes` if `condition` holds, else `no`."""

    def __new__(cls, condition: Any, yes: Any, no: Any) -> Any:
        """Drop what cannot happen: known conditions, equal branches, questions asked twice."""
        if condition is True or condition == sp.true:
            return yes
        if condition is False or condition == sp.false:
            return no
        if isinstance(condition, sp.Not):
            return cls(condition.args[0], no, yes)
        if isinstance(condition, sp.Ne):
            return cls(sp.Eq(*condition.args, evaluate=False), no, yes)
        yes, no = given(yes, condition, True), given(no, condition, False)
        if isinstance(condition, sp.Eq) and condition.rhs == 0:
            yes = replaced(yes, dict.fromkeys(_roots(condition.lhs), sp.S.Zero))
        if yes == no:
            return yes
        if isinstance(no, Remainder) and yes == no + no.args[1] and condition == (no < 0):
            return Modulus(*no.args)
        if isinstance(condition, sp.Lt | sp.Le) and {yes, no} == set(condition.args):
            return (Maximum if no == condition.lhs else Minimum)(*in_order(yes, no))
        if isinstance(condition, sp.Gt | sp.Ge) and {yes, no} == set(condition.args):
            return (Minimum if no == condition.lhs else Maximum)(*in_order(yes, no))
        if isinstance(condition, sp.Eq) and number(condition.rhs) is not None:
            # The other branch has the same value there: sqrt(x) where x = 0 is already 0.
            if number(yes) is not None and replaced(no, {condition.lhs: condition.rhs}) == yes:
                return no
        return sp.Expr.__new__(cls, condition, yes, no)


def _square(expr: Any) -> Any:
    return expr.base if isinstance(expr, sp.Pow) and expr.exp == sp.S.Half else expr


def given(expr: Any, condition: Any, holds: bool) -> Any:
    """`expr` where `condition` is known to hold, or not to."""
    if not expr.has(Case):
        return expr
    known = {condition: sp.true if holds else sp.false}
    if isinstance(condition, sp.And if holds else sp.Or):
        known |= dict.fromkeys(condition.args, known[condition])
    if isinstance(condition, sp.Lt | sp.Le) and not holds and condition.rhs.is_positive:
        known[sp.Eq(_square(condition.lhs), 0, evaluate=False)] = sp.false  # it is larger
    answers = {r: _implied(condition, holds, r) for r in expr.atoms(Relational)}
    answers = {r: answer for r, answer in answers.items() if answer is not None}
    return replaced(expr, answers | known)


def _implied(fact: Any, holds: bool, question: Any) -> Any:
    """The answer to `x < b` where `x < a` is known to hold or not, None if that says nothing."""
    order = (sp.Lt, sp.Le, sp.Gt, sp.Ge)
    a, b = (number(r.rhs) if isinstance(r, order) else None for r in (fact, question))
    if a is None or b is None or fact.lhs != question.lhs:
        return None
    fact_below = isinstance(fact, sp.Lt | sp.Le) == holds  # the fact is an upper bound
    below = isinstance(question, sp.Lt | sp.Le)
    if fact_below and a < b:
        return sp.true if below else sp.false
    if not fact_below and a > b:
        return sp.false if below else sp.true
    return None


def _roots(expr: Any) -> list[Any]:
    """The symbols that are 0 at all places if `expr`, a sum of their squares, is 0."""
    roots = [_root(term) for term in sp.Add.make_args(expr)]
    return roots if all(root is not None for root in roots) else []


def _root(term: Any) -> Any:
    if isinstance(term, Total):
        return _root(term.args[0])
    square = isinstance(term, sp.Pow) and term.exp == 2 and term.base.is_Symbol
    return term.base if square else None
