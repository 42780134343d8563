"""Steps by the signs of gradients: Rprop and local gains, which size them, and Lion."""

from functools import partial as part

import optax

import lectopt
from tests.support import twins
from tests.support.algorithms.algorithm import Algorithm

RPROP = dict(eta_minus=0.4, eta_plus=1.3, min_step_size=0.005, max_step_size=0.3)


RPROP_LETTERS = dict(min_step_size="Delta_min", max_step_size="Delta_max")


GAINS = dict(increment=0.3, decrement=0.4, min_gain=0.5, max_gain=2.0)


GAINS_LETTERS = dict(min_gain="low", max_gain="high", momentum="mu")

SIGNS = (
    Algorithm(
        "rprop/irprop-",
        lectopt.rprop,
        twins.irprop_minus,
        RPROP,
        RPROP_LETTERS,
        source="S0-02, PyTorch",
    ),
    Algorithm(
        "rprop/rprop-",
        part(lectopt.rprop, variant="rprop-"),
        twins.rprop_minus,
        RPROP,
        RPROP_LETTERS,
        source="Igel and Huesken 2000",
    ),
    Algorithm(
        "rprop/rprop+",
        part(lectopt.rprop, variant="rprop+"),
        twins.rprop_plus,
        RPROP,
        RPROP_LETTERS,
        source="Riedmiller and Braun 1993",
    ),
    Algorithm(
        "rprop/irprop+",
        part(lectopt.rprop, variant="irprop+"),
        twins.irprop_plus,
        RPROP,
        RPROP_LETTERS,
        source="Igel and Huesken 2000",
    ),
    Algorithm(
        "local_gains/gradient",
        lectopt.local_gains,
        twins.local_gains,
        GAINS,
        GAINS_LETTERS,
        source="S4-22 S4-23",
    ),
    Algorithm(
        "local_gains/gradient-momentum",
        lectopt.local_gains,
        twins.local_gains,
        dict(**GAINS, momentum=0.7),
        GAINS_LETTERS,
        source="S4-23",
    ),
    Algorithm(
        "local_gains/velocity",
        part(lectopt.local_gains, agree="velocity"),
        part(twins.local_gains, agree="velocity"),
        dict(**GAINS, momentum=0.7),
        GAINS_LETTERS,
        source="S4-23, Hinton",
    ),
    Algorithm(
        "lion",
        lectopt.lion,
        twins.lion,
        dict(b1=0.8, b2=0.95, weight_decay=0.1),
        dict(b1="beta1", b2="beta2", weight_decay="lam"),
        optax=optax.lion,
        source="Chen et al. 2023, Optax",
    ),
    Algorithm(
        "sign_sgd",
        lectopt.sign_sgd,
        twins.sign_sgd,
        optax=optax.sign_sgd,
        source="Bernstein et al. 2018",
    ),
    Algorithm(
        "signum",
        lectopt.signum,
        twins.signum,
        dict(beta=0.8),
        optax=optax.signum,
        source="Bernstein et al. 2018",
    ),
)
