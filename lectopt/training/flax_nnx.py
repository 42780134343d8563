"""A Flax NNX model as pure functions: parameters, random streams, and what else it keeps."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import PartitionSpec

from lectopt.training.models import Model


def functions(model: Any) -> Model:
    """What a problem needs of a model, or of a function of `rngs` that makes one.

    Raises:
        ValueError: It is no such function.
    """
    if isinstance(model, nnx.Module):
        parts = _parts(model)
        given = [nnx.to_pure_dict(part) for part in (parts[1], parts[3])]
        params, state = jax.device_get(given)  # from whatever devices
        specs = nnx.to_pure_dict(nnx.get_partition_spec(parts[1]))

        def init(key: jax.Array) -> Any:
            del key  # the weights that there are
            weights, rest = jax.tree.map(jnp.asarray, (params, state))
            if not jax.sharding.get_abstract_mesh().empty:
                weights = sharded(weights, specs)
            return (weights, rest) if rest else weights

        return _of_parts(parts, init)

    make = _maker(model)
    abstract = nnx.eval_shape(lambda: make(nnx.Rngs(0)))
    if not isinstance(abstract, nnx.Module):
        raise ValueError(f"wanted a function of rngs that returns an nnx.Module, got {abstract!r}")
    stateful = bool(jax.tree.leaves(_parts(abstract)[3]))

    def init(key: jax.Array) -> Any:
        _, params, _, state = _parts(make(nnx.Rngs(key)))
        params = nnx.to_pure_dict(params)
        return (params, nnx.to_pure_dict(state)) if stateful else params

    return _of_parts(_parts(abstract), init)


def sharded(params: Any, specs: Any) -> Any:
    """Arrays on the mesh that is set, as their metadata say."""
    place = jax.lax.with_sharding_constraint
    return jax.tree.map(lambda x, spec: place(x, spec or PartitionSpec()), params, specs)


def _parts(model: Any) -> Any:
    """The graph, the parameters, the random streams, the rest."""
    return nnx.split(model, nnx.Param, nnx.RngState, ...)


def _of_parts(parts: Any, init: Callable[[jax.Array], Any]) -> Model:
    graph, _, streams, rest = parts
    leaves, structure = jax.tree.flatten(streams)
    kept = nnx.to_flat_state(rest)

    def put_together(params: Any, state: Any, key: jax.Array) -> Any:
        fresh = [_reseeded(x, jax.random.fold_in(key, i)) for i, x in enumerate(leaves)]
        return nnx.merge(graph, params, structure.unflatten(fresh), state)

    def build(params: Any, state: Any, key: jax.Array, training: bool) -> Any:
        built = put_together(params, state, key)
        built.train() if training else built.eval()
        return built

    def state_of(built: Any) -> Any:
        # What a call has added, as `sow` does, was not there at the start, and is not carried.
        new = dict(nnx.to_flat_state(_parts(built)[3]))
        return nnx.to_pure_dict(nnx.from_flat_state([(path, new[path]) for path, _ in kept]))

    def rebuild(params: Any, state: Any) -> Any:
        built = put_together(params, state or {}, jax.random.key(0))
        built.eval()
        return built

    return Model(bool(kept), init, build, state_of, rebuild)


def _maker(model: Any) -> Callable[[Any], Any]:
    """A function of `rngs`, by place.

    Raises:
        ValueError: It cannot be called with `rngs` alone.
    """
    name = getattr(model, "__name__", "the function")
    if any(base.__module__.startswith("flax.linen") for base in type(model).__mro__):
        raise ValueError(
            f"{type(model).__name__} is a module of Flax Linen. Write Problem.from_linen."
        )
    if not callable(model):
        raise ValueError(f"wanted rngs -> nnx.Module, or a made module, got {model!r}")
    arguments = _arguments(model)
    required = [p.name for p in arguments if p.default is p.empty]
    asks = any(p.name == "rngs" for p in arguments)
    others = [argument for argument in required if argument != "rngs"]
    if others and (asks or len(others) > 1):
        settings = ", ".join(f"{argument}=..." for argument in others)
        raise ValueError(
            f"{name} must be given {', '.join(others)} beside rngs. Write lambda rngs: "
            f"{name}({settings}, rngs=rngs)."
        )
    if not arguments:
        raise ValueError(f"{name} takes no rngs. Write lambda rngs: {name}(...).")
    return (lambda rngs: model(rngs=rngs)) if asks else model


def _arguments(model: Any) -> list[inspect.Parameter]:
    """What it may be given; the metaclass of nnx.Module hides it from `inspect.signature`."""
    if isinstance(model, functools.partial):
        found = _arguments(model.func)[len(model.args) :]
        return [p for p in found if p.name not in model.keywords]
    is_class = isinstance(model, type)
    signature = inspect.signature(model.__init__ if is_class else model)
    found = [*signature.parameters.values()][is_class:]
    return [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _reseeded(leaf: Any, key: jax.Array) -> jax.Array:
    """A stream's key becomes `key`, split to its shape, and its counter 0."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.split(key, leaf.shape) if leaf.shape else key
    return jnp.zeros(leaf.shape, leaf.dtype)
