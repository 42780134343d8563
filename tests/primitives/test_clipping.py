"""Clipping: Optax's numbers where those are finite, and an answer where they are not (S2-10)."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import lectopt

RNG = np.random.default_rng(0)
GRADS = {"w": RNG.normal(size=(3, 4)), "b": RNG.normal(size=5), "s": np.array(0.3)}
NORM = float(optax.tree.norm(GRADS))
CLIPS = (lectopt.clip_by_value, lectopt.clip_by_norm, lectopt.clip_by_global_norm)
by_norm = pytest.mark.parametrize("clip", CLIPS[1:])
every = pytest.mark.parametrize("clip", CLIPS)


def clipped(tx, grads):
    return tx.update(grads, tx.init(grads))[0]


def each_leaf(tx):
    """The Optax clip `tx` on every leaf for itself."""
    return lambda grads: jax.tree.map(lambda leaf: clipped(tx, leaf), grads)


@pytest.mark.parametrize("bound", [0.01, 0.5, 1.0, 0.999 * NORM, 1.001 * NORM, 100.0])
@pytest.mark.parametrize("dtype, slack", [("float32", 1e-6), ("float64", 1e-14)])
@pytest.mark.usefixtures("x64")
def test_optaxs_numbers_on_ordinary_gradients(bound, dtype, slack):
    grads = jax.tree.map(lambda g: jnp.asarray(g, dtype), GRADS)
    pairs = [
        (lectopt.clip_by_value(bound), optax.clip(bound).update(grads, optax.EmptyState())[0]),
        (lectopt.clip_by_norm(bound), each_leaf(optax.clip_by_global_norm(bound))(grads)),
        (lectopt.clip_by_global_norm(bound), clipped(optax.clip_by_global_norm(bound), grads)),
    ]
    for tx, theirs in pairs:
        ours = clipped(tx, grads)
        for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            assert a.dtype == b.dtype == dtype
            np.testing.assert_allclose(a, b, rtol=slack)


@by_norm
def test_a_gradient_within_the_bound_is_not_touched(clip):
    grads = jax.tree.map(lambda g: jnp.asarray(g, jnp.float32), GRADS)
    jax.tree.map(np.testing.assert_array_equal, clipped(clip(1.01 * NORM), grads), grads)


@by_norm
@pytest.mark.parametrize(
    "dtype, size",
    [
        ("float16", 100),
        ("bfloat16", 1e30),
        ("float32", 1e30),
        ("float32", 8e37),
        ("float32", 1e37),
        ("float64", 4e307),
        ("float32", 1e-30),
        ("float64", 1e-200),
    ],
)
@pytest.mark.usefixtures("x64")
def test_squares_that_overflow_or_underflow(clip, dtype, size):
    """(3, 4) size has the norm 5 size, also where its square is no number of that dtype."""
    grad = jnp.asarray([3 * size, 4 * size, 0], dtype)
    bound = 1e-3 * size
    out = jax.jit(lambda g: clipped(clip(bound), {"g": g})["g"])(grad)
    assert out.dtype == dtype
    rtol = 1e-2 if jnp.finfo(dtype).bits == 16 else 1e-6
    np.testing.assert_allclose(
        np.asarray(out, float), np.array([0.6, 0.8, 0]) * bound, rtol=rtol, atol=0
    )


@by_norm
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_an_infinite_coordinate_is_the_whole_direction(clip, dtype):
    out = jax.jit(lambda g: clipped(clip(1.0), g))(jnp.asarray([jnp.inf, 7, 0, -jnp.inf], dtype))
    root = 0.5**0.5
    np.testing.assert_allclose(np.asarray(out, float), [root, 0, 0, -root], rtol=4e-3)
    both = {"a": jnp.asarray([jnp.inf, 1], dtype), "b": jnp.asarray([0.5], dtype)}
    out = clipped(clip(1.0), both)
    np.testing.assert_array_equal(np.asarray(out["a"], float), [1, 0])
    of_all = clip is lectopt.clip_by_global_norm
    np.testing.assert_array_equal(np.asarray(out["b"], float), [0 if of_all else 0.5])


def test_infinite_coordinates_by_value():
    out = clipped(lectopt.clip_by_value(2.0), jnp.array([jnp.inf, -jnp.inf, 1.0, jnp.nan]))
    np.testing.assert_array_equal(out, [2, -2, 1, np.nan])


@by_norm
def test_nan_is_not_hidden(clip):
    out = clipped(clip(10.0), {"a": jnp.array([jnp.nan, 1.0]), "b": jnp.array([1.0])})
    assert np.isnan(out["a"]).all()
    assert np.isnan(out["b"]).all() == (clip is lectopt.clip_by_global_norm)


@every
@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_a_zero_gradient_stays_zero(clip, bound):
    grads = {"a": jnp.zeros(3, jnp.float16), "b": jnp.zeros(()), "c": jnp.zeros((0, 2))}
    jax.tree.map(np.testing.assert_array_equal, clipped(clip(bound), grads), grads)


@every
def test_a_bound_of_zero_leaves_nothing(clip):
    out = clipped(clip(0.0), {"a": jnp.array([1.0, -2.0]), "b": jnp.array(jnp.inf)})
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(out))


@every
def test_leaves_without_a_gradient_and_empty_trees(clip):
    grads = {"a": jnp.array([3.0, 4.0]), "none": None, "b": (None, jnp.array(12.0))}
    out = clipped(clip(1.0), grads)
    assert out["none"] is None and out["b"][0] is None
    bare = clipped(clip(1.0), {"a": grads["a"], "b": grads["b"][1]})
    np.testing.assert_array_equal(out["a"], bare["a"])
    np.testing.assert_array_equal(out["b"][1], bare["b"])
    assert clipped(clip(1.0), {}) == {} and clipped(clip(1.0), None) is None


def test_complex_gradients():
    grad = jnp.array([3 + 4j, 12j])
    for clip in CLIPS[1:]:
        np.testing.assert_allclose(clipped(clip(1.3), grad), grad / 10, rtol=1e-6)
        np.testing.assert_allclose(
            clipped(clip(1.0), jnp.array([jnp.inf + 4j, 2j])), [1, 0], rtol=1e-6
        )
    np.testing.assert_array_equal(clipped(lectopt.clip_by_value(3.5), grad), [3 + 3.5j, 3.5j])


@every
def test_bounds_can_be_swept_and_scheduled(clip):
    grads, bounds = {"a": jnp.array([3.0, 4.0])}, jnp.array([0.5, 2.0, 4.5, 100.0])
    swept = jax.jit(jax.vmap(lambda bound: clipped(clip(bound), grads)["a"]))(bounds)
    for bound, row in zip(bounds, swept, strict=True):
        np.testing.assert_allclose(row, clipped(clip(float(bound)), grads)["a"], rtol=1e-6)

    tx = clip(lambda count: bounds[count])
    state = tx.init(grads)
    for row in swept:
        out, state = jax.jit(tx.update)(grads, state)
        np.testing.assert_allclose(out["a"], row, rtol=1e-6)

    lanes = jnp.array([[3.0, 4.0], [0, 0], [0.3, 0.4], [3e30, 4e30], [jnp.inf, 1.0]])
    many = jax.jit(jax.vmap(lambda g: clipped(clip(1.0), g)))(lanes)
    alone = [clipped(clip(1.0), lane) for lane in lanes]
    np.testing.assert_allclose(many, alone, rtol=1e-6)


@every
def test_one_can_differentiate_through_it(clip):
    """Also at 0, where a norm has no derivative, and with respect to the bound."""

    def loss(x, bound):
        return jnp.sum(clipped(clip(bound), x) ** 2)

    for x in (jnp.zeros(3), jnp.array([3.0, 4.0, 0.0])):
        assert np.isfinite(jax.grad(loss)(x, 1.0)).all()
    slope = jax.grad(loss, argnums=1)(jnp.array([3.0, 4.0, 0.0]), 1.0)
    np.testing.assert_allclose(slope, 4.0 if clip is lectopt.clip_by_value else 2.0, rtol=1e-6)


@every
@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=["auto", "explicit"])
def test_sharded_gradients(clip, kind):
    mesh = jax.make_mesh((8,), ("x",), axis_types=(kind,))
    values = {"rows": RNG.normal(size=(16, 4)), "columns": RNG.normal(size=(3, 8))}
    specs = {"rows": P("x", None), "columns": P(None, "x")}
    tx = clip(0.5)
    with jax.set_mesh(mesh):
        grads = {
            name: jax.device_put(jnp.asarray(v, jnp.float32), NamedSharding(mesh, specs[name]))
            for name, v in values.items()
        }
        out = jax.jit(lambda g: clipped(tx, g))(grads)
        for name, leaf in out.items():
            assert leaf.sharding.is_equivalent_to(grads[name].sharding, leaf.ndim)
    local = clipped(tx, jax.tree.map(lambda v: jnp.asarray(v, jnp.float32), values))
    for name, leaf in jax.device_get(out).items():
        np.testing.assert_allclose(leaf, local[name], rtol=1e-5)


@every
def test_is_a_transformation_like_the_others(clip):
    tx = clip(0.5)
    assert eval(repr(tx), vars(lectopt)) == tx and hash(tx) == hash(clip(0.5)) and tx != clip(0.6)
    params = jax.tree.map(lambda g: jnp.asarray(g, jnp.float32), GRADS)
    longer, adam = lectopt.chain(tx, lectopt.adam(0.1)), lectopt.adam(0.1)
    assert jax.tree.structure(longer.init(params)) == jax.tree.structure(adam.init(params))
    with pytest.raises(ValueError, match=r"\[0, inf\].*got -1"):
        clip(-1.0)
