"""Running two optimizers beside each other on the same gradients, to see where they part."""

import functools as ft
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.explain.algebra.names import own
from lectopt.explain.algebra.nodes import t
from lectopt.explain.comparing import turning
from lectopt.explain.comparing.pairing import Pair
from lectopt.explain.reading.tracing import double, loss
from lectopt.explain.running.evaluating import Evaluator, laid_out, put_back
from lectopt.look_ahead import take_gradients_as_given

SHORTEST, LONGEST = 12, 200  # of the histories, in steps
SHOWN = 12  # gradients of a counterexample, if it is not longer
SLACK = 1e-6  # of the largest move: more than rounding
ROUNDING = 1e-15  # of the parameters, at each step
PLAIN = 1e-3  # of the largest move: a difference that one sees

History = Callable[[np.random.Generator, int, tuple[int, ...]], Any]

# The gradients of a weight at step k, simple ones first: they make a counterexample readable.
SIMPLE: tuple[History, ...] = (
    lambda random, k, shape: np.ones(shape),
    lambda random, k, shape: np.full(shape, (-1.0) ** (k // 2) * (1 + k % 3)),
    lambda random, k, shape: np.full(shape, 0.0 if k % 4 else 2.0),
    lambda random, k, shape: np.full(shape, 1e-8),
)
RANDOM: tuple[History, ...] = (
    lambda random, k, shape: random.normal(size=shape),
    lambda random, k, shape: random.normal(size=shape) * (random.random(shape) < 0.5),
    lambda random, k, shape: 1e-5 * random.normal(size=shape),
    lambda random, k, shape: 100 * random.normal(size=shape) - 30,
)


@dataclass(frozen=True)
class Difference:
    """Where two optimizers part: at `step`, on one weight that had these gradients, and the
    values that the weight then has; `share` is their difference by the move of the weight."""

    step: int
    gradients: tuple[float, ...]
    start: float
    first: float
    second: float
    names: tuple[str, str]
    share: float

    def __str__(self) -> str:
        listed = [f"{g:.6g}" for g in self.gradients]
        if len(listed) > SHOWN:
            listed = [*listed[:3], "...", *listed[-3:]]
        gradients = ", ".join(listed)
        word = "gradient" if len(listed) == 1 else "gradients"
        one, other = self.names
        return (
            f"at step {self.step}, for a weight that starts at {self.start:.6g} with the {word} "
            f"{gradients}: {one} gives {self.first:.10g}, {other} gives {self.second:.10g}"
        )


def length(both: Pair) -> int:
    """Of the histories: beyond the step numbers that the two ask for, if that is not too far."""
    asked = turning.steps(both.a.system) | turning.steps(both.b.system)
    return int(min(SHORTEST + 2 * max(asked, default=0), LONGEST))


def first_difference(both: Pair) -> Difference | None:
    """The first difference on the first history that shows it plainly, else on the one that shows
    it best; None if there is none."""
    best, most = None, 0.0
    with double():
        race = _Race(both)
        for history in _histories(both):
            difference = race.run(history)
            if difference is not None and difference.share > most:
                best, most = difference, difference.share
            if most > PLAIN:
                break
    return best


def _histories(both: Pair) -> Iterator[History]:
    """The simple ones, those that meet the sizes that either asks for, and random ones."""
    yield from SIMPLE
    sizes = sorted(turning.sizes(both.a.system) | turning.sizes(both.b.system))
    signed = [sign * size for size in sizes for sign in (1.0, -1.0)]
    for first in range(0, len(signed), length(both)):
        few = signed[first : first + length(both)]
        yield lambda random, k, shape, few=few: np.full(shape, few[(k - 1) % len(few)])
    yield from RANDOM


class _Race:
    def __init__(self, both: Pair):
        self.both = both
        self.random = np.random.default_rng(0)
        self.sides = [x.system for x in (both.a, both.b)]
        self.transformations = []
        for side in self.sides:
            numbers = side.programs.subject.numbers
            traced = {k: jnp.asarray(numbers[k], v.dtype) for k, v in side.programs.numbers.items()}
            made = side.programs.subject.build(traced)
            self.transformations.append(take_gradients_as_given(made))
        self.steps = length(both)
        self.step = jax.jit(self.stepped)

    def run(self, history: History) -> Difference | None:
        a = self.sides[0]
        params = jax.tree.map(
            lambda p: jnp.asarray(0.5 + 0.1 * self.random.integers(0, 10, p.shape)),
            a.programs.params,
        )
        states = [self.transformations[0].init(params)]
        thetas = [params, self.counterpart(params, states[0], 1)]
        states.append(self.transformations[1].init(thetas[1]))
        start, past = thetas[1], []
        for step in range(1, self.steps + 1):
            drawn = ft.partial(history, self.random, step)
            noise = jax.tree.map(lambda p, drawn=drawn: jnp.asarray(drawn(p.shape)), params)
            value = 1.0 + self.random.random()
            before = thetas[1]
            grads, thetas, states = self.step(thetas, states, noise, value)
            past.append(grads)
            expected = self.counterpart(thetas[0], states[0], step + 1)
            where = _apart(expected, thetas[1], before, step)
            if where is not None:
                leaf, place = where
                one, other, first, old, *gradients = (
                    float(np.ravel(jax.tree.leaves(x)[leaf])[place])
                    for x in (expected, thetas[1], start, before, *past)
                )
                gap, move = abs(one - other), max(abs(one - old), abs(other - old))
                share = gap / move if gap < np.inf and move < np.inf else np.inf
                return Difference(step, tuple(gradients), first, one, other, self.names(), share)
        return None

    def names(self) -> tuple[str, str]:
        """What to call the two: their titles if they are short and not the same."""
        first, second = self.both.a.title, self.both.b.title
        if first == second or max(len(first), len(second)) > 60:
            return "the first", "the second"
        return first, second

    def stepped(self, thetas: Any, states: Any, noise: Any, value: Any) -> tuple[Any, Any, Any]:
        """One update of both: the gradient of the second, the new parameters and states."""
        grads = [self.gradient(k, noise, thetas[k], states[k]) for k in (0, 1)]
        done = [self.update(k, grads[k], states[k], thetas[k], value) for k in (0, 1)]
        return grads[1], [theta for theta, _ in done], [state for _, state in done]

    def gradient(self, k: int, noise: Any, params: Any, state: Any) -> Any:
        """The gradient of side k: with a change of variable, of a function of the point."""
        if not self.both.mapped and not any(side.points for side in self.sides):
            return noise
        tx = self.transformations[k]
        point = tx.point(params, state) if self.sides[k].points else params
        return jax.tree.map(lambda n, p: n + 0.3 * p, noise, point)

    def update(self, k: int, grads: Any, state: Any, params: Any, value: Any) -> tuple[Any, Any]:
        programs = self.sides[k].programs
        extra: dict[str, Any] = dict.fromkeys(programs.extra, value) | dict(programs.functions)
        if programs.functions:
            extra |= {"value": loss(params)} if "value" in extra else {}
        extra |= {"grad": grads} if "grad" in extra else {}
        tx = optax.with_extra_args_support(self.transformations[k])
        updates, state = tx.update(grads, state, params, **extra)
        return optax.apply_updates(params, updates), state

    def counterpart(self, params: Any, state: Any, step: int) -> Any:
        """The parameters that the second has when the first has these."""
        a, theta = self.sides[0], self.both.theta
        leaf = self.both.leaves[0]
        if theta == own(a.parameter(leaf), leaf):
            return params
        layout = a.layout
        known: dict[Any, Any] = {("", t): step} | layout.known_sizes()
        numbers = a.programs.subject.numbers
        known |= {("", s): float(numbers[name]) for s, name in a.settings.items()}
        for s, array in zip(a.states, jax.tree.leaves(state), strict=True):
            if s.role not in ("known", "key"):
                symbol = own(s.value("t-1").expr, s.name.leaf)
                known[s.name.leaf, symbol] = laid_out(array, s.dims, layout.merged)
        flat, treedef = jax.tree.flatten(params)
        out = []
        for label, array in zip(self.both.leaves, flat, strict=True):
            dims = layout.dims(array.shape)
            known[label, own(a.parameter(label), label)] = laid_out(array, dims, layout.merged)
        for label, array in zip(self.both.leaves, flat, strict=True):
            value = Evaluator(known, {"": {}}, a.calls, layout)(theta, label)
            out.append(jnp.asarray(put_back(value, layout.dims(array.shape), array, layout.merged)))
        return treedef.unflatten(out)


def _apart(first: Any, second: Any, before: Any, step: int) -> tuple[int, int] | None:
    """The leaf and the place where two trees differ most, if by more than rounding."""
    worst, where = 0.0, None
    leaves = zip(*(jax.tree.leaves(x) for x in (first, second, before)), strict=True)
    for k, (a, b, c) in enumerate(leaves):
        a, b, c = (np.asarray(x, float) for x in (a, b, c))
        with np.errstate(all="ignore"):
            gaps = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b))
            moves = np.stack([np.abs(a - c), np.abs(b - c), np.zeros_like(c)])
        gaps = np.where(np.isnan(gaps), np.inf, gaps)
        move, size = (np.max(x, initial=0.0, where=np.isfinite(x)) for x in (moves, np.abs(c)))
        rounding = SLACK * move + ROUNDING * (10 + step) * (1 + size)
        excess = float(np.max(gaps, initial=0.0) - rounding)
        if excess > worst:
            worst, where = excess, (k, int(np.argmax(gaps)))
    return where
