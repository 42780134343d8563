"""Run PyTorch and Keras themselves on the rows, and record what they compute.

    python tests/support/oracles/record.py torch
    KERAS_BACKEND=jax python tests/support/oracles/record.py keras
    KERAS_BACKEND=torch python tests/support/oracles/record.py keras

write `torch.npz`, `keras-jax.npz` and `keras-torch.npz` beside this file: one array per row, and
the versions. Keras has two implementations of its optimizers, one of them for the PyTorch backend.
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.support.oracles.rows import (
    CURVATURE,
    KERAS,
    KERAS_SCHEDULES,
    LOSSES,
    RATES,
    STEPS,
    THETA,
    TORCH,
    TORCH_PLATEAUS,
    TORCH_SCHEDULERS,
    label,
    noise,
    split,
)

HERE = Path(__file__).parent


def torch_path(name, settings):
    """The parameters after every update; for ASGD followed by their averages. Shape (60, n)."""
    import torch

    torch.set_default_dtype(torch.float64)  # of the step counters and products too
    params = [torch.tensor(part, requires_grad=True) for part in split(THETA)]
    settings = dict(settings)
    scheduler, scheduling = settings.pop("lr", (None, None))
    optimizer = getattr(torch.optim, name)(params, lr=RATES[0], **settings)
    if scheduler:
        scheduler = getattr(torch.optim.lr_scheduler, scheduler)(optimizer, **scheduling)
    path, pushes, curvature = [], noise(), split(CURVATURE)
    for push, rate in zip(pushes, RATES, strict=True):
        for param, part, c in zip(params, split(push), curvature, strict=True):
            param.grad = torch.tensor(part) + torch.tensor(c) * param.detach()
        for group in [] if scheduler else optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        if scheduler and len(path) < STEPS - 1:
            scheduler.step()
        averages = [optimizer.state[p]["ax"] for p in params] if name == "ASGD" else []
        path.append(np.concatenate([x.detach().numpy().copy() for x in [*params, *averages]]))
    return np.array(path)


def torch_schedule(name, settings):
    """The rate of every update, and the momentum of an SGD that began with 0.5."""
    import torch

    torch.set_default_dtype(torch.float64)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.5)
    scheduler = _scheduler(optimizer, name, settings)
    values = []
    for _ in range(STEPS):
        (group,) = optimizer.param_groups
        values.append([group["lr"], group["momentum"]])
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the scheduler on its own last step
            if len(values) < STEPS:
                scheduler.step()
    return np.array(values)


def _scheduler(optimizer, name, settings):
    """A scheduler of PyTorch, with those inside it."""
    import torch

    inside = [_scheduler(optimizer, *row) for row in settings.get("schedulers", ())]
    if name == "ChainedScheduler":
        return torch.optim.lr_scheduler.ChainedScheduler(inside)
    home = torch.optim.swa_utils if name == "SWALR" else torch.optim.lr_scheduler
    given = dict(settings, schedulers=inside) if inside else settings
    return getattr(home, name)(optimizer, **given)


def torch_plateau(name, settings):
    """The rate after every evaluation, as a share of the first."""
    import torch

    torch.set_default_dtype(torch.float64)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **settings)
    shares = []
    for loss in LOSSES:
        scheduler.step(loss)
        shares.append(optimizer.param_groups[0]["lr"] / 0.1)
    return np.array(shares)


def import_keras():
    """Keras in double precision; with its JAX backend `jax_enable_x64` must be on as well."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    keras.backend.set_floatx("float64")
    return keras


def keras_path(name, settings):
    """The parameters after every update; with `use_ema` followed by their averages."""
    keras = import_keras()
    params = [keras.Variable(part, dtype="float64") for part in split(THETA)]
    optimizer = getattr(keras.optimizers, name)(learning_rate=0.5, **settings)
    optimizer.build(params)
    path, pushes, curvature = [], noise(), split(CURVATURE)

    def numbers(variable):
        return np.array(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable)))

    for push, rate in zip(pushes, RATES, strict=True):
        optimizer.learning_rate = rate
        grads = [
            keras.ops.convert_to_tensor(part + c * numbers(param))
            for param, part, c in zip(params, split(push), curvature, strict=True)
        ]
        optimizer.apply(grads)
        averages = optimizer._model_variables_moving_average if settings.get("use_ema") else []
        path.append(np.concatenate([numbers(x) for x in [*params, *averages]]))
    return np.array(path)


def keras_schedule(name, settings):
    """The rate of every update."""
    keras = import_keras()
    schedule = getattr(keras.optimizers.schedules, name)(**settings)
    values = [schedule(keras.ops.convert_to_tensor(t, "int32")) for t in range(STEPS)]
    return np.array([keras.ops.convert_to_numpy(v) for v in values])


def recording(source):
    """The arrays of one file, by row."""
    with np.load(HERE / f"{source}.npz") as file:
        return dict(file)


def main(framework):
    """Record one framework."""
    if framework == "torch":
        import torch

        versions = [f"torch {torch.__version__}"]
        arrays = {label(row): torch_path(*row) for row in TORCH}
        arrays |= {label(row): torch_schedule(*row) for row in TORCH_SCHEDULERS}
        arrays |= {label(row): torch_plateau(*row) for row in TORCH_PLATEAUS}
    else:
        os.environ["JAX_ENABLE_X64"] = "1"
        keras = import_keras()
        framework = f"keras-{keras.backend.backend()}"
        versions = [f"keras {keras.__version__}", f"backend {keras.backend.backend()}"]
        arrays = {label(row): keras_path(*row) for row in KERAS}
        arrays |= {label(row): keras_schedule(*row) for row in KERAS_SCHEDULES}
    versions = np.array([*versions, f"numpy {np.__version__}", f"python {sys.version.split()[0]}"])
    target, part = HERE / f"{framework}.npz", HERE / f".{framework}.npz"
    with part.open("wb") as file:
        np.savez_compressed(file, versions=versions, **arrays)
    os.replace(part, target)
    print(f"{len(arrays)} rows in {target.stat().st_size // 1024} KiB; {', '.join(versions)}")


if __name__ == "__main__":
    main(sys.argv[1])
