"""What makes a run the run that it is, and how two of them differ.

Two calls are the same run if they have the same programs, on the same data, from the same seed.
Programs are compared by the text that JAX lowers them to, which is the same in every process, and
differs with any constant in them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.experimental import multihost_utils

from lectopt.training import objective
from lectopt.training.blocks import Blocks, Values
from lectopt.training.checking import is_stream
from lectopt.training.programs import Programs
from lectopt.training.step import Training

# In the order in which they are told. The last one is compared where no other differs.
SECTIONS = ("problem", "optimizer", "data", "settings", "start", "versions", "device", "program")
PACKAGES = ("jax", "jaxlib", "optax", "flax")


def identity(
    programs: Programs,
    training: Training,
    optimizer: Any,
    batch: Any,
    settings: Mapping[str, Any],
    start: Mapping[str, Any],
) -> dict[str, Any]:
    """What a directory keeps of a run, by section.

    Args:
        programs: Of the run.
        training: Its first state.
        optimizer: As it was given.
        batch: The first batch, or its shapes.
        settings: Whatever else the result depends on.
        start: What the run begins with, if not with the problem's first parameters.
    """
    import lectopt

    device = min(jax.tree.leaves(training)[0].devices(), key=lambda device: device.id)
    with programs.alone():
        is_what = {
            "problem": problem_identity(programs.blocks, programs.values, training, batch),
            "optimizer": optimizer_identity(programs.blocks, programs.values, training, optimizer),
        }
    return {
        **is_what,
        "data": {k: fingerprint(split) for k, split in programs.blocks.problem.data.items()},
        "settings": dict(settings),
        "start": {name: fingerprint(part) for name, part in start.items() if part is not None},
        "versions": {name: version(name) for name in PACKAGES} | {"lectopt": lectopt.__version__},
        "device": f"{device.platform} {device.device_kind}{programs.placement}",
        "program": programs.text_hash(training, batch),
    }


def difference(
    there: Mapping[str, Any], here: Mapping[str, Any], sections: Sequence[str] = SECTIONS
) -> dict[str, str]:
    """The sections in which two runs differ, each with how."""
    found = {
        section: told
        for section in sections
        if (told := _difference(there.get(section), here.get(section)))
    }
    return (
        found if set(found) <= {"program"} else {k: v for k, v in found.items() if k != "program"}
    )


def refuse(
    directory: Any,
    found: Mapping[str, str],
    accepted: Sequence[str],
    what: str = "run",
    sections: Sequence[str] = SECTIONS,
) -> None:
    """Raise what is said of a directory that holds another run, or another of `what`.

    Raises:
        ValueError: A section differs that is not among the accepted ones.
    """
    if unknown := [name for name in accepted if name not in sections]:
        raise ValueError(f"accept_changes may have any of {(*sections,)}, got {unknown}")
    if set(found) <= {*accepted}:
        return
    told = "\n".join(f"  {section}: {how}" for section, how in found.items())
    names = ", ".join(f'"{section}"' for section in found)
    raise ValueError(
        f"{directory} holds another {what}:\n{told}\nGive another directory, or write "
        f"accept_changes=({names}{',' * (len(found) == 1)}) to go on with it as it is here."
    )


def fingerprint(split: Any) -> Any:
    """The shapes, dtypes and sha256 of a tree of arrays; of an iterable its type."""
    if is_stream(split):
        kind = type(split)
        return f"{kind.__module__}.{kind.__qualname__}"
    digest, kinds = hashlib.sha256(), []
    for path, x in jax.tree_util.tree_leaves_with_path(split):
        is_key = jnp.issubdtype(getattr(x, "dtype", float), jax.dtypes.prng_key)
        array = np.ascontiguousarray(_on_host(jax.random.key_data(x) if is_key else x))
        kinds.append(f"{jax.tree_util.keystr(path)}: {array.dtype}{list(array.shape)}")
        digest.update(kinds[-1].encode())
        digest.update(array.view(np.uint8).data if array.size else b"")
    return [*kinds, digest.hexdigest()]


def _on_host(x: Any) -> Any:
    """An array that may be divided among processes."""
    if isinstance(x, jax.Array) and not (x.is_fully_addressable or x.is_fully_replicated):
        return multihost_utils.process_allgather(x, tiled=True)
    return x


def sha256(text: str) -> str:
    """Of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def problem_identity(
    blocks: Blocks, values: Values, training: Training, batch: Any
) -> dict[str, Any]:
    """What it is, and the programs of its functions."""
    problem, key = blocks.problem_of(values), jax.random.key(0)

    def gradient(params: Any, state: Any, batch: Any, key: Any) -> Any:
        return objective.gradient(problem, params, state, batch, key)

    shapes = _shapes(training[:2])
    splits = {k: x for k, x in problem.data.items() if not is_stream(x)}
    measured = {
        name: _lowered(
            lambda params, state, split: objective.metrics(problem, params, split, state),
            *shapes,
            _shapes(split),
        )
        for name, split in splits.items()
    }
    return {
        "is": repr(problem),
        "init": _lowered(problem.init, key),
        "loss": _lowered(gradient, *shapes, _shapes(batch), key),
        "evaluate": measured,
    }


def optimizer_identity(
    blocks: Blocks, values: Values, training: Training, optimizer: Any
) -> dict[str, Any]:
    """What it is, and its program with a loss that is none of the problem's."""

    def update(params: Any, opt_state: Any, gradient: Any, value: Any, values: Any) -> Any:
        tx = blocks.make(values)

        def value_fn(params: Any, **others: Any) -> Any:
            del others
            return sum((jnp.sum(jnp.abs(x) ** 2) for x in jax.tree.leaves(params)), value)

        extra = dict(value=value, grad=gradient, value_fn=value_fn)
        if "validation" in blocks.problem.data:
            extra |= dict(evaluation=value, evaluated=value > 0)
        point = getattr(tx, "point", lambda params, state: params)(params, opt_state)
        update = optax.with_extra_args_support(tx).update
        return tx.init(params), point, update(gradient, opt_state, params, **extra)

    params, _, opt_state = _shapes(training[:3])
    value = jax.ShapeDtypeStruct((), jnp.result_type(float))
    return {
        "is": without_addresses(repr(optimizer)),
        "update": _lowered(update, params, opt_state, params, value, values),
    }


def _lowered(function: Callable[..., Any], *shapes: Any) -> str:
    return sha256(jax.jit(function).lower(*shapes).as_text())


def _shapes(tree: Any) -> Any:
    def shape(x: Any) -> Any:  # NumPy's int64 is what JAX makes of it
        dtype = jax.dtypes.canonicalize_dtype(x.dtype, allow_extended_dtype=True)
        return jax.ShapeDtypeStruct(x.shape, dtype)

    return jax.tree.map(shape, tree)


def without_addresses(text: str) -> str:
    """A text with no place in memory in it."""
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def _difference(there: Any, here: Any) -> str:
    """In words, and nothing if there is none."""
    if there == here:
        return ""
    if not isinstance(there, Mapping) or not isinstance(here, Mapping):
        return f"{_brief(there)} there, {_brief(here)} here"
    if there.get("is") != here.get("is"):
        return f"{_brief(there.get('is'))} there, {_brief(here.get('is'))} here"
    parts = [
        name if "is" in here else f"{name} {_difference(there.get(name), here.get(name))}"
        for name in {**there, **here}
        if there.get(name) != here.get(name)
    ]
    if "is" in here:
        return f"{_brief(here['is'])} has another program of {' and '.join(parts)}"
    return "; ".join(parts)


def _brief(value: Any) -> str:
    if isinstance(value, list):  # a fingerprint
        return f"{', '.join(value[:-1])} (sha256 {value[-1][:8]})"
    text = str(value)
    return text if len(text) <= 300 else f"{text[:300]}..."
