"""Formulas from outside and for outside: in SymPy's own nodes, and as text.

Text is read by Python's parser, but never run: it may hold names, numbers, the operations of
arithmetic and a few functions.
"""

import ast
import functools as ft
import operator
from collections.abc import Mapping
from typing import Any

import sympy as sp

from lectopt.explain.algebra import nodes
from lectopt.explain.algebra.cases import Case
from lectopt.explain.algebra.conditions import maximum, minimum

OPERATIONS: dict[type[ast.AST], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
WRITTEN = "numbers, + - * / ** ( ), sqrt, exp, log, abs, sign, min, max"
FUNCTIONS: dict[str, Any] = {
    "sqrt": sp.sqrt,
    "exp": sp.exp,
    "log": sp.log,
    "sign": ft.partial(sp.sign, evaluate=False),
    "abs": ft.partial(sp.Abs, evaluate=False),
    "min": ft.partial(sp.Min, evaluate=False),
    "max": ft.partial(sp.Max, evaluate=False),
    "Piecewise": sp.Piecewise,
    "Eq": sp.Eq,
}
FUNCTIONS |= {"Abs": FUNCTIONS["abs"], "Min": FUNCTIONS["min"], "Max": FUNCTIONS["max"]}


def parsed(text: str, names: Mapping[str, Any]) -> Any:
    """The formula that a text says, with these meanings of names.

    Raises:
      TypeError: it is no text.
      ValueError: it says no formula, or holds a name that has no meaning.
    """
    if not isinstance(text, str):
        raise TypeError(f'a formula is written as text, "1 - b1"; got {text!r}')
    try:
        tree = ast.parse(text.strip().replace("^", "**"), mode="eval")
    except (SyntaxError, ValueError) as error:  # a null byte is a ValueError
        raise ValueError(_unread(text, text, names)) from error

    def formula(node: ast.AST) -> Any:
        match node:
            case ast.Constant(bool() as truth):
                return sp.true if truth else sp.false
            case ast.Constant(int() as value):
                return sp.Integer(value)
            case ast.Constant(float() as value):
                return sp.Float(value)
            case ast.Tuple(elts):
                return tuple(map(formula, elts))
            case ast.UnaryOp(op, operand) if type(op) in OPERATIONS:
                return OPERATIONS[type(op)](formula(operand))
            case ast.BinOp(left, op, right) if type(op) in OPERATIONS:
                return OPERATIONS[type(op)](formula(left), formula(right))
            case ast.Call(ast.Name(name), args, []) if name in FUNCTIONS:
                return FUNCTIONS[name](*map(formula, args))
            case ast.Name() | ast.Subscript() if ast.unparse(node) in names:  # b1, betas[0]
                return names[ast.unparse(node)]
        raise ValueError(_unread(text, ast.unparse(node), names))

    try:
        out = formula(tree.body)
    except TypeError as error:  # sqrt(), (a, b) + c
        raise ValueError(_unread(text, text, names)) from error
    if not isinstance(out, sp.Basic):
        raise ValueError(_unread(text, text, names))
    return inner(out)


def _unread(text: str, part: str, names: Mapping[str, Any]) -> str:
    where = f" in {text!r}" if part != text else ""
    return f"cannot read {part!r}{where}. Write it in {WRITTEN}; there are {', '.join(names)}."


def plain(expr: Any) -> Any:
    """An expression in SymPy's own nodes, as far as it has them."""
    args = [plain(arg) for arg in expr.args]
    if isinstance(expr, nodes.Decimal):
        return sp.Float(expr.value)
    if isinstance(expr, Case):
        condition, yes, no = args
        return sp.Piecewise((yes, condition), (no, True), evaluate=False)
    if isinstance(expr, nodes.Maximum | nodes.Minimum):
        function = sp.Max if isinstance(expr, nodes.Maximum) else sp.Min
        return function(*args, evaluate=False)
    if isinstance(expr, nodes.Absolute | nodes.Sign):
        return (sp.Abs if isinstance(expr, nodes.Absolute) else sp.sign)(*args, evaluate=False)
    return expr.func(*args) if args and args != list(expr.args) else expr


def inner(expr: Any) -> Any:
    """The inverse of `plain`."""
    args = [inner(arg) for arg in expr.args]
    if isinstance(expr, sp.Float):
        return nodes.constant(float(expr))
    if isinstance(expr, sp.Piecewise):
        cases: list[Any] = list(expr.args)
        out = inner(cases.pop()[0])
        for value, condition in reversed(cases):
            out = Case(inner(condition), inner(value), out)
        return out
    if isinstance(expr, sp.Max | sp.Min):
        return ft.reduce(maximum if isinstance(expr, sp.Max) else minimum, args)
    if isinstance(expr, sp.Abs | sp.sign):
        return (nodes.Absolute if isinstance(expr, sp.Abs) else nodes.Sign)(*args)
    return expr.func(*args) if args and args != list(expr.args) else expr
