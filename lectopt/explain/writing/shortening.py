"""Names for long expressions that stand more than once: what an author would call `u`.

`θ - α u ‖θ‖ / ‖u‖` is LAMB; with `u` written out at every place it is not readable.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import sympy as sp
from sympy.logic.boolalg import Boolean

from lectopt.explain.algebra.names import Name, parse
from lectopt.explain.algebra.nodes import Call, Everywhere, Largest, Total, size, square_root, t

LETTERS = ("a", "b", "d", "e", "f", "h")
NOT_NAMED = (Boolean, Total, Largest, Everywhere)
LONG = 7  # nodes; shorter expressions are left as they are


def shortened(
    equations: Mapping[Any, Any], update: Any, taken: set[str], fixed: set[Any]
) -> tuple[dict[Any, Any], Any]:
    """The same equations, with letters of their own for long expressions that occur repeatedly.

    Args:
      equations: definitions, in order.
      update: the last expression.
      taken: letters that mean something already.
      fixed: symbols whose definitions are left as they are.
    """
    equations = dict(equations)
    for letter in (x for x in LETTERS if x not in taken):
        target = _repeated([e for s, e in equations.items() if s not in fixed] + [update])
        if target is None:
            break
        symbol = next((s for s, e in equations.items() if e == target), Name(letter).symbol())
        later: dict[Any, Any] = {}
        placed = symbol in equations
        seen = not placed
        for defined, expr in equations.items():
            kept = defined in fixed or not seen  # a definition serves those after it
            short = expr if kept else _folded(expr, target, symbol)
            seen = seen or defined == symbol
            if not placed and short != expr:
                later[symbol], placed = target, True
            later[defined] = short
        if not placed:
            later[symbol] = target
        equations, update = later, _folded(update, target, symbol)
    return equations, update


def _repeated(exprs: list[Any]) -> Any:
    """The longest expression that occurs at least twice, None if there is none."""
    counts: Counter[Any] = Counter()
    for expr in exprs:
        counts.update(_parts(expr))
    sizes = {part: size(part) for part, count in counts.items() if count > 1}
    worth = [part for part, nodes in sizes.items() if nodes >= LONG]
    # What is inside something longer that is repeated as often is not looked at by itself.
    worth.sort(key=lambda part: (-sizes[part], sp.default_sort_key(part)))
    return worth[0] if worth else None


def _parts(expr: Any) -> Iterator[Any]:
    """The parts of a formula, each as often as it occurs; of a square the root."""
    if isinstance(expr, Call) or not expr.args:
        return
    if not isinstance(expr, NOT_NAMED) and _changes(expr) and not _tagged(expr):
        if not (isinstance(expr, sp.Pow) and isinstance(expr.base, NOT_NAMED)):
            root = square_root(expr) if expr.is_Mul else None
            yield expr if root is None else root
    if isinstance(expr, sp.Mul):
        yield from _products(expr)
    for arg in expr.args:
        if not isinstance(expr, Total) or arg is expr.args[0]:
            yield from _parts(arg)


def _products(expr: Any) -> Iterator[Any]:
    """Parts of a product that are quotients: `α m / d` holds `m / d`."""
    above = [f for f in expr.args if f.is_Symbol and parse(f.name)["time"]]
    below = [f for f in expr.args if isinstance(f, sp.Pow) and f.exp == -1 and f.base.is_Add]
    for top in above:
        for bottom in below:
            if len(expr.args) > 2:
                yield top * bottom


def _changes(expr: Any) -> bool:
    """Whether it is more than a constant, and no mere `1 / (1 - b^t)`."""
    return any(parse(s.name)["time"] for s in expr.free_symbols) or (
        isinstance(expr, sp.Add) and t in expr.free_symbols
    )


def _tagged(expr: Any) -> bool:
    return any(parse(s.name)["leaf"] for s in expr.free_symbols)


def _folded(expr: Any, target: Any, symbol: Any) -> Any:
    """`expr` with `symbol` for `target`, also where that is a factor, or an integer less."""
    if expr == target:
        return symbol
    if not expr.args or not target.free_symbols <= expr.free_symbols:
        return expr
    args = [_folded(arg, target, symbol) for arg in expr.args]
    if args != list(expr.args):
        expr = expr.func(*args)
    if isinstance(expr, sp.Add) and isinstance(target, sp.Add):
        rest = expr - target
        return symbol + rest if rest.is_Integer else expr
    if isinstance(expr, sp.Mul) and isinstance(target, sp.Mul):
        powers, wanted = expr.as_powers_dict(), target.as_powers_dict()
        times = [powers.get(base, 0) / exponent for base, exponent in wanted.items()]
        if all(x == times[0] and x.is_Integer and x > 0 for x in map(sp.sympify, times)):
            rest = {b: e - times[0] * wanted.get(b, 0) for b, e in powers.items()}
            return symbol ** times[0] * sp.Mul(*(b**e for b, e in rest.items()))
    return expr
