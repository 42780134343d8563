"""Adam with several means, and optimistic steps."""

from functools import partial as part

import optax

import lectopt
from tests.support import twins
from tests.support.algorithms.algorithm import Algorithm

LETTERS = dict(b1="beta1", b2="beta2", b3="beta3", weight_decay="lam", clip_power="power")

MIXTURES = (
    Algorithm(
        "adan",
        lectopt.adan,
        twins.adan,
        dict(b1=0.8, b2=0.7, b3=0.95, eps=1e-2, eps_root=1e-3, weight_decay=0.1),
        dict(eps_root="root", weight_decay="lam"),
        source="Xie et al. 2022; Optax differs",
    ),
    Algorithm(
        "ademamix",
        lectopt.ademamix,
        twins.ademamix,
        dict(b1=0.8, b2=0.95, b3=0.98, alpha=3.0, eps=1e-2, weight_decay=0.1),
        LETTERS,
        optax=optax.contrib.ademamix,
        source="Pagliardini et al. 2024, Optax",
    ),
    Algorithm(
        "simplified_ademamix",
        lectopt.simplified_ademamix,
        twins.simplified_ademamix,
        dict(b1=0.8, b2=0.95, alpha=0.5, eps=1e-2, weight_decay=0.1),
        LETTERS,
        optax=optax.contrib.simplified_ademamix,
        source="Morwani et al. 2025, Optax",
    ),
    Algorithm(
        "adopt",
        lectopt.adopt,
        twins.adopt,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        LETTERS,
        optax=optax.contrib.adopt,
        source="Taniguchi et al. 2024 (Algorithm 2), Optax",
    ),
    Algorithm(
        "adopt/clip",
        part(lectopt.adopt, nesterov=True),
        part(twins.adopt, nesterov=True),
        dict(b1=0.8, b2=0.95, eps=1e-2, clip_power=0.1, weight_decay=0.1),
        LETTERS,
        source="Taniguchi et al. 2024, with another bound",
    ),
    Algorithm(
        "adopt/plain",
        part(lectopt.adopt, clip_power=None),
        part(twins.adopt, power=None),
        dict(b1=0.8, b2=0.95, eps=1e-2, weight_decay=0.1),
        LETTERS,
        source="Taniguchi et al. 2024 (Algorithm 1)",
    ),
    Algorithm(
        "optimistic_gradient_descent",
        lectopt.optimistic_gradient_descent,
        twins.optimistic_gd,
        dict(alpha=0.9, beta=0.7),
        optax=optax.optimistic_gradient_descent,
        source="Mokhtari et al. 2020, Optax",
    ),
    Algorithm(
        "optimistic_adam",
        lectopt.optimistic_adam,
        twins.optimistic_adam,
        dict(alpha=0.9, beta=0.7, b1=0.8, b2=0.95, eps=1e-2),
        optax=optax.optimistic_adam_v2,
        source="Daskalakis et al. 2018, Optax",
    ),
    Algorithm(
        "optimistic_adam/paper",
        part(lectopt.optimistic_adam, nesterov=False),
        part(twins.optimistic_adam, nesterov=False),
        dict(b1=0.8, b2=0.95, eps=1e-2),
        source="Daskalakis et al. 2018",
    ),
)
