"""What PyTorch's optimizers keep, and where it stands here."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lectopt.dialects.moving import library
from lectopt.dialects.torch import adams, adaptive, descent, matrices

State = Mapping[str, Any]
MEMORIES = ("diff_params_memory", "diff_updates_memory")  # with a row for each step


def _last_move(state: State) -> Any:
    """What Rprop keeps here, of whose size only the sign matters: the last gradient's."""
    return state["prev"].sign() * state["step_size"]


def _row(state: State) -> Any:
    """Adafactor's means along the last axis, once for each number of the parameter."""
    return _spread(state, "row_var", "col_var")


def _column(state: State) -> Any:
    """Adafactor's means along the axis before it, in the same way."""
    return _spread(state, "col_var", "row_var")


def _spread(state: State, own: str, other: str) -> Any:
    if state.get(own) is None:
        return None
    return state[own].expand(*map(max, zip(state[own].shape, state[other].shape, strict=True)))


_MOMENTS = dict(mu="exp_avg", nu="exp_avg_sq", nu_max="max_exp_avg_sq")
# For each optimizer its maker, and for each slot here PyTorch's name for it.
OPTIMIZERS: dict[str, tuple[Callable[..., Any], dict[str, str | Callable[[State], Any]]]] = {
    "SGD": (descent.SGD, dict(trace="momentum_buffer")),
    "ASGD": (descent.ASGD, dict(average="ax")),
    "Rprop": (descent.Rprop, dict(step_sizes="step_size", prev_updates=_last_move)),
    "Adam": (adams.Adam, dict(_MOMENTS)),
    "AdamW": (adams.AdamW, dict(_MOMENTS)),
    "SparseAdam": (adams.SparseAdam, dict(_MOMENTS)),
    "Adamax": (adams.Adamax, dict(mu="exp_avg", nu="exp_inf")),
    "NAdam": (adams.NAdam, dict(_MOMENTS)),
    "RAdam": (adams.RAdam, dict(_MOMENTS)),
    "RMSprop": (
        adaptive.RMSprop,
        dict(nu="square_avg", mu="grad_avg", trace="momentum_buffer"),
    ),
    "Adagrad": (adaptive.Adagrad, dict(sum_of_squares="sum")),
    "Adadelta": (adaptive.Adadelta, dict(e_g="square_avg", e_x="acc_delta")),
    "Adafactor": (
        matrices.Adafactor,
        dict(row=_row, column=_column, nu="variance"),
    ),
    "Muon": (matrices.Muon, dict(trace="momentum_buffer")),
    "LBFGS": (
        matrices.LBFGS,
        {name: name for name in ("last_params", "last_updates", *MEMORIES)},
    ),
}
UNCOUNTED = ("SGD", "Muon")  # keep no number of updates
OF_MATRICES = ("Adafactor", "Muon")


def states_of(optimizer: Any) -> Callable[[Any], State]:
    """For each parameter what the optimizer keeps of it; L-BFGS keeps one vector of all."""
    if type(optimizer).__name__ != "LBFGS":
        return lambda parameter: optimizer.state.get(parameter, {})
    parameters = optimizer.param_groups[0]["params"]
    whole = optimizer.state.get(parameters[0], {})
    if not whole.get("n_iter"):
        return lambda parameter: {}
    torch, size = library("torch"), optimizer.param_groups[0]["history_size"]

    def flat(parameter: Any) -> Any:
        real = torch.view_as_real(parameter) if parameter.is_complex() else parameter
        return real.detach().reshape(-1)

    def memory(rows: Any) -> Any:
        empty = torch.zeros_like(whole["prev_flat_grad"])
        return torch.stack([*rows, *[empty] * (size - len(rows))])

    moved = torch.cat([flat(p) for p in parameters]) - whole["d"] * whole["t"]
    vectors = dict(last_params=moved, last_updates=whole["prev_flat_grad"])
    vectors |= zip(MEMORIES, (memory(whole["old_stps"]), memory(whole["old_dirs"])), strict=True)
    sizes, found = [flat(p).numel() for p in parameters], {}
    for i, parameter in enumerate(parameters):
        shape = tuple(parameter.shape)
        own = {name: vector.split(sizes, -1)[i] for name, vector in vectors.items()}
        if parameter.is_complex():
            own = {
                k: torch.view_as_complex(v.reshape(*v.shape[:-1], -1, 2)) for k, v in own.items()
            }
        own = {k: v.reshape(*v.shape[:-1], *shape) for k, v in own.items()}
        found[id(parameter)] = own | dict(step=whole["n_iter"], ro=whole["ro"], size=size)
    return lambda parameter: found[id(parameter)]


def iterations(group: State) -> int:
    """How many L-BFGS makes in one `step(closure)`, each but the last with an evaluation after it,
    if no tolerance ends them."""
    return min(group["max_iter"], max(group["max_eval"] - 1, 1))


def scalars_of(name: str, state: State, group: State, rate: Any, made: int) -> dict[str, Any]:
    """The numbers of a state that belong to no single parameter here."""
    if name == "NAdam" and "mu_product" in state:
        return dict(mu_product=float(state["mu_product"]))
    if name == "LBFGS" and state:
        stored = len(state["ro"])
        weights = [float(weight) for weight in state["ro"]] + [0.0] * (state["size"] - stored)
        return dict(weights_memory=np.array(weights), stored=stored)
    if name == "ASGD" and state:
        lr, lambd, alpha = (float(group[k]) for k in ("lr", "lambd", "alpha"))
        expected = lr / (1 + lambd * lr * made) ** alpha
        if rate is None and not np.isclose(float(state["eta"]), expected, rtol=1e-5):
            raise ValueError(
                "The rate of this ASGD has just been changed, and its next update is still made "
                "with the one before. Write learning_rate=, a schedule with both."
            )
        averaged = made - 1 - float(group["t0"])
        return dict(share=0.0 if averaged < 1 else 1 / averaged)
    return {}
