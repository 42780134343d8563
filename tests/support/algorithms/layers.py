"""Rules that see a whole leaf: NovoGrad, Adafactor, Muon."""

from collections.abc import Callable
from functools import partial as part
from typing import Any

import numpy as np
import optax

import lectopt
from tests.support import twins
from tests.support.algorithms.algorithm import Algorithm


def of_one_leaf(twin: Callable[..., Any]) -> Callable[..., Any]:
    """A twin that takes a list of leaves, on one vector."""

    def rule(theta: Any, grad: Any, rate: Any, steps: int, **letters: Any) -> Any:
        def grads(leaves: Any, t: int) -> Any:
            return [grad(leaf, t) for leaf in leaves]

        return np.array([leaf for (leaf,) in twin([theta], grads, rate, steps, **letters)])

    return rule


LAYERS = (
    Algorithm(
        "novograd",
        lectopt.novograd,
        part(of_one_leaf(twins.novograd), eps_at_first=True),
        dict(b1=0.8, b2=0.5, eps=1e-2, weight_decay=0.1),
        dict(b1="beta1", b2="beta2", weight_decay="d"),
        optax=optax.novograd,
        source="Optax",
    ),
    Algorithm(
        "adafactor",
        lectopt.adafactor,
        of_one_leaf(twins.adafactor),
        dict(decay_rate=0.7, clipping_threshold=0.8, eps=1e-3),
        dict(decay_rate="c", clipping_threshold="d", eps="eps1"),
        optax=optax.adafactor,
        source="Shazeer and Stern 2018, Optax; a vector is not factored",
    ),
    Algorithm(
        "adafactor/momentum",
        part(lectopt.adafactor, clipping_threshold=None, multiply_by_parameter_scale=False),
        part(of_one_leaf(twins.adafactor), d=None, relative=False),
        dict(decay_rate=0.7, eps=1e-3, momentum=0.8, weight_decay_rate=0.01),
        dict(decay_rate="c", eps="eps1", momentum="beta1", weight_decay_rate="lam"),
        optax=part(optax.adafactor, clipping_threshold=None, multiply_by_parameter_scale=False),
        source="Optax",
    ),
    Algorithm(
        "adafactor/torch",
        part(lectopt.adafactor, min_dim_size_to_factor=1, eps_placement="least", axes="last"),
        of_one_leaf(twins.adafactor_torch),
        dict(decay_rate=0.7, clipping_threshold=0.8, eps=1e-3, min_scale=0.1),
        dict(decay_rate="c", clipping_threshold="d", eps="eps1", min_scale="eps2"),
        source="PyTorch",
    ),
    Algorithm(
        "muon",
        lectopt.muon,
        of_one_leaf(twins.muon),
        dict(beta=0.8, eps=1e-2, weight_decay=0.1, adam_weight_decay=0.1, adam_b2=0.95),
        dict(weight_decay="wd", adam_b2="b2", adam_weight_decay="adam_wd"),
        optax=optax.contrib.muon,
        source="Jordan et al. 2024, Optax; a vector goes to Adam",
    ),
    Algorithm(
        "muon/torch",
        part(lectopt.muon, bias_correction=False, eps_placement="least", layout="out_in"),
        part(of_one_leaf(twins.muon), corrected=False, least=True, out_in=True),
        dict(beta=0.8, eps=1e-2, adam_b1=0.8, adam_b2=0.95),
        dict(adam_b1="b1", adam_b2="b2"),
        source="Jordan et al. 2024, PyTorch",
    ),
    Algorithm(
        "sm3",
        lectopt.sm3,
        of_one_leaf(twins.sm3),
        dict(momentum=0.8, eps=1e-2),
        source="Anil et al. 2019, Optax; of a vector it is AdaGrad",
    ),
    Algorithm(
        "lars",
        lectopt.lars,
        part(of_one_leaf(twins.lars), parts=False),
        dict(weight_decay=0.1, trust_coefficient=0.2, eps=1e-2, momentum=0.8),
        dict(weight_decay="beta", trust_coefficient="eta", momentum="m"),
        optax=optax.lars,
        source="Optax",
    ),
    Algorithm(
        "lars/parts",
        part(lectopt.lars, norm_of="parts", nesterov=True),
        part(of_one_leaf(twins.lars), nesterov=True),
        dict(weight_decay=0.1, trust_coefficient=0.2, momentum=0.8),
        dict(weight_decay="beta", trust_coefficient="eta", momentum="m"),
        source="You et al. 2017, with Nesterov's step",
    ),
    Algorithm(
        "lamb",
        lectopt.lamb,
        of_one_leaf(twins.lamb),
        dict(b1=0.8, b2=0.95, eps=1e-2, weight_decay=0.1),
        dict(b1="beta1", b2="beta2", weight_decay="lam"),
        optax=optax.lamb,
        source="You et al. 2020, Optax",
    ),
    Algorithm(
        "fromage",
        lectopt.fromage,
        of_one_leaf(twins.fromage),
        dict(min_norm=1e-2),
        optax=optax.fromage,
        source="Bernstein et al. 2020, Optax",
    ),
)
