"""The trainings of a sweep as tidy data frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lectopt._sweep.configurations import (
    Configuration,
    Direction,
    best_of,
    nearly_best,
    sign,
)
from lectopt._sweep.records import Record
from lectopt._sweep.statistics import interval_of_mean

if TYPE_CHECKING:
    from pandas import DataFrame


def table(configurations: Sequence[Configuration]) -> DataFrame:
    """See `SweepResult.table`."""
    rows = [
        {
            **_keys(configuration, record),
            "steps": record.steps,
            "diverged_at": record.diverged_at,
            "culled_at": record.culled_at,
            **record.finals,
        }
        for configuration in configurations
        for record in configuration.records.values()
    ]
    frame = pandas().DataFrame(rows)
    return frame.astype({"diverged_at": "Int64", "culled_at": "Int64"}) if rows else frame


def curves(configurations: Sequence[Configuration]) -> DataFrame:
    """See `SweepResult.curves`."""
    pd = pandas()
    records = [
        (configuration, record)
        for configuration in configurations
        for record in configuration.records.values()
    ]
    if not records:
        return pd.DataFrame()
    lengths = [len(record.at_steps) for _, record in records]
    # Repeated as a whole: pandas is slow at ten thousand small frames.
    keys = pd.DataFrame([_keys(*pair) for pair in records])
    frame = keys.loc[np.repeat(keys.index, lengths)].reset_index(drop=True)
    columns = {
        name: np.concatenate(
            [
                record.curves.get(name, np.full(length, np.nan))
                for (_, record), length in zip(records, lengths, strict=True)
            ]
        )
        for name in dict.fromkeys(name for _, record in records for name in record.curves)
    }
    columns = {f"{name}_at_step" if name in keys else name: x for name, x in columns.items()}
    steps = np.concatenate([record.at_steps for _, record in records])
    return pd.concat([frame, pd.DataFrame({"step": steps, **columns})], axis=1)


def best(
    configurations: Mapping[str, Sequence[Configuration]],
    column: str,
    direction: Direction,
    seeds: Sequence[int],
) -> DataFrame:
    """See `SweepResult.best`."""
    tested = "test_" + column.partition("_")[2]
    tested = tested if any(tested in one.finals for one in _records(configurations)) else None
    rows = []
    for name, own in configurations.items():
        row: dict[str, Any] = {"optimizer": name}
        winner, scores = best_of(own, column, direction, seeds)
        if winner is not None:
            row |= winner.settings
            values = winner.finals(column)
            row[column], row[f"{column}_median"] = values.mean(), np.median(values)
            row[f"{column}_low"], row[f"{column}_high"] = interval_of_mean(values)
            if tested is not None and tested != column:
                test = winner.finals(tested)
                row[tested] = test.mean()
                row[f"{tested}_sd"] = test.std(ddof=1) if len(test) > 1 else np.nan
            row["nearly_best"] = nearly_best(scores, direction).mean()
        row["diverged"] = sum(one.diverged for one in own)
        row["culled"] = sum(one.culled for one in own)
        rows.append(row | {"configurations": len(own)})
    columns = dict.fromkeys(
        [
            "optimizer",
            *setting_names(configurations),
            column,
            *(f"{column}_{x}" for x in STATISTICS),
        ]
        + ([tested, f"{tested}_sd"] if tested is not None and tested != column else [])
        + ["nearly_best", "diverged", "culled", "configurations"]
    )
    frame = pandas().DataFrame(rows, columns=[*columns])
    order = (sign(direction) * frame[column].astype(float)).sort_values(kind="stable")
    return frame.loc[order.index].reset_index(drop=True)


STATISTICS = ("median", "low", "high")


def band(
    configurations: Mapping[str, Sequence[Configuration]],
    setting: str,
    column: str,
    direction: Direction,
    seeds: Sequence[int],
) -> DataFrame:
    """See `SweepResult.band`."""
    rows = []
    for name, own in configurations.items():
        values = [one.settings.get(setting) for one in own]
        if not all(isinstance(value, int | float | np.number) for value in values):
            raise ValueError(f"wanted a number that {name!r} has as a setting, got {setting!r}")
        row: dict[str, Any] = {"optimizer": name}
        winner, scores = best_of(own, column, direction, seeds)
        if winner is not None:
            near = np.array(values, float)[nearly_best(scores, direction)]
            low, high = float(near.min()), float(near.max())
            row |= {"best": winner.settings[setting], "low": low, "high": high}
            row["decades"] = np.log10(high / low) if low > 0 else np.nan
        rows.append(row)
    return pandas().DataFrame(rows, columns=["optimizer", "best", "low", "high", "decades"])


def setting_names(configurations: Mapping[str, Sequence[Configuration]]) -> list[str]:
    """The settings of all optimizers, in the order in which they come."""
    return list(
        dict.fromkeys(
            name for own in configurations.values() for one in own for name in one.settings
        )
    )


def _keys(configuration: Configuration, record: Record) -> dict[str, Any]:
    return {"optimizer": record.optimizer, **configuration.settings, "seed": record.seed}


def _records(configurations: Mapping[str, Sequence[Configuration]]) -> Iterator[Record]:
    return (
        record for own in configurations.values() for one in own for record in one.records.values()
    )


def pandas() -> Any:
    """The package, or what to install."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError('tables need pandas: pip install "lectopt[train]"') from error
    return pandas
