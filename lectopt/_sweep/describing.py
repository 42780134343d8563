"""A sweep in one line: how much there is of it, and what came out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lectopt._sweep.configurations import best_of, sign

if TYPE_CHECKING:
    from lectopt._sweep.result import SweepResult


def sentence(result: SweepResult) -> str:
    """For example `SweepResult(9 configurations of 2 optimizers, 3 seeds, 1 diverged, best
    validation_loss 0.21 by adam)`."""
    every = [one for own in result.configurations.values() for one in own]
    said = [f"{len(every)} configuration" + "s" * (len(every) != 1)]
    if len(result.configurations) > 1:
        said[0] += f" of {len(result.configurations)} optimizers"
    said.append(f"{len(result.seeds)} seed" + "s" * (len(result.seeds) != 1))
    if not result.complete:
        said.append("{} of {} tiles done".format(*result.tiles) if result.tiles else "not complete")
    if diverged := sum(one.diverged for one in every):
        said.append(f"{diverged} diverged")
    culled = Counter(
        max(record.culled_at or 0 for record in one.records.values()) for one in every if one.culled
    )
    said += [f"{count} culled at step {step}" for step, count in sorted(culled.items())]
    winners = [
        (scores[own.index(winner)], name)
        for name, own in result.configurations.items()
        for winner, scores in [best_of(own, result.problem_metric, result.direction, result.seeds)]
        if winner is not None
    ]
    if winners:
        score, name = min(winners, key=lambda pair: sign(result.direction) * pair[0])
        said.append(f"best {result.problem_metric} {score:.4g} by {name}")
    return f"SweepResult({', '.join(said)})"
