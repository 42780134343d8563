"""Results made by hand, without a training."""

import numpy as np

from lectopt._sweep.records import Record
from lectopt._sweep.result import SweepResult


def record(optimizer, settings, seed, final=None, diverged_at=None, culled_at=None, **more):
    """A training that ended with a validation loss, and with the same value as its test loss."""
    curves = {name: np.asarray(x, float) for name, x in more.pop("curves", {}).items()}
    points = len(next(iter(curves.values()), [0.0]))
    steps = more.pop("steps", 10 * points)
    finals = {} if final is None else {"validation_loss": final, "test_loss": final} | more
    at_steps = np.arange(1, points + 1) * 10
    return Record(
        optimizer, settings, seed, steps, diverged_at, culled_at, finals, at_steps, curves
    )


def result(records, metric="validation_loss", direction="minimize", **more):
    return SweepResult(records, metric, direction, **more)


def grid(optimizer, finals, diverged=(), setting="learning_rate", **more):
    """Trainings of one optimizer: from an array of shape (configurations, seeds), with rates 1, 10,
    100, ...; `diverged` are pairs of both numbers."""
    return [
        record(
            optimizer,
            {setting: 10.0**c},
            s,
            float(value),
            3 if (c, s) in diverged else None,
            **more,
        )
        for c, row in enumerate(finals)
        for s, value in enumerate(row)
    ]
