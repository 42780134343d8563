"""Rules of the whole tree: Prodigy, L-BFGS; and what is around others: Lookahead, Schedule-Free,
SAM, Mechanic."""

from functools import partial as part
from typing import Any

import optax

import lectopt
from tests.support import twins
from tests.support.algorithms.algorithm import Algorithm
from tests.support.algorithms.layers import of_one_leaf

PERIOD = 4


def around_sgd(
    learning_rate: Any, slow_step_size: Any, state_dtype: Any = None
) -> lectopt.Transformation:
    """Lookahead around gradient descent."""
    descent = lectopt.sgd(learning_rate, state_dtype=state_dtype)
    return lectopt.lookahead(descent, PERIOD, slow_step_size)


def around_adam(
    learning_rate: Any,
    slow_step_size: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    reset_state: bool = False,
    state_dtype: Any = None,
) -> lectopt.Transformation:
    """Lookahead around Adam."""
    adam = lectopt.adam(learning_rate, b1, b2, eps, state_dtype=state_dtype)
    return lectopt.lookahead(adam, PERIOD, slow_step_size, reset_state)


def free_sgd(
    learning_rate: Any, b1: Any, weight_lr_power: Any, state_dtype: Any = None
) -> lectopt.Transformation:
    """Schedule-Free around gradient descent."""
    descent = lectopt.sgd(learning_rate)
    return lectopt.schedule_free(
        descent, learning_rate, b1, weight_lr_power, state_dtype=state_dtype
    )


def sam_sgd(learning_rate: Any, rho: Any, state_dtype: Any = None) -> lectopt.Transformation:
    """SAM with gradient descent."""
    descent = lectopt.sgd(learning_rate, state_dtype=state_dtype)
    climb = lectopt.chain(lectopt.normalize(), lectopt.sgd(rho))
    return lectopt.sam(descent, climb, state_dtype=state_dtype)


def mechanic_sgd(
    learning_rate: Any, weight_decay: Any, eps: Any, s_init: Any, state_dtype: Any = None
) -> lectopt.Transformation:
    """Mechanic around gradient descent."""
    descent = lectopt.sgd(learning_rate, state_dtype=state_dtype)
    return lectopt.mechanize(descent, weight_decay, eps, s_init)


def optax_prodigy(learning_rate: Any, b1: Any, b2: Any, **settings: Any) -> Any:
    """Optax's, whose two decays are one argument."""
    return optax.contrib.prodigy(learning_rate, (b1, b2), **settings)


WHOLE_TREE = (
    Algorithm(
        "prodigy",
        lectopt.prodigy,
        part(of_one_leaf(twins.prodigy), corrected=True, eps_with_new_d=True),
        dict(b1=0.8, b2=0.95, eps=1e-2, estim_lr0=1e-2, estim_lr_coef=2.0, weight_decay=0.1),
        dict(b1="beta1", b2="beta2", estim_lr0="d0", estim_lr_coef="d_coef", weight_decay="lam"),
        optax=optax_prodigy,
        source="Optax; Mishchenko and Defazio 2023 with a correction",
    ),
    Algorithm(
        "lookahead/sgd",
        around_sgd,
        part(twins.lookahead_sgd, k=PERIOD),
        dict(slow_step_size=0.6),
        dict(slow_step_size="alpha"),
        source="Zhang et al. 2019",
    ),
    Algorithm(
        "lookahead/adam",
        around_adam,
        part(twins.lookahead_adam, k=PERIOD),
        dict(slow_step_size=0.6, b1=0.8, b2=0.95, eps=1e-2),
        dict(slow_step_size="alpha"),
        source="Zhang et al. 2019",
    ),
    Algorithm(
        "lookahead/adam-reset",
        part(around_adam, reset_state=True),
        part(twins.lookahead_adam, k=PERIOD, reset=True),
        dict(slow_step_size=0.6, b1=0.8, b2=0.95, eps=1e-2),
        dict(slow_step_size="alpha"),
        source="Zhang et al. 2019",
    ),
    Algorithm(
        "lbfgs",
        part(lectopt.lbfgs, line_search=None, memory_size=3),
        part(twins.lbfgs, m=3),
        dict(least_curvature=1e-3),
        dict(least_curvature="least"),
        conditioning=1e6,
        source="Liu and Nocedal 1989, without a line search",
    ),
    Algorithm(
        "lbfgs/torch",
        part(lectopt.lbfgs, line_search=None, memory_size=4, first_norm="l1"),
        part(twins.lbfgs, m=4, norm=1),
        dict(least_curvature=1e-10),
        dict(least_curvature="least"),
        conditioning=1e6,
        any_history=False,
        source="PyTorch, one iteration a step",
    ),
    Algorithm(
        "schedule_free/sgd",
        free_sgd,
        twins.schedule_free_sgd,
        dict(b1=0.8, weight_lr_power=1.5),
        dict(b1="beta", weight_lr_power="power"),
        source="Defazio et al. 2024",
    ),
    Algorithm(
        "schedule_free_sgd",
        lectopt.schedule_free_sgd,
        twins.schedule_free_sgd,
        dict(b1=0.8, weight_decay=0.1, weight_lr_power=2.0),
        dict(b1="beta", weight_decay="lam", weight_lr_power="power"),
        source="Defazio et al. 2024",
    ),
    Algorithm(
        "schedule_free_adamw",
        lectopt.schedule_free_adamw,
        twins.schedule_free_adamw,
        dict(b1=0.8, b2=0.95, eps=1e-2, weight_decay=0.1, weight_lr_power=2.0),
        dict(b1="beta", b2="beta2", weight_decay="lam", weight_lr_power="power"),
        source="Defazio et al. 2024",
    ),
    Algorithm(
        "sam/sgd",
        sam_sgd,
        twins.sam_sgd,
        dict(rho=0.2),
        source="Foret et al. 2021, in two updates as in Optax",
    ),
    Algorithm(
        "mechanize/sgd",
        mechanic_sgd,
        twins.mechanic_sgd,
        dict(weight_decay=0.1, eps=1e-6, s_init=1e-2),
        dict(weight_decay="lam"),
        conditioning=1e3,
        source="Cutkosky, Defazio and Mehta 2023, Optax",
    ),
)
