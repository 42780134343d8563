"""A run in a directory, and the ways in which it ends before its time."""

import pytest

import lectopt
from lectopt import fit
from lectopt.training.loop import Loop
from tests.training.runs import problem

TX = lectopt.chain(
    lectopt.adam(0.1),
    lectopt.reduce_on_plateau(factor=0.5, patience=1),
    lectopt.average_params(lectopt.averaging.uniform(), start=4, every=3),
)
ARGUMENTS = dict(steps=40, eval_every=6, seed=2)


def train(directory, optimizer=TX, of=None, **changes):
    return fit(of or problem(), optimizer, directory=directory, **{**ARGUMENTS, **changes})


def interrupted(directory, at=24):
    """A run that has stopped in between, and saved it."""
    run = train(directory, callbacks=[lambda run: run.step == at])
    assert run.stopped.reason == "callback" and run.step == at
    return run


def rows(names, quick):
    """All of them; few in a plain run of the tests."""
    slow = {name: [] if name in quick else [pytest.mark.slow] for name in names}
    return [pytest.param(name, marks=marks) for name, marks in slow.items()]


class Killed(BaseException):
    """In place of a signal that nobody handles."""


def kill_at(monkeypatch, module, name, count, after=False):
    """Let the process end at a call of a function: before it, or after it. It is the `count`-th, or
    the one that is given a loop that is so far."""
    function, calls = getattr(module, name), []

    def wrapper(*args, **kwargs):
        loop = next((x for x in args if isinstance(x, Loop)), None)
        calls.append(1)
        now = len(calls) == count if loop is None else loop.step >= count
        if now and not after:
            raise Killed
        result = function(*args, **kwargs)
        if now and after:
            raise Killed
        return result

    monkeypatch.setattr(module, name, wrapper)
