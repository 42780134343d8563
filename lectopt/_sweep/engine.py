"""`sweep`: train all configurations of several optimizers, from several seeds."""

from __future__ import annotations

import concurrent.futures as cf
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lectopt._sweep.directory import Directory
from lectopt._sweep.elsewhere import Elsewhere
from lectopt._sweep.halving import checked_factor, survivors
from lectopt._sweep.opening import opened
from lectopt._sweep.proposing import example_of, proposals
from lectopt._sweep.result import SweepResult
from lectopt._sweep.running import Runner
from lectopt._sweep.space import Configuration, configurations, listed_seeds
from lectopt._sweep.store import Store, known_records
from lectopt._sweep.study import Study
from lectopt._sweep.workers import Bench, Threads
from lectopt.training.interrupts import Interrupts
from lectopt.training.loop import metric_column
from lectopt.training.problem import Problem
from lectopt.training.progress import progress_of
from lectopt.transformation import is_transformation


def sweep(
    problem: Problem | Callable[..., Problem],
    optimizers: Any,
    space: Mapping[str, Any],
    steps: int | None = None,
    *,
    epochs: float | None = None,
    seeds: int | Sequence[int] = 3,
    samples: int | None = None,
    sampler: Any = "sobol",
    halving: float | None = None,
    eval_every: int | Literal["epoch"] | None = None,
    divergence_factor: float = 1e3,
    directory: str | Path | None = None,
    executor: cf.Executor | None = None,
    tile: int | Literal["auto"] = "auto",
    max_seconds: float | None = None,
    accept_changes: Sequence[str] = (),
    progress: bool | None = None,
) -> SweepResult:
    """Train every optimizer with every configuration of a space, from every seed.

    A seed alone makes the first parameters, the order of the data, the noise of the loss and that
    of the optimizer: configurations and optimizers are paired. Every optimizer is made with every
    setting, and every program is traced, before the first training.

    A training diverges at the first step where its loss, or a parameter after the update, is not
    finite, or where its loss is above `divergence_factor` times what it was at the start: absolute
    loss plus the norm of the gradient, before the first update (where both are 0, at the first step
    where they are not). It then keeps the last finite parameters to the end, and does not win; the
    others are, bit for bit, what they would have been without it.

    Args:
        problem: What is trained; or a function of settings that returns it.
        optimizers: A maker, such as `lectopt.adam`, or several by name; one that is made already
            is trained as it is. A maker is given what it asks for by name: settings of the space,
            `steps`, the updates of the training, and `key`, the seed's stream for the optimizer.
        space: By setting, a list or array of values, or an object with `ppf` such as
            `scipy.stats.loguniform(1e-4, 1e-1)`; or such a mapping for each optimizer, by its name.
            Floats are traced; whole numbers, texts, bools and None, and floats in `choice`, have a
            program for each value, 32 in all. A setting goes to everybody who asks for it.
        steps: Updates of a training.
        epochs: The same in epochs; one of the two must be given.
        seeds: How many (0, 1, ...), or which, each in [0, 2**32).
        samples: How many configurations are drawn for each optimizer; None for all combinations.
        sampler: `"sobol"`, evenly spread points; `"random"`; or an `optuna.Study`.
        halving: None; or a factor, such as 3: at `steps / factor^k` the best of each optimizer, one
            in `factor`, go on.
        eval_every: Updates between two points of the curves, or `"epoch"`; by default a twentieth
            of a training.
        divergence_factor: Above 1; `inf` leaves only what is not finite.
        directory: Where everything is kept. The same call goes on where it was broken off, and a
            larger space, more samples or seeds train what is missing. Any number of processes may
            make the same call at the same time: they share the work.
        executor: Workers elsewhere: any `concurrent.futures.Executor`.
        tile: How many trainings run side by side in one program: what is fastest, or a number.
        max_seconds: After so long, what there is comes back.
        accept_changes: Sections in which the call may differ from what the directory holds, as the
            error about it prints them.
        progress: Whether to show a bar; by default in a terminal or a notebook, and else a line
            every ten seconds.

    Returns:
        Tables, curves, best configurations and comparisons; also after Ctrl-C, SIGTERM or
        `max_seconds`, with `complete` False.

    Raises:
        ValueError: An argument does not fit, an optimizer refuses a setting, or the directory holds
            another sweep.
        ImportError: A bar needs tqdm, an executor cloudpickle.
    """
    if not divergence_factor > 1:
        raise ValueError(f"wanted a divergence_factor above 1, or inf, got {divergence_factor!r}")
    factor, named = checked_factor(halving), _named(optimizers)
    _check(tile, samples, max_seconds, accept_changes, directory, executor)
    seeds = listed_seeds(seeds)
    study = Study(problem, named, steps, epochs, eval_every, divergence_factor)
    proposed = not isinstance(sampler, str)
    axes: dict[str, dict[str, Any]] = {}
    if proposed:
        axes, one = example_of(study, space, sampler, samples, halving)
        ones = [one]
    else:
        ones = configurations(space, study.makers, study.asking_problem, samples, sampler)
        study.check(ones)
    judge = study.group(ones[0]).blocks.problem
    column, direction = metric_column(judge), "maximize" if judge.sign < 0 else "minimize"
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        count = len(ones) if samples is None or not proposed else samples
        bar = progress_of(progress, "sweep", count * len(seeds), 0, "training")
        stack.callback(bar.close)
        store = Store() if directory is None else Directory(directory)
        stack.callback(store.close)
        interrupts = stack.enter_context(Interrupts())
        runners: list[Runner] = []

        def stop() -> bool:
            late = max_seconds is not None and time.monotonic() - started >= max_seconds
            return interrupts.received is not None or late

        def runner_of(bench: Bench) -> Runner:
            workers: Any = Threads(bench, store, stop)
            if executor is not None:
                workers = Elsewhere(bench, executor)
            stack.callback(workers.close)
            stack.push(_abandoning(workers))
            runners.append(Runner(bench, store, workers, stop, bar, column, judge.sign))
            return runners[-1]

        if proposed:
            records, complete = proposals(
                study, axes, seeds, samples, sampler, tile, store, accept_changes, runner_of,
                column, direction,
            )  # fmt: skip
        else:
            bench, first, rungs = opened(study, ones, seeds, factor, tile, store, accept_changes)
            runner = runner_of(bench)
            runner.train(ones, seeds, rungs, survivors(factor, judge.sign), first)
            wanted = [(one, seed, study.group(one).steps) for one in ones for seed in seeds]
            records = known_records(store, wanted, runner.culled)
            complete = len(records) == len(wanted)
        tiles = runners[0].tiles if runners else None
        if complete:
            store.finish()

    def rebuild(optimizer: str, settings: Mapping[str, object]) -> tuple[Problem, Any, int]:
        return study.built(Configuration(optimizer, settings))

    return SweepResult(records, column, direction, complete, tiles, rebuild)


def _abandoning(workers: Any) -> Any:
    """If something is raised, what runs is not waited for longer than a block."""

    def leave(kind: Any, error: Any, trace: Any) -> None:
        del error, trace
        if kind is not None:
            workers.abandon()

    return leave


def _named(optimizers: Any) -> dict[str, Any]:
    if isinstance(optimizers, Mapping) and optimizers:
        return dict(optimizers)
    if is_transformation(optimizers) or callable(optimizers):
        name = getattr(optimizers, "__name__", None) or getattr(optimizers, "name", "optimizer")
        return {str(name): optimizers}
    raise ValueError(
        'wanted optimizers by name, e.g. {"adam": optax.adam, "sgd": optax.sgd}, '
        f"got {optimizers!r}"
    )


def _check(
    tile: Any, samples: Any, max_seconds: Any, accept: Sequence[str], directory: Any, executor: Any
) -> None:
    def whole(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 1

    if tile != "auto" and not whole(tile):
        raise ValueError(f'wanted tile="auto" or a number of lanes, got {tile!r}')
    if samples is not None and not whole(samples):
        raise ValueError(f"wanted samples to be None or an integer, at least 1, got {samples!r}")
    if max_seconds is not None and not max_seconds > 0:
        raise ValueError(f"wanted a positive number of max_seconds, got {max_seconds!r}")
    if accept and directory is None:
        raise ValueError("accept_changes is about what a directory holds; give directory=, too")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise ValueError(
            "wanted a concurrent.futures.Executor, as ProcessPoolExecutor() or Dask's "
            f"client.get_executor(), got {executor!r}"
        )
