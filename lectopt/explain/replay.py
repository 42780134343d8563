"""Replay: the equations evaluated in plain NumPy beside the optimizer that they describe."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.explain.calls import is_key
from lectopt.explain.evaluating import Evaluator, laid_out
from lectopt.explain.groups import untagged
from lectopt.explain.names import Name
from lectopt.explain.nodes import t
from lectopt.explain.tracing import double

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
        self.explanation, self.system = explanation, explanation.system
        self.programs = explanation.system.programs
        self.random = np.random.default_rng(seed)
        self.leaves = list(self.system.updates)
        self.definitions: dict[str, Mapping[Any, Any]] = {"": explanation.shared}
        for group in explanation.groups:
            for leaf in group.leaves:
                self.definitions[leaf] = group.equations
        numbers = self.programs.subject.numbers
        self.settings = {("", s): float(numbers[name]) for s, name in self.system.settings.items()}
        for leaf, param in zip(self.leaves, jax.tree.leaves(self.programs.params), strict=True):
            size = int(np.prod(param.shape))
            self.settings[leaf, Name("n").symbol(None)] = size
        self.settings |= {("", s): v for s, v in self.sizes().items()}
