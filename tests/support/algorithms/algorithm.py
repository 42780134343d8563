"""One row of the table of algorithms, and what is found out about it by running it or its twin."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt.look_ahead import take_gradients_as_given

WEIGHT = "weight"  # the only leaf that a row is tried on; its name tells slots from scalars
PROBE = {WEIGHT: np.float32([1, 2])}
STEPS = 60  # of a twin


@dataclass(frozen=True)
class Algorithm:
    """One row: `make(learning_rate, **numbers)` is the optimizer.

    `twin(theta, grad, rate, steps, **letters)` is its reference, from the source's text. The
    numbers have values where the conventions differ visibly. The source is where it is written:
    entries of the lectures (S0 CMU, S1 Liège, S2 ISI, S3 TTIC, S4 STAT 479), a paper, a library.

    How the steps depend on the gradients is asked of the twin, so that an optimizer cannot excuse
    itself from a test; what its state is like, of the optimizer.
    """

    id: str
    make: Callable[..., lectopt.Transformation]
    twin: Callable[..., Any]
    numbers: Mapping[str, float] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)  # number -> the twin's name for it
    optax: Callable[..., Any] | None = None  # the call that gives the same numbers
    source: str = ""
    conditioning: float = 1.0  # how much a rounding is magnified: nu - |mu|^2 cancels
    any_history: bool = True  # False: without noise its source divides by rounding errors

    def build(self, learning_rate: Any = 0.1, **numbers: Any) -> lectopt.Transformation:
        """The optimizer, with the numbers of the row where none are given."""
        return take_gradients_as_given(self.make(learning_rate, **{**self.numbers, **numbers}))

    def twin_path(self, theta: Any, grad: Any, rate: Any, steps: int, value: Any = None) -> Any:
        """The twin's parameters after every update; `value(theta, t)` is the loss."""
        letters = {self.letters.get(k, k): v for k, v in self.numbers.items()}
        return self.twin(theta, grad, rate, steps, **letters, **self.loss(value))

    def loss(self, value: Any) -> dict[str, Any]:
        """`value` as the keyword that the twin and `train` take, if this rule wants the loss."""
        return {"value": value} if self.needs_value else {}

    @property
    def extra(self) -> dict[str, Any]:
        """The extra arguments of an update, where any loss will do."""
        return self.loss(1.0)

    # What the optimizer's state is like.

    def _entries(self) -> Iterator[tuple[str, bool, Any]]:
        """Each entry of the first state: its last name, whether it is a slot, its value."""
        for path, value in jax.tree_util.tree_leaves_with_path(self.build().init(PROBE)):
            names = [jax.tree_util.keystr((key,), simple=True) for key in path]
            yield names[-1], WEIGHT in names, value

    @cached_property
    def needs_value(self) -> bool:
        """Whether `update` wants `value=`, the loss."""
        tx = self.build()
        try:
            jax.eval_shape(tx.update, PROBE, tx.init(PROBE), PROBE)
        except TypeError as error:
            return "value" in str(error)
        return False

    @cached_property
    def slots(self) -> bool:
        """Whether it stores something for every weight."""
        return any(is_slot for _, is_slot, _ in self._entries())

    @cached_property
    def scalars(self) -> tuple[str, ...]:
        """The entries of the state that are one real number for the whole tree."""
        return tuple(
            name
            for name, is_slot, value in self._entries()
            if not is_slot and jnp.issubdtype(value.dtype, jnp.inexact)
        )

    @cached_property
    def copies(self) -> tuple[str, ...]:
        """Where in the state the slots are that begin as the weights."""
        state = jax.tree_util.tree_leaves_with_path(self.build().init(PROBE))
        return tuple(
            jax.tree_util.keystr(path[:-1])
            for path, value in state
            if np.array_equal(value, PROBE[WEIGHT])
        )

    @cached_property
    def first_value(self) -> float:
        """What a slot starts at, if bfloat16 does not have that number, and else 0."""
        slots = [np.asarray(value) for _, is_slot, value in self._entries() if is_slot]
        return max((x.max() for x in slots if (x.astype(jnp.bfloat16) != x).any()), default=0.0)

    # How the steps depend on the gradients.

    def _twin_moves(self, gradient: Callable[[Any, int], Any]) -> Any:
        """The twin's updates from the weights 1 and 2."""
        start = np.array([1.0, 2.0])
        path = self.twin_path(start, gradient, lambda t: 0.1, STEPS, lambda theta, t: 1.0)
        return np.diff(path, axis=0, prepend=start[None])

    @cached_property
    def decays(self) -> bool:
        """Whether a weight without a gradient moves."""
        return bool(self._twin_moves(lambda theta, t: 0 * theta).any())

    @cached_property
    def idle(self) -> int:
        """The number of updates before the first one that moves."""
        return int(np.argmax(self._twin_moves(lambda theta, t: theta).any(axis=1)))

    @cached_property
    def reduces(self) -> bool:
        """Whether a weight notices the gradient of another: many devices have to communicate.

        The twins know of no matrices; what holds for the rows of one is asked of the optimizer.
        """

        def twin(second: float) -> Any:
            wave = np.sin(np.arange(STEPS))
            return self._twin_moves(lambda theta, t: np.array([theta[0] + wave[t], second]))[:, 0]

        def ours(second: float) -> Any:
            tx, params = self.build(), jnp.ones((2, 2))
            state = tx.init(params)
            with jax.disable_jit():
                for first in (0.0, 1.0):
                    grads = jnp.array([[first, second], [2.0, 2.0]])
                    updates, state = tx.update(grads, state, params, **self.extra)
            return updates[0, 0]

        return any(not np.array_equal(run(1.0), run(0.0)) for run in (twin, ours))
