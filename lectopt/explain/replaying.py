"""Replay: the equations evaluated in plain NumPy beside the optimizer that they describe."""

import functools as ft
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.explain.arrays import dimension, is_key
from lectopt.explain.evaluating import Evaluator
from lectopt.explain.flat import flat, run_step
from lectopt.explain.letters import leaf_of, untagged
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.marks import draw
from lectopt.explain.terms import Term
from lectopt.explain.tracing import loss
from lectopt.look_ahead import take_gradients_as_given
from lectopt.numerics import double

if TYPE_CHECKING:
    from lectopt.explain.explanation import Explanation


def replay(explanation: "Explanation", steps: int = 5, seed: int = 0) -> float:
    """The largest difference, relative to 1 + size, between the equations and the optimizer.

    Args:
      explanation: of the optimizer.
      steps: how many updates.
      seed: of the random gradients and first parameters.
    """
    with double():
        return _Replay(explanation, seed).run(steps)


class _Replay:
    def __init__(self, explanation: "Explanation", seed: int):
        self.explanation, self.reading = explanation, explanation.reading
        self.programs = self.reading.programs
        self.random = np.random.default_rng(seed)
        self.labels = list(self.reading.labels)
        self.like = explanation.sample()
        self.shapes = [tuple(x.shape) for x in jax.tree.leaves(self.like)]
        self.lines = {k: explanation.leaves[label] for k, label in enumerate(self.labels)}
        self.subject = self.programs.subject
        numbers = self.subject.numbers
        self.fixed = {s: float(numbers[name]) for s, name in self.reading.settings.items()}
        like = self.programs.numbers.items()
        self.numbers = {k: jnp.asarray(numbers[k], x.dtype) for k, x in like}

    def run(self, steps: int) -> float:
        tx = optax.with_extra_args_support(
            take_gradients_as_given(self.subject.build(self.numbers))
        )
        update = self.programs.runner(tx)
        params = jax.tree.map(lambda p: jnp.asarray(self.random.normal(size=p.shape)), self.like)
        state = tx.init(params)
        memory = self.starts(params, state)
        worst = self.difference(memory, state)
        thetas = jax.tree.leaves(params)
        for step in range(1, steps + 1):
            grads, extra = self.inputs(params)
            before = state
            updates, state = update(grads, state, params, **extra)
            given = self.given(step, thetas, grads, extra, memory, before)
            given |= self.drawn(grads, before, params, extra)
            moves = [self.move(self.evaluators(given), k) for k in range(len(self.labels))]
            memory = self.after(self.evaluators(given), memory, state, step)
            gap = _apart(moves, jax.tree.leaves(updates))
            params = optax.apply_updates(params, updates)
            thetas = [a + b for a, b in zip(thetas, moves, strict=True)]
            gaps = self.difference(memory, state), gap, _apart(thetas, jax.tree.leaves(params))
            worst = max(worst, *gaps)
        return worst

    def shape(self, leaf: int) -> tuple[int, ...]:
        """The shape in which a leaf is seen in the equations: with as many axes as the leaf that
        stands for its group."""
        rank = len(self.reading.shapes[self.lines[leaf].stands])
        own = self.shapes[leaf]
        return own if len(own) == rank else _in_a_row(own, rank)

    def evaluators(self, given: Mapping[tuple[int, str], Any]) -> Any:
        """For every leaf, and -1 for none, what evaluates its equations."""
        known = dict(given)

        @ft.cache
        def evaluator(leaf: int, rank: int = -1) -> Evaluator:
            def symbol(name: str) -> Any:
                value, label = found(name), leaf_of(name)
                owner = self.labels.index(label) if label in self.labels and label else -1
                if owner >= 0 and np.shape(value) == self.shape(owner):  # as it is by itself
                    return np.reshape(value, self.shapes[owner])
                if rank < 0 or leaf < 0 or np.shape(value) != self.shape(leaf):
                    return value
                own = np.shape(value)
                return value if len(own) == rank else np.reshape(value, _in_a_row(own, rank))

            def found(name: str) -> Any:
                label = leaf_of(name)
                owner = self.labels.index(label) if label in self.labels and label else leaf
                bare = untagged(name)
                for place in ((owner, bare), (-1, bare)):
                    if place in known:
                        return known[place]
                value = self.defined(owner, bare, evaluator)
                known[owner, bare] = value
                return value

            return Evaluator(
                symbol,
                ft.partial(self.size, leaf),
                self.reading.records,
                evaluator,
                len(self.labels),
            )

        return evaluator

    def defined(self, leaf: int, name: str, evaluator: Any) -> Any:
        """The value of what an equation defines."""
        for owner, lines in ((leaf, self.lines.get(leaf)), (-1, self.explanation.shared)):
            if lines and (found := _named(lines.equations, name)) is not None:
                return self.whole(evaluator(owner), *found)
        if name in self.fixed:
            return self.fixed[name]
        n, total = self.reading.counts
        if name == n:
            return float(math.prod(self.shapes[leaf]))
        if name == total:
            return float(sum(map(math.prod, self.shapes)))
        if name.startswith("n_"):
            return float(self.shapes[leaf]["ijklabcd".index(name[2:])])
        raise KeyError(name)

    def whole(self, evaluator: Evaluator, symbol: Term, term: Term) -> Any:
        """A term as an array over the index of its symbol."""
        index = [i.args[0] for i in symbol.args[1]]
        value = evaluator(term, index)
        return value

    def size(self, leaf: int, d: Any) -> int:
        """The number of places along an axis."""
        if isinstance(d, int) and leaf >= 0:
            own, now = self.reading.shapes[self.lines[leaf].stands], self.shape(leaf)
            return dict(zip(own, now, strict=False)).get(d, d)
        return d if isinstance(d, int) else int(str(dimension(d)))

    def move(self, evaluator: Any, leaf: int) -> Any:
        """The update of a leaf."""
        rank = len(self.shape(leaf))
        value = evaluator(leaf)(self.lines[leaf].update, [f"i{k}" for k in range(rank)])
        return np.broadcast_to(value, self.shape(leaf)).reshape(self.shapes[leaf])

    def starts(self, params: Any, state: Any) -> list[Any]:
        """The first state by the equations."""
        params = jax.tree.leaves(params)
        given = {
            (k, name_of(self.reading.symbols["params"], "0")): x.reshape(self.shape(k))
            for k, x in enumerate(params)
        }
        evaluator, found = self.evaluators(given), []
        for slot, actual in zip(self.reading.states, jax.tree.leaves(state), strict=True):
            lines = self.explanation.shared if slot.leaf < 0 else self.lines[slot.leaf]
            if slot.role == "key":
                found.append(actual)
                continue
            if slot.role == "known":
                found.append(self.known(slot, 1))
                continue
            name = name_of(slot.base, "" if slot.role == "constant" else "0")
            found.append(self.shaped(evaluator, slot, _named(lines.start, name), actual))
        return found

    def shaped(self, evaluator: Any, slot: Any, found: Any, actual: Any) -> Any:
        """The value of a slot, in the shape that the equations see."""
        symbol, term = found
        value = evaluator(slot.leaf)(term, [i.args[0] for i in symbol.args[1]])
        return np.broadcast_to(value, self.seen(slot, actual))

    def seen(self, slot: Any, actual: Any) -> tuple[int, ...]:
        """The shape in which the equations see a slot."""
        own = tuple(np.shape(actual))
        if slot.leaf >= 0 and own == self.shapes[slot.leaf]:
            return self.shape(slot.leaf)
        return own

    def known(self, slot: Any, step: int) -> Any:
        """A slot that is a formula in t, before an update."""
        evaluator = self.evaluators({(-1, "t"): float(step)})(slot.leaf)
        return evaluator(slot.formula, ())

    def given(
        self, step: int, thetas: Any, grads: Any, extra: Any, memory: Any, before: Any
    ) -> dict[tuple[int, str], Any]:
        """What is known before an update, by leaf and name."""
        symbols = self.reading.symbols
        found: dict[tuple[int, str], Any] = {(-1, "t"): float(step)}
        for k, (x, g) in enumerate(zip(thetas, jax.tree.leaves(grads), strict=True)):
            found[k, name_of(symbols["params"], "t-1")] = np.asarray(x).reshape(self.shape(k))
            found[k, name_of(symbols["gradient"], "t")] = np.asarray(g).reshape(self.shape(k))
        for name, letter in self.reading.extra.items():
            found[-1, name_of(letter, "t")] = np.asarray(extra[name])
        actual = jax.tree.leaves(before)
        for slot, value, real in zip(self.reading.states, memory, actual, strict=True):
            if slot.role == "known":
                continue
            name = name_of(slot.base, "" if slot.role == "constant" else "t-1")
            found[slot.leaf, name] = real if slot.role == "key" else value
        return found

    def after(self, evaluator: Any, memory: list[Any], state: Any, step: int) -> list[Any]:
        """The new state by the equations."""
        found = []
        for slot, old, actual in zip(
            self.reading.states, memory, jax.tree.leaves(state), strict=True
        ):
            if slot.role == "slot":
                lines = self.explanation.shared if slot.leaf < 0 else self.lines[slot.leaf]
                name = name_of(slot.base, "t")
                found.append(self.shaped(evaluator, slot, _named(lines.equations, name), actual))
            elif slot.role == "known":
                found.append(self.known(slot, step + 1))
            else:
                found.append(actual if slot.role == "key" else old)
        return found

    def inputs(self, params: Any) -> tuple[Any, dict[str, Any]]:
        """Gradients and extra arguments: random, or those of the loss if the optimizer asks for
        it."""
        extra: dict[str, Any] = {k: 0.5 + self.random.random() for k in self.programs.extra}
        grads = jax.tree.map(lambda p: jnp.asarray(self.random.normal(size=p.shape)), params)
        if self.programs.functions:
            value, grads = jax.value_and_grad(loss)(params)
            extra |= {"value": value} if "value" in extra else {}
        if "grad" in extra:
            extra["grad"] = grads
        return grads, extra | dict(self.programs.functions)

    def drawn(self, grads: Any, state: Any, params: Any, extra: Any) -> dict[tuple[int, str], Any]:
        """The random numbers that the optimizer draws in an update."""
        if not self.reading.draws:
            return {}
        arrays = {k: extra[k] for k in self.programs.extra}
        inputs = jax.tree.leaves((self.numbers, grads, state, params, arrays))
        program = flat(self.programs.update, lambda e: bool(draw(e)))
        known: dict[int, Any] = dict(zip(program.inputs, inputs, strict=True))
        names = iter(self.reading.draws)
        found: dict[tuple[int, str], Any] = {}
        for step in program.steps:
            ins = [known[x] if isinstance(x, int) else x.value for x in step.ins]
            outs = run_step(step, ins)
            known.update(zip(step.outs, outs, strict=True))
            if draw(step.eqn) if hasattr(step.eqn, "invars") else None:
                name = next(names)
                label = leaf_of(name)
                leaf = self.labels.index(label) if label else (0 if len(self.labels) == 1 else -1)
                value = np.asarray(outs[0])
                found[leaf, untagged(name)] = (
                    value.reshape(self.shape(leaf)) if leaf >= 0 else value
                )
        return found

    def difference(self, memory: list[Any], state: Any) -> float:
        """Between the statistics of the equations and those of the optimizer."""
        actual = jax.tree.leaves(state)
        pairs = [
            (np.broadcast_to(a, self.seen(s, b)).reshape(np.shape(b)), b)
            for s, a, b in zip(self.reading.states, memory, actual, strict=True)
            if s.role != "key"
        ]
        return _apart([a for a, _ in pairs], [b for _, b in pairs])


def _named(terms: Mapping[Term, Term], name: str) -> tuple[Term, Term] | None:
    """The symbol of this name, and its term."""
    return next(((s, t) for s, t in terms.items() if untagged(s.args[0]) == name), None)


def _in_a_row(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """The places of an array one after the other, with so many axes."""
    return (math.prod(shape), *(1,) * (rank - 1))[:rank]


def _apart(ours: list[Any], theirs: list[Any]) -> float:
    worst = 0.0
    for a, b in zip(ours, theirs, strict=True):
        if is_key(b):
            continue
        a, b = np.asarray(a, float), np.asarray(b, float)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(all="ignore"):
            gaps = np.where(same, 0.0, np.abs(a - b) / (1 + np.abs(b)))
        worst = max(worst, float(np.max(gaps, initial=0.0)))
    return worst if worst == worst else float("inf")
