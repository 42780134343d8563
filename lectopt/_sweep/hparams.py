"""A sweep in the HParams tab of TensorBoard: a run for each configuration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lectopt._sweep.configurations import Configuration


def write(configurations: Sequence[Configuration], path: str | Path) -> None:
    """See `SweepResult.tensorboard`."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError(
            'tensorboard() needs tensorboardX: pip install "lectopt[train]"'
        ) from error
    numbers: dict[str, int] = {}
    with SummaryWriter(str(path)) as writer:
        for one in configurations:
            number = numbers[one.optimizer] = numbers.get(one.optimizer, -1) + 1
            settings: dict[str, Any] = {name: _plain(value) for name, value in one.settings.items()}
            columns = dict.fromkeys(name for r in one.records.values() for name in r.finals)
            # Of a configuration with a diverged seed, a mean of what was left would look like one.
            means = {} if one.diverged else {f"mean/{x}": one.finals(x).mean() for x in columns}
            metrics = {name: float(mean) for name, mean in means.items() if np.isfinite(mean)}
            diverged = sum(r.diverged_at is not None for r in one.records.values())
            name = f"{one.optimizer}/{number:05}"
            writer.add_hparams(
                {"optimizer": one.optimizer, **settings},
                {**metrics, "diverged_seeds": float(diverged)},
                name=name,
            )


def _plain(value: object) -> bool | int | float | str | None:
    """What the tab can show: a number as a number, anything else in words."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, bool | int | float | str | None) else repr(value)
