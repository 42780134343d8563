"""Settings by path: rates that differ between layers, and layers that start to train later.

A leaf is named by its path in the parameters, `encoder/layers/0/kernel`, and a setting is given to
all leaves whose whole path matches a regular expression. All leaves stay in one transformation, so
that ten groups compile like one.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.lifting import treewise
from lectopt.settings import Count, NonNegative, Range, domains
from lectopt.state_search import Names, names, owners
from lectopt.transformation import Transformation
from lectopt.trees import is_none
from lectopt.values import Value, is_concrete, key_of, shown, value_at


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
    rules = _rules("scale_by_path", factors, NonNegative, 0.1)

    return _scale_by_path(factors=rules)


def _match(params: Any, *, factors: Any = None, steps: Any = None) -> None:
    (factors or steps).match(params)


@treewise(check=_match)
def _scale_by_path(updates: Any, *, factors: Any) -> Any:
    def scaled(path: Any, update: Any) -> Any:
        rule = factors.of(names(path))
        if rule is None:
            return update
        return update * jnp.asarray(factors.values[rule], jnp.finfo(update.dtype).dtype)

    return jax.tree_util.tree_map_with_path(scaled, updates)


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
        start, zero or more; `math.inf` for never. Leaves that no pattern matches train from the
        beginning.
      inner: the optimizer.

    Raises:
      ValueError: as for `scale_by_path`.
      TypeError: `inner` is no gradient transformation.

    Source: ISI, transfer learning (S2-25: "gradually unfreeze layers"); Howard and Ruder 2018.
    """
    rules = _rules("unfreeze_gradually", steps, Count, 1000)
    return _unfreeze_gradually(steps=rules, inner=inner)


@treewise(check=_match, beside="inner")
def _unfreeze_gradually(
    updates: Any,
    count: Any,
    params: Any = None,
    *,
    steps: Any,
    inner: optax.GradientTransformation,
) -> Any:
    whole: Any = inner
    frozen = [count < begin for begin in steps.values]
    # Frozen leaves do not use their clock, but must not divide by zero either.
    clocks = [jnp.maximum(count + 1 - begin, 1) for begin in steps.values]
    groups = steps.match(updates if params is None else params, strict=False)
    owner = owners(whole.record, groups)

    def unless_frozen(group: int | None, new: Any, kept: Any) -> Any:
        return new if group is None else jnp.where(frozen[group], kept, new)

    def own(group: int | None, runs: tuple[Any, ...]) -> Any:
        return runs[0 if group is None or len(runs) == 1 else group + 1]

    def update(path: Any, *runs: Any) -> Any:
        group = groups[names(path)]
        return unless_frozen(group, own(group, runs), 0)

    def entry(path: Any, kept: Any, *runs: Any) -> Any:
        _, param = owner.get(names(path), ((), None))
        group = None if param is None else groups[param]
        return unless_frozen(group, own(group, runs), kept)

    updates, new = jax.tree_util.tree_map_with_path(update, updates), {}
    for member in whole.members:
        # Every group reads its leaves from a run on its own clock; all else is dead code.
        late = [member(updates, t=clock) for clock in clocks] if member.tx.counted else []
        outs, records = zip(member(updates), *late, strict=True)
        updates = jax.tree_util.tree_map_with_path(update, *outs)
        old = {key: whole.record[key] for key in records[0]}
        new |= jax.tree_util.tree_map_with_path(entry, old, *records)
    return updates, dict(inner=new)


class _Rules(Value):
    """Values by pattern, in order."""

    def __init__(self, where: str, items: Iterable[tuple[str, Any]]):
        self.name, self.items = where, tuple(items)
        self.values = [value for _, value in self.items]

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
                f"{self.name}: {idle[0]!r} matches no path"
                f"{' that an earlier pattern has not taken' if taken else ''}. The paths are "
                f"{', '.join(map('/'.join, paths))}. "
                + ("Write it first." if taken else "Write a pattern of a whole path.")
            )
        return rules

    def _key(self) -> Any:
        return tuple((pattern, key_of(value)) for pattern, value in self.items)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{p!r}: {shown(v)}' for p, v in self.items)}}}"


class _Schedules(_Rules):
    """Some of the values are schedules: a function of the count, like them."""

    def __call__(self, count: Any) -> _Rules:
        """The values at an update."""
        return _Rules(self.name, [(p, value_at(value, count)) for p, value in self.items])


def _rules(where: str, given: Mapping[str, Any], annotation: Any, example: float) -> _Rules:
    """Check patterns and values."""
    ((interval,), _) = domains(annotation)
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
        if is_concrete(value) and not _is_one_of(value, interval):
            raise ValueError(
                f"{where}: {pattern!r} wants {interval.meaning}, or a schedule; got {value!r}. "
                f"{hint}"
            )
    scheduled = any(map(callable, given.values()))
    return (_Schedules if scheduled else _Rules)(where, given.items())


def _is_one_of(value: Any, interval: Range) -> bool:
    numeric = isinstance(value, int | float | np.ndarray | np.generic | jax.Array)
    one = numeric and not isinstance(value, bool) and np.ndim(value) == 0
    return one and float(value) in interval
