"""Adam and its family: two moments, their corrections, and the epsilon."""

from functools import partial as part

import optax

import lectopt
from tests.support import twins
from tests.support.algorithms.algorithm import Algorithm

ADAM = (
    Algorithm(
        "adam/outside",
        lectopt.adam,
        twins.adam_kingma,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        optax=optax.adam,
        source="S1-18 S4-26 S3-17",
    ),
    Algorithm(
        "adam/inside",
        part(lectopt.adam, eps_placement="inside"),
        twins.adam_cmu,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        dict(b1="delta", b2="gamma"),
        source="S0-40 S2-21",
    ),
    Algorithm(
        "adam/uncorrected",
        part(lectopt.adam, eps_placement="uncorrected"),
        twins.adam_keras,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        source="Keras",
    ),
    Algorithm(
        "adam/nesterov",
        part(lectopt.adam, nesterov=True),
        twins.nadam_optax,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        optax=part(optax.adam, nesterov=True),
        source="Optax",
    ),
    Algorithm(
        "adamw",
        lectopt.adamw,
        twins.adamw,
        dict(b1=0.8, b2=0.95, eps=1e-2, weight_decay=0.1),
        dict(weight_decay="wd"),
        optax=optax.adamw,
        source="S2-07",
    ),
    Algorithm(
        "adamax/in_max",
        lectopt.adamax,
        twins.adamax_torch,
        dict(b1=0.8, b2=0.9, eps=1e-2),
        optax=optax.adamax,
        source="S0-42, PyTorch, Optax",
    ),
    Algorithm(
        "adamax/outside",
        part(lectopt.adamax, eps_placement="outside"),
        twins.adamax_keras,
        dict(b1=0.8, b2=0.9, eps=1e-2),
        source="Keras",
    ),
    Algorithm(
        "adamax/no-eps",
        part(lectopt.adamax, eps_placement="none"),
        twins.adamax_kingma,
        dict(b1=0.8, b2=0.9),
        source="Kingma and Ba 2015",
    ),
    Algorithm(
        "amsgrad/corrected",
        lectopt.amsgrad,
        twins.amsgrad_optax,
        dict(b1=0.8, b2=0.9, eps=1e-2),
        optax=optax.amsgrad,
        source="Optax",
    ),
    Algorithm(
        "amsgrad/raw",
        part(lectopt.amsgrad, maximum_of="raw"),
        twins.amsgrad_torch,
        dict(b1=0.8, b2=0.9, eps=1e-2),
        source="PyTorch",
    ),
    Algorithm(
        "amsgrad/raw-uncorrected-eps",
        part(lectopt.amsgrad, maximum_of="raw", eps_placement="uncorrected"),
        twins.amsgrad_keras,
        dict(b1=0.8, b2=0.9, eps=1e-2),
        source="Keras",
    ),
    Algorithm(
        "amsgrad/uncorrected",
        part(lectopt.amsgrad, maximum_of="uncorrected"),
        twins.amsgrad_reddi,
        dict(b1=0.8, b2=0.9, eps=1e-2),
        optax=part(optax.amsgrad, bias_correction_mu=False, bias_correction_nu=False),
        source="Reddi et al. 2018",
    ),
    Algorithm(
        "nadam",
        lectopt.nadam,
        twins.nadam_optax,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        optax=optax.nadam,
        source="Optax",
    ),
    Algorithm(
        "nadam/warmed",
        lectopt.nadam,
        twins.nadam_torch,
        dict(b1=0.8, b2=0.95, eps=1e-2, momentum_decay=0.1),
        dict(momentum_decay="psi"),
        source="PyTorch",
    ),
    Algorithm(
        "nadam/warmed-fast",
        part(lectopt.nadam, momentum_decay=1.0),
        twins.nadam_keras,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        source="Keras",
    ),
    Algorithm(
        "nadam/paper",
        part(lectopt.nadam, form="paper"),
        twins.nadam_dozat,
        dict(b1=0.8, b2=0.95, eps=1e-2, momentum_decay=0.1),
        dict(b1="mu", b2="nu", momentum_decay="psi"),
        source="Dozat 2016",
    ),
    Algorithm(
        "radam/outside",
        lectopt.radam,
        part(twins.radam, place="outside"),
        dict(b1=0.8, b2=0.95, eps=1e-2, threshold=5.0),
        optax=optax.radam,
        source="Optax",
    ),
    Algorithm(
        "radam/uncorrected",
        part(lectopt.radam, eps_placement="uncorrected"),
        part(twins.radam, place="hat"),
        dict(b1=0.8, b2=0.95, eps=1e-2, threshold=5.0),
        source="PyTorch",
    ),
    Algorithm(
        "radam/skip",
        part(lectopt.radam, eps_placement="uncorrected", fallback="skip"),
        part(twins.radam, place="hat", fallback="skip"),
        dict(b1=0.8, b2=0.95, eps=0.0, threshold=4.5),
        source="Liu et al. 2020, without its first steps",
    ),
)
