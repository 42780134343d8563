"""Checkpoints of arrays: a folder that Orbax writes, and a file `done` that says what is in it.

A checkpoint is a nested dict by the names of its leaves, so that it can be read without the code
that made it, and by code whose containers have changed. Keys of random numbers are stored as their
data, arrays without elements only by their shape, because Orbax stores neither.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.state_search import Names, names
from lectopt.training.files import write_whole
from lectopt.training.processes import ALONE, Processes

DONE = "done"


class Torn(Exception):
    """A checkpoint that says it is done, and cannot be read."""


def save(folder: Path, tree: Any, facts: dict[str, Any], processes: Processes = ALONE) -> None:
    """Write a checkpoint: when `done` is there, all of it is.

    Args:
        folder: Of this checkpoint alone; what is there is replaced.
        tree: Arrays.
        facts: What else is to be known, as JSON has it.
        processes: Those that hold the arrays; all of them call.
    """
    leaves = {names(path): x for path, x in jax.tree_util.tree_leaves_with_path(tree)}
    told, stored = {}, {}
    for name, x in leaves.items():
        is_key = jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
        data = jax.random.key_data(x) if is_key else x
        told["/".join(name)] = dict(
            name=name,
            shape=data.shape,
            dtype=str(data.dtype),
            key=str(jax.random.key_impl(x)) if is_key else None,
            crc32=_crc32(data),
        )
        if data.size:
            stored[name] = data
    if processes.is_first:
        shutil.rmtree(folder, ignore_errors=True)
    processes.wait("save")
    ocp = orbax()
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as checkpointer:
        checkpointer.save(folder.absolute(), args=ocp.args.PyTreeSave(_nested(stored)))
    if processes.is_first:
        mark(folder, facts | {"leaves": [*told.values()]})


def mark(folder: Path, facts: dict[str, Any]) -> None:
    """Write `done`."""
    write_whole(folder / DONE, json.dumps(facts).encode())


def facts_of(folder: Path) -> dict[str, Any] | None:
    """What `done` says, or None if the checkpoint was never finished."""
    try:
        return json.loads((folder / DONE).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}


def load(folder: Path, facts: dict[str, Any], shardings: Mapping[Names, Any] | None = None) -> Any:
    """The arrays of a checkpoint, as a nested dict.

    Args:
        folder: Of the checkpoint.
        facts: What its `done` says.
        shardings: Where leaves are to be, by name; of others, on the host.

    Raises:
        Torn: It cannot be read, or is not what was written.
    """
    ocp = orbax()
    try:
        told = {tuple(leaf["name"]): leaf for leaf in facts["leaves"]}
        wanted = {name: leaf for name, leaf in told.items() if 0 not in leaf["shape"]}
        how = {name: _restore_args(ocp, name, shardings or {}) for name in wanted}
        with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as checkpointer:
            args = ocp.args.PyTreeRestore(restore_args=_nested(how))
            found = checkpointer.restore(folder.absolute(), args=args)
        arrays = {names(p): x for p, x in jax.tree_util.tree_leaves_with_path(found)}
        return _nested({name: _as_it_was(arrays.get(name), leaf) for name, leaf in told.items()})
    except Exception as error:  # whatever a library says of files that are not what they were
        raise Torn(str(error)) from error


def _as_it_was(data: Any, leaf: dict[str, Any]) -> Any:
    if data is None:
        data = np.zeros(leaf["shape"], jnp.dtype(leaf["dtype"]))
    if (str(data.dtype), [*data.shape]) != (leaf["dtype"], leaf["shape"]):
        raise Torn(f"{leaf['name']} is {data.dtype}{data.shape}")
    if leaf["crc32"] is not None and _crc32(data) != leaf["crc32"]:
        raise Torn(f"{leaf['name']} has other numbers than were written")
    return jax.random.wrap_key_data(data, impl=leaf["key"]) if leaf["key"] else data


def _crc32(data: Any) -> int | None:
    """Of the numbers; None of an array that is not all here."""
    if isinstance(data, jax.Array) and not data.is_fully_addressable:
        return None
    return zlib.crc32(np.ascontiguousarray(data).view(np.uint8).data if np.size(data) else b"")


def _restore_args(ocp: Any, name: Names, shardings: Mapping[Names, Any]) -> Any:
    if name in shardings:
        return ocp.ArrayRestoreArgs(restore_type=jax.Array, sharding=shardings[name])
    return ocp.RestoreArgs(restore_type=np.ndarray)


def _nested(leaves: dict[Names, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, leaf in leaves.items():
        inside = tree
        for key in name[:-1]:
            inside = inside.setdefault(key, {})
        inside[name[-1]] = leaf
    return tree


def orbax() -> Any:
    """The module.

    Raises:
        ImportError: It is missing.
    """
    try:
        import orbax.checkpoint
    except ImportError as error:
        raise ImportError(
            'checkpoints need orbax-checkpoint: pip install "lectopt[train]"'
        ) from error
    return orbax.checkpoint
