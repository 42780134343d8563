"""What `same_update` found, in one of four words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import numpy as np

from lectopt.explain.trials import Example

Verdict = Literal["proved", "differ", "proved for finite inputs", "unknown"]
ONE_PROGRAM = "one program"  # the layer below all: JAX traces the same for both
SHOWN = 3  # gradients of an example


@dataclass(frozen=True, repr=False)
class Comparison:
    """Whether two transformations make the same updates; it is true only if that is proved.

    Attributes:
      verdict: "proved", for all inputs within `scope`; "differ", on the input `example`; "proved
        for finite inputs", where `example` has a NaN or an infinity on which the two differ;
        "unknown", where neither a proof nor an example was found, and `open` says what was not
        decided.
      scope: for which parameters, settings and numbers of steps the proof holds, and what must not
        be 0.
      layer: what the proof needed: "one program", "fractions" (python-flint) or "z3"; for a
        difference, what found it.
      example: an input on which they differ, which can be run again: `example.run()`.
      open: what was not decided.
      notes: what a reader should know of the settings that were compared.
    """

    verdict: Verdict
    scope: str = ""
    layer: str = ""
    example: Example | None = None
    open: str = ""
    notes: tuple[str, ...] = ()
    names: tuple[str, str] = ("the first", "the second")

    @property
    def proved(self) -> bool:
        """Whether the verdict is "proved"."""
        return self.verdict == "proved"

    def __bool__(self) -> bool:
        return self.proved

    def __str__(self) -> str:
        lines = [_WORDS[self.verdict](self)]
        return "\n".join([*lines, *self.notes])

    __repr__ = __str__


def _proved(outcome: Comparison) -> str:
    return f"proved: the same update {outcome.scope} (by {outcome.layer})"


def _finite(outcome: Comparison) -> str:
    proof = f"proved for finite inputs: the same update {outcome.scope} (by {outcome.layer})"
    if outcome.example is None:
        return f"{proof}; where nothing overflows, and NaN and infinity showed no difference"
    return f"{proof}; they differ {described(outcome.example, outcome.names)}"


def _differ(outcome: Comparison) -> str:
    assert outcome.example is not None
    return f"differ: {described(outcome.example, outcome.names)}"


def _unknown(outcome: Comparison) -> str:
    return f"unknown: {outcome.open}"


_WORDS: dict[str, Any] = {
    "proved": _proved, "proved for finite inputs": _finite, "differ": _differ, "unknown": _unknown,
}  # fmt: skip


def described(example: Example, names: Sequence[str]) -> str:
    """The step, a place where the two part, its weight and gradients, and both updates."""
    leaf, place = _worst(example)
    path = jax.tree_util.keystr(leaf, simple=True, separator=".")
    index = f"[{', '.join(map(str, place))}]" if place else ""
    gradients = [f"{_at(g, leaf, place):.6g}" for g in example.gradients]
    if len(gradients) > 2 * SHOWN + 1:
        gradients = [*gradients[:SHOWN], "...", *gradients[-SHOWN:]]
    first, second = (_at(u, leaf, place) for u in example.updates)
    where = f"{path}{index}".strip() or "a weight"
    settings = ", ".join(f"{k} = {v:g}" for k, v in sorted(example.settings.items()))
    return (
        f"at step {example.step}, {where} that starts at {_at(example.weights, leaf, place):.6g} "
        f"with gradient{'s' if len(gradients) > 1 else ''} {', '.join(gradients)}"
        f"{f' and {settings}' if settings else ''}: "
        f"{names[0]} moves it by {first:.9g}, {names[1]} by {second:.9g}"
    )


def _worst(example: Example) -> tuple[Any, tuple[int, ...]]:
    best, most = None, -1.0
    flat = [jax.tree_util.tree_leaves_with_path(u) for u in example.updates]
    for (path, a), (_, b) in zip(*flat, strict=True):
        a, b = np.asarray(a, float), np.asarray(b, float)
        with np.errstate(all="ignore"):
            gap = np.abs(a - b) / np.abs(a[np.isfinite(a)]).max(initial=1e-30)
            gap = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.nan_to_num(gap, nan=1e300))
        if gap.size and gap.max() > most:
            most = float(gap.max())
            best = path, tuple(int(k) for k in np.unravel_index(gap.argmax(), gap.shape))
    assert best is not None
    return best


def _at(tree: Any, leaf: Any, place: tuple[int, ...]) -> float:
    found = dict((str(k), v) for k, v in jax.tree_util.tree_leaves_with_path(tree))[str(leaf)]
    return float(np.asarray(found, float)[place])
