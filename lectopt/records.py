"""The entries of a state: those that an optimizer keeps, and whether a state has them.

Entries are given as nested dicts, a `SLOT` where a value or a tree of values stands. A member from
elsewhere says only from the parameters whether it keeps anything: its entry is one that `MAY_BE`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

SLOT, MAY_BE = "slot", "may be"

Entries = Mapping[str, Any]
Place = tuple[str, ...]  # the names of the records that stand around an entry, and its own


def under(key: str, entries: Entries) -> dict[str, Any]:
    """The record `key` of these entries; a record without entries does not exist."""
    return {key: entries} if entries else {}


def places(entries: Entries, around: Place = ()) -> Iterator[Place]:
    """Where the slots are."""
    for key, below in entries.items():
        if isinstance(below, Mapping):
            yield from places(below, (*around, key))
        else:
            yield (*around, key)


def check_state(state: Any, entries: Entries) -> None:
    """Raise ValueError unless a state has these entries, and no others."""
    if _same(state, entries):
        return
    if not isinstance(state, Mapping):
        raise ValueError(wrong_state_message(f"it is a {type(state).__name__}"))
    lacking, unknown = [*_lacking(state, entries)], [*_unknown(state, entries)]
    if lacking or unknown:
        raise ValueError(
            wrong_state_message(
                f"it has {_listed(_held(state, entries))}",
                *[f"it lacks {_listed(lacking)}"] * bool(lacking),
                *[f"nothing here keeps {_listed(unknown)}"] * bool(unknown),
            )
        )


def wrong_state_message(*findings: str) -> str:
    """The message for a state that does not hold what the optimizer keeps."""
    return (
        f"This state belongs to another optimizer: {'; '.join(findings)}. Write "
        "state = tx.init(params) with the same tx that updates; or, to keep what fits, "
        "state = lectopt.carry_over(state, tx, params)."
    )


def _same(state: Any, entries: Any) -> bool:
    if not isinstance(entries, Mapping):
        return True
    if not isinstance(state, Mapping) or state.keys() != entries.keys():
        return False
    return all(_same(state[key], below) for key, below in entries.items())


def _lacking(state: Any, entries: Any, around: Place = ()) -> Iterator[Place]:
    """What is kept and does not stand in a state."""
    for key, below in entries.items() if isinstance(entries, Mapping) else ():
        if isinstance(state, Mapping) and key in state:
            yield from _lacking(state[key], below, (*around, key))
        elif _must_be(below):
            yield (*around, key)


def _must_be(entry: Any) -> bool:
    return any(map(_must_be, entry.values())) if isinstance(entry, Mapping) else entry == SLOT


def _held(state: Any, entries: Any, around: Place = ()) -> Iterator[Place]:
    """What stands in a state, down to where the optimizer has a slot or no record."""
    for key, value in state.items():
        below = entries.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            yield from _held(value, below, (*around, key))
        else:
            yield (*around, key)


def _unknown(state: Any, entries: Any) -> Iterator[Place]:
    """What stands in a state, and is not kept."""
    kept = {*places(entries)}
    return (place for place in _held(state, entries) if place not in kept)


def _listed(found: Any) -> str:
    return ", ".join(repr("/".join(map(str, place))) for place in found) or "no entries"
