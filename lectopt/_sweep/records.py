"""What is known of one training of a sweep, whoever made it: a thread, another machine, a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Record:
    """One training: an optimizer with its settings, from one seed.

    Args:
        optimizer: Its name in the sweep.
        settings: What it, its schedules, its loss and its problem were given, by name.
        seed: It makes the start, the order of the data and all noise.
        steps: The updates of the whole training, also of one that ended before them.
        diverged_at: The step of its divergence, or None.
        culled_at: The number of updates after which it was given up for better ones, or None.
        finals: `"<split>_<metric>"` of its last weights, measured on whole splits; of a training
            that diverged, of the last finite ones. Empty if it was culled.
        at_steps: How many updates had been made at each point of its curves, shape `(points,)`;
            a culled one's end with `culled_at`.
        curves: By column, shape `(points,)`: `"train_loss"` (the mean over the batches since the
            last point, NaN once it is frozen), `"<split>_<metric>"`, `"learning_rate"`,
            `"grad_norm"`, `"update_norm"`.
    """

    optimizer: str
    settings: Mapping[str, object]
    seed: int
    steps: int
    diverged_at: int | None
    culled_at: int | None
    finals: Mapping[str, float]
    at_steps: np.ndarray
    curves: Mapping[str, np.ndarray]
