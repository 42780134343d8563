"""A training on the devices of a mesh, `jax.set_mesh(mesh)`, of one process or of several.

Batches are divided over the axis "data". Parameters and model state are sharded as their metadata
say (Flax's `out_sharding` and `with_partitioning`), slots of the optimizer as their parameters; all
else is replicated. The arithmetic is that of one device: XLA puts the communication in.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from lectopt.state_search import Names, names, owners
from lectopt.training.problem import Problem
from lectopt.training.processes import Processes
from lectopt.trees import dtype_of

AXIS = "data"


@dataclass(frozen=True)
class Placement:
    """Where the arrays of a training are.

    Args:
        mesh: The devices; None for one device, where nothing is done.
        outside: The same devices with the axis types that the user has chosen. A training lets the
            compiler decide (`AxisType.Auto`): models are seldom written for explicit types.
    """

    mesh: Mesh | None = None
    outside: Mesh | None = None

    @classmethod
    def here(cls) -> Placement:
        """On the mesh that is set."""
        found: Any = jax.sharding.get_mesh()
        if found.empty:
            return cls()
        return cls(_with_axis_types(found.devices, found.axis_names), found)

    def __str__(self) -> str:
        if self.mesh is None:
            return ""
        return ", " + " x ".join(f"{name}={size}" for name, size in self.mesh.shape.items())

    @property
    def processes(self) -> Processes:
        """Those whose devices these are."""
        return Processes(self.mesh is not None and self.mesh.is_multi_process)

    def context(self) -> Any:
        """In which a training is traced and run, so that Flax finds the mesh."""
        return contextlib.nullcontext() if self.mesh is None else jax.set_mesh(self.mesh)

    def outer(self) -> Any:
        """The context of the user."""
        return contextlib.nullcontext() if self.mesh is None else jax.set_mesh(self.outside)

    def one(self) -> Mesh:
        """The same axes, of one device."""
        assert self.mesh is not None
        first = self.mesh.devices.ravel()[:1].reshape((1,) * self.mesh.devices.ndim)
        return _with_axis_types(first, self.mesh.axis_names)

    def sharding(self, spec: P | None = None) -> NamedSharding | None:
        """Over these axes; without any, replicated."""
        return None if self.mesh is None else NamedSharding(self.mesh, spec or P())

    def replicated(self, tree: Any) -> Any:
        """Arrays on every device."""
        if self.mesh is None:
            return jax.tree.map(jnp.asarray, tree)
        return jax.tree.map(lambda x: put(x, self.sharding()), tree)

    def batch(self, batch: Any) -> Any:
        """A batch of an iterable: the whole one, or, of several processes, this one's share.

        Raises:
            ValueError: The shares of the processes cannot be divided over the devices.
        """
        mesh = self.mesh
        if mesh is None:
            return batch
        own = mesh.local_mesh.shape.get(AXIS, 1)

        def one(x: Any) -> Any:
            if len(x) % own == 0:
                over = NamedSharding(mesh, P(AXIS if AXIS in mesh.shape else None))
                return jax.make_array_from_process_local_data(over, x)
            if jax.process_count() > 1:
                raise ValueError(
                    f"a batch of {len(x)} samples of this process cannot be divided over its {own} "
                    f"devices of the axis {AXIS!r}. Let all be of one size: drop_last=True."
                )
            return put(x, self.sharding())

        return jax.tree.map(one, batch)

    def like(self, tree: Any, model: Any) -> Any:
        """The shardings of a tree in which arrays of a model recur, by name and shape; what is no
        such array is replicated.

        Args:
            tree: Arrays or their shapes.
            model: Arrays with their shardings, or shapes that have them.
        """
        known = {names(path): x for path, x in jax.tree_util.tree_leaves_with_path(model)}
        owner = {leaf: known[own] for leaf, (_, own) in owners(tree, known).items()}

        def leaf(path: Any, x: Any) -> Any:
            original = owner.get(names(path))
            if original is not None and original.shape == x.shape:
                return original.sharding
            return self.sharding()

        return jax.tree_util.tree_map_with_path(leaf, tree)

    def outward(self, tree: Any) -> Any:
        """The same arrays with the axis types that the user has chosen."""
        outside = self.outside
        if outside is None or self.mesh == outside:
            return tree
        return jax.tree.map(
            lambda x: jax.device_put(x, NamedSharding(outside, x.sharding.spec)), tree
        )

    def problem(self, problem: Problem) -> Problem:
        """The same problem, whose functions are given batches that are divided over the devices.

        Raises:
            ValueError: Its batches cannot be.
        """
        if self.mesh is None:
            return problem
        over = self.mesh.shape.get(AXIS, 1)
        sizes = {"batch_size": problem.batch_size, "micro_batch": problem.micro_batch}
        if problem.batch_size is None and problem.sample is None and not problem.streamed:
            sizes["the number of training samples"] = problem.size
        for name, size in sizes.items():
            if size is not None and size % over:
                raise ValueError(
                    f"{name} is {size}, which cannot be divided over the {over} devices of the "
                    f"axis {AXIS!r}. Write a batch_size, and a micro_batch, that {over} divides."
                )
        place = 2 if problem.stateful else 1
        changed = replace(
            problem,
            loss=_divided(problem.loss, place),
            evaluate=problem.evaluate and _divided(problem.evaluate, place),
        )
        test_loss = problem.test_loss and _divided(problem.test_loss, 2)
        object.__setattr__(changed, "rebuild", problem.rebuild)
        object.__setattr__(changed, "test_loss", test_loss)
        return changed


ONE_DEVICE = Placement()


def divided(tree: Any) -> Any:
    """Within a program, arrays of samples divided over the axis "data" of the mesh that is set,
    where their number allows it."""
    mesh = jax.sharding.get_abstract_mesh()
    size = mesh.shape.get(AXIS, 1) if not mesh.empty else 1

    def one(x: Any) -> Any:
        if not jnp.ndim(x) or x.shape[0] % size:
            return x
        return jax.lax.with_sharding_constraint(x, P(AXIS))

    return jax.tree.map(one, tree) if size > 1 else tree


def _divided(function: Callable[..., Any], place: int) -> Callable[..., Any]:
    """The function, which is given its samples at a place, divided."""

    def with_divided(*inputs: Any) -> Any:
        return function(*inputs[:place], divided(inputs[place]), *inputs[place + 1 :])

    return with_divided


def put(x: Any, sharding: NamedSharding | None) -> jax.Array:
    """An array where it is to be, in memory of its own; `x` is the same in all processes."""
    assert sharding is not None
    if jnp.issubdtype(dtype_of(x), jax.dtypes.prng_key):
        data = put(jax.random.key_data(x), NamedSharding(sharding.mesh, P()))
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(x))
    if isinstance(x, jax.Array) and (x.is_fully_addressable == sharding.is_fully_addressable):
        return jax.device_put(x, sharding, may_alias=False)
    host = np.array(x, jax.dtypes.canonicalize_dtype(dtype_of(x)))
    return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])


def shardings_of(tree: Any) -> dict[Names, Any]:
    """Where the arrays of a tree are that are on a mesh, by name."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {names(path): s for path, x in leaves if (s := sharding_of(x)) is not None}


def sharding_of(x: Any) -> NamedSharding | None:
    """Of an array on a mesh."""
    found = getattr(x, "sharding", None)
    return found if isinstance(found, NamedSharding) else None


def _with_axis_types(devices: Any, axis_names: Any) -> Mesh:
    return Mesh(devices, axis_names, axis_types=(AxisType.Auto,) * len(axis_names))
