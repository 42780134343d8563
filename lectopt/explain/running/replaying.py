"""Replay: the equations evaluated in plain NumPy beside the optimizer that they describe."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.explain.algebra.names import untagged
from lectopt.explain.algebra.nodes import t
from lectopt.explain.reading.jaxprs import is_key
from lectopt.explain.reading.tracing import double, loss
from lectopt.explain.running.evaluating import Evaluator, laid_out, put_back
from lectopt.look_ahead import take_gradients_as_given

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
        self.system = explanation.system
        self.programs = self.system.programs
        self.random = np.random.default_rng(seed)
        self.leaves = list(self.system.updates)
        self.merged = self.system.layout.merged
        self.updates = {leaf: group.update for leaf, group in explanation.leaves.items()}
        self.definitions: dict[str, Mapping[Any, Any]] = {"": explanation.shared.equations}
        self.definitions |= {leaf: group.equations for leaf, group in explanation.leaves.items()}
        numbers = self.programs.subject.numbers
        self.fixed: dict[tuple[str, Any], Any] = {
            ("", s): float(numbers[name]) for s, name in self.system.settings.items()
        }
        self.fixed |= self.system.layout.known_sizes()

    def run(self, steps: int) -> float:
        subject = self.programs.subject
        numbers = {
            k: jnp.asarray(subject.numbers[k], like.dtype)
            for k, like in self.programs.numbers.items()
        }
        tx = optax.with_extra_args_support(take_gradients_as_given(subject.build(numbers)))
        update = self.programs.runner(tx)
        params = jax.tree.map(
            lambda p: jnp.asarray(self.random.normal(size=p.shape)), self.programs.params
        )
        state = tx.init(params)
        known = self.evaluator(self.parameters(params, "0"))
        memory = [known(s.start, s.name.leaf) for s in self.system.states]
        worst = self.difference(memory, state)
        thetas = params
        for step in range(1, steps + 1):
            grads, extra = self.inputs(params)
            updates, state = update(grads, state, params, **extra)
            evaluator = self.evaluator(
                self.parameters(thetas, "t-1")
                | self.each(grads, [self.system.gradient(leaf) for leaf in self.leaves])
                | {("", symbol): extra[name] for name, symbol in self.system.extra.items()}
                | self.before(memory)
                | {("", t): step}
            )
            moves = [
                self.back(evaluator(self.updates[leaf], leaf), leaf, p)
                for leaf, p in zip(self.leaves, jax.tree.leaves(params), strict=True)
            ]
            memory = [
                old if s.role == "constant" else evaluator(s.value("t").expr, s.name.leaf)
                for s, old in zip(self.system.states, memory, strict=True)
            ]  # fmt: skip
            worst = max(
                worst, self.difference(memory, state), _apart(moves, jax.tree.leaves(updates))
            )
            params = optax.apply_updates(params, updates)
            thetas = jax.tree.map(
                jnp.add, thetas, jax.tree.unflatten(jax.tree.structure(thetas), moves)
            )
            worst = max(worst, _apart(jax.tree.leaves(thetas), jax.tree.leaves(params)))
        return worst

    def evaluator(self, given: Mapping[tuple[str, Any], Any]) -> Evaluator:
        """The equations with these values for what is known before an update."""
        system = self.system
        return Evaluator(self.fixed | dict(given), self.definitions, system.calls, system.layout)

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

    def parameters(self, params: Any, time: str) -> dict[tuple[str, Any], Any]:
        """The leaves of the parameters by their symbols."""
        return self.each(params, [self.system.parameter(leaf, time) for leaf in self.leaves])

    def each(self, tree: Any, symbols: list[Any]) -> dict[tuple[str, Any], Any]:
        """The leaves of a tree by these symbols."""
        return {
            (leaf, untagged(symbol)): laid_out(array, self.dims(leaf), self.merged)
            for leaf, symbol, array in zip(self.leaves, symbols, jax.tree.leaves(tree), strict=True)
        }

    def before(self, memory: list[Any]) -> dict[tuple[str, Any], Any]:
        """The old state by its symbols."""
        return {
            (s.name.leaf, untagged(s.value("t-1").expr)): value
            for s, value in zip(self.system.states, memory, strict=True)
            if s.role != "known"
        }

    def dims(self, leaf: str) -> Any:
        return self.system.layout.dims(self.system.layout.shapes[leaf])

    def back(self, value: Any, leaf: str, like: Any) -> Any:
        return put_back(value, self.dims(leaf), like, self.merged)

    def difference(self, memory: list[Any], state: Any) -> float:
        """Between the statistics of the equations and those of the optimizer."""
        ours = [
            value if is_key(s.aval) else put_back(value, s.dims, s.aval, self.merged)
            for s, value in zip(self.system.states, memory, strict=True)
        ]
        return _apart(ours, jax.tree.leaves(state))


def _apart(ours: list[Any], theirs: list[Any]) -> float:
    worst = 0.0
    for a, b in zip(ours, theirs, strict=True):
        if hasattr(b, "dtype") and is_key(b):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        a, b = np.asarray(a, float), np.asarray(b, float)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(all="ignore"):
            gaps = np.where(same, 0.0, np.abs(a - b) / (1 + np.abs(b)))
        worst = max(worst, float(np.max(gaps, initial=0.0)))
    return worst if worst == worst else float("inf")
