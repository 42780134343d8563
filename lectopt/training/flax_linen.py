"""A Flax Linen module as pure functions: its parameters, and its other collections as a state."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import numpy as np
from flax.core import meta, unfreeze
from flax.errors import ModifyScopeVariableError

from lectopt.training.checking import is_stream
from lectopt.training.models import Model
from lectopt.training.sharding import Placement

# What a module's call may be told at its start, before anybody trains it.
AT_START = {"train": False, "training": False, "is_training": False, "deterministic": True}
STATISTICS = "batch_stats"
TOLD = "call model(x, train=model.training), where model.training is False in an evaluation"


class LinenModel:
    """A module with its variables and random keys filled in: call it as the module is called.

    `training` says whether this is a step of the training. `variables` are then those after the
    calls so far.
    """

    def __init__(self, module: nn.Module, variables: Any, key: jax.Array, training: bool) -> None:
        self.module, self.variables, self.training = module, variables, training
        self.told, self._given = False, variables
        self._key, self._calls = key, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the module's `__call__` returns."""
        key = jax.random.fold_in(self._key, self._calls) if self._calls else self._key
        self._calls += 1
        self.told |= any(name in AT_START for name in kwargs)
        asked = inspect.signature(self.module.__call__)
        given = asked.bind_partial(*args, **kwargs).arguments
        for name, value in AT_START.items():
            wanted = asked.parameters.get(name)
            if wanted is not None and wanted.default is wanted.empty and name not in given:
                raise ValueError(
                    f"the module's call asks for {name}, and is not told: call "
                    f"model(x, {name}={'not ' * value}model.training)"
                )
        changing = sorted(set(self.variables) - {"params"})
        if not self.training:
            if any(kwargs.get(name, value) is (not value) for name, value in AT_START.items()):
                raise ValueError(f"the module is told to train in an evaluation: {TOLD}")
            try:
                return self.module.apply(self.variables, *args, rngs=key, **kwargs)
            except ModifyScopeVariableError as error:
                raise ValueError(f"the module trains in an evaluation: {TOLD}") from error
        if not changing:
            return self.module.apply(self.variables, *args, rngs=key, **kwargs)
        out, new = self.module.apply(self.variables, *args, rngs=key, mutable=changing, **kwargs)
        # What a call has added, as `sow` does, was not there at the start, and is not carried.
        self.variables = {**self.variables, **{k: new[k] for k in changing if k in new}}
        return out

    def kept_statistics(self) -> bool:
        """Whether the running statistics are the very arrays that they were."""
        old, new = (jax.tree.leaves(v.get(STATISTICS)) for v in (self._given, self.variables))
        return all(a is b for a, b in zip(old, new, strict=True))


def functions(
    module: nn.Module, data: Any, example_input: Any, variables: Mapping[str, Any] | None
) -> Model:
    """What a problem needs of a module.

    Raises:
        ValueError: `variables` has no `"params"`, or there is nothing to initialise it with.
    """
    if not isinstance(module, nn.Module):
        hint = " Make one of it." if isinstance(module, type) else ""
        raise ValueError(f"wanted a module of Flax Linen, got {module!r}.{hint}")
    given = None if variables is None else _thawed(variables)
    if given is not None and "params" not in given:
        raise ValueError(f'wanted variables = {{"params": ..., ...}}, got {sorted(given)}')
    if example_input is None and given is None:
        example_input = _example(data)
    asked = inspect.signature(module.__call__).parameters
    told: dict[str, Any] = {name: value for name, value in AT_START.items() if name in asked}

    def begin(key: jax.Array) -> dict[str, Any]:
        found = given if given is not None else module.init(key, example_input, **told)
        return dict(unfreeze(meta.unbox(found)))  # sharded as the boxes say, where a mesh is set

    with Placement.here().context():
        shapes = jax.eval_shape(begin, jax.random.key(0))
    collections = sorted(set(shapes) - {"params", "intermediates"})

    def init(key: jax.Array) -> Any:
        found = begin(key)
        state = {name: found[name] for name in collections}
        return (found["params"], state) if collections else found["params"]

    def build(params: Any, state: Any, key: jax.Array, training: bool) -> LinenModel:
        return LinenModel(module, {"params": params, **state}, key, training)

    def state_of(built: LinenModel) -> Any:
        if STATISTICS in collections and not built.told and built.kept_statistics():
            raise ValueError(
                "the module has running statistics, and no call of the loss has changed them: "
                f"{TOLD}, and give __call__ that argument"
            )
        return {name: unfreeze(built.variables[name]) for name in collections}

    def rebuild(params: Any, state: Any) -> Any:
        return module.bind({"params": params, **(state or {})})

    return Model(bool(collections), init, build, state_of, rebuild)


def _thawed(variables: Any) -> dict[str, Any]:
    return dict(unfreeze(variables))


def _example(data: Any) -> Any:
    """One sample of the first array of the training data."""
    train: Any = data["train"] if isinstance(data, Mapping) and "train" in data else ()
    if is_stream(train):
        batches: Any = train() if callable(train) else train
        train = next(iter(batches))
    leaves = jax.tree.leaves(train)
    if not leaves:
        raise ValueError('wanted data = {"train": (x, y), ...}, or example_input=')
    return np.asarray(leaves[0][:1])
