"""`sweep`: train all optimizers, configurations and seeds of a study, and collect what they did.

Each optimizer is two compiled programs: the start of its trainings, and a tile of their steps, up
to the next evaluation. Between two tiles the curves get a point, and the progress bar moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt._sweep.lanes import Lanes, draw
from lectopt._sweep.result import Runs, SweepResult
from lectopt._sweep.space import Maker, Space, grids, listed_seeds, positive_integer
from lectopt.training.problem import Problem, random_streams


def sweep(
    problem: Problem,
    optimizers: Mapping[str, Maker],
    space: Space | Mapping[str, Space],
    seeds: int | Sequence[int],
    steps: int,
    *,
    eval_every: int | None = None,
    divergence_factor: float = 1e3,
    progress: bool = True,
) -> SweepResult:
    """Train every optimizer with every combination of its hyperparameters, for every seed.

    A seed fixes the initial parameters, the order of the data and the noise in the loss, the same
    for all configurations and optimizers (`random_streams`). The gradient is taken at
    `tx.point(params, state)` where the optimizer has a `point`, and metrics at
    `evaluation_params(opt_state, params)`. Every `update` is given `value`, `grad` and `value_fn`.

    A lane, one configuration with one seed, diverges at the first step where its loss, or a
    parameter after the update, is not finite, or where its loss is above
    `divergence_factor * max(abs(first loss), 1e-6)`. It then keeps the parameters it has, the last
    finite ones, to the end. The other lanes are, bit for bit, what they would have been without it.

    Args:
        problem: What is trained.
        optimizers: By name, makers that take the hyperparameters as keywords and return any Optax
            transformation, e.g. `{"adam": optax.adam}`. They are called with tracers.
        space: By hyperparameter, a 1-D array of its values, e.g.
            `{"learning_rate": np.logspace(-4, 0, 24)}`; all combinations are trained. Or such a
            mapping for each optimizer, by its name.
        seeds: How many (0, 1, ...), or which.
        steps: Updates per lane.
        eval_every: Steps between two points of the curves; by default a twentieth of `steps`.
        divergence_factor: Above 1; `inf` leaves only what is not finite.
        progress: Whether to show a progress bar.

    Returns:
        Tables, curves, best configurations and plots.

    Raises:
        ValueError: An argument does not fit.
        ImportError: `progress` is true and tqdm is missing.
    """
    configurations = grids(optimizers, space)
    seeds = listed_seeds(seeds)
    steps = positive_integer("steps", steps)
    eval_every = positive_integer(
        "eval_every", -(-steps // 20) if eval_every is None else eval_every
    )
    if not divergence_factor > 1:
        raise ValueError(f"wanted a divergence_factor above 1, or inf, got {divergence_factor!r}")
    problem.check()

    data = jax.tree.map(jnp.asarray, dict(problem.data))
    streams = jax.tree.map(lambda *keys: jnp.stack(keys), *map(random_streams, seeds))
    params = jax.jit(jax.vmap(problem.init))(streams.init)
    # No optimizer is in these two programs, so that they are compiled once for all of them.
    draws = jax.jit(jax.vmap(partial(draw, problem, steps=eval_every), in_axes=(0, None)))
    measure = jax.jit(jax.vmap(jax.vmap(problem.metrics, in_axes=(0, None)), in_axes=(0, None)))
    stops = [*range(eval_every, steps, eval_every), steps]

    runs = {}
    with _Bar(len(optimizers) * steps, progress) as bar:
        for name, maker in optimizers.items():
            bar.begin(name)
            program = Lanes(problem, name, maker, divergence_factor)
            start = jax.jit(program.start, static_argnames="configurations")
            tile = jax.jit(program.tile, donate_argnums=0)

            values = {key: jnp.asarray(x) for key, x in configurations[name].items()}
            lanes = start(params, values, configurations=next(map(len, values.values()), 1))
            train_loss, validation, points = [], [], params
            for done, stop in zip([0, *stops], stops, strict=False):
                drawn = draws(streams, done)
                lanes, points = tile(lanes, values, data["train"], drawn, done, stop)
                train_loss.append(_ratio(lanes.loss_sum, lanes.loss_count))
                if "validation" in data:
                    validation.append(measure(points, data["validation"]))
                bar.advance(stop - done, np.asarray(lanes.diverged_at))
            runs[name] = Runs(
                hyperparameters=configurations[name],
                diverged_at=np.asarray(lanes.diverged_at),
                train_loss=np.stack(train_loss),
                validation=_stacked(validation),
                final={split: jax.device_get(measure(points, data[split])) for split in data},
            )
    return SweepResult(seeds, tuple(stops), runs)


def _ratio(total: jax.Array, count: jax.Array) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, where a lane was frozen all the time
        return np.asarray(total) / np.asarray(count)


def _stacked(points: Sequence[Mapping[str, jax.Array]]) -> dict[str, np.ndarray]:
    """A list of metrics as metrics that have one more axis, in front."""
    return jax.tree.map(lambda *x: np.stack([*map(np.asarray, x)]), *points) if points else {}


class _Bar:
    """One progress bar for the whole sweep, or nothing."""

    def __init__(self, steps: int, shown: bool) -> None:
        self.diverged, self.before = 0, 0
        self.bar: Any = None
        if shown:
            try:
                from tqdm import tqdm
            except ImportError as error:
                raise ImportError(
                    'the progress bar needs tqdm: pip install "lectopt[demo]", or progress=False'
                ) from error
            self.bar = tqdm(total=steps, unit="step")

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def begin(self, name: str) -> None:
        """The next optimizer; its first step comes after its compilation."""
        self.before = self.diverged
        if self.bar is not None:
            self.bar.set_description(name)

    def advance(self, steps: int, diverged_at: np.ndarray) -> None:
        """Steps done, and the configurations that have a diverged seed."""
        self.diverged = self.before + int((diverged_at >= 0).any(axis=0).sum())
        if self.bar is not None:
            self.bar.set_postfix(diverged=self.diverged, refresh=False)
            self.bar.update(steps)
