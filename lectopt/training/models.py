"""A problem from a model: what Flax NNX and Flax Linen have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from lectopt.training.calling import check_function
from lectopt.training.losses import read_loss


class Model(NamedTuple):
    """A model taken apart.

    Args:
        stateful: Whether it has a state beside its parameters.
        init: As of a `Problem`.
        build: `build(params, state, key, training)`: what a loss calls.
        state_of: The state that a built model has after it was called.
        rebuild: `rebuild(params, state)`: the user's own type, for evaluation.
    """

    stateful: bool
    init: Callable[[jax.Array], Any]
    build: Callable[[Any, Any, jax.Array, bool], Any]
    state_of: Callable[[Any], Any]
    rebuild: Callable[[Any, Any], Any]


def problem_of(
    cls: Any,
    model: Model,
    loss: Callable[[Any, Any], Any],
    data: Any,
    batch_size: int | None,
    evaluate: Callable[[Any, Any], Any] | None,
    options: dict[str, Any],
) -> Any:
    """The problem, of class `cls`, of a model and functions that call it."""

    check_function(loss, "loss", "model", "batch")
    if evaluate is not None:
        check_function(evaluate, "evaluate", "model", "split")

    def apart(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """The state and the rest of what a problem's function gets after the parameters."""
        return inputs if model.stateful else ({}, *inputs)

    def training_loss(params: Any, *inputs: Any) -> Any:
        state, batch, key = apart(inputs)
        built = model.build(params, state, key, True)
        returned = loss(built, batch)
        if not model.stateful:
            return returned
        value, named, _ = read_loss(returned, False)
        return value, named, model.state_of(built)

    def test_loss(params: Any, state: Any, split: Any) -> Any:
        return loss(model.build(params, state or {}, jax.random.key(0), False), split)

    def measure(params: Any, *inputs: Any) -> Any:
        state, split = apart(inputs)
        assert evaluate is not None
        return evaluate(model.build(params, state, jax.random.key(0), False), split)

    given: dict[str, Any] = dict(evaluate=measure if evaluate else None, stateful=model.stateful)
    problem = cls(model.init, training_loss, data, batch_size, **given, **options)
    object.__setattr__(problem, "rebuild", model.rebuild)
    object.__setattr__(problem, "test_loss", test_loss)
    return problem
