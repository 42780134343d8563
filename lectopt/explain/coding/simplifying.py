"""Operations in fewer words: `abs`, `max` and `%` for what they are, numbers first."""

from fractions import Fraction

from lectopt.explain.terms import (
    MAKE,
    MINUS_ONE,
    ONE,
    ZERO,
    Term,
    add,
    is_num,
    less,
    mul,
    neg,
    num,
)  # fmt: skip


def function(name: str, *args: Term) -> Term:
    """A function that programs have by name."""
    return Term("fn", name, "real", *args)


def pattern(x: Term) -> Term | None:
    """The largest, smallest, size or sign that cases are."""
    c, a, b = x.args
    if c.op != "lt":
        return None
    low, high = c.args
    if high is ZERO and low is b and a is neg(b):
        return function("abs", b)
    if low is ZERO and a is ONE and b.op == "ite" and b.args[1:] == (MINUS_ONE, ZERO):
        if b.args[0] is less(high, ZERO):
            return function("sign", high)
    if {a, b} == {low, high}:
        return function("max" if a is high else "min", low, high)
    return None


def simplified(x: Term) -> Term:
    """An operation on tidy terms."""
    match x.op:
        case "add":
            return _sum(x)
        case "mul":
            return _product(*x.args)
        case "exp":
            return _exponential(x)
        case "lt" | "eq":
            return _compared(x)
        case "floor" if x.args[0].op == "div":
            return function("floordiv", *x.args[0].args)
        case "floor" if x.args[0].sort == "int":
            return x.args[0]
    return x


def _sum(x: Term) -> Term:
    """Numbers are added up; `a - b*(a // b)` is the remainder."""
    terms, number = split(x)
    for y in terms:
        if (found := _divided(y)) is None:
            continue
        a, b = found
        inner, shift = split(a)
        if len(inner) == 1 and inner[0] in terms:
            terms = [z for z in terms if z is not y and z is not inner[0]]
            terms, number = [function("mod", a, b), *terms], number - shift
            break
    out = num(number)
    for y in terms:
        out = add(out, y)
    return out


def split(x: Term) -> tuple[list[Term], Fraction]:
    """What is added up, and the numbers among it."""
    terms, number, stack = [], Fraction(0), [x]
    while stack:
        y = stack.pop()
        if y.op == "add":
            stack.extend(reversed(y.args))
        elif is_num(y):
            number += y.args[0]
        else:
            terms.append(y)
    return terms, number


def _divided(x: Term) -> tuple[Term, Term] | None:
    """(a, b) of `-b*(a // b)`."""
    if x.op != "mul" or not is_num(x.args[0]):
        return None
    factor, q = x.args
    b = neg(factor)
    if factor is MINUS_ONE and q.op == "mul":
        b, q = q.args
    if q.op == "fn" and q.args[0] == "floordiv" and q.args[3] is b:
        return q.args[2], b
    return None


def _compared(x: Term) -> Term:
    """`3 < 1 + a` is `2 < a`."""
    a, b = x.args
    for one, other, make in ((a, b, MAKE[x.op]), (b, a, lambda p, q: MAKE[x.op](q, p))):
        if is_num(one) and other.op == "add" and is_num(other.args[0]):
            terms, number = split(other)
            return make(num(one.args[0] - number), _sum(add(other, num(-number))))
    return x


def _product(a: Term, b: Term) -> Term:
    """Numbers come first; minus a difference is the difference the other way around."""
    if is_num(b) and not is_num(a):
        a, b = b, a
    if is_num(a) and b.op == "mul" and is_num(b.args[0]):
        return _product(num(a.args[0] * b.args[0].args[0]), b.args[1])
    if a is MINUS_ONE and b.op == "add" and (any(map(is_num, b.args))):
        return _sum(add(_product(a, b.args[0]), _product(a, b.args[1])))
    return mul(a, b)


def _exponential(x: Term) -> Term:
    """`exp(t*log(b))` is `b^t`."""
    inner = x.args[0]
    if inner.op == "mul":
        for base, exponent in (inner.args, inner.args[::-1]):
            if base.op == "log":
                return Term("pow", base.args[0], exponent)
    return x
