"""Outcomes and states as bytes: npz, whose CRC-32 tells a torn file, with a JSON beside arrays.

Dtypes that npz forgets, bfloat16 and the like, and typed keys are stored as raw numbers with their
name.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

from lectopt._sweep.tiles import Outcome, Tile, Work
from lectopt.training.step import Training


class Torn(Exception):
    """A file that is not whole."""


def packed(told: Any, arrays: Mapping[str, Any]) -> bytes:
    """As a file."""
    kinds, raw = {}, {}
    for name, x in arrays.items():
        raw[name], kinds[name] = _raw(x)
    text = json.dumps({"told": told, "kinds": kinds})
    file = io.BytesIO()
    np.savez(file, json=np.frombuffer(text.encode(), np.uint8), **raw)
    return file.getvalue()


def unpacked(data: bytes) -> tuple[Any, dict[str, Any]]:
    """What was packed.

    Raises:
        Torn: It is not whole.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(arrays.pop("json").tobytes())
        return facts["told"], {k: _restored(x, facts["kinds"][k]) for k, x in arrays.items()}
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError) as error:
        raise Torn(str(error)) from error


def _raw(x: Any) -> tuple[np.ndarray, Any]:
    dtype = getattr(x, "dtype", None)
    if dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key):
        return np.asarray(jax.random.key_data(x)), ["key", str(jax.random.key_impl(x))]
    array = np.asarray(x)
    if array.dtype.kind in "biufc":
        return array, None
    width = np.dtype(f"u{array.dtype.itemsize}")
    return np.ascontiguousarray(array).view(width), ["dtype", array.dtype.name]


def _restored(x: np.ndarray, kind: Any) -> Any:
    if kind is None:
        return x
    if kind[0] == "key":
        return jax.random.wrap_key_data(jnp.asarray(x), impl=kind[1])
    return x.view(np.dtype(getattr(ml_dtypes, kind[1])))


def pack_outcome(outcome: Outcome) -> bytes:
    """A tile's record."""
    told = dict(
        lanes=outcome.lanes, rung=outcome.rung, begin=outcome.begin, end=outcome.end,
        curves=[*outcome.curves], finals=[*outcome.finals],
    )  # fmt: skip
    arrays = {"points": outcome.points, "diverged_at": outcome.diverged_at}
    arrays |= {f"curve {i}": x for i, x in enumerate(outcome.curves.values())}
    arrays |= {f"final {i}": x for i, x in enumerate(outcome.finals.values())}
    return packed(told, arrays)


def unpack_outcome(data: bytes) -> Outcome:
    """See `pack_outcome`."""
    told, x = unpacked(data)
    return Outcome(
        [(key, seed) for key, seed in told["lanes"]],
        told["rung"],
        told["begin"],
        told["end"],
        x["points"],
        x["diverged_at"],
        {name: x[f"curve {i}"] for i, name in enumerate(told["curves"])},
        {name: x[f"final {i}"] for i, name in enumerate(told["finals"])},
    )


def pack_work(work: Work) -> bytes:
    """A tile under way, or what goes on at the next rung."""
    arrays: dict[str, Any] = {"outcome": np.frombuffer(pack_outcome(work.outcome), np.uint8)}
    begun = [i for i, state in enumerate(work.states) if state is not None]
    for i in begun:
        for j, leaf in enumerate(jax.tree.leaves(work.states[i])):
            arrays[f"state {i} {j}"] = leaf
    rows = {name: np.concatenate(x) for name, x in work.rows.items()}
    arrays |= {f"row {i}": x for i, x in enumerate(rows.values())}
    return packed(dict(chunk=work.chunk, step=work.step, begun=begun, rows=[*rows]), arrays)


def unpack_work(data: bytes, tile: Tile, structure: Any) -> Work:
    """See `pack_work`; `structure` is that of a training."""
    told, x = unpacked(data)
    states: list[Training | None] = [None] * len(tile.chunks)
    for i in told["begun"]:
        leaves = [x[f"state {i} {j}"] for j in range(structure.num_leaves)]
        states[i] = jax.tree.map(jnp.asarray, structure.unflatten(leaves))
    rows = {name: [x[f"row {i}"]] for i, name in enumerate(told["rows"])}
    outcome = unpack_outcome(x["outcome"].tobytes())
    return Work(tile, outcome, states, told["chunk"], told["step"], rows)
