"""The state of an optimizer carried over to another composition, in the middle of a training."""

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.records import places
from lectopt.sharing import walk
from lectopt.state_search import Names, names
from lectopt.transformation import State, Transformation
from lectopt.trees import dtype_of
from lectopt.values import is_concrete

COUNT = ("count",)


def carry_over(state: Any, tx: Transformation, params: Any, count: Any = None) -> State:
    """The state for an optimizer, with what fits of the state of another one.

    A member that is added to an optimizer, or taken from it, changes the entries of the state: a
    schedule brings a `count`, a plateau rule its record. Every slot of `tx` gets the values that
    stand at the same place in the old state, or else those of the only slot there that has its
    name and the shapes of its leaves; of several, the one that has the names around it too. (A
    number such as `count`, which Optax keeps several times, may stand there more than once with one
    value.) The other slots start as `tx.init` makes them. A warning names those, and what of the
    old state is not used.

    What has the same name is taken to mean the same. The velocity `trace` of `sgd` sums gradients,
    that of a form with the rate inside sums steps: do not carry one to the other.

    Args:
      state: of an optimizer of this library or Optax's, whatever wraps it; arrays of NumPy, as
        checkpoints have them, are fine.
      tx: the optimizer that is to go on, one of this library.
      params: the parameters that it goes on with.
      count: the number of updates made so far, if it is not that of the old state: where that
        counts none, or 0 to begin schedules and bias corrections anew.

    Returns:
      A state for `tx`: what it carries over is exact, but for another `state_dtype`.

    Raises:
      TypeError: `tx` is no optimizer of this library.
      ValueError: the old state has entries of which nothing fits, or `count` is given to an
        optimizer that does not count.

    Example:
      >>> import jax.numpy as jnp
      >>> import lectopt
      >>> params = {"w": jnp.ones(2)}
      >>> state = lectopt.sgd(0.1, momentum=0.9).init(params)
      >>> tx = lectopt.sgd(lectopt.step_decay(0.1, 0.5, 30), momentum=0.9)
      >>> state = lectopt.carry_over(state, tx, params, count=0)
      >>> sorted(state)
      ['count', 'trace']
    """
    if not isinstance(tx, Transformation):
        raise TypeError(
            f"carry_over: tx must be an optimizer of lectopt; got a "
            f"{type(tx).__name__}. Give what a wrapper of Optax holds, and its state."
        )
    if count is not None and not tx.counted:
        raise ValueError(f"carry_over: {tx!r} keeps no count. Leave count={count!r} out.")
    fresh: Any = tx.init(params)
    if count is not None:
        fresh["count"] = jnp.asarray(count, jnp.int32)
    old, wanted = _leaves(state), _leaves(fresh)
    slots = [place for place in _slots(tx, fresh) if _below(wanted, place)]
    given = [COUNT] * (count is not None)
    sources = {place: _source(old, place, wanted) for place in slots if place not in given}
    if old and sources and not any(sources.values()):
        raise ValueError(
            f"carry_over: nothing fits. {tx!r} keeps {_listed(slots)}, with the shapes of these "
            f"parameters; the old state has {_listed(old)}. Write state = tx.init(params)."
        )
    taken = {
        (*place, *below): (*source, *below)
        for place, source in sources.items()
        if source is not None
        for below in _below(wanted, place)
    }
    used = {*taken.values(), *given}
    afresh = [place for place, source in sources.items() if source is None]
    findings = _findings(tx, afresh, _unused(old, used), COUNT in taken)
    if findings:
        warnings.warn("carry_over: " + " ".join(findings), stacklevel=2)

    def carried(path: Any, first: Any) -> Any:
        source = taken.get(names(path))
        return first if source is None else _cast(old[source], dtype_of(first))

    return jax.tree_util.tree_map_with_path(carried, fresh)


def _leaves(state: Any) -> dict[Names, Any]:
    return {names(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(state)}


def _slots(tx: Transformation, fresh: Any) -> Iterator[Names]:
    """Where the slots of a first state are; those of a member of Optax are its fields."""
    for place in places(tx.all_entries):
        entry = fresh
        for name in place:
            entry = entry.get(name, {}) if isinstance(entry, Mapping) else entry
        yield from _fields(entry, place)


def _fields(entry: Any, place: Names) -> Iterator[Names]:
    if not isinstance(entry, tuple):
        yield place
        return
    for name, part in zip(getattr(entry, "_fields", range(len(entry))), entry, strict=True):
        yield from _fields(part, (*place, str(name)))


def _below(leaves: Mapping[Names, Any], place: Names) -> dict[Names, Any]:
    """The leaves at a place, by their names from there."""
    return {path[len(place) :]: x for path, x in leaves.items() if path[: len(place)] == place}


def _source(old: Mapping[Names, Any], place: Names, wanted: Mapping[Names, Any]) -> Names | None:
    """Where in the old state the values of a slot stand."""
    slot = _below(wanted, place)
    named = {path[: i + 1] for path in old for i, name in enumerate(path) if name == place[-1]}
    fitting = [there for there in sorted(named) if _alike(_below(old, there), slot)]
    if place in fitting or place[-1].isdigit():
        return place if place in fitting else None
    shared = {there: len(os.path.commonprefix([there[::-1], place[::-1]])) for there in fitting}
    nearest = [there for there in fitting if shared[there] == max(shared.values())]
    if len(nearest) == 1:
        return nearest[0]
    return fitting[0] if fitting and _equal([old.get(there) for there in fitting]) else None


def _alike(old: Mapping[Names, Any], new: Mapping[Names, Any]) -> bool:
    """Whether values have the same names, shapes and kinds of numbers."""
    if old.keys() != new.keys():
        return False
    pairs = [(old[below], new[below]) for below in new]
    return all(
        np.shape(a) == np.shape(b) and _of_one_kind(dtype_of(a), dtype_of(b)) for a, b in pairs
    )


def _of_one_kind(a: Any, b: Any) -> bool:
    kinds = (jnp.integer, jnp.floating, jnp.complexfloating)
    return a == b or any(jnp.issubdtype(a, k) and jnp.issubdtype(b, k) for k in kinds)


def _equal(values: list[Any]) -> bool:
    """Whether they are known numbers, and all the same."""
    known = all(x is not None and np.ndim(x) == 0 and is_concrete(x) for x in values)
    return known and len({np.asarray(x).item() for x in values}) == 1


def _cast(value: Any, dtype: Any) -> Any:
    as_it_is = isinstance(value, jax.Array) and value.dtype == dtype
    return value if as_it_is else jnp.asarray(value, dtype)


def _unused(old: Iterable[Names], used: Iterable[Names]) -> list[Names]:
    """The largest parts of the old state from which nothing is taken."""
    inside = {path[:i] for path in used for i in range(len(path) + 1)}
    found = {
        next((path[:i] for i in range(1, len(path)) if path[:i] not in inside), path): None
        for path in old
        if path not in inside
    }
    return list(found)


def _findings(
    tx: Transformation, afresh: list[Names], unused: list[Names], goes_on: bool
) -> list[str]:
    """What the warning says."""
    said = [f"starts afresh: {_listed(afresh)}."] * bool(afresh)
    said += [f"Not used of the old state: {_listed(unused)}."] * bool(unused)
    if COUNT in afresh:
        said.append("Write carry_over(..., count=...) with the number of updates made before.")
    elif goes_on and _by_age(tx, {place[-1] for place in afresh}):
        said.append(
            "The count goes on, and bias corrections and averages take what starts afresh for that "
            "old: write carry_over(..., count=0), or average_params(scheme, start=...)."
        )
    return said


def _by_age(tx: Transformation, slots: set[str]) -> bool:
    """Whether one of the slots is read by its age."""
    parts = list(walk(tx))
    corrected = any(part.name == "bias_correction" for part in parts)
    return any(
        part.counted or (part.by_leaf and corrected)
        for part in parts
        if slots.intersection(part.keys) and not part.parts
    )


def _listed(found: Iterable[Names]) -> str:
    return ", ".join(repr("/".join(place)) for place in found)
