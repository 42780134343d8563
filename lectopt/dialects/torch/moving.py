"""From a live `torch.optim` optimizer to one here and its state."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import optax

from lectopt.combinators import chain
from lectopt.dialects import live_matrices
from lectopt.dialects.moving import Part, Piece, assembled, fits, flattened, library
from lectopt.dialects.torch import live_averages, live_states, matrices
from lectopt.dialects.torch.frame import ENGINE, ITERATIONS, LINEAR
from lectopt.dialects.torch.live_schedules import moved, plateau_of, position, read_schedule
from lectopt.dialects.torch.live_states import (
    MEMORIES,
    OF_MATRICES,
    OPTIMIZERS,
    UNCOUNTED,
    State,
    scalars_of,
    states_of,
)
from lectopt.transformation import Transformation

FROZEN = "frozen"


def read_params(params_map: Any) -> Any:
    """The JAX parameters, or the buffers, that a map gives: copies, in its structure, layout and
    dtypes.

    Args:
      params_map: see `from_optimizer`; of buffers, `{"mean": norm.running_mean, ...}`.
    """
    leaves, treedef = flattened(params_map, _is_tensor)
    return treedef.unflatten([jax.numpy.array(change(_array(p))) for p, change in leaves])


def from_optimizer(
    optimizer: Any,
    params_map: Any,
    *,
    params: Any = None,
    scheduler: Any = None,
    steps_per_epoch: int = 1,
    learning_rate: Any = None,
    count: int | None = None,
    averaged: tuple[Any, Any] | None = None,
) -> tuple[optax.GradientTransformation, Any]:
    """Read a live `torch.optim` optimizer, so that its run goes on in JAX.

    Settings, parameter groups and state are taken over; the next updates are those that PyTorch
    would make. The state is copied. Parameters that `optimizer` does not train stay as they are.

    Args:
      optimizer: `torch.optim.SGD`, `Adam`, ... itself, no subclass of it.
      params_map: a tree like the JAX parameters, with the PyTorch parameter that each leaf comes
        from, or a pair of it and a function from its NumPy array to the leaf:
        `{"kernel": (linear.weight, np.transpose), "bias": linear.bias}`. The function must only
        move the numbers, as `transpose` and `reshape` do; it is applied to the state too.
      params: the JAX parameters, to check the map against.
      scheduler: the live scheduler of `optimizer`, which goes on where it is, each group with its
        own rate; or a list of several that step together. With `ReduceLROnPlateau` the updates take
        `value=`, see there.
      steps_per_epoch: updates between two steps of the scheduler; of `LBFGS`, of which an update
        here is one of the iterations that `step(closure)` makes, calls of that.
      learning_rate: in its place a number or a schedule, called with the number of all updates so
        far, those in PyTorch included; or a list, one for each parameter group. By default the
        present rates of the groups.
      count: updates made so far. `SGD` and `Muon` do not count them; there a schedule needs it, and
        a scheduler says it.
      averaged: a live `AveragedModel`, updated after every step since it was first, and the map of
        its own parameters; `evaluation_params` then gives the average.

    Returns:
      `(tx, state)`: the optimizer, a lectopt transformation or, if the parameters have different
      settings or have made different numbers of updates, an `optax.partition` of some; and its
      state.

    Raises:
      TypeError: another optimizer or scheduler, or a map with something else in it.
      ValueError: parameters that are not in the map, are complex, or do not fit `params`; a
        learning rate, scheduler or count that is missing or does not fit.
    """
    name = _name(optimizer)
    groups = optimizer.param_groups
    group_of = {id(p): i for i, group in enumerate(groups) for p in group["params"]}
    leaves, treedef = flattened(params_map, _is_tensor)
    _check_complete(group_of, groups, leaves, name)
    if scheduler is not None and learning_rate is not None:
        raise ValueError("Both scheduler= and learning_rate= are given. Leave one of them out.")
    plateau = type(scheduler).__name__ == "ReduceLROnPlateau"
    followed = None if plateau else scheduler
    if followed is not None and count is None and name in UNCOUNTED:
        count = position(followed) * steps_per_epoch
    if name == "LBFGS":
        steps_per_epoch *= live_states.iterations(groups[0])
    states = states_of(optimizer)
    total = _total(
        [states(p) for group in groups for p in group["params"]], name, learning_rate, count
    )

    pieces: list[Piece] = []
    parts: dict[str, Part] = {}
    for parameter, change in leaves:
        value = change(_array(parameter))
        if id(parameter) not in group_of:
            pieces.append(Piece(value, FROZEN))
            parts.setdefault(FROZEN, Part(optax.set_to_zero()))
            continue
        i, state = group_of[id(parameter)], states(parameter)
        made = _made(name, state, groups[i], total)
        maker, arrays, layout = _read(name, parameter, state, change)
        label = f"group {i}" + (f", {total - made} updates late" if made < total else "") + layout
        pieces.append(Piece(value, label, arrays))
        if label not in parts:
            settings = _settings(groups[i], OPTIMIZERS[name][0])
            rate = _rate(learning_rate, i, groups, late=total - made)
            if followed is not None:
                rate, ahead = read_schedule(followed, i, steps_per_epoch, total)
                rate, settings = _moved(rate, ahead + total - made, settings)
            settings |= {} if rate is None else dict(lr=rate)
            scalars = dict(count=made) | scalars_of(name, state, groups[i], rate, made)
            parts[label] = Part(maker(**settings), scalars)
    tree = treedef.unflatten(pieces)
    fits(tree, params)
    tx, state = assembled(tree, parts)
    if plateau:
        tx, state = _slowed(tx, state, scheduler, tree)
    if averaged is None:
        return tx, state
    return live_averages.averaged(tx, state, averaged[0], read_params(averaged[1]), total)


def _read(
    name: str, parameter: Any, state: State, change: Callable[[Any], Any]
) -> tuple[Callable[..., Any], dict[str, Any], str]:
    """The maker that trains a parameter here, the arrays of its state, and how both are laid out
    where that is otherwise than in PyTorch."""
    maker, slots = OPTIMIZERS[name]
    held = {k: s(state) if callable(s) else state.get(s) for k, s in slots.items() if state}
    arrays = {k: _laid_out(k, x, change) for k, x in held.items() if x is not None}
    if name not in OF_MATRICES:
        return maker, arrays, ""
    layout = live_matrices.layout(tuple(parameter.shape), change, name)
    arrays = live_matrices.factored(arrays, layout)
    if (name, layout) == ("Muon", "transposed"):
        return matrices.transposed_muon, arrays, ", transposed"
    return maker, arrays, ""


def _laid_out(slot: str, tensor: Any, change: Callable[[Any], Any]) -> Any:
    """A slot in the layout of the JAX parameter."""
    whole = _array(tensor)
    return np.stack([change(row) for row in whole]) if slot in MEMORIES else change(whole)


def _moved(rate: Any, by: int, settings: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The rate `by` updates further on, and the momentum that it cycles."""
    momentum = getattr(rate, "momentum", None)
    if not by or momentum is None:
        return moved(rate, by), settings
    momentum = moved(momentum, by)
    if "betas" in settings:
        return moved(rate, by), settings | dict(betas=(momentum, *settings["betas"][1:]))
    return moved(rate, by), settings | dict(momentum=momentum)


def _slowed(tx: Any, state: Any, scheduler: Any, pieces: Any) -> tuple[Any, Any]:
    """An optimizer with the live plateau after it."""
    groups = range(len(scheduler.optimizer.param_groups))
    (slowing, record), *others = (plateau_of(scheduler, i) for i in groups)
    if any(other != slowing for other, _ in others):
        raise ValueError(
            "The groups end at different shares of their rates, and one ReduceLROnPlateau has one "
            "scale. Write min_lr as the same share of the rate of every group."
        )
    params = jax.tree.map(lambda piece: jax.numpy.asarray(piece.value), pieces)
    own = slowing.init(params)
    entry = own["plateau"]
    own["plateau"] = entry | {k: jax.numpy.asarray(v, entry[k].dtype) for k, v in record.items()}
    if isinstance(tx, Transformation):
        return chain(tx, slowing), state | own
    return optax.chain(tx, slowing), (state, own)


def _name(optimizer: Any) -> str:
    name = type(optimizer).__name__
    if name not in OPTIMIZERS or getattr(library("torch").optim, name, None) is not type(optimizer):
        raise TypeError(
            f"from_optimizer wants one of torch.optim's {', '.join(OPTIMIZERS)}, got "
            f"{type(optimizer).__module__}.{name}, whose state means something else."
        )
    return name


def _check_complete(group_of: Mapping[int, int], groups: Any, leaves: Any, name: str) -> None:
    mapped = {id(parameter) for parameter, _ in leaves}
    for i, group in enumerate(groups):
        for j, parameter in enumerate(group["params"]):
            if id(parameter) not in mapped:
                raise ValueError(
                    f"Parameter {j} of group {i}, of shape {tuple(parameter.shape)}, is not in the "
                    "map. Give every parameter of the optimizer its place in it."
                )
    for parameter, _ in leaves:
        complex_ = parameter.is_complex() and name not in LINEAR
        if complex_ and id(parameter) in group_of:
            raise ValueError(
                "PyTorch treats a complex parameter as two real ones, and this library does not. "
                "Move its real and its imaginary part."
            )


def _total(states: list[State], name: str, learning_rate: Any, count: int | None) -> int:
    """How many updates have been made: as many as the parameter that has made most."""
    if name in UNCOUNTED:
        rates = learning_rate if isinstance(learning_rate, Sequence) else [learning_rate]
        if count is None and any(map(callable, rates)):
            raise ValueError(
                f"torch.optim.{name} does not count its updates, and the schedule needs to know. "
                "Write count=, the number of updates made so far."
            )
        started = any(map(_has_velocity, states))
        return max(count or 0, int(started))
    steps = [int(state["step"]) for state in states if "step" in state]
    total = max(steps, default=0)
    if count not in (None, total):
        raise ValueError(f"count={count}, but {name} has counted {total} updates. Leave it out.")
    return total


def _made(name: str, state: State, group: State, total: int) -> int:
    """How many updates one parameter has made; some do not say, but for the first velocity."""
    if name in UNCOUNTED:
        return total if _has_velocity(state) or group["momentum"] == 0 else 0
    return int(state["step"]) if "step" in state else 0


def _has_velocity(state: State) -> bool:
    return state.get("momentum_buffer") is not None


def _rate(learning_rate: Any, i: int, groups: Any, late: int) -> Any:
    """What takes the place of the present rate of group `i`, None for nothing."""
    if isinstance(learning_rate, Sequence):
        if len(learning_rate) != len(groups):
            raise ValueError(
                f"learning_rate has {len(learning_rate)} entries for {len(groups)} groups."
            )
        learning_rate = learning_rate[i]
    return moved(learning_rate, late)


def _settings(group: State, maker: Callable[..., Any]) -> dict[str, Any]:
    """What a parameter group says to the maker; how PyTorch computes it is left out."""
    parameters = inspect.signature(maker).parameters
    names = [name for name in parameters if name not in (*ENGINE, *ITERATIONS)]

    def plain(value: Any) -> Any:
        return value.item() if _is_tensor(value) else value

    return {
        name: tuple(map(plain, v)) if isinstance(v := group[name], tuple | list) else plain(v)
        for name in names
        if name in group
    }


def _is_tensor(x: Any) -> bool:
    return isinstance(x, library("torch").Tensor)


def _array(tensor: Any) -> np.ndarray[Any, Any]:
    """A copy: PyTorch goes on writing into its own memory."""
    torch, tensor = library("torch"), tensor.detach().cpu()
    name = str(tensor.dtype).removeprefix("torch.")
    if hasattr(np, name) or name == "bool":
        return np.array(tensor.numpy())
    raw = tensor.view(torch.int16 if tensor.element_size() == 2 else torch.uint8)
    return np.array(raw.numpy()).view(jax.numpy.dtype(name))  # bfloat16, which NumPy has not
