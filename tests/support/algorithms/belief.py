"""Adam with another opinion of the second moment: Yogi, AdaBelief."""

from functools import partial as part

import optax

import lectopt
from tests.support import twins
from tests.support.algorithms.algorithm import Algorithm

BELIEF = (
    Algorithm(
        "yogi",
        lectopt.yogi,
        part(twins.yogi, corrected=True, m0=1e-6, v0=1e-6),
        dict(b1=0.8, b2=0.95, eps=1e-2),
        dict(b1="beta1", b2="beta2"),
        optax=optax.yogi,
        source="Optax",
    ),
    Algorithm(
        "yogi/paper",
        part(lectopt.yogi, initial=0.0, bias_correction=False),
        twins.yogi,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        dict(b1="beta1", b2="beta2"),
        source="Zaheer et al. 2018",
    ),
)
