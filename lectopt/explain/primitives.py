"""The primitives of JAX that work place by place, as operations on terms.

Numbers are real, but types are kept in view: whole numbers wrap unless they provably fit, and a
cast that loses digits is a function of which nothing is known.
"""

import functools as ft
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import numpy as np

from lectopt.explain.arrays import sort_of
from lectopt.explain.terms import (
    FALSE,
    INF,
    NAN,
    ONE,
    TRUE,
    ZERO,
    Term,
    absolute,
    add,
    both,
    div,
    either,
    equal,
    is_num,
    ite,
    less,
    maximum,
    minimum,
    mul,
    neg,
    negate,
    num,
    power,
    sign,
    sub,
)  # fmt: skip

DIGITS = {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}
LARGEST_POWER = 12  # that is multiplied out


def constant(x: Any) -> Term:
    """A number of a program: the shortest decimal that is this number in its type.

    So `1 - 0.9`, which is 0.099999998 in float32, is read as the 0.1 that float32 cannot tell it
    from.
    """
    if np.asarray(x).dtype == bool:
        return TRUE if x else FALSE
    text = str(int(x)) if sort_of(np.asarray(x).dtype) == "int" else str(np.asarray(x)[()])
    if text == "-inf":
        return neg(INF)
    if text in ("inf", "nan"):
        return INF if text == "inf" else NAN
    return num(Fraction(text))


def _root(a: Term) -> Term:
    return Term("sqrt", a)


def _exp(a: Term) -> Term:
    return Term("exp", a) if a is not ZERO else ONE


def _log(a: Term) -> Term:
    return Term("log", a) if a is not ONE else ZERO


def floor(a: Term) -> Term:
    """The largest whole number that is not above it."""
    return num(a.args[0] // 1) if is_num(a) else Term("floor", a)


def raised(a: Term, b: Term) -> Term:
    """a to the power b; whole powers are products, halves are roots."""
    if is_num(b):
        exponent = b.args[0]
        if exponent.denominator == 1 and abs(exponent) <= LARGEST_POWER:
            return power(a, int(exponent))
        if exponent.denominator == 2 and abs(exponent) <= LARGEST_POWER:
            whole = exponent - Fraction(1, 2) if exponent > 0 else exponent + Fraction(1, 2)
            root = _root(a) if exponent > 0 else div(ONE, _root(a))
            return mul(power(a, int(whole)), root)
    return Term("pow", a, b)


def truncated(a: Term, b: Term) -> Term:
    """The whole part of a quotient: rounded to 0, as C does with whole numbers."""
    if is_num(a) and is_num(b) and b is not ZERO:
        return num(int(a.args[0] / b.args[0]))
    size = floor(div(absolute(a), absolute(b)))
    return ite(equal(less(a, ZERO), less(b, ZERO)), size, neg(size))


def remainder(a: Term, b: Term) -> Term:
    """What a division leaves beside its whole part, with the sign of `a`."""
    return sub(a, mul(b, truncated(a, b)))


def _finite(a: Term) -> Term:
    return TRUE if is_num(a) else Term("fn", "is_finite", "bool", a)


def _same(a: Term, b: Term) -> Term:
    """a == b for floating point: NaN is not what it is."""
    if a is b and not is_num(a) and a.sort == "real":
        return Term("fn", "is_number", "bool", a)
    return equal(a, b)


def bitwise(name: str, dtype: Any, *args: Term) -> Term:
    """The bits of whole numbers: the last few are what a division by a power of 2 leaves."""
    if name == "not":
        return sub(num(int(np.iinfo(dtype).max) if dtype.kind == "u" else -1), args[0])
    for a, mask in (args, args[::-1]):
        if name == "and" and is_num(mask) and (n := int(mask.args[0]) + 1) > 0 and n & (n - 1) == 0:
            return sub(a, mul(num(n), floor(div(a, num(n)))))
    return Term("fn", f"bitwise_{name} {dtype}", "real", *args)


def named(name: str) -> Callable[..., Term]:
    """A function of numbers that is known by its name alone."""
    return lambda *args: Term("fn", name, "real", *args)


POINTWISE: dict[str, Callable[..., Term]] = {
    "add": add, "add_any": add, "sub": sub, "mul": mul, "neg": neg, "div": div,
    "max": maximum, "min": minimum, "abs": absolute, "sign": sign,
    "square": lambda a: mul(a, a), "sqrt": _root, "rsqrt": lambda a: div(ONE, _root(a)),
    "pow": raised, "exp": _exp, "exp2": lambda a: Term("pow", num(2), a), "log": _log,
    "log1p": lambda a: _log(add(ONE, a)), "expm1": lambda a: sub(_exp(a), ONE),
    "logistic": lambda a: div(ONE, add(ONE, _exp(neg(a)))),
    "floor": floor, "ceil": lambda a: neg(floor(neg(a))),
    "lt": less, "gt": lambda a, b: less(b, a),
    "le": lambda a, b: negate(less(b, a)), "ge": lambda a, b: negate(less(a, b)),
    "eq": _same, "ne": lambda a, b: negate(_same(a, b)),
    "and": both, "or": either, "not": negate, "xor": lambda a, b: negate(equal(a, b)),
    "is_finite": _finite, "clamp": lambda low, a, high: minimum(maximum(low, a), high),
    "stop_gradient": lambda a: a, "copy": lambda a: a, "copy_p": lambda a: a,
    "optimization_barrier": lambda a: a,
    **{name: named(name) for name in (
        "tanh", "sin", "cos", "tan", "sinh", "cosh", "asin", "acos", "atan", "atan2", "erf",
        "erfc", "erf_inv", "cbrt", "lgamma", "digamma", "nextafter")},
}  # fmt: skip
WRAPPING = frozenset({"add", "add_any", "sub", "mul", "neg", "square", "integer_pow"})
EXACT = frozenset({
    "max", "min", "neg", "abs", "sign", "floor", "ceil", "clamp", "stop_gradient", "copy", "copy_p",
    "optimization_barrier",
})  # fmt: skip
ROUNDED = (POINTWISE.keys() - EXACT) | {"integer_pow", "reduce_sum", "reduce_prod", "dot_general"}
BITWISE = frozenset({"and", "or", "xor", "not"})


def operation(name: str, params: dict[str, Any], dtypes: list[Any], out: Any) -> Any:
    """The function of terms that a primitive is for these types, None if there is none."""
    if name == "convert_element_type":
        return converted(dtypes[0], out)
    if sort_of(out) == "other" or any(sort_of(d) == "other" for d in dtypes):
        return POINTWISE[name] if name in ("copy", "optimization_barrier") else None
    if name in BITWISE and sort_of(out) != "bool":
        return ft.partial(bitwise, name, np.dtype(out))
    if name == "rem" or (name == "div" and sort_of(out) == "int"):
        return remainder if name == "rem" else truncated
    if name == "integer_pow":
        return fitted(lambda a: power(a, params["y"]), out)
    if name == "round":
        return named(f"round {params['rounding_method']}")
    if name == "reduce_precision":
        return named(f"precision {params['exponent_bits']} {params['mantissa_bits']}")
    rule = POINTWISE.get(name)
    return fitted(rule, out) if rule and name in WRAPPING else rule


def fitted(rule: Callable[..., Term], dtype: Any) -> Callable[..., Term]:
    """Arithmetic of whole numbers: exact if the value fits into the type, else a function of it."""
    if sort_of(dtype) != "int":
        return rule
    info = jnp.iinfo(dtype)
    low, high = num(int(info.min)), num(int(info.max))

    def wrapped(*args: Term) -> Term:
        x = rule(*args)
        fits = both(negate(less(x, low)), negate(less(high, x)))
        return ite(fits, x, Term("fn", f"wrap {info.dtype}", "real", x))

    return wrapped


def converted(old: Any, new: Any) -> Callable[[Term], Term]:
    """A cast: nothing where the new type holds all values of the old one."""
    old, new = np.dtype(old), np.dtype(new)
    names, sorts = (old.name, new.name), (sort_of(old), sort_of(new))
    if old == new:
        return lambda a: a
    if sorts[1] == "bool":
        return lambda a: negate(equal(a, ZERO))
    if sorts[0] == "bool":
        return lambda a: ite(a, ONE, ZERO)
    if sorts == ("int", "int"):
        return fitted(lambda a: a, new)
    if sorts == ("int", "real") and DIGITS.get(new.name, 0) >= DIGITS["float32"]:
        return lambda a: a
    cast = f"cast {names[0]} {names[1]}"
    if all(name in DIGITS for name in names) and DIGITS[new.name] > DIGITS[old.name]:
        # float16 has more digits than bfloat16, but not its range.
        if names != ("bfloat16", "float16"):
            return lambda a: _rounded(a, old, new) if is_num(a) else a

    def rule(a: Term) -> Term:
        if a in (INF, NAN, neg(INF)):
            return a
        return (
            _rounded(a, new) if is_num(a) and "other" not in sorts else Term("fn", cast, "real", a)
        )

    return rule


def narrowed(name: str, out: Any) -> Callable[[Term], Term] | None:
    """What rounds the result of an operation of a type with fewer digits than float32; None where
    nothing does."""
    narrow = sort_of(out.dtype) == "real" and np.dtype(out.dtype).itemsize < 4
    return converted(np.float32, out.dtype) if narrow and name in ROUNDED else None


def _rounded(a: Term, *dtypes: Any) -> Term:
    """A number in another type, and then in others."""
    x = np.asarray(float(a.args[0]))
    with np.errstate(all="ignore"):
        for dtype in dtypes:
            x = x.astype(dtype)
    return constant(x[()])
