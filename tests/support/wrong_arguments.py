"""Arguments that do not fit, with what is said of them: other libraries' words, slips, numbers."""

import numpy as np
import optax

import lectopt
from lectopt import chain, sgd
from lectopt.dialects import torch

T, V = TypeError, ValueError
ARGUMENTS = {
    "torch's words": (
        lambda: lectopt.adam(lr=1e-3, betas=(0.8, 0.9)),
        T,
        ["adam: there is no lr= here. Write learning_rate=0.001.", "Write b1=0.8, b2=0.9."],
    ),
    "a slip": (
        lambda: lectopt.adam(learning_rat=1e-3),
        T,
        ["adam: there is no learning_rat= here. Write learning_rate=0.001. It is adam(learning_"],
    ),
    "Keras' words": (
        lambda: lectopt.adam(1e-3, beta_1=0.8, epsilon=1e-7, clipnorm=1.0),
        T,
        ["Write b1=0.8.", "Write eps=1e-07.", "Write chain(clip_by_norm(1.0), adam(...))."],
    ),
    "Adam's decay": (
        lambda: lectopt.adam(1e-3, weight_decay=0.1),
        T,
        [
            "adamw(..., weight_decay=0.1) for the decoupled decay of AdamW",
            "chain(add_decayed_weights(0.1), adam(...)) for the L2 penalty",
            "torch.optim.Adam",
        ],
    ),
    "another's decay": (
        lambda: sgd(0.1, weight_decay=0.1),
        T,
        ["Write chain(add_decayed_weights(0.1), sgd(...)) for an L2 penalty", "shrink_weights("],
    ),
    "torch's switches": (
        lambda: lectopt.adam(1e-3, amsgrad=True, maximize=True, foreach=True),
        T,
        ["Write amsgrad(...).", "Write chain(negate(), adam(...)).", "Leave it out: XLA"],
    ),
    "a decay by another name": (
        lambda: lectopt.rmsprop(1e-3, rho=0.9, momentun=0.9),
        T,
        ["no rho= here. Write decay=0.9.", "no momentun= here. Write momentum=0.9."],
    ),
    "momentum of momentum": (
        lambda: lectopt.momentum(0.1, momentum=0.8),
        T,
        ["momentum: there is no momentum= here. Write decay=0.8."],
    ),
    "Optax's words": (
        lambda: lectopt.adam(0.1, eps_root=1e-8, mu_dtype="float32"),
        T,
        ['Write eps_placement="inside" (sqrt(v + eps))', "Write state_dtype='float32'"],
    ),
    "Optax's words for a schedule": (
        lambda: lectopt.cosine_decay(init_value=0.1, decay_steps=10, alpha=0.1),
        T,
        ["Write init=0.1.", "Write steps=10.", "Write end=, the last value itself"],
    ),
    "torch's words for a schedule": (
        lambda: lectopt.exponential_decay(lr=0.1, gamma=0.9),
        T,
        ["Write init=0.1.", "Write k=-math.log(0.9)."],
    ),
    "the way back": (
        lambda: torch.Adam(learning_rate=0.1, b1=0.8),
        T,
        ["Write lr=0.1.", "Write betas=(b1, b2), with 0.8 for b1.", "The arguments are lr, betas"],
    ),
    "nothing like it": (
        lambda: lectopt.adam(0.1, colour="red"),
        T,
        ["adam: there is no colour= here. Leave it out. It is adam(learning_rate"],
    ),
    "groups": (
        lambda: torch.AdamW([{"params": "w"}], lr=0.1), T,
        ["AdamW: leave the groups", "optax.partition"],
    ),
    "twice": (lambda: lectopt.adam(0.1, learning_rate=0.1), T, ["learning_rate is given twice"]),
    "too many": (lambda: lectopt.adam(0.1, 0.9, 0.9, 0, 0), T, ["5 where there may be 4", "names"]),
    "missing": (
        lambda: lectopt.exponential_decay(0.1),
        T,
        ["exponential_decay: k must be given. Write for example exponential_decay(..., k=0.1)."],
    ),
    "a wrapper without what it wraps": (
        lambda: chain(lectopt.adam(0.1), lectopt.monitor()),
        T,
        ["monitor: inner must be given. Write for example monitor(inner=adam(0.001))."],
    ),
    "explained": (
        lambda: lectopt.explain(optax.adam, bet1=0.9),
        T,
        ["adam: there is no bet1= here. Write b1=0.9."],
    ),
    "a word that is none": (
        lambda: lectopt.adam(0.1, eps_placement="in"),
        V,
        ["eps_placement must be one of 'outside', 'inside'", "Write for example eps_placement="],
    ),
    "no number": (lambda: sgd("0.1"), T, ["must be a number", "'0.1'", "learning_rate=0.001"]),
    "many numbers": (lambda: sgd(np.ones(2)), V, ["shape (2,)", "jax.vmap(lambda learning_rate"]),
    "out of range": (
        lambda: lectopt.adamw(1e-3, weight_decay=-0.1),
        V,
        ["weight_decay must lie in [0, inf)", "got -0.1", "Write for example weight_decay=0.0001."],
    ),
}  # fmt: skip
