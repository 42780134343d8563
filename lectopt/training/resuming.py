"""A run that goes on where its directory says, and a run that is read without its problem."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lectopt.controls.carrying import carry_over
from lectopt.training import manifest
from lectopt.training.files import checked_path
from lectopt.training.loop import Loop
from lectopt.training.run import Best, Run, Stopped
from lectopt.training.sharding import shardings_of
from lectopt.training.starting import filled
from lectopt.training.step import Training
from lectopt.training.store import Saved, Store
from lectopt.transformation import Transformation


def resume(
    store: Store, loop: Loop, identity: Mapping[str, Any], accept_changes: Sequence[str]
) -> None:
    """Put a loop where its directory says, and the directory at its service.

    Raises:
        ValueError: The directory holds another run, or one that has more steps.
    """
    there = store.manifest()
    found = {} if there is None else manifest.difference(there, identity)
    manifest.refuse(store.path, found, accept_changes)
    model = dict(params=loop.training.params, model_state=loop.training.model_state)
    where = shardings_of(dict(training=loop.training._asdict(), best=model))
    saved = None if there is None else store.newest(shardings=where)
    store.optimizer = manifest.sha256(json.dumps(identity["optimizer"], sort_keys=True))
    again = False
    if saved is not None:
        again = _take(store, loop, saved, bool(found))
    if there is None or found:
        changes = [] if there is None else there.get("changes", [])
        accepted = [{"step": loop.step, "sections": [*found]}] if found else []
        store.describe({**identity, "changes": [*changes, *accepted]})
    store.begin(saved, loop.history, drop_last_step=again)


def _take(store: Store, loop: Loop, saved: Saved, changed: bool) -> bool:
    """The state that was saved.

    Returns:
        Whether it is to try the step again that was not finite.
    """
    facts, arrays = saved.facts, saved.arrays
    if facts["step"] > loop.plan.steps:
        raise ValueError(
            f"{store.path} holds a run of {facts['step']} steps, more than steps="
            f"{loop.plan.steps}. steps is the total, from 0 on."
        )
    was = dict(arrays["training"])
    fields = {}
    for name, template in loop.training._asdict().items():
        given = was.get(name, {})  # a tree without leaves leaves nothing
        if name == "opt_state" and facts["optimizer"] != store.optimizer:
            fields[name] = _carried(loop, given, fields["params"], template)
        else:
            fields[name] = filled(template, given, f"{store.path}: {name}")
    loop.training, loop.step, loop.history = Training(**fields), facts["step"], saved.history
    if facts["best"] is not None:
        best = arrays["best"]
        params, state = loop.training[:2]
        loop.best = Best(
            facts["best"]["step"],
            facts["best"]["metrics"],
            filled(params, best["params"], f"{store.path}: the best params"),
            filled(state, best.get("model_state", {}), f"{store.path}: the best model_state"),
            rebuild=loop.problem.rebuild,
        )
    if loop.feeder is not None and facts["place"] is not None:
        loop.feeder.restore(facts["place"])
    loop.stopped = facts["stopped"] and Stopped(*facts["stopped"])
    again = changed and int(loop.training.stopped_at) >= 0
    if again:
        goes_on = loop.programs.placement.replicated(np.int32(-1))
        loop.training = loop.training._replace(stopped_at=goes_on)
        loop.history = loop.history.without_last_step()
    return again


def _carried(loop: Loop, state: Any, params: Any, fresh: Any) -> Any:
    """The state of another optimizer as that of this one, by the names of its slots."""
    tx = loop.programs.blocks.make(loop.programs.values)
    try:
        own = isinstance(tx, Transformation)
        return filled(fresh, carry_over(state, tx, params) if own else state, "its state")
    except ValueError as error:
        warnings.warn(
            f"fit: the new optimizer starts afresh: {error} An optimizer of lectopt takes over "
            "what has the same names.",
            stacklevel=2,
        )
        return fresh


def read_run(directory: str | Path) -> Run:
    """The newest state of a run that `fit(directory=...)` keeps, read without its problem.

    It may be read while it is trained. Arrays are NumPy's, in dicts by name; `model` needs the
    problem, and is not known.

    Raises:
        ValueError: There is no run, or it has not saved a state yet.
        ImportError: orbax-checkpoint is missing.
    """
    store = Store(checked_path(directory, "read_run"))
    saved = store.newest(mend=False) if store.manifest() is not None else None
    if saved is None:
        raise ValueError(f"{directory}: no run of fit has saved a state here")
    facts, training = saved.facts, saved.arrays["training"]
    best = facts["best"] and Best(
        facts["best"]["step"],
        facts["best"]["metrics"],
        saved.arrays["best"]["params"],
        saved.arrays["best"].get("model_state", {}),
    )
    return Run(
        training["params"],
        training.get("model_state", {}),
        training.get("opt_state", {}),
        facts["step"],
        best,
        facts["stopped"] and Stopped(*facts["stopped"]),
        recorded=saved.history,
    )
