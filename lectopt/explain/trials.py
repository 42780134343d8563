"""Two transformations beside each other in JAX: on the same gradients, from the same weights.

One compiled program runs any history: some steps with one gradient, which may be many, and then
`LENGTH` steps that are looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.explain.wide import decimal, widened
from lectopt.look_ahead import take_gradients_as_given
from lectopt.numerics import precision

LENGTH = 6
PLAIN = 1e-5  # a difference, relative to the largest move of the leaf, that may be no rounding
TRACE = 1e-7
SHRINKS = 1e-2  # at least: rounding in 64 bits is 2e-9 of that in 32
COARSE = 0.3
FINE = 1e-6  # in 64 bits: more than the digits that constants have in 32


@dataclass(frozen=True)
class History:
    """What is run: weights, a gradient for the first `before` steps, and gradients after them."""

    weights: Any
    gradients: Sequence[Any]
    before: int = 0
    first: Any = None

    def all_gradients(self, step: int) -> list[Any]:
        """Those up to and with this step."""
        return [*([self.first] * self.before), *self.gradients][:step]


@dataclass(frozen=True)
class Example:
    """An input on which two transformations part.

    Attributes:
      step: the update that differs, from 1.
      gradients: one tree for every step.
      weights: what both start from.
      updates: the update of the first and of the second at that step.
      settings: of the two makers.
      wide: whether both were run with 64 bits.
    """

    step: int
    gradients: list[Any]
    weights: Any
    updates: tuple[Any, Any]
    settings: Mapping[str, Any]
    wide: bool = False
    makes: tuple[Callable[[Any], Any], Callable[[Any], Any]] | None = field(
        default=None, repr=False
    )
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def built_of(self, kind: Callable[[Any], Any]) -> "Example | None":
        """The example for makers that are given their settings as this type; None if it shows no
        difference then."""
        found = replace(self, settings={k: kind(v) for k, v in self.settings.items()})
        updates = found.run()
        pairs = zip(*map(jax.tree.leaves, updates), strict=True)
        return replace(found, updates=updates) if any(gap(*x) > PLAIN for x in pairs) else None

    def run(self) -> tuple[Any, Any]:
        """Run both again, step by step; the updates of the last step."""
        assert self.makes is not None
        with precision(self.wide):
            first, second = (
                _stepped(make(dict(self.settings)), self.weights, self.gradients, self.extra)
                for make in self.makes
            )
        return first, second


def _stepped(
    tx: Any, weights: Any, gradients: Sequence[Any], extra: Mapping[str, Any], compiled: bool = True
) -> Any:
    tx = optax.with_extra_args_support(take_gradients_as_given(tx))
    arrays = {k: v for k, v in extra.items() if not callable(v)}
    functions = {k: v for k, v in extra.items() if callable(v)}

    def update(g: Any, s: Any, p: Any, x: Any) -> Any:
        return tx.update(g, s, p, **x, **functions)

    update = jax.jit(update) if compiled else update
    state, move = tx.init(weights), None
    for gradient in gradients:
        move, state = update(gradient, state, weights, arrays)
        weights = optax.apply_updates(weights, move)
    return move


class Runner:
    """A transformation, compiled once; `make(numbers)` builds it."""

    def __init__(self, make: Callable[[Any], Any], extra: Mapping[str, Any]):
        self.make = make
        self._arrays = {k: v for k, v in extra.items() if not callable(v)}
        self._functions = {k: v for k, v in extra.items() if callable(v)}
        self._run = jax.jit(self._program)
        self._wide: Any = None
        self._moves = 0

    def run(self, history: History, numbers: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
        """The updates and the states before them, flat: for every array one with a row a step."""
        cut = len(history.gradients)
        moves, states = self._run(*self._inputs(history, numbers))
        return [np.asarray(x)[:cut] for x in moves], [np.asarray(x)[:cut] for x in states]

    def run_wide(self, history: History, numbers: Mapping[str, Any]) -> list[Any]:
        """The updates of the 32-bit program, computed in 64 bits."""
        inputs = self._inputs(history, numbers)
        if self._wide is None:
            program, shape = jax.make_jaxpr(self._program, return_shape=True)(*inputs)
            self._moves = len(shape[0])
            self._wide = jax.jit(widened(program))
        with precision(True):
            wide = {k: jnp.asarray(v, jnp.float64) for k, v in numbers.items()}
            moves = self._wide(*map(decimal, jax.tree.leaves((wide, *inputs[1:]))))[: self._moves]
        return [np.asarray(x)[: len(history.gradients)] for x in moves]

    def _inputs(self, history: History, numbers: Mapping[str, Any]) -> tuple[Any, ...]:
        last = list(history.gradients)[-1]
        gradients = [*history.gradients, *[last] * (LENGTH - len(history.gradients))]
        stacked = jax.tree.map(lambda *x: jnp.stack(x), *gradients)
        first = history.gradients[0] if history.first is None else history.first
        numbers = {k: jnp.asarray(v, float) for k, v in numbers.items()}
        before = jnp.asarray(history.before, jnp.int32)
        return numbers, history.weights, first, stacked, before, self._arrays

    def _program(
        self, numbers: Any, weights: Any, first: Any, gradients: Any, before: Any, arrays: Any
    ) -> Any:
        tx = optax.with_extra_args_support(take_gradients_as_given(self.make(numbers)))

        def step(k: Any, carry: Any) -> Any:
            weights, state, kept = carry
            at = jnp.maximum(k - before, 0)
            gradient = jax.tree.map(lambda f, g: jnp.where(k < before, f, g[at]), first, gradients)
            move, after = tx.update(gradient, state, weights, **arrays, **self._functions)
            now = [*jax.tree.leaves(move), *map(_plain, jax.tree.leaves(state))]
            kept = [x.at[at].set(y) for x, y in zip(kept, now, strict=True)]
            return optax.apply_updates(weights, move), after, kept

        state = tx.init(weights)
        shapes = jax.eval_shape(
            lambda g, s, p: tx.update(g, s, p, **arrays, **self._functions)[0],
            first, state, weights,
        )  # fmt: skip
        flat = [*jax.tree.leaves(shapes), *map(_plain, jax.tree.leaves(state))]
        kept = [jnp.zeros((LENGTH, *x.shape), x.dtype) for x in flat]
        kept = jax.lax.fori_loop(0, before + LENGTH, step, (weights, state, kept))[2]
        n = len(jax.tree.leaves(shapes))
        return kept[:n], kept[n:]


def _plain(x: Any) -> Any:
    return jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.extended) else x


def gap(a: Any, b: Any, least: float = 0.0) -> float:
    """The largest difference of two arrays by their largest entry, or by `least` if that is more;
    1 where only one is finite."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    with np.errstate(all="ignore"):
        alike = (a == b) | (np.isnan(a) & np.isnan(b))
        if alike.all():
            return 0.0
        if not np.isfinite(a[~alike]).all() or not np.isfinite(b[~alike]).all():
            return 1.0
        finite = np.isfinite(a) & np.isfinite(b)
        size = max(np.abs(a[finite]).max(initial=0), np.abs(b[finite]).max(initial=0), least)
        return float(np.abs(a - b)[~alike].max() / size)


def finite(updates: Any) -> bool:
    """Whether all numbers of a tree are finite."""
    return all(np.isfinite(np.asarray(x, float)).all() for x in jax.tree.leaves(updates))


def _least(history: History, a: list[Any], b: list[Any]) -> list[float]:
    """For every leaf what differences in 64 bits are small against: its largest move in the
    history, as moves may cancel, and a trace of the gradients, as schedules end at nearly 0."""

    def largest(x: Any) -> float:
        return float(np.abs(np.where(np.isfinite(x), x, 0)).max(initial=0))

    gradients = max(largest(np.asarray(x, float)) for x in jax.tree.leaves(history.gradients))
    return [max(largest(x), largest(y), TRACE * gradients) for x, y in zip(a, b, strict=True)]


def _rounds(a: Any, b: Any, narrow: Any, other: Any) -> bool:
    """Whether two arrays differ by what shrinks with the digits, as where large numbers cancel."""
    wide, short = (np.abs(np.asarray(x, float) - y) for x, y in ((a, b), (narrow, other)))
    return bool(np.isfinite(short).all() and wide.max() < SHRINKS * short.max())


class Race:
    """Two runners on the same histories."""

    def __init__(self, makes: Sequence[Callable[[Any], Any]], extra: Mapping[str, Any]):
        self.runners = [Runner(make, extra) for make in makes]
        self.extra = extra

    def part(
        self,
        history: History,
        numbers: Mapping[str, Any],
        wide: bool = False,
        large: bool = False,
        coarse: bool = False,
    ) -> Example | None:
        """Where the two part on a history by more than rounding, if they do.

        Args:
          history: what is run.
          numbers: for the settings.
          wide: in 64 bits.
          large: also where only one of them overflows.
          coarse: only where they part plainly, at the first step.
        """
        with precision(wide):
            a, b = (r.run(history, numbers)[0] for r in self.runners)
        for k in range(len(history.gradients)):
            least = _least(history, a, b) if wide else [0.0] * len(a)
            gaps = [gap(x[k], y[k], size) for x, y, size in zip(a, b, least, strict=True)]
            if coarse:
                return (
                    self._example(history, numbers, k, a, b, wide) if max(gaps) > COARSE else None
                )
            if max(gaps) > (FINE if wide else PLAIN):
                overflow = large and max(gaps) == 1.0
                if wide or overflow or self.apart(history, numbers, k, (a, b)):
                    return self._example(history, numbers, k, a, b, wide)
                return None
        return None

    def part_at_once(self, history: History, numbers: Mapping[str, Any]) -> bool:
        """Whether the two part in the first two updates, which are not compiled."""
        weights, settings = history.weights, dict(numbers)
        for gradients in (history.gradients[:1], history.gradients[:2]):
            a, b = (
                jax.tree.leaves(_stepped(r.make(settings), weights, gradients, self.extra, False))
                for r in self.runners
            )
            if any(gap(x, y) > PLAIN for x, y in zip(a, b, strict=True)):
                return True
        return False

    def apart(
        self,
        history: History,
        numbers: Mapping[str, Any],
        step: int | None = None,
        narrow: tuple[list[Any], list[Any]] | None = None,
    ) -> bool:
        """Whether the 32-bit programs part in 64 bits, at a step or anywhere, so that it is not
        their rounding, or their overflow; `narrow` are their updates in 32 bits, if they part."""
        steps = range(len(history.gradients)) if step is None else (step,)
        a, b = (r.run_wide(history, numbers) for r in self.runners)
        sizes = _least(history, a, b)
        return any(
            gap(a[n][k], b[n][k], size) > FINE
            and not (narrow and _rounds(a[n][k], b[n][k], narrow[0][n][k], narrow[1][n][k]))
            for k in steps
            for n, size in enumerate(sizes)
        )

    def _example(
        self, history: History, numbers: Any, k: int, a: list[Any], b: list[Any], wide: bool
    ) -> Example:
        tree = jax.tree.structure(history.weights)
        step = history.before + k + 1
        return Example(
            step=step,
            gradients=history.all_gradients(step),
            weights=history.weights,
            updates=(tree.unflatten([x[k] for x in a]), tree.unflatten([x[k] for x in b])),
            settings=dict(numbers),
            wide=wide,
            makes=(self.runners[0].make, self.runners[1].make),
            extra=self.extra,
        )
