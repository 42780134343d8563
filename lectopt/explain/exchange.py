"""Formulas for outside and from outside: as SymPy expressions, and as text.

Text is read by Python's parser, but never run: it may hold names, numbers, the operations of
arithmetic and a few functions.
"""

import ast
import functools as ft
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy as sp

from lectopt.explain import operations
from lectopt.explain.formulas import (
    Cases,
    Function,
    Logic,
    Number,
    Product,
    Relation,
    Sum,
    Symbol,
    Total,
)

OPERATIONS: dict[type[ast.AST], Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.UAdd: operator.pos, ast.USub: operator.neg,
}  # fmt: skip
WRITTEN = "numbers, + - * / ** ( ), sqrt, exp, log, abs, sign, min, max"
FUNCTIONS: dict[str, Callable[..., Any]] = {
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
RELATIONS = {"==": sp.Eq, "!=": sp.Ne, "<": sp.Lt, "<=": sp.Le, ">": sp.Gt, ">=": sp.Ge}
KNOWN: dict[str, Callable[..., Any]] = {
    **{k: getattr(sp, row.sympy) for k, row in operations.FUNCTIONS.items() if row.sympy},
    **{name: FUNCTIONS[name] for name in ("abs", "sign", "min", "max")},
}
T = sp.Symbol("t", integer=True, positive=True)  # the number of the update, from 1


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
    return out


def _unread(text: str, part: str, names: Iterable[str]) -> str:
    where = f" in {text!r}" if part != text else ""
    return f"cannot read {part!r}{where}. Write it in {WRITTEN}; there are {', '.join(names)}."


class Export:
    """Formulas as SymPy expressions.

    Args:
      positive: the names of symbols that are positive, `nonnegative` of those that are not
        negative.
      nonnegative: see `positive`.
    """

    def __init__(self, positive: Iterable[str] = (), nonnegative: Iterable[str] = ()):
        self.positive, self.nonnegative = set(positive), set(nonnegative)

    def symbol(self, name: str) -> Any:
        """The symbol of a name."""
        if name == "t":
            return T
        if name in ("inf", "nan", "π"):
            return {"inf": sp.oo, "nan": sp.nan, "π": sp.pi}[name]
        if name in self.positive:
            return sp.Symbol(name, positive=True)
        return (
            sp.Symbol(name, nonnegative=True)
            if name in self.nonnegative
            else sp.Symbol(name, real=True)
        )

    def __call__(self, x: Any) -> Any:
        """The expression of a formula."""
        match x:
            case Symbol(name, ()):
                return self.symbol(name)
            case Symbol(name, at):
                return sp.Function(f"{name}[{', '.join(at)}]")()
            case Number(value, shown):
                whole = value.denominator == 1 or not shown
                return (
                    sp.Rational(value.numerator, value.denominator)
                    if whole
                    else sp.Float(float(value))
                )
            case Product(number, powers):
                return sp.Mul(self(number), *(self._power(b, e) for b, e in powers))
            case Sum(parts):
                return sp.Add(*map(self, parts))
            case Cases(condition, yes, no):
                cases = (self(yes), self(condition)), (self(no), True)
                return sp.Piecewise(*cases, evaluate=False)
            case Relation(mark, left, right):
                return RELATIONS[mark](self(left), self(right), evaluate=False)
            case Logic(word, args):
                return {"and": sp.And, "or": sp.Or, "not": sp.Not}[word](*map(self, args))
            case Total(kind, body, axes, leaves):
                over = f"{kind}_{axes or 'leaves'}" + (f"_{leaves}" if leaves else "")
                return sp.Function(over)(self(body))
            case Function("True" | "False" as name, ()):
                return sp.true if name == "True" else sp.false
            case Function(name, args) if name in KNOWN and not x.opaque:
                return KNOWN[name](*map(self, args))
        return sp.Function(x.name)(*map(self, x.args))

    def _power(self, base: Any, exponent: Any) -> Any:
        if hasattr(exponent, "numerator"):
            return self(base) ** sp.Rational(exponent.numerator, exponent.denominator)
        return self(base) ** self(exponent)
