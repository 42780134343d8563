"""What a loss may return, and its mean: over the samples of a batch, and over micro-batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lectopt.trees import dtype_of, is_inexact, wide_dtype

SHAPES = (
    "It may return one number; one number a sample, of shape (n,), whose mean is minimised; or a "
    'pair of one of these and a dict of numbers to log, {"penalty": ...}'
)
RESERVED = ("step", "skipped", "grad_norm", "update_norm", "learning_rate")


def read_loss(returned: Any, stateful: bool) -> tuple[Any, dict[str, Any], Any]:
    """The loss, what it names beside it, and the new model state (None without one).

    Raises:
        ValueError: It has another form.
    """
    also = ", each with the new model state last: (loss, state) or (loss, dict, state)" * stateful
    parts = returned if isinstance(returned, tuple) else (returned,)
    wanted = (2, 3) if stateful else (1, 2)
    if len(parts) not in wanted:
        raise ValueError(
            f"the loss returned {len(parts)} values, {_brief(returned)}. {SHAPES}{also}."
        )
    returned, *named = [*parts[:-1]] if stateful else [*parts]
    named = named[0] if named else {}
    if not isinstance(named, Mapping) or not all(isinstance(key, str) for key in named):
        raise ValueError(
            f"the loss returned {_brief(named)} beside the loss, and not a dict of numbers by "
            f"name. {SHAPES}{also}."
        )
    if returned is None:
        raise ValueError(f"the loss returned None. {SHAPES}{also}.")
    for name, x in {"the loss": returned, **named}.items():
        if not all(hasattr(leaf, "dtype") or isinstance(leaf, int | float) for leaf in _leaves(x)):
            raise ValueError(f"{name} is {x!r}, and no number. {SHAPES}{also}.")
    if taken := sorted({"loss", *RESERVED} & {*named}):
        raise ValueError(f"the loss names {taken}, a column that the history has. Rename it.")
    return returned, dict(named), parts[-1] if stateful else None


def mean_of(value: Any, name: str, n: int | None) -> jax.Array:
    """One number, or the mean of one number a sample; `n` is the number of samples, if it is known.

    Raises:
        ValueError: It is neither.
    """
    shape, dtype = getattr(value, "shape", ()), dtype_of(value)
    if jnp.issubdtype(dtype, jnp.complexfloating):
        raise ValueError(f"{name} is complex. Take its absolute value, or its real part.")
    if len(shape) > 1 or (len(shape) == 1 and n is not None and shape[0] != n):
        samples = "" if n is None else f" for {n} samples"
        wanted = "one number, or one number a sample, of shape (n,)"
        raise ValueError(
            f"{name} must be {wanted}; got shape {tuple(shape)}{samples}. Take the mean over every "
            "axis but that of the samples."
        )
    if not is_inexact(dtype):
        value = jnp.asarray(value, jnp.float32)
    return jnp.mean(value, dtype=wide_dtype(dtype)) if shape else jnp.asarray(value)


def _leaves(x: Any) -> list[Any]:
    return jax.tree.leaves(x) or [x]


def _brief(value: Any) -> str:
    kinds = jax.tree.map(lambda x: f"{dtype_of(x)}{list(getattr(x, 'shape', ()))}", value)
    text = str(kinds)
    return text if len(text) <= 200 else f"{text[:200]}..."


Pass = Callable[[Any, Any, jax.Array], tuple[Any, Any]]  # (state, batch, key) -> means, new state


def over_micro_batches(
    run: Pass, state: Any, batch: Any, key: jax.Array, size: int | None
) -> tuple[Any, Any]:
    """The means that `run` gives, over a batch that is handed to it in parts of `size` samples.

    Parts are weighted by their samples, so that the result is the mean over the batch. The model
    state goes through them in turn, and each part has its own key.

    Returns:
        The means, and the model state after the last part.
    """
    n = next(iter({x.shape[0] for x in jax.tree.leaves(batch)}))
    if size is None or n <= size:
        return run(state, batch, key)
    whole, rest = divmod(n, size)
    parts = jax.tree.map(lambda x: x[: whole * size].reshape(whole, size, *x.shape[1:]), batch)

    def one(carry: Any, part: Any) -> Any:
        total, state = carry
        i, batch = part
        means, state = run(state, batch, jax.random.fold_in(key, i))
        return (jax.tree.map(lambda t, m: t + size * m.astype(t.dtype), total, means), state), None

    shapes = jax.eval_shape(run, state, jax.tree.map(lambda x: x[0], parts), key)[0]
    zero = jax.tree.map(lambda x: jnp.zeros(x.shape, wide_dtype(x.dtype)), shapes)
    (total, state), _ = jax.lax.scan(one, (zero, state), (jnp.arange(whole), parts))
    if rest:
        last = jax.tree.map(lambda x: x[whole * size :], batch)
        means, state = run(state, last, jax.random.fold_in(key, whole))
        total = jax.tree.map(lambda t, m: t + rest * m.astype(t.dtype), total, means)
    return jax.tree.map(lambda t, m: (t / n).astype(m.dtype), total, shapes), state
