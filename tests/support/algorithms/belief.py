"""Adam with another opinion of the second moment: Yogi, AdaBelief."""

from functools import partial as part

import optax

import lectopt
from tests.support import twins
from tests.support.algorithms.algorithm import Algorithm

LETTERS = dict(b1="beta1", b2="beta2")

BELIEF = (
    Algorithm(
        "yogi",
        lectopt.yogi,
        part(twins.yogi, corrected=True, m0=1e-6, v0=1e-6),
        dict(b1=0.8, b2=0.95, eps=1e-2),
        LETTERS,
        optax=optax.yogi,
        source="Optax",
    ),
    Algorithm(
        "yogi/paper",
        part(lectopt.yogi, initial=0.0, bias_correction=False),
        twins.yogi,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        LETTERS,
        source="Zaheer et al. 2018",
    ),
    Algorithm(
        "adabelief",
        lectopt.adabelief,
        twins.adabelief,
        dict(b1=0.8, b2=0.95, eps=1e-2, eps_root=1e-3),
        dict(**LETTERS, eps_root="eps_s"),
        optax=optax.adabelief,
        source="Zhuang et al. 2020, Optax",
    ),
    Algorithm(
        "adabelief/nesterov",
        part(lectopt.adabelief, nesterov=True),
        part(twins.adabelief, nesterov=True),
        dict(b1=0.8, b2=0.95, eps=1e-2, eps_root=1e-3),
        dict(**LETTERS, eps_root="eps_s"),
        optax=part(optax.adabelief, nesterov=True),
        source="Optax",
    ),
)
