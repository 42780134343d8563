"""Settings by path: rates that differ between layers, and layers that start to train later.

A leaf is named by its path in the parameters, `encoder/layers/0/kernel`, and a setting is given to
all leaves whose whole path matches a regular expression. All leaves stay in one transformation, so
that ten groups compile like one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt import settings as _settings
from lectopt.combinators import as_core
from lectopt.settings import at
from lectopt.transformation import Core, Now, State, Transformation
from lectopt.trees import is_none
from lectopt.walking import Names, names


def scale_by_path(factors: Mapping[str, Any]) -> Transformation:
    """Scale the update of every leaf by the factor of its path: `factor u`.

    Last in a chain it gives layers their own learning rates, whatever the optimizer before it:
    `chain(adam(1e-3), scale_by_path({"encoder/.*": 0.1, "embedding": 0.01}))`.

    Args:
      factors: for each pattern a factor, zero or more, or a schedule. A pattern is a regular
        expression that must match the whole path, names joined by `/`; the first that matches
        counts, and leaves that none matches keep the factor 1.

    Raises:
      ValueError: a factor is out of range, or a pattern no regular expression; from `init`, a
        pattern matches no leaf, or only leaves that earlier patterns have taken.

    Source: ISI, transfer learning (S2-25: "slow down learning rate"); Howard and Ruder 2018.
    """
    rules = _rules("scale_by_path", factors, "a finite number, zero or more", 0.1)

    def start(params: Any) -> State:
        rules.match(params)
        return {}

    def step(updates: Any, state: State, now: Now) -> tuple[Any, State]:
        values = [at(value, now.count) for _, value in rules.items]

        def scaled(path: Any, update: Any) -> Any:
            rule = rules.of(names(path))
            if rule is None:
                return update
            return update * jnp.asarray(values[rule], jnp.finfo(update.dtype).dtype)

        return jax.tree_util.tree_map_with_path(scaled, updates), {}

    return Transformation(
        Core(
            "scale_by_path",
            start,
            step,
            counted=any(callable(value) for _, value in rules.items),
            settings=dict(factors=rules),
        )
    )


def unfreeze_gradually(
    steps: Mapping[str, Any], inner: optax.GradientTransformation
) -> Transformation:
    """Let leaves start to train one group after the other, in one optimizer that keeps its state.

    A leaf whose path matches a pattern is frozen for the first `step` updates: its update is
    exactly 0, its gradient counts nowhere (in no global norm either), and the slots that `inner`
    keeps for it stay as `init` made them. From then on it trains like the others.

    There are two clocks then. Schedules follow that of the training: a leaf that starts late starts
    at the rate of the day. The number `t` of an update in a rule for one weight, as in Adam's bias
    correction, is counted from the leaf's own first update: with the training's, the slots of a
    leaf that starts late would be taken for long averages, and Adam's first steps be up to seven
    times too long. What `inner` keeps once for the whole tree goes on with the training, and so
    does the count that an Optax transformation inside keeps for itself: write `adam(...)` of this
    library rather than Optax's.

    The state is that of `inner`, and the count of the updates. Put the whole optimizer inside,
    weight decay too.

    Args:
      steps: for each pattern, as in `scale_by_path`, the number of updates before its leaves
        start, zero or more. Leaves that no pattern matches train from the beginning.
      inner: the optimizer.

    Raises:
      ValueError: as for `scale_by_path`.
      TypeError: `inner` is no gradient transformation.

    Source: ISI, transfer learning (S2-25: "gradually unfreeze layers"); Howard and Ruder 2018.
    """
    rules = _rules("unfreeze_gradually", steps, "a number of updates, zero or more", 1000)
    core = as_core(inner)
    parts = core.parts if core.name == "chain" and not core.label else (core,)

    def start(params: Any) -> State:
        rules.match(params)
        return core.start(params)

    def step(updates: Any, state: State, now: Now) -> tuple[Any, State]:
        begins = [at(value, now.count) for _, value in rules.items]
        frozen = [now.count < begin for begin in begins]
        clocks = [now, *(_OwnClock.starting(begin, now) for begin in begins)]
        groups = rules.match(updates if now.params is None else now.params, strict=False)
        slots = _slots(state, groups)

        def unless_frozen(group: int | None, new: Any, kept: Any) -> Any:
            return new if group is None else jnp.where(frozen[group], kept, new)

        def own(group: int | None, runs: tuple[Any, ...]) -> Any:
            return runs[0 if group is None or len(runs) == 1 else group + 1]

        def update(path: Any, *runs: Any) -> Any:
            group = groups[names(path)]
            return unless_frozen(group, own(group, runs), 0)

        def entry(path: Any, kept: Any, *runs: Any) -> Any:
            group = slots.get(names(path))
            return unless_frozen(group, own(group, runs), kept)

        updates, new = jax.tree_util.tree_map_with_path(update, updates), {}
        for part in parts:
            # Every group reads its leaves from a run on its own clock; all else is dead code.
            read = clocks if part.counted else clocks[:1]
            runs = [part.step(updates, state, clock) for clock in read]
            outs, records = zip(*runs, strict=True)
            updates = jax.tree_util.tree_map_with_path(update, *outs)
            old = {key: state[key] for key in records[0]}
            new |= jax.tree_util.tree_map_with_path(entry, old, *records)
        return updates, new

    return Transformation(
        Core(
            "unfreeze_gradually",
            start,
            step,
            keys=core.keys,
            counted=True,
            point=core.point,
            settings=dict(steps=rules),
            parts=(replace(core, label="inner"),),
        )
    )


class _OwnClock(Now):
    """Schedules see the count of the training, rules the number of the leaf's own update."""

    begin: Any = 0

    @classmethod
    def starting(cls, begin: Any, now: Now) -> "_OwnClock":
        clock = cls(*now)
        clock.begin = begin
        return clock

    def step(self) -> Any:
        # Frozen leaves do not use it, but must not divide by zero either.
        return jnp.maximum(self.count + 1 - self.begin, 1)

    def _replace(self, **fields: Any) -> "_OwnClock":  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.starting(self.begin, super()._replace(**fields))


def _slots(state: State, groups: Mapping[Names, int | None]) -> dict[Names, int | None]:
    """The leaves of a state that belong to a parameter, with its group.

    A part of the state is a slot if everything in it stands at the path of a parameter.
    """
    leaves = [names(path) for path, _ in jax.tree_util.tree_leaves_with_path(state)]
    cuts = [(leaf[:i], leaf, leaf[i:]) for leaf in leaves for i in range(1, len(leaf) + 1)]
    mixed = {place for place, _, below in cuts if below not in groups}
    return {leaf: groups[below] for place, leaf, below in reversed(cuts) if place not in mixed}


@dataclass(frozen=True, eq=False, repr=False)
class _Rules:
    """Values by pattern, in order."""

    where: str
    items: tuple[tuple[str, Any], ...]

    def of(self, leaf: Names) -> int | None:
        """The first rule that the path matches."""
        path = "/".join(leaf)
        found = (i for i, (pattern, _) in enumerate(self.items) if re.fullmatch(pattern, path))
        return next(found, None)

    def match(self, tree: Any, strict: bool = True) -> dict[Names, int | None]:
        """The rule of every leaf; strictly, every rule must have one."""
        paths = [names(p) for p, _ in jax.tree_util.tree_leaves_with_path(tree, is_leaf=is_none)]
        rules = {path: self.of(path) for path in paths}
        idle = [pattern for i, (pattern, _) in enumerate(self.items) if i not in rules.values()]
        if strict and idle:
            taken = any(re.fullmatch(idle[0], "/".join(path)) for path in paths)
            raise ValueError(
                f"{self.where}: {idle[0]!r} matches no path"
                f"{' that an earlier pattern has not taken' if taken else ''}. The paths are "
                f"{', '.join(map('/'.join, paths))}. "
                + ("Write it first." if taken else "A pattern must match the whole path.")
            )
        return rules

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rules) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{p!r}: {_settings.shown(v)}' for p, v in self.items)}}}"

    def _identity(self) -> tuple[Any, ...]:
        return tuple((pattern, _settings.frozen(value)) for pattern, value in self.items)


def _rules(where: str, given: Mapping[str, Any], meaning: str, example: float) -> _Rules:
    """Check patterns and values."""
    hint = f'Write {where}({{"encoder/.*": {example:g}}}).'
    if isinstance(given, _Rules):
        return given
    if not isinstance(given, Mapping) or not given:
        raise ValueError(f"{where}: wanted {{pattern: value}}, got {given!r}. {hint}")
    for pattern, value in given.items():
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            raise ValueError(
                f"{where}: {pattern!r} is no regular expression ({error}). {hint}"
            ) from None
        if _settings.concrete(value) and not _is_nonnegative(value):
            raise ValueError(
                f"{where}: {pattern!r} wants {meaning}, or a schedule; got {value!r}. {hint}"
            )
    return _Rules(where, tuple(given.items()))


def _is_nonnegative(value: Any) -> bool:
    numeric = isinstance(value, int | float | np.ndarray | np.generic | jax.Array)
    one = numeric and not isinstance(value, bool) and np.ndim(value) == 0
    return one and 0 <= float(value) < np.inf
