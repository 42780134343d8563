"""Optimizers with clippings, decays, schedules or groups around the algorithm, and the library in
whose words each is printed."""

import functools as ft

import numpy as np

import lectopt
from lectopt import schedules
from lectopt.dialects import keras, torch

part = ft.partial
steps = schedules.step_decay(0.05, 0.5, 7)
AROUND = [
    (part(torch.SGD, momentum=0.9, weight_decay=0.1), "optax"),
    (part(torch.Adagrad, lr_decay=0.1, weight_decay=0.1), "torch"),
    (part(keras.SGD, momentum=0.8, weight_decay=0.1), "optax"),
    (part(keras.AdamW, clipnorm=0.7), "optax"),
    (part(keras.SGD, clipnorm=0.7), "torch"),
    (part(keras.SGD, clipvalue=0.5), "torch"),
    (part(keras.SGD, global_clipnorm=0.7), "torch"),
    (part(keras.Adam, global_clipnorm=0.7, weight_decay=0.1), "keras"),
    (part(torch.SGD, maximize=True, weight_decay=0.1), "keras"),
    (lambda r: lectopt.chain(lectopt.clip_by_norm(0.7), keras.SGD(r, clipvalue=0.5)), "keras"),
    (
        lambda r: lectopt.chain(lectopt.clip_by_global_norm(0.7), keras.SGD(r, clipnorm=0.5)),
        "keras",
    ),
    (lambda r: torch.SGD(torch.OneCycleLR(0.1, 60), momentum=0.9), "torch"),
    (lambda r: torch.AdamW(torch.CyclicLR(0.01, 0.1, 7)), "torch"),
    (lambda r: torch.SGD(torch.OneCycleLR(0.1, 60), momentum=0.9), "optax"),
    (
        lambda r: torch.Adam(
            torch.SequentialLR(
                [torch.LinearLR(0.1, 0.01, total_iters=9), torch.CosineAnnealingLR(0.1, 50)], [9]
            )
        ),
        "torch",
    ),
    (lambda r: torch.Adam(torch.ChainedScheduler([torch.ConstantLR(0.1, total_iters=9)])), "torch"),
    (lambda r: torch.SGD(torch.SWALR(0.1, 0.02)), "torch"),
    (lambda r: torch.SGD(torch.PolynomialLR(0.1, 50, 0.9)), "optax"),
    (
        lambda r: torch.SGD(
            torch.SequentialLR([torch.ConstantLR(0.1), torch.OneCycleLR(0.1, 60)], [10])
        ),
        "torch",
    ),
    (lambda r: torch.SGD(torch.LambdaLR(0.1, lambda epoch: 0.95**epoch)), "torch"),
    (lambda r: torch.SGD(torch.MultiStepLR(0.1, [9, 20])), "optax"),
    (lambda r: torch.SGD(torch.MultiStepLR(0.1, [9, 20])), "keras"),
    (lambda r: keras.SGD(keras.PiecewiseConstantDecay([9, 20], [0.1, 0.05, 0.01])), "torch"),
    (lambda r: keras.SGD(keras.CosineDecay(0.1, 40, warmup_steps=9, warmup_target=0.2)), "keras"),
    (lambda r: lectopt.sgd(schedules.with_warmup(schedules.cosine_decay(0.1, 40), 9)), "keras"),
    (lambda r: lectopt.sgd(steps, momentum=0.9), "torch"),
    (lambda r: lectopt.sgd(steps, momentum=0.9), "optax"),
    (lambda r: lectopt.adam(steps, b1=lambda t: 0.9 - 0.001 * t), "torch"),
    (lambda r: lectopt.adam(steps, b1=lambda t: 0.9 - 0.001 * t), "optax"),
    *(
        (
            lambda r: lectopt.chain(
                lectopt.add_decayed_weights(0.1),
                lectopt.clip_by_global_norm(0.7),
                lectopt.sgd(r),
            ),
            to,
        )
        for to in ("torch", "keras", "optax")
    ),
    (lambda r: lectopt.monitor(lectopt.adam(r)), "torch"),
    (lambda r: lectopt.chain(torch.AdamW(r), lectopt.scale_by_path({"0": 0.3})), "torch"),
    (lambda r: lectopt.chain(lectopt.adam(r), lectopt.scale_by_path({"0": 0.3})), "optax"),
    (
        lambda r: lectopt.chain(
            torch.SGD(torch.MultiStepLR(0.1, [9, 20]), momentum=0.9),
            lectopt.scale_by_path({"0": 0.3}),
        ),
        "torch",
    ),
    (part(keras.SGD, loss_scale_factor=8.0, clipnorm=0.7), "torch"),
    (part(keras.SGD, loss_scale_factor=8.0), "optax"),
    (part(keras.AdamW, loss_scale_factor=8.0, gradient_accumulation_steps=3), "keras"),
    (lambda r: lectopt.chain(torch.clip_grad_norm_(0.7), torch.SGD(r, momentum=0.9)), "torch"),
    (lambda r: lectopt.chain(torch.clip_grad_norm_(0.7, 3.0), torch.SGD(r)), "optax"),
    (lambda r: lectopt.chain(torch.clip_grad_norm_(0.7, np.inf), torch.SGD(r)), "keras"),
]
