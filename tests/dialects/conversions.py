"""The table of conversions between libraries: the optimizer, the library, and the verdict."""

import functools as ft

import lectopt
from lectopt import lectures
from lectopt.dialects import keras, papers, torch
from lectopt.dialects import optax as ox

part = ft.partial
EXACT, CONSTANT, IMPOSSIBLE = (
    "exact",
    "exact while the learning rate is constant",
    "impossible",
)
TORCH_ADAM = dict(betas=(0.8, 0.95), eps=1e-2)
KERAS_ADAM = dict(beta_1=0.8, beta_2=0.95, epsilon=1e-2)
OPTAX_ADAM = dict(b1=0.8, b2=0.95, eps=1e-2)
heavy_ball = part(lectopt.momentum, form="heavy_ball", decay=0.8)
velocity = part(lectopt.momentum, decay=0.8)
# (maker of the rate, library, verdict, where it is in the list of conversions)
ROWS = [
    # averages and velocities
    (part(lectopt.momentum, form="ema"), "torch", EXACT, "1"),
    (part(lectures.isi.momentum), "optax", EXACT, "1"),
    (part(lectopt.momentum, form="debiased_ema"), "torch", EXACT, "2"),
    (part(lectopt.momentum, form="debiased_ema"), "optax", EXACT, "2"),
    (velocity, "optax", EXACT, "3"),
    (part(keras.SGD, momentum=0.8, nesterov=True), "optax", EXACT, "3"),
    (part(torch.SGD, momentum=0.8), "optax", EXACT, ""),
    (heavy_ball, "torch", EXACT, ""),
    (velocity, "keras", EXACT, ""),
    (part(lectopt.momentum, decay=0.8, dampening=0.3), "keras", EXACT, ""),
    (part(torch.SGD, momentum=0.8, dampening=0.3), "keras", IMPOSSIBLE, "4"),
    (part(torch.SGD, momentum=0.8, dampening=0.8), "optax", IMPOSSIBLE, "4"),
    (part(lectures.cmu11785.nesterov, beta=0.8), "keras", EXACT, "5"),
    (part(lectures.stat479.nesterov, alpha=0.8), "keras", EXACT, "5"),
    (part(lectopt.nesterov, form="look_ahead", decay=0.8), "keras", EXACT, "5"),
    (part(lectopt.nesterov, decay=0.8), "optax", EXACT, "5"),
    # AdaGrad
    (part(keras.Adagrad, epsilon=1e-2), "torch", EXACT, "6"),
    (part(ox.adagrad, eps=1e-2), "torch", EXACT, "6"),
    (part(torch.Adagrad, eps=1e-2), "keras", IMPOSSIBLE, "6"),
    (part(torch.Adagrad, eps=0, initial_accumulator_value=0.1), "keras", EXACT, "6"),
    (part(torch.Adagrad, eps=0, initial_accumulator_value=0.1, lr_decay=0.1), "optax", EXACT, ""),
    # Adam
    (part(keras.Adam, **KERAS_ADAM), "optax", EXACT, "7"),
    (part(keras.Adam, **KERAS_ADAM), "torch", IMPOSSIBLE, "7"),
    (part(torch.Adam, **TORCH_ADAM), "keras", IMPOSSIBLE, "7"),
    (part(torch.Adam, betas=(0.8, 0.95), eps=0), "keras", EXACT, ""),
    (part(torch.Adam, **TORCH_ADAM), "optax", EXACT, ""),
    (part(ox.adam, **OPTAX_ADAM), "torch", EXACT, ""),
    (part(ox.adam, **OPTAX_ADAM, eps_root=1e-2), "torch", IMPOSSIBLE, ""),
    (part(ox.adam, **OPTAX_ADAM, eps_root=1e-2), "optax", EXACT, ""),
    (part(lectures.cmu11785.adam, epsilon=1e-2), "optax", EXACT, "13"),
    (part(lectures.isi.adam, epsilon=1e-2), "optax", EXACT, "13"),
    (part(lectures.cmu11785.adam, epsilon=1e-2), "torch", IMPOSSIBLE, "13"),
    (part(lectures.liege.adam, delta=1e-2), "torch", EXACT, ""),
    (part(keras.Adam, **KERAS_ADAM, amsgrad=True), "optax", EXACT, "8"),
    (part(torch.Adam, **TORCH_ADAM, amsgrad=True), "optax", EXACT, "8"),
    (part(torch.Adam, **TORCH_ADAM, amsgrad=True), "keras", IMPOSSIBLE, ""),
    (part(ox.amsgrad, **OPTAX_ADAM), "torch", IMPOSSIBLE, ""),
    (part(ox.amsgrad, **OPTAX_ADAM), "keras", IMPOSSIBLE, ""),
    (part(ox.amsgrad, **OPTAX_ADAM), "optax", EXACT, ""),
    (papers.amsgrad, "torch", IMPOSSIBLE, ""),
    (papers.amsgrad, "optax", EXACT, ""),
    # NAdam, RAdam, AdaMax
    (part(keras.Nadam, **KERAS_ADAM), "torch", EXACT, "9"),
    (part(torch.NAdam, **TORCH_ADAM, momentum_decay=1.0), "keras", EXACT, "9"),
    (part(torch.NAdam, **TORCH_ADAM), "keras", IMPOSSIBLE, ""),
    (part(ox.nadam, **OPTAX_ADAM), "torch", EXACT, "9"),
    (part(torch.NAdam, **TORCH_ADAM), "optax", IMPOSSIBLE, ""),
    (part(torch.NAdam, **TORCH_ADAM, momentum_decay=1e9), "optax", EXACT, "9"),
    (part(papers.nadam, mu=0.9), "torch", IMPOSSIBLE, ""),
    (part(torch.RAdam, **TORCH_ADAM), "optax", EXACT, ""),
    (part(ox.radam, **OPTAX_ADAM), "torch", IMPOSSIBLE, ""),
    (part(papers.radam, beta2=0.95), "torch", IMPOSSIBLE, ""),
    (torch.RAdam, "keras", IMPOSSIBLE, ""),
    (part(torch.Adamax, **TORCH_ADAM), "optax", EXACT, ""),
    (part(torch.Adamax, **TORCH_ADAM), "keras", IMPOSSIBLE, ""),
    (part(keras.Adamax, **KERAS_ADAM), "torch", IMPOSSIBLE, ""),
    (part(papers.adamax), "keras", EXACT, ""),
    # RMSProp
    (part(ox.rmsprop, eps_in_sqrt=False, bias_correction=True), "torch", EXACT, "10"),
    (part(ox.rmsprop, eps_in_sqrt=False, eps=1e-2), "torch", EXACT, ""),
    (part(torch.RMSprop, eps=1e-2, momentum=0.7), "optax", EXACT, "11"),
    (part(torch.RMSprop, eps=1e-2, momentum=0.7, centered=True), "optax", EXACT, "11"),
    (part(keras.RMSprop, epsilon=1e-2, momentum=0.7), "optax", EXACT, ""),
    (part(keras.RMSprop, epsilon=1e-2), "torch", IMPOSSIBLE, ""),
    (part(torch.RMSprop, eps=1e-2), "keras", IMPOSSIBLE, ""),
    (part(lectures.cmu11785.rmsprop, epsilon=1e-2), "keras", EXACT, "13"),
    (part(lectures.liege.rmsprop, rho=0.9, delta=1e-2), "torch", EXACT, "13"),
    (part(lectures.stat479.rmsprop, epsilon=1e-2), "torch", EXACT, "13"),
    (part(lectopt.rmsprop, eps=0.0), "torch", EXACT, ""),
    (part(lectopt.rmsprop, initial_scale=1.0), "keras", IMPOSSIBLE, ""),
    (part(ox.rmsprop, momentum=0.7, nesterov=True), "keras", IMPOSSIBLE, ""),
    # weight decay
    (part(torch.AdamW, **TORCH_ADAM, weight_decay=0.1), "optax", EXACT, "12"),
    (part(ox.adamw, **OPTAX_ADAM, weight_decay=0.1), "torch", EXACT, "12"),
    (part(torch.AdamW, betas=(0.8, 0.95), eps=0, weight_decay=0.1), "keras", EXACT, "12"),
    (part(keras.AdamW, **KERAS_ADAM, weight_decay=0.1), "optax", EXACT, "12"),
    (part(keras.SGD, weight_decay=0.1), "torch", EXACT, "14"),
    (part(torch.SGD, weight_decay=0.1), "keras", EXACT, "14"),
    (part(torch.SGD, momentum=0.8, weight_decay=0.1), "keras", IMPOSSIBLE, ""),
    (part(torch.Adam, betas=(0.8, 0.95), eps=0, weight_decay=0.1), "keras", IMPOSSIBLE, ""),
    (part(torch.Adam, **TORCH_ADAM, weight_decay=0.1), "optax", EXACT, ""),
    (part(keras.Adamax, **KERAS_ADAM, weight_decay=0.1), "optax", IMPOSSIBLE, ""),
    (part(keras.SGD, momentum=0.8, weight_decay=0.1), "optax", EXACT, ""),
    (part(keras.Nadam, **KERAS_ADAM, weight_decay=0.1), "torch", EXACT, ""),
    (
        part(torch.NAdam, momentum_decay=1e9, weight_decay=0.1, decoupled_weight_decay=True),
        "optax",
        EXACT,
        "",
    ),
    # AdaDelta, Rprop, averaged SGD
    (part(keras.Adadelta), "torch", EXACT, "14"),
    (part(torch.Adadelta), "keras", EXACT, "14"),
    (part(torch.Adadelta, weight_decay=0.1), "optax", EXACT, "14"),
    (part(keras.Adadelta, weight_decay=0.1), "optax", EXACT, ""),
    (torch.Rprop, "optax", IMPOSSIBLE, ""),
    (ox.rprop, "torch", IMPOSSIBLE, ""),
    (ox.rprop, "optax", EXACT, ""),
    (papers.rprop, "torch", IMPOSSIBLE, ""),
    (lectures.cmu11785.rprop, "torch", EXACT, ""),
    (torch.Rprop, "keras", IMPOSSIBLE, ""),
    (part(torch.ASGD, lambd=0.1, t0=5), "torch", EXACT, ""),
    (torch.ASGD, "optax", IMPOSSIBLE, ""),
    # around the algorithm
    (part(torch.SGD, momentum=0.8, maximize=True), "optax", EXACT, ""),
    (part(torch.SGD, maximize=True, weight_decay=0.1), "torch", EXACT, ""),
    (part(torch.SGD, maximize=True), "keras", EXACT, ""),
    (part(keras.SGD, momentum=0.8, clipnorm=0.7, use_ema=True), "optax", EXACT, ""),
    (part(keras.SGD, clipvalue=0.5, use_ema=True), "keras", EXACT, ""),
    # Adam without square root, and a rule that no framework has
    (part(lectures.stat479.adam, literal=True), "torch", IMPOSSIBLE, ""),
    (part(lectures.ttic31230.adam, literal=True), "torch", IMPOSSIBLE, ""),
    (lectopt.local_gains, "keras", IMPOSSIBLE, ""),
]
# Equal for a constant rate; and for a schedule if the momentum follows it.
BY_POSITION = [
    (velocity, "torch", EXACT),
    (part(torch.SGD, momentum=0.8), "keras", IMPOSSIBLE),  # whose momentum is a number
    (part(keras.RMSprop, epsilon=0.0, momentum=0.7), "torch", EXACT),
    (part(torch.RMSprop, eps=0, momentum=0.7), "keras", IMPOSSIBLE),
    (part(lectures.cmu11785.nesterov, beta=0.8), "torch", IMPOSSIBLE),
    (part(torch.SGD, momentum=0.8, nesterov=True), "keras", IMPOSSIBLE),
]


def named(row):
    maker = row[0]
    function = getattr(maker, "func", maker)
    settings = ",".join(f"{k}={v}" for k, v in getattr(maker, "keywords", {}).items())
    return f"{function.__module__.split('.')[-1]}.{function.__name__}({settings})->{row[1]}"
