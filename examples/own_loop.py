"""A loop of your own in Flax Linen, with Orbax: lectopt is the optimizer, and nothing else.

The state of the optimizer is arrays in dicts, so that Orbax saves and restores it like the
parameters; `metrics` reads what a `monitor` has seen. The second call goes on where the first one
ended.

    python examples/own_loop.py
"""

import tempfile
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp
from flax.training.train_state import TrainState

import lectopt


class Net(nn.Module):
    """A hidden layer."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nn.Dense(1)(nn.relu(nn.Dense(16)(x)))


def train(directory: Path, steps: int, every: int, total: int) -> TrainState:
    """Up to `steps` updates of `total`, from the newest checkpoint of the directory on."""
    net = Net()
    x = jax.random.normal(jax.random.key(1), (256, 4))
    y = x.sum(axis=1, keepdims=True)
    tx = lectopt.monitor(
        lectopt.chain(
            lectopt.clip_by_global_norm(1.0), lectopt.adam(lectopt.cosine_decay(1e-2, total))
        )
    )
    params = net.init(jax.random.key(0), x[:1])["params"]
    state = TrainState.create(apply_fn=net.apply, params=params, tx=tx)

    @jax.jit
    def step(state: TrainState) -> tuple[TrainState, jax.Array]:
        def loss(params: Any) -> jax.Array:
            out: Any = net.apply({"params": params}, x)
            return jnp.mean((out - y) ** 2)

        value, gradients = jax.value_and_grad(loss)(state.params)
        return state.apply_gradients(grads=gradients), value

    options = ocp.CheckpointManagerOptions(max_to_keep=2, save_interval_steps=every)
    with ocp.CheckpointManager(directory.absolute(), options=options) as manager:
        first = 0
        if (latest := manager.latest_step()) is not None:
            state = manager.restore(latest, args=ocp.args.StandardRestore(state))
            first = latest + 1
        for i in range(first, steps):
            state, value = step(state)
            manager.save(i, args=ocp.args.StandardSave(state), force=i == steps - 1)
            if i % every == 0:
                seen = lectopt.metrics(state.opt_state)
                numbers = {name: float(seen[name]) for name in ("learning_rate", "update_ratio")}
                print(i, f"loss {value:.5f}", numbers)
    return state


def main(directory: Path, steps: int = 400, every: int = 100) -> TrainState:
    """Half of the training, and then all of it."""
    train(directory, steps // 2, every, steps)
    state = train(directory, steps, every, steps)  # goes on
    print("weights to use:", jax.tree.map(jnp.shape, evaluation(state)))

    # Another optimizer over the same run: what fits by name is carried; what does not, is told.
    tx = lectopt.monitor(lectopt.chain(lectopt.clip_by_global_norm(0.5), lectopt.adam(1e-3)))
    opt_state = lectopt.carry_over(state.opt_state, tx, state.params)
    return state.replace(tx=tx, opt_state=opt_state)


def evaluation(state: TrainState) -> Any:
    return lectopt.evaluation_params(state.opt_state, state.params)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder))
