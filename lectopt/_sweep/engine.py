"""`sweep`: train all optimizers, configurations and seeds of a study, and collect what they did.

Each optimizer is three compiled programs: the start of its trainings, a block of their steps, and
what is measured. Between two evaluations the curves get a point, and the progress bar moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt._sweep.drawing import Sampler
from lectopt._sweep.lanes import Lanes
from lectopt._sweep.records import Record
from lectopt._sweep.result import SweepResult
from lectopt._sweep.space import Maker, Space, grids, listed_seeds, positive_integer
from lectopt.training.blocks import CAPACITY, before_bad_step
from lectopt.training.problem import Problem
from lectopt.training.streams import random_streams


def sweep(
    problem: Problem,
    optimizers: Mapping[str, Maker],
    space: Space | Mapping[str, Space],
    steps: int,
    *,
    seeds: int | Sequence[int] = 3,
    samples: int | None = None,
    sampler: Sampler = "sobol",
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
            `{"learning_rate": np.logspace(-4, 0, 24)}`, or a distribution with `ppf`,
            `scipy.stats.loguniform(1e-4, 1)`. Or such a mapping for each optimizer, by its name.
        steps: Updates per lane.
        seeds: How many (0, 1, ...), or which.
        samples: How many configurations of each optimizer are drawn; by default all combinations
            of the values are trained.
        sampler: How they are drawn: `"sobol"` or `"random"`.
        eval_every: Steps between two points of the curves; by default a twentieth of `steps`.
        divergence_factor: Above 1; `inf` leaves only what is not finite.
        progress: Whether to show a progress bar.

    Returns:
        Tables, curves, best configurations and plots.

    Raises:
        ValueError: An argument does not fit.
        ImportError: `progress` is true and tqdm is missing.
    """
    configurations = grids(optimizers, space, samples, sampler)
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
    # No optimizer is in this program, so that it is compiled once for all of them.
    params, state = jax.jit(jax.vmap(problem.start))(streams.init)
    stops = [*range(eval_every, steps, eval_every), steps]

    records = []
    with _Bar(len(optimizers) * steps, progress) as bar:
        for name, maker in optimizers.items():
            bar.begin(name)
            count = next(map(len, configurations[name].values()), 1)
            lanes = Lanes(problem, name, maker, single=count * len(seeds) == 1)
            arrays = _train(
                lanes,
                configurations[name],
                count,
                (params, state),
                data,
                streams,
                stops,
                divergence_factor,
                bar,
            )
            records += _records(name, configurations[name], seeds, stops, *arrays)
    judged = "validation" if "validation" in data else "train"
    direction = "maximize" if problem.sign < 0 else "minimize"

    def rebuild(name: str, settings: Mapping[str, Any]) -> tuple[Problem, Any, int]:
        return problem, optimizers[name](**settings), steps

    return SweepResult(records, f"{judged}_{problem.metric}", direction, rebuild=rebuild)


def _records(
    name: str,
    configurations: Mapping[str, np.ndarray],
    seeds: Sequence[int],
    stops: Sequence[int],
    diverged_at: np.ndarray,
    curves: Mapping[str, np.ndarray],
    finals: Mapping[str, np.ndarray],
) -> list[Record]:
    """Arrays whose last axes are seeds and configurations as a record for each training."""
    return [
        Record(
            name,
            {key: values[c].item() for key, values in configurations.items()},
            seed,
            stops[-1],
            None if diverged_at[s, c] < 0 else int(diverged_at[s, c]),
            None,
            {key: float(values[s, c]) for key, values in finals.items()},
            np.array(stops),
            {key: values[:, s, c] for key, values in curves.items()},
        )
        for c in range(diverged_at.shape[1])
        for s, seed in enumerate(seeds)
    ]


def _train(
    lanes: Lanes,
    configurations: Mapping[str, np.ndarray],
    count: int,
    first: tuple[Any, Any],
    data: Mapping[str, Any],
    streams: Any,
    stops: Sequence[int],
    factor: float,
    bar: _Bar,
) -> tuple[np.ndarray, Mapping[str, np.ndarray], Mapping[str, np.ndarray]]:
    """Train all configurations of one optimizer, for all seeds: where they diverged, the curves,
    of shape `(evaluations, seeds, configurations)`, and what was measured at the end."""
    start = jax.jit(lanes.start, static_argnames="configurations")
    # What was before a block is needed again if a step of a single lane is bad.
    donated = () if lanes.single else 0
    block = jax.jit(partial(lanes.block, factor=factor), donate_argnums=donated)
    measure = jax.jit(lanes.measure)
    values = {key: jnp.asarray(x) for key, x in configurations.items()}
    now = start(*first, values, configurations=count)
    train_loss, validation = [], []
    for done, stop in zip([0, *stops], stops, strict=False):
        losses = []
        for begin in range(done, stop, CAPACITY):
            end = min(begin + CAPACITY, stop)

            def run(now: Any, end: int, begin: int = begin, done: int = done) -> Any:
                return block(now, values, data["train"], streams, begin, end, done or -1)

            after, rows = run(now, end)
            now = before_bad_step(run, now, after) if lanes.single else after
            losses.append(np.asarray(rows["loss"])[:, : end - begin])
        diverged_at = np.asarray(now.stopped_at)
        train_loss.append(_mean_until(diverged_at, done, np.concatenate(losses, axis=1)))
        if "validation" in data:
            validation.append(measure(now, data["train"], data["validation"]))
            now = now._replace(evaluation=_metric(lanes.problem, validation[-1]))
        bar.advance(stop - done, diverged_at)
    curves = {"train_loss": np.stack(train_loss)}
    curves |= {f"validation_{key}": values for key, values in _stacked(validation).items()}
    finals = {
        f"{split}_{key}": np.asarray(values)
        for split in data
        for key, values in measure(now, data["train"], data[split]).items()
    }
    return np.asarray(now.stopped_at), curves, finals


def _metric(problem: Problem, measured: Mapping[str, jax.Array]) -> jax.Array:
    return jnp.array(measured[problem.metric], float)  # a copy, as the lanes are donated


def _mean_until(diverged_at: np.ndarray, first: int, losses: np.ndarray) -> np.ndarray:
    """The mean of the losses of shape (seeds, steps, configurations) before the divergence; NaN
    where there is none, as where a lane was frozen all the time."""
    steps = first + np.arange(losses.shape[1])[:, None]
    end = np.where(diverged_at < 0, first + losses.shape[1], diverged_at)[:, None]
    counts = steps < end
    total = np.where(counts, losses, 0).sum(axis=1, dtype=float)
    with np.errstate(invalid="ignore"):
        return (total / counts.sum(axis=1)).astype(np.float32)


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
                    'the progress bar needs tqdm: pip install "lectopt[train]", or progress=False'
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
