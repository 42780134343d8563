"""The histories on which two transformations are run beside each other.

Random ones show what plainly differs. The others go where programs turn: zero, tiny and huge
gradients, ties, negative weights, one place or a few; and the numbers that their conditions ask
for, as gradients, weights, norms and counts of steps.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.explain.rewriting import walk
from lectopt.explain.terms import Term, is_num
from lectopt.explain.trials import LENGTH, History

LATEST = 100_000  # step that is run
NUMBERS = 12  # of a program that are tried as gradients and weights
STEPS = 12  # that are tried
NEAR = (1 - 1e-3, 1.0, 1 + 1e-3, 10.0)
FEW = (1, 2, 3)
LONG = 1000  # equal gradients
EARLY = 3  # changes of a condition that are looked at, beside the last
LARGEST = 1e30  # number of a program that is tried
STUCK = {" bfloat16": 2**8 + 4, " float16": 2**11 + 4}  # where a count in such a type no more grows


def tree_like(params: Any, draw: Any) -> Any:
    """A tree of the shapes and types of another, drawn leaf by leaf."""
    with np.errstate(over="ignore", invalid="ignore"):  # for those that are to overflow
        return jax.tree.map(lambda x: jnp.asarray(draw(np.shape(x)), x.dtype), params)


def random_history(params: Any, seed: int = 0, scale: float = 1.0) -> History:
    """Normal gradients and weights of both signs."""
    random = np.random.default_rng(seed)
    sizes = (0.4, 1.5, 1.0, 0.2, 2.5, 0.7)
    return History(
        tree_like(params, lambda shape: random.normal(size=shape)),
        [
            tree_like(params, lambda shape, s=s: scale * s * random.normal(size=shape))
            for s in sizes[:LENGTH]
        ],
    )


def plain_histories(params: Any) -> Iterator[History]:
    """Zero, equal, alternating, rare, tiny and large gradients."""
    base = random_history(params, 1)
    random = np.random.default_rng(2)
    whole = tree_like(params, lambda s: random.integers(-2, 3, size=s).astype(float))
    for values in (
        (0.0, 0.0, 1.0, 0.0, -1.0, 0.0),
        (1.0, -2.0, 3.0, 1.0, -2.0, -3.0),
        (1e-8, -1e-8, 1e-9, 1e-6, 0.0, 1e-8),
        (1e4, -1e3, 1e4, 2e5, -1e4, 1e4),
    ):
        yield History(base.weights, [_full(params, v) for v in values])
        yield History(base.weights, [_scaled(base.gradients[0], v) for v in values])
    yield History(whole, [whole, _scaled(whole, -1), whole, whole, _scaled(whole, 0), whole])
    zeros = _full(params, 0.0)
    yield History(zeros, base.gradients)
    yield History(zeros, [zeros] * LENGTH)
    for many in FEW:
        yield History(base.weights, [_few(params, many, 2.0)] * 3 + list(base.gradients[:3]))
    for size in (1e15, 1e-12):  # of less 64 bits lose too many digits beside 1
        yield History(base.weights, [_scaled(g, size) for g in base.gradients])


def huge_histories(params: Any) -> Iterator[History]:
    """With gradients so large that their squares or their sums overflow."""
    base = random_history(params, 6)
    for size in (1e19, 1e25, 1e38):
        for gradient in (_scaled(base.gradients[0], size), _full(params, size)):
            yield History(base.weights, [base.gradients[1], gradient, *base.gradients[2:4]])


def endless_histories(params: Any) -> Iterator[History]:
    """With NaN and infinities at one place, everywhere, and after plain gradients."""
    base = random_history(params, 3)
    for value in (np.nan, np.inf, -np.inf):
        one = jax.tree.map(lambda x, v=value: _one_place(x, v), base.gradients[0])
        for gradient in (one, _full(params, value)):
            yield History(base.weights, [base.gradients[1], gradient, *base.gradients[2:4]])
            yield History(base.weights, [gradient, *base.gradients[:3]])


def asked_histories(params: Any, numbers: Sequence[float]) -> Iterator[History]:
    """With gradients, weights and norms about these numbers."""
    base = random_history(params, 4)
    count = sum(int(np.prod(np.shape(x))) for x in jax.tree.leaves(params))
    for c in numbers[:NUMBERS]:
        for near in NEAR:
            v = c * near
            plus, minus = _full(params, v), _full(params, -v)
            small = _scaled(base.gradients[0], abs(v) / 10)
            yield History(base.weights, [plus, minus, small, plus])
            yield History(base.weights, [minus, minus, small, plus])
            yield History(plus, base.gradients[:3])
            yield History(minus, base.gradients[:3])
            norm = _scaled(base.gradients[0], abs(v) / (count**0.5 * 0.4))
            yield History(base.weights, [norm, _scaled(norm, -1)])
        for many in FEW:
            yield History(base.weights, [_few(params, many, 2 * c), base.gradients[0]])


def late_histories(params: Any, steps: Iterable[float]) -> Iterator[History]:
    """That go on to these steps and a little beyond, on equal gradients and on random ones."""
    base = random_history(params, 5)
    for step in sorted({int(s) for s in steps if 1 <= s <= LATEST})[:STEPS]:
        before = max(step - LENGTH // 2, 0)
        yield History(base.weights, base.gradients, before, base.gradients[-1])
        yield History(base.weights, [_full(params, 1.0)] * LENGTH, before, _full(params, 1.0))


def long_histories(params: Any) -> Iterator[History]:
    """With the same gradients again and again: what states grow, shrink and count to."""
    base = random_history(params, 5)
    for first in (_full(params, 0.0), _full(params, 1.0), base.gradients[0]):
        yield History(base.weights, base.gradients, LONG, first)


def turns(tables: Iterable[Any]) -> set[int]:
    """The steps at which a number that is looked up by a count changes, or is not that of another
    table."""
    rows = [np.asarray(x) for x in tables if np.ndim(x) == 1 and 1 < np.size(x) < LATEST]
    changes = [(x[1:] != x[:-1], 2) for x in rows]
    changes += [(x != y, 1) for x, y in itertools.combinations(rows, 2) if x.shape == y.shape]
    steps = {len(x) for x in rows} | {len(x) + 1 for x in rows}
    for where, first in changes:
        found = np.flatnonzero(where).tolist()
        steps |= {k + first for k in (*found[:EARLY], *found[-1:])}
    return steps


def _full(params: Any, value: float) -> Any:
    return tree_like(params, lambda shape: np.full(shape, value))


def _scaled(tree: Any, factor: float) -> Any:
    return jax.tree.map(lambda x: (x * factor).astype(x.dtype), tree)


def _few(params: Any, many: int, value: float) -> Any:
    def draw(shape: Any) -> Any:
        out = np.full(int(np.prod(shape)), 0.01 * value)
        out[:many] = value
        return out.reshape(shape)

    return tree_like(params, draw)


def _one_place(x: Any, value: float) -> Any:
    flat = jnp.ravel(x)
    return flat.at[0].set(value).reshape(x.shape)


def asked(
    terms: Iterable[Term], needs: Iterable[Term], values: dict[str, float], counters: set[str]
) -> tuple[Any, Any]:
    """The numbers that conditions compare with and that were taken not to be 0, and the steps at
    which conditions about counters turn."""
    numbers: set[float] = set()
    steps: set[int] = set()
    conditions = [x for x in walk(*terms, inside=True) if x.op in ("lt", "eq", "floor")]
    for x in [*conditions, *needs]:
        parts = list(walk(x, inside=True))
        about = {y.args[0] for y in parts if y.op == "sym"} - values.keys()
        if about and about <= counters:
            steps |= set(_turns(x, about, values))
            continue
        found = {abs(float(y.args[0])) for y in parts if is_num(y)}
        found |= {abs(values[y.args[0]]) for y in parts if y.op == "sym" and y.args[0] in values}
        numbers |= {v for v in found if 0 < v < LARGEST}
    names = {x.args[0] for x in walk(*terms, inside=True) if x.op == "fn"}
    steps |= {step for name, step in STUCK.items() if any(x.endswith(name) for x in names)}
    return sorted(numbers - {1.0}, key=lambda v: (v == round(v, 3), v))[::-1], steps


def _turns(x: Term, about: set[str], values: dict[str, float]) -> Iterator[int]:
    """The steps at which a condition on counters, all at the number of the step, changes."""
    count = np.arange(float(LATEST))
    try:
        with np.errstate(all="ignore"):
            at = np.broadcast_to(evaluate(x, values | dict.fromkeys(about, count)), count.shape)
    except KeyError:
        return
    changes = (np.flatnonzero(at[1:] != at[:-1]) + 2).tolist()
    yield from dict.fromkeys([*changes[:EARLY], *changes[-1:]])


def evaluate(term: Term, values: Mapping[str, Any]) -> Any:
    """The value of a term without arrays.

    Raises:
      KeyError: it holds something else.
    """
    known: dict[Term, Any] = {}
    for x in walk(term):
        if x.op in ("num", "bool"):
            known[x] = x.args[0] if x.op == "bool" else float(x.args[0])
        elif x.op == "sym":
            known[x] = values[x.args[0]]
        else:
            name = x.args[0].partition(" ")[0] if x.op == "fn" else x.op
            known[x] = _OPERATIONS[name](*(known[y] for y in x.args if isinstance(y, Term)))
    return known[term]


_OPERATIONS: dict[str, Any] = {
    "add": np.add, "mul": np.multiply, "div": np.divide, "lt": np.less, "eq": np.equal,
    "not": np.logical_not, "and": np.logical_and, "ite": np.where, "sqrt": np.sqrt,
    "floor": np.floor, "pow": np.power, "exp": np.exp, "log": np.log, "cos": np.cos,
    "sin": np.sin, "wrap": lambda x: x,
}  # fmt: skip
