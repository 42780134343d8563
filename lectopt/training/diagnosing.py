"""Verdicts on a training, in words: each with its number, and the rule of a lecture behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lectopt.state_search import records
from lectopt.training.run import Run

LEAST = 20  # steps, before anything is judged
WINDOWS = 10  # the loss is compared between so many parts of a run
SURE = 4.0  # so many standard errors are no accident
EXPLODED = 10.0  # times the first loss
VANISHED = 1e-3  # of the largest gradient of a layer
ALWAYS = 0.95  # of the steps
COLLAPSED = 100.0  # times less than at the beginning


@dataclass(frozen=True)
class Verdict:
    """One thing that may be wrong with a training.

    Args:
        name: What it is.
        holds: Whether it is so; None if that cannot be told.
        number: What was measured; NaN if nothing was.
        text: What was found, in words.
        rule: What the lectures say of it.
    """

    name: str
    holds: bool | None
    number: float
    text: str
    rule: str

    def __str__(self) -> str:
        mark = {True: "yes", False: "no", None: "not known"}[self.holds]
        return f"{self.name}: {mark}. {self.text}" + f" ({self.rule})" * bool(self.holds)


class Diagnosis(dict[str, Verdict]):
    """Verdicts by name; printed, one in each line."""

    @property
    def found(self) -> list[Verdict]:
        """Those that hold."""
        return [verdict for verdict in self.values() if verdict.holds]

    def __str__(self) -> str:
        return "\n".join(map(str, self.values()))

    __repr__ = __str__


def diagnose(run: Run) -> Diagnosis:
    """What is wrong with a training, as far as its history tells.

    - `"rate too high"`: something was not finite, and the loss had risen tenfold before; or the
      loss has lost more than half of its fall again (means over tenths of at least 50 steps, four
      standard errors).
    - `"gradients vanish"`: the gradient of a layer is less than a thousandth of another's (medians
      over the second half of the steps).
    - `"dead layer"`: the gradient of a layer was exactly 0 in the second half of the steps.
    - `"clipping always acts"`: in at least 95 % of the steps.
    - `"Adagrad's rate has collapsed"`: a gradient moves the weights a hundredth of what it did in
      the first steps, or less, at the same learning rate.

    The second and the third need `monitor(tx, layers=True)` as the optimizer, the fourth `monitor`
    with the clipping inside; without, `holds` is None. A run of fewer than 20 steps is not judged.

    Args:
        run: A `Run`: of `fit`, as a callback is given it, or of `read_run`.

    Source: ISI (S2-09, S2-10, S2-16, S2-23); Liège (S1-16).
    """
    rules: list[Callable[[Run], tuple[bool | None, float, str]]]
    rules = [_too_high, _vanish, _dead, _clipped, _collapsed]
    return Diagnosis(
        (name, Verdict(name, *rule(run), said))
        for rule, (name, said) in zip(rules, RULES.items(), strict=True)
    )


RULES = {
    "rate too high": "a learning rate that is too large fluctuates too much around minima, or "
    "diverges: ISI",
    "gradients vanish": "each layer multiplies the gradient by W^T and g'; below 1 these make it "
    "vanishingly small, and the updates very slow: ISI",
    "dead layer": "a dying ReLU: once it is negative it is set to 0 and may never recover: ISI",
    "clipping always acts": "clipping is the solution to gradients that explode, and not for every "
    "step: its length is then the rate times the bound: ISI",
    "Adagrad's rate has collapsed": "the sum of squares grows unboundedly, and may make the steps "
    "infinitesimally small: Liège",
}
Found = tuple[bool | None, float, str]
UNKNOWN = float("nan")


def _too_high(run: Run) -> Found:
    losses, bad = _of_made_steps(run, "loss"), int(run.recorded.column("skipped").sum())
    if bad or (run.stopped is not None and run.stopped.reason == "nonfinite"):
        return _blown_up(run, losses)
    size = len(losses) // WINDOWS
    if size < 5:
        return None, UNKNOWN, f"{len(losses)} steps are too few to compare tenths of them."
    windows = losses[: size * WINDOWS].reshape(WINDOWS, size)
    windows = np.concatenate([windows[:-1], losses[None, -size:]])
    means, error = windows.mean(1), np.sqrt(2 * windows.var(1, ddof=1).mean() / size)
    begun, lowest, ended = means[0], means.min(), means[-1]
    risen = ended - lowest
    lost = 0.0 if risen <= 0 else float(risen / (begun - lowest)) if begun > lowest else np.inf
    text = (
        f"The mean loss was {begun:.4g} in the first tenth of the steps, {lowest:.4g} in the best "
        f"and {ended:.4g} in the last one{_last_rate(run)}."
    )
    return bool(lost > 0.5 and risen > SURE * error), lost, text


def _blown_up(run: Run, losses: np.ndarray) -> Found:
    """Whether it is the rate that made something not finite: then the loss has risen before."""
    stopped = run.stopped is not None and run.stopped.reason == "nonfinite"
    what = run.stopped.detail if run.stopped and stopped else "something was not finite"
    if len(losses) < 2:
        return None, UNKNOWN, f"After {len(losses)} updates {what}: look at the data, and the rate."
    first, last = abs(losses[0]), np.abs(losses[-3:]).max()
    times = float(last / first) if first > 0 else np.inf
    text = f"The loss went from {losses[0]:.4g} to {losses[-1]:.4g}; then {what}"
    if times > EXPLODED:
        return True, times, f"{text}{_last_rate(run)}."
    return None, times, f"{text}. It had not risen before, so look at the data."


def _vanish(run: Run) -> Found:
    norms = {name: float(np.median(x)) for name, x in _late_gradients(run)}
    norms = {name: norm for name, norm in norms.items() if norm > 0}
    if (short := _too_short(run)) or len(norms) < 2:
        return None, UNKNOWN, short or _needs_layers(run)
    least, most = min(norms, key=norms.__getitem__), max(norms, key=norms.__getitem__)
    share = norms[least] / norms[most]
    text = (
        f"The smallest gradient of a layer is {norms[least]:.3g}, of {least!r}, and the largest "
        f"{norms[most]:.3g}, of {most!r}: {share:.2g} of it."
    )
    return share < VANISHED, share, text


def _dead(run: Run) -> Found:
    layers = dict(_late_gradients(run))
    if (short := _too_short(run)) or not layers:
        return None, UNKNOWN, short or _needs_layers(run)
    dead = [name for name, norms in layers.items() if not norms.any()]
    text = f"The gradient of {', '.join(map(repr, dead))} was 0 in the second half of the steps."
    if not dead:
        text = f"All {len(layers)} layers have gradients."
    return bool(dead), float(len(dead)), text


def _clipped(run: Run) -> Found:
    found = [
        name for name in _columns(run) if name == "clip_fraction" or name.endswith("/clip_fraction")
    ]
    shares = [x[-1] for x in map(run.recorded.column, found) if len(x) and np.isfinite(x[-1])]
    if short := _too_short(run):
        return None, UNKNOWN, short
    if not shares:
        return None, UNKNOWN, "Write lectopt.monitor(tx), with the clipping inside, to know it."
    share = float(max(shares))
    return share >= ALWAYS, share, f"Gradients were clipped in {share:.0%} of the steps."


def _collapsed(run: Run) -> Found:
    if not records(run.opt_state, "sum_of_squares"):
        return False, UNKNOWN, "The optimizer keeps no sum of squares."
    if short := _too_short(run):
        return None, UNKNOWN, short
    column, known = run.recorded.column, "learning_rate" in _columns(run)
    rates = column("learning_rate") if known else np.ones(len(run.recorded))
    moved_by = column("grad_norm") * rates
    counts = (column("skipped") == 0) & (moved_by > 0) & np.isfinite(moved_by)
    moved = column("update_norm")[counts] / moved_by[counts]
    if len(moved) < LEAST:
        return None, UNKNOWN, f"Only {len(moved)} steps had a gradient and a rate."
    late = np.median(moved[-max(len(moved) // 10, 5) :])
    times = float(np.median(moved[:5]) / late) if late > 0 else np.inf
    also = "" if known else ", with what its schedule does"
    text = f"A gradient moves the weights {times:.3g} times less than in the first steps{also}."
    return times >= COLLAPSED, times, text


def _columns(run: Run) -> list[str]:
    return sorted({name for block in run.recorded.blocks for name in block})


def _of_made_steps(run: Run, name: str) -> np.ndarray:
    """A column of the steps whose update was made, as far as it is known."""
    column = run.recorded.column(name).astype(float)
    return column[(run.recorded.column("skipped") == 0) & np.isfinite(column)]


def _late_gradients(run: Run) -> Iterator[tuple[str, np.ndarray]]:
    """By layer, the norms of its gradient in the second half of the steps."""
    for name in _columns(run):
        before, found, layer = name.rpartition("layers/grad_norm/")
        norms = _of_made_steps(run, name) if found else np.zeros(0)
        if len(norms):
            yield before + layer, norms[len(norms) // 2 :]


def _too_short(run: Run) -> str:
    steps = len(run.recorded)
    return f"{steps} steps are too few." if steps < LEAST else ""


def _needs_layers(run: Run) -> str:
    layers = len([*_late_gradients(run)])
    return (
        f"{layers} layers cannot be compared."
        if layers
        else "Write lectopt.monitor(tx, layers=True) in the place of the optimizer to know it."
    )


def _last_rate(run: Run) -> str:
    rate = _of_made_steps(run, "learning_rate") if "learning_rate" in _columns(run) else []
    return f", at a rate of {rate[-1]:.3g}" if len(rate) else ""
