"""What conventions.py compares: the optimizers, algorithm by algorithm, and the schedules."""

import functools as ft
from typing import Any

import optax

from lectopt import lectures
from lectopt.dialects import keras, papers, torch
from lectopt.dialects import optax as ox

part = ft.partial
HOMES = dict(
    keras="Keras",
    torch="PyTorch",
    optax="Optax",
    papers="paper",
    cmu11785="CMU 11-785",
    liege="Liège",
    isi="ISI",
    ttic31230="TTIC 31230",
    stat479="STAT 479",
)
EPSILON = dict(
    outside="$\\sqrt{v} + \\epsilon$",
    inside="$\\sqrt{v + \\epsilon}$",
    uncorrected="$(\\sqrt{v} + \\epsilon) / \\sqrt{1 - \\beta^t}$",
    in_max="$\\max(\\beta u, \\lvert g \\rvert + \\epsilon)$",
)

# (title, the rate at which all are compared, makers, columns)
BLOCKS: list[tuple[str, float, list[Any], list[str]]] = [
    (
        "Momentum",
        0.05,
        [
            part(torch.SGD, momentum=0.9),
            part(keras.SGD, momentum=0.9),
            part(ox.sgd, momentum=0.9),
            part(papers.heavy_ball, beta=0.9),
            lectures.cmu11785.momentum,
            lectures.liege.momentum,
            lectures.isi.momentum,
            lectures.ttic31230.momentum,
            part(lectures.ttic31230.momentum, parameterization="nonstandard"),
            lectures.stat479.momentum,
            part(torch.SGD, momentum=0.9, dampening=0.5),
        ],
        ["velocity", "dampening"],
    ),
    (
        "Nesterov",
        0.05,
        [
            part(torch.SGD, momentum=0.9, nesterov=True),
            part(keras.SGD, momentum=0.9, nesterov=True),
            part(ox.sgd, momentum=0.9, nesterov=True),
            part(papers.nesterov, mu=0.9),
            part(lectures.cmu11785.nesterov, form="look_ahead"),
            part(lectures.liege.nesterov, form="look_ahead"),
            part(lectures.stat479.nesterov, form="look_ahead"),
        ],
        ["velocity", "parameters"],
    ),
    (
        "Adam",
        0.01,
        [torch.Adam, keras.Adam, ox.adam, papers.adam, lectures.cmu11785.adam]
        + [lectures.liege.adam, lectures.isi.adam, lectures.ttic31230.adam, lectures.stat479.adam],
        ["b1", "b2", "eps", "place", "decay"],
    ),
    (
        "AdamW",
        0.01,
        [torch.AdamW, keras.AdamW, ox.adamw, part(papers.adamw, weight_decay=0.01)],
        ["eps", "place", "weight_decay", "decay"],
    ),
    (
        "AMSGrad",
        0.01,
        [part(torch.Adam, amsgrad=True), part(keras.Adam, amsgrad=True), ox.amsgrad]
        + [papers.amsgrad],
        ["eps", "place", "amsgrad"],
    ),
    (
        "AdaMax",
        0.01,
        [torch.Adamax, keras.Adamax, ox.adamax, papers.adamax],
        ["eps", "place", "decay"],
    ),
    (
        "NAdam",
        0.01,
        [torch.NAdam, keras.Nadam, ox.nadam, part(papers.nadam, mu=0.9)],
        ["eps", "psi", "paper", "decay"],
    ),
    (
        "RAdam",
        0.01,
        [torch.RAdam, ox.radam, papers.radam],
        ["eps", "place", "threshold", "decay"],
    ),
    (
        "RMSProp",
        0.01,
        [torch.RMSprop, keras.RMSprop, ox.rmsprop, papers.rmsprop, lectures.cmu11785.rmsprop]
        + [lectures.liege.rmsprop, lectures.isi.rmsprop, lectures.ttic31230.rmsprop]
        + [lectures.stat479.rmsprop],
        ["averaging", "eps", "place", "decay"],
    ),
    (
        "RMSProp with momentum",
        0.01,
        [part(m, momentum=0.9) for m in (torch.RMSprop, keras.RMSprop, ox.rmsprop)],
        ["velocity", "eps", "place"],
    ),
    (
        "AdaGrad",
        0.1,
        [torch.Adagrad, keras.Adagrad, ox.adagrad, papers.adagrad, lectures.liege.adagrad],
        ["initial", "eps", "place", "decay"],
    ),
    (
        "AdaDelta",
        1.0,
        [torch.Adadelta, keras.Adadelta, ox.adadelta, papers.adadelta],
        ["rho", "eps", "decay"],
    ),
    (
        "Rprop",
        0.01,
        [torch.Rprop, ox.rprop, papers.rprop, lectures.cmu11785.rprop],
        ["variant"],
    ),
]
HEADS = dict(
    velocity="rate and velocity",
    dampening="first gradient dampened",
    parameters="parameters",
    b1="$\\beta_1$",
    b2="$\\beta_2$",
    averaging="decay",
    eps="$\\epsilon$",
    place="where $\\epsilon$ stands",
    decay="`weight_decay`",
    weight_decay="its default",
    amsgrad="maximum of",
    psi="warm-up $\\psi$ of the coefficient",
    paper="in the mean too",
    threshold="adaptive from",
    initial="sum starts at",
    rho="$\\rho$",
    variant="after a change of sign",
)


SCHEDULES = [
    ("PyTorch", "MultiStepLR(1, [3])", torch.MultiStepLR(1.0, [3])),
    ("Keras", "PiecewiseConstantDecay([3], [1, 0.1])", keras.PiecewiseConstantDecay([3], [1, 0.1])),
    (
        "Optax",
        "piecewise_constant_schedule(1, {3: 0.1})",
        optax.piecewise_constant_schedule(1.0, {3: 0.1}),
    ),
    ("PyTorch", "StepLR(1, 3)", torch.StepLR(1.0, 3)),
    (
        "Keras",
        "ExponentialDecay(1, 3, 0.1, staircase=True)",
        keras.ExponentialDecay(1.0, 3, 0.1, True),
    ),
    ("Liège", "step_decay(1, 0.1, 3)", lectures.liege.step_decay(1.0, 0.1, 3)),
    ("PyTorch", "CosineAnnealingLR(1, 4)", torch.CosineAnnealingLR(1.0, 4)),
    ("Keras", "CosineDecay(1, 4)", keras.CosineDecay(1.0, 4)),
    ("Optax", "cosine_decay_schedule(1, 4)", optax.cosine_decay_schedule(1.0, 4)),
    ("TTIC 31230", "cosine_restarts(8, 2, 1)", lectures.ttic31230.cosine_restarts(8, 2, 1.0)),
    ("Keras", "CosineDecayRestarts(1, 4, t_mul=1)", keras.CosineDecayRestarts(1.0, 4, t_mul=1.0)),
    (
        "Keras",
        "CosineDecay(0, 4, warmup_target=1, warmup_steps=2)",
        keras.CosineDecay(0.0, 4, warmup_target=1.0, warmup_steps=2),
    ),
    (
        "Optax",
        "warmup_cosine_decay_schedule(0, 1, 2, 6)",
        optax.warmup_cosine_decay_schedule(0.0, 1.0, 2, 6),
    ),
    ("PyTorch", "CyclicLR(0, 1, 4)", torch.CyclicLR(0.0, 1.0, 4)),
    ("PyTorch", "OneCycleLR(1, 9, pct_start=0.4)", torch.OneCycleLR(1.0, 9, pct_start=0.4)),
    ("Optax", "cosine_onecycle_schedule(9, 1, 0.4)", optax.cosine_onecycle_schedule(9, 1.0, 0.4)),
    ("Keras", "PolynomialDecay(1, 4)", keras.PolynomialDecay(1.0, 4)),
    ("Keras", "InverseTimeDecay(1, 1, 1)", keras.InverseTimeDecay(1.0, 1, 1.0)),
    ("CMU 11-785", "one_over_k(1)", lectures.cmu11785.one_over_k(1.0)),
]


# The page, with room for the tables.
TEXT = """# Conventions

Who follows which convention. This page is written by `docs/conventions.py`, which reads the tables
off the optimizers themselves; a test writes it again and compares.

## Defaults and placements

A dash stands for an argument that must be given, or that does not exist. "Rate inside" is
$v \\leftarrow \\beta v - \\eta g$, $\\theta \\leftarrow \\theta + v$; "rate outside"
$v \\leftarrow \\beta v + g$, $\\theta \\leftarrow \\theta - \\eta v$; "average"
$v \\leftarrow \\beta v + (1 - \\beta) g$ with the rate outside. With an epsilon of 0 a weight that
never had a gradient stands still.

{optimizers}

## How far apart

How far from PyTorch's the parameters are after 100 updates, as a share of the way that those have
made: logistic regression with features of sizes 0.1 to 3.2, the same constant learning rate for all
of an algorithm, and for the rest each one's own defaults. Whether the rate stands inside or outside
the velocity shows only when it changes: `lectopt.port` tells how much.

{distances}

## Schedules

The value at the update with that many updates before it, the first being number 0.

{schedules}

A plateau: after how many evaluations without improvement the rate is reduced. With a patience of 0
Optax reduces it at every improvement, and so at the first evaluation.

{plateaus}
"""
