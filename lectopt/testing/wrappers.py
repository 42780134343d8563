"""Optax's wrappers: inside each of them a transformation moves as it does alone."""

import functools as ft
from typing import Any
from unittest import SkipTest

import jax
import optax

from lectopt.look_ahead import take_gradients_as_given
from lectopt.testing import trees
from lectopt.testing.precision import stepwise
from lectopt.testing.registry import check, during
from lectopt.testing.subject import Subject

_CLOSE = dict(rtol=2e-5, atol=1e-6)


def _moves_as_alone(subject: Subject, wrapper: Any, what: str) -> None:
    with during(f"three updates inside {what}"):
        path = subject.run(wrapper)
    trees.close(path.updates, subject.bare.updates, f"an update inside {what}", **_CLOSE)


@check
def in_chain(subject: Subject) -> None:
    """Inside `optax.chain`, before and after members that change nothing, it moves as alone."""
    wrapper = optax.chain(optax.identity(), subject.build(), optax.scale(1.0))
    _moves_as_alone(subject, wrapper, "optax.chain")


@check
def in_masked(subject: Subject) -> None:
    """Inside `optax.masked` the leaves that are masked in move as if they were all there is, and
    the gradients of the others come out as they went in."""
    if subject.needs_trees():
        raise SkipTest("a mask takes no leaves out of grad= and value_fn=")
    mask = {"dense": True, "gain": False}
    path = subject.run(optax.masked(subject.build(), mask))

    def part(tree: Any) -> Any:
        return {"dense": tree["dense"]}

    alone = subject.run(
        subject.build(),
        params=part(trees.params()),
        gradients=lambda t: part(trees.gradients(t)),
    )
    found = [part(update) for update in path.updates]
    trees.close(found, alone.updates, "an update of the leaves masked in", **_CLOSE)
    for t, update in enumerate(path.updates):
        trees.same_bits(
            update["gain"], trees.gradients(t)["gain"], "the update of a leaf masked out"
        )


@check
def in_partition(subject: Subject) -> None:
    """Inside `optax.partition`, as the rule for all leaves, it moves as alone."""
    labels = jax.tree.map(lambda _: "all", trees.params())
    _moves_as_alone(subject, optax.partition({"all": subject.build()}, labels), "optax.partition")


@check
def in_apply_if_finite(subject: Subject) -> None:
    """Inside `optax.apply_if_finite`, with finite gradients, it moves as alone."""
    with stepwise():  # a wrapper's branches would be compiled anew at every update
        _moves_as_alone(subject, optax.apply_if_finite(subject.build(), 3), "optax.apply_if_finite")


@check
def in_multi_steps(subject: Subject) -> None:
    """Inside `optax.MultiSteps`, two equal halves of a batch are one update with the whole."""
    with stepwise():
        wrapper = optax.MultiSteps(subject.build(), 2)
        path = subject.run(wrapper, 6, gradients=lambda t: trees.gradients(t // 2))
    for t, expected in enumerate(subject.bare.updates):
        trees.close(path.updates[2 * t + 1], expected, f"update {t + 1}", **_CLOSE)


@check(applies=lambda subject: subject.floats)
def in_inject_hyperparams(subject: Subject) -> None:
    """Inside `optax.inject_hyperparams`, every float a hyperparameter, it moves as alone."""
    static = tuple(name for name in subject.settings if name not in subject.floats)

    @ft.wraps(subject.make)
    def make(*args: Any, **kwargs: Any) -> Any:
        return take_gradients_as_given(subject.make(*args, **kwargs))

    maker = optax.inject_hyperparams(make, static_args=static)
    _moves_as_alone(subject, maker(**subject.settings), "optax.inject_hyperparams")
