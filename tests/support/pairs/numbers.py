"""The arithmetic of computers: integers that wrap, casts, narrow types, roundings, dtypes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tests.support.pairs.known import (
    KnownPair,
    apart,
    by_count,
    by_weight,
    decimal,
    family,
    pick,
    same,
    whole,
    witness,
)
from tests.support.pairs.trees import NARROW


@family
def counters_that_wrap(random: np.random.Generator) -> KnownPair:
    """Tokens seen, squares of the count, counters of a byte."""
    tokens = 2 ** whole(random, 20, 24) * pick(random, 1, 3, 5)
    wraps = -(-(2**31) // tokens)
    rows = [
        (
            lambda t: (t * jnp.int32(tokens)).astype(jnp.float32) / 1e9,
            lambda t: t.astype(jnp.float32) * tokens / 1e9,
            wraps + 6,
        ),
        (
            lambda t: 1 / (1 + jnp.abs((t * jnp.int32(tokens)).astype(jnp.float32))),
            lambda t: 1 / (1 + t.astype(jnp.float32) * tokens),
            wraps + 6,
        ),
        (lambda t: t.astype(jnp.uint8).astype(jnp.float32), lambda t: t.astype(jnp.float32), 258),
        (lambda t: t.astype(jnp.int8).astype(jnp.float32), lambda t: t.astype(jnp.float32), 130),
        (
            lambda t: (t.astype(jnp.uint8) + jnp.uint8(200)).astype(jnp.float32),
            lambda t: t.astype(jnp.float32) + 200,
            60,
        ),
        (
            lambda t: jnp.where(t * jnp.int32(tokens) >= 0, 1.0, 2.0),
            lambda t: jnp.ones([]),
            wraps + 6,
        ),
        (
            lambda t: (t.astype(jnp.uint32) - jnp.uint32(1)).astype(jnp.float32),
            lambda t: t.astype(jnp.float32) - 1,
            1,
        ),
    ]
    if random.random() < 0.08:
        rows = [
            (lambda t: (t * t).astype(jnp.float32), lambda t: t.astype(jnp.float32) ** 2, 46342)
        ]
    if random.random() < 0.3:
        equal = [
            (
                lambda t: jnp.minimum(t, 200).astype(jnp.uint8).astype(jnp.float32),
                lambda t: jnp.minimum(t.astype(jnp.float32), 200.0),
            ),
            (
                lambda t: (t % 256).astype(jnp.float32),
                lambda t: t.astype(jnp.uint8).astype(jnp.float32),
            ),
            (
                lambda t: (jnp.minimum(t, 100) * 1000).astype(jnp.float32),
                lambda t: 1000.0 * jnp.minimum(t.astype(jnp.float32), 100),
            ),
        ]
        k = int(random.integers(3))
        return same(*map(by_count, equal[k]), f"equal {k}", in_float32=True)
    k = int(random.integers(len(rows)))
    first, second, steps = rows[k]
    return apart(by_count(first), by_count(second), witness([1.0] * steps), f"{k}, {steps} updates")


@family
def whole_numbers(random: np.random.Generator) -> KnownPair:
    """Quotients and remainders, of negative numbers too; shifts and bits."""
    n, c = whole(random, 2, 7), whole(random, 3, 20)

    def rate(f: Any) -> Any:
        return by_count(lambda t: f(t).astype(jnp.float32))

    equal = [
        (lambda t: t // n, lambda t: jnp.floor(t / n)),
        (lambda t: t % n, lambda t: t - n * (t // n)),
        (lambda t: (-t - 1) // n, lambda t: -(t // n) - 1),
        (lambda t: t >> 1, lambda t: t // 2),
        (lambda t: t & 3, lambda t: t % 4),
        (lambda t: t % n == 0, lambda t: t // n * n == t),
        (lambda t: (t + c) // n - t // n, lambda t: (t % n + c) // n),
        (lambda t: jax.lax.div(-t, jnp.int32(n)), lambda t: -(t // n)),
    ]
    different = [
        (lambda t: jax.lax.div(1 - 2 * t, jnp.int32(n)), lambda t: (1 - 2 * t) // n),
        (lambda t: jax.lax.rem(-t, jnp.int32(n)), lambda t: -t % n),
        (lambda t: t // n, lambda t: (t + n // 2) // n),
        (lambda t: t % n == 0, lambda t: t % n == 1),
        (lambda t: t % 7 == n - 1, lambda t: t < 0),
        (lambda t: t // (n + 1), lambda t: jnp.round(t / (n + 1) - 0.01)),
    ]
    if random.random() < 0.5:
        k = int(random.integers(len(equal)))
        return same(*map(rate, equal[k]), f"equal {k}", in_float32=True)
    k = int(random.integers(len(different)))
    return apart(*map(rate, different[k]), witness([1.0] * 30), f"different {k}")


@family
def casts(random: np.random.Generator) -> KnownPair:
    """A cast and what it is taken for."""
    k = decimal(random, 2, 9, 1)

    def as_(dtype: Any) -> Any:
        return lambda g: g.astype(dtype).astype(g.dtype)

    half, brain, i32, i8, u8 = map(as_, (jnp.float16, jnp.bfloat16, jnp.int32, jnp.int8, jnp.uint8))
    rows = {
        "finite in float16": (
            lambda g: jnp.where(jnp.isfinite(half(g)), g, 0),
            lambda g: g,
            1e5 * k,
        ),
        "finite in float32": (
            lambda g: jnp.where(jnp.isfinite(half(g)), g, 0),
            lambda g: jnp.where(jnp.isfinite(g), g, 0),
            7e4 * k,
        ),
        "overflow in float16": (
            lambda g: half(half(g) * 1000.0),
            lambda g: half(g) * 1000.0,
            70.0 * k,
        ),
        "saturates": (i32, jnp.floor, 1e10 * k),
        "saturates below": (i32, jnp.trunc, -1e12 * k),
        "int8": (i8, jnp.trunc, 100.0 * k),
        "towards zero": (i32, jnp.floor, -0.3 - k),
        "no negatives": (u8, jnp.floor, -k),
        "bfloat16": (brain, lambda g: g, 1 + 2.0**-8 * 1.4),
        "float16": (half, lambda g: g, 1 + 2.0**-11 * 1.4),
        "too small for float16": (lambda g: jnp.where(half(g) == 0, 0, g), lambda g: g, 1e-9 * k),
        "half to even": (lambda g: jnp.round(g), lambda g: jnp.floor(g + 0.5), 2.5),
        "eight bits": (
            lambda g: i32(jnp.clip(g, -300, 300) * 100) / 100,
            lambda g: i8(jnp.clip(g, -300, 300) * 100) / 100,
            2 * k,
        ),
        "bool": (
            lambda g: g.astype(bool).astype(g.dtype),
            lambda g: jnp.where(g > 0, 1.0, 0.0).astype(g.dtype),
            -k,
        ),
        "float16 sums": (lambda g: half(g) + half(1e-4 + 0 * g), lambda g: half(g + 1e-4), 1.0),
    }
    equal = {
        "within": (
            lambda g: i32(jnp.clip(g, -100, 100)),
            lambda g: jnp.trunc(jnp.clip(g, -100, 100)),
        ),
        "bool": (
            lambda g: g.astype(bool).astype(g.dtype),
            lambda g: jnp.where(g != 0, 1.0, 0.0).astype(g.dtype),
        ),
        "twice": (lambda g: brain(brain(g)), brain),
        "wider": (
            lambda g: g.astype(jnp.promote_types(g.dtype, jnp.float32)).astype(g.dtype),
            lambda g: g,
        ),
        "trunc": (jnp.trunc, lambda g: jnp.sign(g) * jnp.floor(jnp.abs(g))),
        "by powers of two": (
            lambda g: 4 * brain(jnp.clip(g, -9, 9)),
            lambda g: brain(4 * jnp.clip(g, -9, 9)),
        ),
    }

    def program(f: Any) -> Any:
        return by_weight(lambda g, p: f(g))

    if random.random() < 0.25:
        name = pick(random, *equal)
        return same(*map(program, equal[name]), name)
    name = pick(random, *rows)
    first, second, value = rows[name]
    return apart(program(first), program(second), witness([value]), name)


@family
def dtypes(random: np.random.Generator) -> KnownPair:
    """Programs that ask for the type of a gradient."""
    narrow, wide = witness([0.01], like=NARROW), witness([0.01])

    def over(eps: Any) -> Any:
        return by_weight(lambda g, p: g / (jnp.abs(g) + jnp.sqrt(jnp.asarray(eps(g), g.dtype))))

    def times(factor: Any) -> Any:
        return by_weight(lambda g, p: factor(g) * g)

    bits = decimal(random, 1.5, 4)
    rows = [
        (over(lambda g: jnp.finfo(g.dtype).eps), over(lambda g: 2.220446049250313e-16), wide),
        (over(lambda g: jnp.finfo(g.dtype).eps), over(lambda g: 1.1920928955078125e-07), narrow),
        (times(lambda g: bits if g.dtype == jnp.float32 else 1), optax.identity(), wide),
        (times(lambda g: bits if g.dtype == jnp.float32 else 1), times(lambda g: bits), narrow),
        (times(lambda g: bits if g.dtype == jnp.bfloat16 else 1), optax.identity(), narrow),
        (times(lambda g: g.dtype.itemsize), times(lambda g: 8), wide),
        (times(lambda g: g.dtype.itemsize), times(lambda g: 4), narrow),
        (times(lambda g: 1 / jnp.finfo(g.dtype).bits), optax.scale(1 / 32), narrow),
    ]
    equal = [
        (times(lambda g: g.dtype.itemsize), times(lambda g: jnp.finfo(g.dtype).bits // 8)),
        (over(lambda g: jnp.finfo(g.dtype).eps), over(lambda g: 2.0 ** -jnp.finfo(g.dtype).nmant)),
        (
            times(lambda g: bits if g.dtype == jnp.bfloat16 else 1),
            times(lambda g: 1 if g.dtype != jnp.bfloat16 else bits),
        ),
    ]
    if random.random() < 0.3:
        return same(*pick(random, *equal))
    k = int(random.integers(len(rows)))
    return apart(*rows[k], str(k))
