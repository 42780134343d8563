"""`fit`: one training."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp

from lectopt.state_search import records
from lectopt.training.arguments import (
    check_arguments,
    steps_between,
    total_steps,
    whole,
)
from lectopt.training.blocks import Blocks
from lectopt.training.checkpoints import orbax
from lectopt.training.choosing import chosen
from lectopt.training.feeding import Feeder
from lectopt.training.files import checked_path, locked, unusable
from lectopt.training.history import History
from lectopt.training.loop import Loop, OnNonfinite, Plan
from lectopt.training.manifest import identity
from lectopt.training.problem import Problem
from lectopt.training.processes import Processes
from lectopt.training.programs import Programs
from lectopt.training.progress import progress_of
from lectopt.training.resuming import resume
from lectopt.training.run import Run, Stopped
from lectopt.training.sharding import ONE_DEVICE, Placement
from lectopt.training.starting import filled, parts_of
from lectopt.training.step import BadStep, Training
from lectopt.training.store import Store
from lectopt.training.streams import random_streams
from lectopt.training.weights import needs_refreshing


def fit(
    problem: Problem,
    optimizer: Any,
    steps: int | None = None,
    *,
    epochs: float | None = None,
    seed: int = 0,
    start: Any = None,
    eval_every: int | Literal["epoch"] | None = None,
    patience: int | None = None,
    callbacks: Sequence[Callable[[Run], Any]] = (),
    on_nonfinite: OnNonfinite = "stop",
    directory: str | Path | None = None,
    accept_changes: Sequence[str] = (),
    progress: bool | None = None,
) -> Run:
    """Train a problem with an optimizer.

    A seed fixes the first parameters, the order of the data, the noise of the loss and that of the
    optimizer. The run is, bit for bit, a sweep's with the same optimizer and that seed alone.

    Args:
        problem: What is trained.
        optimizer: Any Optax transformation; or a function that returns one and asks for nothing but
            `steps`, the updates of the run, and `key`, the seed's random stream for the optimizer:
            `lambda key: lectopt.sgld(0.1, key=key)`.
        steps: Updates in all, from 0 on: also of a run that is resumed, or begins at a `start`.
        epochs: The same in epochs; one of the two must be given.
        seed: In `[0, 2**32)`.
        start: Where to begin: a `Run`, or a dict with any of `params`, `model_state`, `opt_state`
            and `step`, the number of updates made before.
        eval_every: Steps between two evaluations, or `"epoch"`; by default a twentieth of `steps`.
        patience: Stop after so many evaluations without a better value of the problem's metric on
            the validation split.
        callbacks: Functions that are called with the run so far after each evaluation. The training
            stops when one returns a true value; a text is the reason.
        on_nonfinite: What to do with a step whose loss is not finite, or whose update would make a
            parameter or the model state so: `"stop"` with the state before it and a warning that
            names it, `"skip"` the update, or `"raise"`.
        directory: Where the run is kept, to be resumed: the same call goes on where it was broken
            off, and ends in the same bits. With more `steps` it goes on after them.
        accept_changes: Sections in which the call may differ from what the directory holds, as the
            error about it prints them.
        progress: Whether to show a bar; by default in a terminal or a notebook, and else a line
            every ten seconds.

    Returns:
        The run; also after Ctrl-C or SIGTERM, which are taken between blocks of about a second.

    Raises:
        ValueError: An argument does not fit, or the directory holds another run.
        FloatingPointError: Something is not finite, with `on_nonfinite="raise"`.
        ImportError: `directory` needs orbax-checkpoint, a bar tqdm.
    """
    check_arguments(problem, patience, callbacks, on_nonfinite, directory, accept_changes, progress)
    total, placement = total_steps(problem, steps, epochs), Placement.here()
    with contextlib.ExitStack() as stack:
        stack.enter_context(jax.transfer_guard("allow"))  # what is moved is moved on purpose
        stack.enter_context(placement.context())
        processes = placement.processes
        opened = None if directory is None else _opened(directory, processes)
        store = None if opened is None else stack.enter_context(opened)
        known = None if store is None else store.manifest()
        if eval_every is None and known is not None:  # a twentieth of what it was begun with
            eval_every = known["settings"]["eval_every"]
        every = steps_between(problem, eval_every, total)
        plan = Plan(total, every, patience, tuple(callbacks), on_nonfinite)
        given = parts_of(start) if start is not None else {}
        loop = _loop(problem, optimizer, plan, seed, given, placement)
        if store is None:
            save = _nowhere
        else:
            settings = dict(seed=int(seed), eval_every=every, on_nonfinite=on_nonfinite)
            batch = loop.feeder.peek() if loop.feeder else problem.example_batch()
            own = identity(loop.programs, loop.training, optimizer, batch, settings, given)
            try:
                resume(store, loop, own, accept_changes)
            except OSError as error:
                raise unusable(store.path, error) from error
            save = store.after_block
        shown = progress if processes.is_first else False
        return loop.train(progress_of(shown, "fit", total, loop.step), save)


@contextlib.contextmanager
def _opened(directory: str | Path, processes: Processes) -> Iterator[Store]:
    """The directory, which is then this process's alone, or that of these processes.

    Raises:
        ValueError: Another process trains there; or there are several, and no mesh.
    """
    orbax()  # before anything is written
    if jax.process_count() > 1 and not processes.several:
        raise ValueError(
            f"there are {jax.process_count()} processes, and a directory is that of one run. Train "
            "it together, with jax.set_mesh(mesh): fit(...), or apart, without directory=."
        )
    store = Store(checked_path(directory, "directory"), processes)
    store.manifest()
    with contextlib.ExitStack() as stack:
        try:
            store.path.mkdir(parents=True, exist_ok=True)
            if processes.is_first:
                stack.enter_context(locked(store.path / "lock", "trains this run"))
        except OSError as error:
            raise unusable(store.path, error) from error
        yield store


def _nowhere(loop: Loop, stopped: Stopped | None) -> None:
    del loop, stopped


def _loop(
    problem: Problem,
    optimizer: Any,
    plan: Plan,
    seed: int,
    start: dict[str, Any],
    placement: Placement = ONE_DEVICE,
) -> Loop:
    """The training before its first step."""
    problem = placement.problem(problem)
    streams = placement.replicated(random_streams(seed))
    make, values = chosen(optimizer, plan.steps, streams.optimizer)
    feeder = Feeder(problem.data["train"]) if problem.streamed else None
    problem.check(feeder.peek() if feeder else None)
    arrays = {k: split for k, split in problem.data.items() if not (k == "train" and feeder)}
    data = placement.replicated(arrays)
    bad_step: BadStep = "skip" if plan.on_nonfinite == "skip" else "stop"
    blocks = Blocks(problem, make, bad_step=bad_step)
    programs = Programs(blocks, values, streams, data, placement)
    training, step = _begin(programs, start)
    _check_plateaus(problem, training)
    if step > plan.steps:
        raise ValueError(f"start is at step {step}, after the last one of {plan.steps} steps")
    if problem.streamed and needs_refreshing(training):
        warnings.warn(
            "fit: the running statistics of the model are those of the trained weights, and not of "
            "their average: the iterable of training batches cannot be read a second time beside "
            "the training.",
            stacklevel=3,
        )
    return Loop(problem, programs, plan, training, step, History(step), feeder=feeder)


def _check_plateaus(problem: Problem, training: Training) -> None:
    """Refuse a plateau that waits for the metric on the validation split to go the wrong way.

    Raises:
        ValueError: Saying what to write.
    """
    if "validation" not in problem.data:
        return
    for record in records(training.opt_state, "plateau").values():
        worst = record.get(("plateau", "best_value"))
        if worst is not None and jnp.isinf(worst) and worst * problem.sign < 0:
            mode, other = ("max", "min") if problem.sign < 0 else ("min", "max")
            raise ValueError(
                f"reduce_on_plateau watches the {problem.metric} of the validation split, which is "
                f'to be {mode}imised, with mode="{other}". Write mode="{mode}", or minimize= or '
                "maximize= of the problem."
            )


def _begin(programs: Programs, start: dict[str, Any]) -> tuple[Training, int]:
    """The first state, and its step."""
    params, state = programs.first()
    if start.get("params") is not None:
        params = filled(params, start["params"], "start: params")
    if start.get("model_state") is not None:
        state = filled(state, start["model_state"], "start: model_state")
    try:
        training = programs.begin(params, state)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the optimizer cannot start with these parameters: {error}") from error
    if start.get("opt_state") is not None:
        opt_state = filled(training.opt_state, start["opt_state"], "start: opt_state")
        training = training._replace(opt_state=opt_state)
    step = start.get("step") or 0
    return training, step if step == 0 else whole("start's step", step)
