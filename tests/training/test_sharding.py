"""A training under `jax.set_mesh`: what is where, and the numbers of one device."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jax.sharding import AxisType, Mesh
from jax.sharding import PartitionSpec as P

import lectopt
from lectopt import Problem, fit
from tests.training.nets import accuracy, cross_entropy
from tests.training.runs import assert_same

pytestmark = [
    pytest.mark.usefixtures("fast_compilation"),
    pytest.mark.skipif(
        jax.__version_info__ < (0, 10),
        reason="JAX before 0.10 refuses arrays of another mesh in operations that are not compiled",
    ),
]
random = np.random.default_rng(0)
X, Y = random.normal(size=(112, 4)).astype(np.float32), random.integers(0, 3, 112)
DATA = {"train": (X[:72], Y[:72]), "validation": (X[72:], Y[72:])}
TX = lectopt.chain(lectopt.clip_by_global_norm(1.0), lectopt.adamw(0.02))
INIT = nnx.initializers.lecun_normal()


class Net(nnx.Module):
    """With running statistics, dropout and a hidden layer that is divided by its metadata."""

    def __init__(self, rngs):
        columns = nnx.with_partitioning(INIT, (None, "model"))
        self.a = nnx.Linear(4, 8, use_bias=False, kernel_init=columns, rngs=rngs)
        self.norm = nnx.BatchNorm(8, momentum=0.9, rngs=rngs)
        self.drop = nnx.Dropout(0.2, rngs=rngs)
        self.b = nnx.Linear(8, 3, rngs=rngs)

    def __call__(self, x):
        return self.b(self.drop(jnp.tanh(self.norm(self.a(x)))))


class LinenNet(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Dense(8, kernel_init=nn.with_partitioning(INIT, (None, "model")), name="a")(x)
        return nn.Dense(3, name="b")(jnp.tanh(x))


def mesh(data, model, kind=AxisType.Explicit):
    devices = np.array(jax.devices()[: data * model]).reshape(data, model)
    return Mesh(devices, ("data", "model"), axis_types=(kind, kind))


def train(over, steps=30, model=Net, tx=TX, **changes):
    of = Problem.from_linen if model is LinenNet else Problem.from_nnx
    made = LinenNet() if model is LinenNet else model
    given = dict(evaluate=accuracy, minimize="loss", micro_batch=8)
    with jax.set_mesh(over):
        problem = of(made, cross_entropy, DATA, 24, **given, **changes.pop("problem", {}))
        return fit(problem, tx, steps, seed=1, eval_every=10, **changes)


@pytest.fixture(scope="module")
def alone():
    return train(mesh(1, 1))


def assert_close_runs(run, other):
    """To 1e-5, losses, metrics and parameters."""
    for a, b in ((run.history, other.history), (run.evaluations, other.evaluations)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    for a, b in ((run.params, other.params), (run.model_state, other.model_state)):
        assert jax.tree.structure(a) == jax.tree.structure(b)
        for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True):
            np.testing.assert_allclose(np.asarray(x), np.asarray(y), atol=1e-5)
    assert run.best.step == other.best.step


def specs(tree):
    return jax.tree.map(lambda x: tuple(a for a in x.sharding.spec), tree)


@pytest.mark.slow  # a checkpoint of eight devices trains on them too
@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=["auto", "explicit"])
def test_eight_devices_train_as_one_does(kind, alone):
    run = train(over := mesh(4, 2, kind), steps=30)
    assert_close_runs(run, alone)
    kernel = run.params["a"]["kernel"]
    assert kernel.sharding.mesh == over and kernel.sharding.spec == P(None, "model")
    assert {shard.data.shape for shard in kernel.addressable_shards} == {(4, 4)}
    for slot in ("mu", "nu"):
        found = optax.tree.get(run.opt_state, slot)["a"]["kernel"]
        assert found.sharding.spec == P(None, "model") and len(found.addressable_shards) == 8
    others = jax.tree.leaves((run.params["b"], run.params["norm"], run.model_state))
    assert all(x.is_fully_replicated and len(x.devices()) == 8 for x in others)
    with jax.set_mesh(over):
        assert run.model(X[:5]).shape == (5, 3)


@pytest.mark.slow
def test_linen_is_sharded_by_its_metadata():
    run, other = (train(mesh(*shape), 20, model=LinenNet) for shape in ((2, 4), (1, 1)))
    assert_close_runs(run, other)
    assert run.params["a"]["kernel"].sharding.spec == P(None, "model")
    assert jax.tree.map(jnp.shape, run.params["b"]) == {"bias": (3,), "kernel": (8, 3)}


def test_the_work_is_divided():
    """Each device computes with its share of the batch and of the hidden layer."""
    from lectopt.training.fitting import _loop
    from lectopt.training.loop import Plan
    from lectopt.training.sharding import Placement

    with jax.set_mesh(mesh(4, 2)):
        problem = Problem.from_nnx(Net, cross_entropy, DATA, 24)
        here = Placement.here()
        with here.context():
            loop = _loop(problem, TX, Plan(9, 3, None, (), "stop"), 0, {}, here)
            programs = loop.programs
            inputs = programs._inputs(loop.training, programs.data["train"], (0, 9, 0))
            text = programs._run.lower(*inputs).compile().as_text()
    assert "f32[6,4]" in text and "all-reduce" in text  # 24 / 4 samples, 8 / 2 hidden units
    assert "f32[24,8]" not in text and "f32[24,4]" not in text


@pytest.mark.parametrize(
    "devices", [(1, 1), pytest.param((2, 2), marks=pytest.mark.slow)], ids=["one", "four"]
)
def test_a_checkpoint_of_eight_devices_goes_on_elsewhere(devices, alone, tmp_path):
    first = train(mesh(4, 2), steps=20, directory=tmp_path)
    with pytest.raises(ValueError, match=r'(?s)device: cpu cpu, data=4 x .*changes=\("device",\)'):
        train(mesh(*devices), directory=tmp_path)
    back = train(mesh(*devices), 20, directory=tmp_path, accept_changes=("device",))
    for part in ("params", "model_state", "opt_state"):
        assert_same(*(jax.device_get(getattr(run, part)) for run in (first, back)))
    assert len(back.params["a"]["kernel"].devices()) == devices[0] * devices[1]
    longer = train(mesh(*devices), directory=tmp_path, accept_changes=("device",))
    assert_close_runs(longer, alone)


@pytest.mark.slow
def test_what_has_no_metadata_goes_on_without_a_mesh(tmp_path):
    def call(**changes):
        problem = Problem.from_nnx(
            lambda rngs: nnx.Linear(4, 3, rngs=rngs), cross_entropy, DATA, 24
        )
        return fit(problem, TX, 12, seed=1, **changes)

    straight = call()
    with jax.set_mesh(jax.make_mesh((8,), ("data",))):
        run = call(directory=tmp_path)
    assert_close_runs(run, straight)
    back = call(directory=tmp_path, accept_changes=("device",))
    assert_same(jax.device_get(back.opt_state), jax.device_get(run.opt_state))
    assert back.params["bias"].devices() == {jax.devices()[0]}


def test_a_start_from_elsewhere_and_callbacks(alone):
    seen = []
    with jax.set_mesh(mesh(4, 2)):
        problem = Problem.from_nnx(Net, cross_entropy, DATA, 24)
        run = fit(problem, TX, 40, start=alone, callbacks=[lambda run: seen.append(run.model(X))])
        again = fit(problem, TX, 50, start=run)
    assert run.step == 40 and again.step == 50 and len(seen) == 5
    assert again.params["a"]["kernel"].sharding.spec == P(None, "model")


@pytest.mark.slow
def test_made_modules():
    with jax.set_mesh(mesh(4, 2)):
        made = Net(nnx.Rngs(0))
        run = fit(Problem.from_nnx(made, cross_entropy, DATA, 24), TX, 3)
    assert run.params["a"]["kernel"].sharding.spec == P(None, "model")


def test_an_iterable():
    def batches():
        return ((X[i : i + 24], Y[i : i + 24]) for i in range(0, 72, 24))

    def call():
        data = {**DATA, "train": batches}
        make = lambda rngs: nnx.Linear(4, 3, rngs=rngs)  # noqa: E731
        return fit(Problem.from_nnx(make, cross_entropy, data), TX, 12)

    with jax.set_mesh(jax.make_mesh((8,), ("data",))):
        run = call()
    assert_close_runs(run, call())


def test_what_cannot_be_divided_is_refused():
    with jax.set_mesh(jax.make_mesh((8,), ("data",))):
        make = lambda rngs: nnx.Linear(4, 3, rngs=rngs)  # noqa: E731
        with pytest.raises(ValueError, match="batch_size is 20, .* 8 devices of the axis 'data'"):
            fit(Problem.from_nnx(make, cross_entropy, DATA, 20), TX, 3)
        with pytest.raises(ValueError, match="micro_batch is 12, which cannot be divided"):
            fit(Problem.from_nnx(make, cross_entropy, DATA, 24, micro_batch=12), TX, 3)
    with jax.set_mesh(jax.make_mesh((8,), ("x",))):  # no such axis: all is replicated
        assert fit(Problem.from_nnx(make, cross_entropy, DATA, 20), TX, 3).step == 3
