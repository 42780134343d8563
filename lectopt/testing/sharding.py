"""Many devices: the state lies where its parameters lie, and an update moves nothing about."""

import functools as ft
from collections.abc import Iterator
from typing import Any
from unittest import SkipTest

import jax
import jax.numpy as jnp
import optax
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from lectopt.testing import trees
from lectopt.testing.precision import QUICKLY, stepwise
from lectopt.testing.registry import check
from lectopt.testing.subject import Subject

_COLLECTIVES = ("all-gather", "all-to-all", "collective-permute", "all-reduce")


def _shapes() -> dict[str, tuple[tuple[int, int], P]]:
    """Every device has (2, 2) of each leaf: code that is the same is compiled once."""
    many = 2 * jax.device_count()
    return {
        "rows": ((many, 2), P("x", None)),
        "columns": ((2, many), P(None, "x")),
        "all": ((2, 2), P()),
    }


def _mesh(kind: AxisType) -> Mesh:
    if jax.device_count() < 2:
        raise SkipTest(
            'there is one device; jax.config.update("jax_num_cpu_devices", 8) before JAX starts '
            "makes eight of the CPU"
        )
    return jax.make_mesh((jax.device_count(),), ("x",), axis_types=(kind,))


def _placed(mesh: Mesh, value: float) -> dict[str, jax.Array]:
    return {
        name: jax.device_put(jnp.full(shape, value, jnp.float32), NamedSharding(mesh, spec))
        for name, (shape, spec) in _shapes().items()
    }


def _slots(state: Any, params: dict[str, jax.Array]) -> Iterator[tuple[str, str, Any]]:
    """Every leaf of the state that is as large as the parameter that it belongs to."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        name = jax.tree_util.keystr(path[-1:], simple=True)
        if name in params and jnp.shape(leaf) == params[name].shape:
            yield jax.tree_util.keystr(path), name, leaf


def _lies_as_the_parameters(tree: Any, params: dict[str, jax.Array], what: str) -> None:
    for path, name, leaf in _slots(tree, params):
        expected = params[name].sharding
        assert leaf.sharding.is_equivalent_to(expected, leaf.ndim), (
            f"{what}{path} lies as {leaf.sharding} and its parameter as {expected}"
        )


def _step(subject: Subject, tx: Any, params: Any, grads: Any, state: Any) -> tuple[Any, Any]:
    updates, state = subject.update(tx, grads, state, params)
    return optax.apply_updates(params, updates), state


def _on_one_device(subject: Subject, params: Any, grads: Any) -> Any:
    """The new parameters, from copies that lie on the first device."""
    params, grads = (jax.tree.map(jnp.asarray, jax.device_get(x)) for x in (params, grads))
    tx = subject.build()
    with stepwise():
        return _step(subject, tx, params, grads, tx.init(params))[0]


@check
def sharded(subject: Subject) -> None:
    """With parameters sharded over all devices the state is sharded as they are, at first and
    after a compiled update, the numbers are those of one device, and an update in which every
    weight looks at itself alone has no communication."""
    mesh, tx = _mesh(AxisType.Auto), subject.build()
    with jax.set_mesh(mesh):
        params, grads = _placed(mesh, 1.0), _placed(mesh, 0.5)
        state = tx.init(params)
        _lies_as_the_parameters(state, params, "at first, the state")
        step = jax.jit(ft.partial(_step, subject, tx))
        program = step.lower(params, grads, state).compile(QUICKLY)
        text = program.as_text() or ""
        for collective in _COLLECTIVES:
            if not subject.reduces and collective in text:
                raise AssertionError(f"the compiled update communicates: {collective}")
        moved, state = program(params, grads, state)
        _lies_as_the_parameters(state, params, "after an update, the state")
        _lies_as_the_parameters(moved, params, "after an update, the parameter")
    expected = _on_one_device(subject, params, grads)
    trees.close(jax.device_get(moved), expected, "a weight", rtol=1e-6, atol=1e-7)


@check
def sharded_explicitly(subject: Subject) -> None:
    """On a mesh with explicit axes, where the types say how arrays lie, the state has the types of
    its parameters, after init and while init and an update are traced."""
    mesh, tx = _mesh(AxisType.Explicit), subject.build()
    with jax.set_mesh(mesh):
        params, grads = _placed(mesh, 1.0), _placed(mesh, 0.5)
        state = tx.init(params)
        moved, new = jax.eval_shape(ft.partial(_step, subject, tx), params, grads, state)
        for what, tree in (
            ("after init, the state", state),
            ("while init is traced, the state", jax.eval_shape(tx.init, params)),
            ("after an update, the state", new),
            ("after an update, the parameter", moved),
        ):
            for path, name, leaf in _slots(tree, params):
                found, expected = (jax.typeof(x).sharding for x in (leaf, params[name]))
                assert found == expected, f"{what}{path} has the type {found}, not {expected}"
