"""Many trainings in one compiled program: each configuration of an optimizer, for each seed.

A training is a *lane*. Its hyperparameters are traced numbers, and its optimizer is built from them
inside the program. The lanes of a seed share initial parameters and batches, so that configurations
are compared pairwise and a batch is gathered once for all of them. A lane that diverges is frozen,
and no other lane notices.

    for each seed:                           vmap
        for each step:                       a loop
            the batch of the step
            for each configuration:          vmap, with the batch shared
                gradient, update, or freeze
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from lectopt._sweep.space import Maker
from lectopt.controls.evaluation import evaluation_params
from lectopt.training.data import cut_batch, epoch_permutation
from lectopt.training.problem import Problem, Streams

TINY = 1e-6  # the least scale of a loss: after a first loss of 0, not all others are divergence

Hyperparameters = Mapping[str, jax.Array]


class Lane(NamedTuple):
    """A training under way."""

    params: Any
    opt_state: Any
    first_loss: jax.Array
    loss_sum: jax.Array  # over the steps of this tile
    loss_count: jax.Array
    diverged_at: jax.Array  # the step, or -1


class Draws(NamedTuple):
    """What chance gives the steps of a tile; the first axis is the step."""

    samples: jax.Array  # indices into the training data, shape (steps, batch_size)
    noise: jax.Array  # keys for the loss, shape (steps,)


def draw(problem: Problem, streams: Streams, start: jax.Array, steps: int) -> Draws:
    """The draws of one seed for `steps` steps from `start` on.

    They are those of `batch_indices`, but the samples are shuffled once an epoch, not once a step.
    """

    def at(order: jax.Array, step: jax.Array) -> tuple[jax.Array, Draws]:
        epoch, place = jnp.divmod(step, problem.steps_per_epoch)
        order = jax.lax.cond(
            (place == 0) | (step == start),
            lambda: epoch_permutation(streams.data, epoch, problem.size),
            lambda: order,
        )
        samples = cut_batch(order, place, problem.batch_size)
        return order, Draws(samples, jax.random.fold_in(streams.noise, step))

    return jax.lax.scan(at, jnp.arange(problem.size), start + jnp.arange(steps))[1]


@dataclass(frozen=True, eq=False)
class Lanes:
    """The two programs that train all lanes of one optimizer.

    Lanes are arrays with two leading axes, seeds and configurations; initial parameters and draws
    have the first of them, and `values`, the hyperparameters, the second.

    Args:
        problem: What is trained.
        name: The optimizer's, for messages.
        maker: It takes the hyperparameters and returns an Optax transformation.
        divergence_factor: A lane diverges when its loss is that many times its first loss.
    """

    problem: Problem
    name: str
    maker: Maker
    divergence_factor: float

    def start(self, params: Any, values: Hyperparameters, configurations: int) -> Lane:
        """All lanes before their first step, from the initial parameters of each seed."""
        of_seed = jax.vmap(self._begin, in_axes=(None, 0), axis_size=configurations)
        return jax.vmap(of_seed, in_axes=(0, None))(params, values)

    def tile(
        self,
        lanes: Lane,
        values: Hyperparameters,
        train: Any,
        draws: Draws,
        start: jax.Array,
        stop: jax.Array,
    ) -> tuple[Lane, Any]:
        """The steps from `start` up to `stop` of all lanes, and the parameters to evaluate then.

        Both ends may be traced, so that tiles of any length are one program.
        """

        def of_seed(lanes: Lane, draws: Draws) -> Lane:
            def body(step: jax.Array, lanes: Lane) -> Lane:
                now = jax.tree.map(lambda x: x[step - start], draws)
                batch = jax.tree.map(lambda x: x[now.samples], train)
                move = jax.vmap(self._step, in_axes=(0, 0, None, None, None))
                return move(lanes, values, batch, now.noise, step)

            zero = jnp.zeros_like(lanes.loss_sum)
            return jax.lax.fori_loop(
                start, stop, body, lanes._replace(loss_sum=zero, loss_count=zero)
            )

        lanes = jax.vmap(of_seed)(lanes, draws)
        return lanes, jax.vmap(jax.vmap(evaluation_params))(lanes.opt_state, lanes.params)

    def _optimizer(self, values: Hyperparameters) -> optax.GradientTransformation:
        tx = self.maker(**values)
        if not (callable(getattr(tx, "init", None)) and callable(getattr(tx, "update", None))):
            raise ValueError(
                f"optimizer {self.name!r}: wanted a maker that returns an Optax transformation, "
                f"got one that returns {tx!r}"
            )
        return tx

    def _begin(self, params: Any, values: Hyperparameters) -> Lane:
        zero = jnp.zeros(())
        lane = Lane(params, self._optimizer(values).init(params), zero, zero, zero, jnp.array(-1))
        return jax.tree.map(_strongly_typed, lane)

    def _step(
        self, lane: Lane, values: Hyperparameters, batch: Any, key: jax.Array, step: jax.Array
    ) -> Lane:
        def loss_fn(params: Any) -> jax.Array:
            return self.problem.loss(params, batch, key)

        tx = self._optimizer(values)
        point = getattr(tx, "point", _at_params)(lane.params, lane.opt_state)
        loss, gradient = jax.value_and_grad(loss_fn)(point)
        updates, opt_state = optax.with_extra_args_support(tx).update(
            gradient, lane.opt_state, lane.params, value=loss, grad=gradient, value_fn=loss_fn
        )
        params = optax.apply_updates(lane.params, updates)

        first_loss = jnp.where(step == 0, loss, lane.first_loss)
        bound = self.divergence_factor * jnp.maximum(jnp.abs(first_loss), TINY)
        good = jnp.isfinite(loss) & (loss <= bound) & _all_finite(params)
        alive = lane.diverged_at < 0
        moved = Lane(
            params=params,
            opt_state=opt_state,
            first_loss=first_loss,
            loss_sum=lane.loss_sum + loss,
            loss_count=lane.loss_count + 1,
            diverged_at=lane.diverged_at,
        )
        lane = jax.tree.map(lambda new, old: _choose(alive & good, new, old), moved, lane)
        return lane._replace(diverged_at=jnp.where(alive & ~good, step, lane.diverged_at))


def _at_params(params: Any, state: Any) -> Any:
    del state
    return params


def _all_finite(tree: Any) -> jax.Array:
    return jnp.array([jnp.isfinite(x).all() for x in jax.tree.leaves(tree)]).all()


def _choose(condition: jax.Array, new: jax.Array, old: jax.Array) -> jax.Array:
    """`new` or `old`, in the dtype of `old`: traced hyperparameters must not widen a state."""
    chosen = jnp.where(condition, new, old)
    return chosen if chosen.dtype == old.dtype else chosen.astype(old.dtype)


def _strongly_typed(x: Any) -> jax.Array:
    """A weakly typed state would be strongly typed after a tile, and compile a second program."""
    x = jnp.asarray(x)
    is_key = jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
    return x if is_key else jax.lax.convert_element_type(x, x.dtype)
