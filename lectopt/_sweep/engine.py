"""`sweep`: train all configurations of several optimizers, from several seeds."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import jax

from lectopt._sweep import arguments
from lectopt._sweep.halving import checked_factor, survivors
from lectopt._sweep.opening import opened
from lectopt._sweep.proposing import proposals, searched
from lectopt._sweep.records import Record
from lectopt._sweep.result import SweepResult
from lectopt._sweep.session import Session, session
from lectopt._sweep.space import Configuration, configurations, listed_seeds
from lectopt._sweep.store import known_records
from lectopt._sweep.study import Study
from lectopt.training.problem import Problem


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
    arguments.refuse_without_compilation()
    check, factor = arguments, checked_factor(halving)
    samples = check.checked_samples(samples, sampler)
    limit, named = check.checked_divergence(divergence_factor), check.by_name(optimizers)
    with jax.transfer_guard("allow"):  # what is moved is moved on purpose
        study = Study(problem, named, steps, epochs, eval_every, limit)
        seeds = listed_seeds(seeds)
        how = (
            check.checked_tile(tile),
            check.checked_directory(directory),
            check.checked_changes(accept_changes, directory),
            check.checked_executor(executor),
            check.checked_seconds(max_seconds),
            progress,
        )
        if isinstance(sampler, str):
            ones = configurations(space, study.makers, study.asking_problem, samples, sampler)
            study.check(ones)
            with session(study, ones[0], seeds, len(ones), *how) as under_way:
                records, complete = _all_of(ones, factor, under_way)
        else:
            count, axes, one = searched(study, space, sampler, samples, halving)
            with session(study, one, seeds, count, *how) as under_way:
                records, complete = proposals(sampler, count, axes, under_way)
        return SweepResult(
            records, under_way.column, under_way.direction, complete, under_way.tiles, study.built
        )


def _all_of(
    ones: Sequence[Configuration], factor: float | None, under_way: Session
) -> tuple[list[Record], bool]:
    """The records of all configurations, and whether there is one of each."""
    study, seeds = under_way.study, under_way.seeds
    bench, first, rungs = opened(under_way, ones, factor)
    runner = under_way.start(bench)
    runner.train(ones, seeds, rungs, survivors(factor, runner.sign), first)
    wanted = [(one, seed, study.group(one).steps) for one in ones for seed in seeds]
    records = known_records(under_way.store, wanted, runner.culled)
    complete = len(records) == len(wanted)
    if complete:
        under_way.store.finish()
    return records, complete
