"""Recipes as people write them in PyTorch: the optimizer, its groups and its schedulers.

Each is `(optim, lr_scheduler, decay, rest) -> (optimizer, scheduler or list of them or None)`, with
two lists of parameters; `EVERY` says how many updates there are between two steps of a scheduler.
"""

import math
from functools import partial


def lambdas(epoch):
    """The warm-up and the linear decay of Hugging Face's `get_linear_schedule_with_warmup`."""
    if epoch < 10:
        return epoch / max(1, 10)
    return max(0.0, (80 - epoch) / max(1, 80 - 10))


def cosine_with_warmup(epoch, *, warmup, total):
    """Hugging Face's `get_cosine_schedule_with_warmup`, a partial of which is the lambda."""
    if epoch < warmup:
        return float(epoch) / float(max(1, warmup))
    progress = float(epoch - warmup) / float(max(1, total - warmup))
    return max(0.0, 0.5 * (1.0 + math.cos(math.pi * progress)))


def one(make, schedule=None, **settings):
    """One group with all parameters."""

    def recipe(optim, lrs, decay, rest):
        optimizer = getattr(optim, make)([*decay, *rest], **settings)
        return optimizer, schedule(lrs, optimizer) if schedule else None

    return recipe


def two(make, first, second, schedule=None, **settings):
    """Two groups, the usual one without weight decay for biases and norms."""

    def recipe(optim, lrs, decay, rest):
        groups = [dict(params=decay, **first), dict(params=rest, **second)]
        optimizer = getattr(optim, make)(groups, **settings)
        return optimizer, schedule(lrs, optimizer) if schedule else None

    return recipe


def warm_cosine(lrs, optimizer):
    rising = lrs.LinearLR(optimizer, 0.01, total_iters=15)
    return lrs.SequentialLR(optimizer, [rising, lrs.CosineAnnealingLR(optimizer, 70)], [15])


def stable_then_down(lrs, optimizer):
    parts = [
        lrs.LinearLR(optimizer, 0.1, total_iters=5),
        lrs.ConstantLR(optimizer, 1.0, total_iters=1),
        lrs.PolynomialLR(optimizer, total_iters=30, power=2.0),
    ]
    return lrs.SequentialLR(optimizer, parts, [5, 40])


def restarts_after_a_warm_up(lrs, optimizer):
    rising = lrs.LinearLR(optimizer, 0.1, total_iters=10)
    return lrs.SequentialLR(
        optimizer, [rising, lrs.CosineAnnealingWarmRestarts(optimizer, 8, 2)], [10]
    )


def cycles_later(lrs, optimizer):
    parts = [lrs.ConstantLR(optimizer, 0.5, 30), lrs.CyclicLR(optimizer, 1e-3, 0.1, 5)]
    return lrs.SequentialLR(optimizer, parts, [30])


def ending(lrs, optimizer):
    parts = [lrs.LinearLR(optimizer, 0.1, total_iters=10)]
    return lrs.SequentialLR(optimizer, [*parts, lrs.PolynomialLR(optimizer, 50, 0.9)], [10])


def nested(lrs, optimizer):
    first = lrs.SequentialLR(
        optimizer,
        [lrs.ConstantLR(optimizer, 0.1, 30), lrs.LinearLR(optimizer, 0.1, total_iters=10)],
        [30],
    )
    return lrs.SequentialLR(optimizer, [first, lrs.ExponentialLR(optimizer, 0.97)], [45])


DECAY, NONE = dict(weight_decay=0.05), dict(weight_decay=0.0)
RECIPES = {
    "adamw, two groups, warm-up and cosine": two("AdamW", DECAY, NONE, warm_cosine, lr=1e-2),
    "adamw amsgrad": two("AdamW", DECAY, NONE, warm_cosine, lr=1e-2, amsgrad=True),
    "adam, hugging face linear": one(
        "Adam", lambda lrs, o: lrs.LambdaLR(o, lambdas), lr=1e-2, betas=(0.9, 0.98), eps=1e-9
    ),
    "adamw, hugging face cosine": two(
        "AdamW",
        DECAY,
        NONE,
        lambda lrs, o: lrs.LambdaLR(o, partial(cosine_with_warmup, warmup=10, total=90)),
        lr=1e-2,
    ),
    "imagenet": one(
        "SGD",
        lambda lrs, o: lrs.MultiStepLR(o, [30, 60]),
        lr=0.1,
        momentum=0.9,
        weight_decay=1e-4,
    ),
    "sgd nesterov, steps": one(
        "SGD",
        lambda lrs, o: lrs.StepLR(o, 30, 0.1),
        lr=0.05,
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
    ),
    "fine-tuning, two rates": two(
        "SGD",
        dict(lr=1e-3),
        dict(lr=1e-1),
        lambda lrs, o: lrs.StepLR(o, 20, 0.5),
        momentum=0.9,
    ),
    "detection": two(
        "SGD",
        dict(weight_decay=5e-4),
        dict(lr=0.02),
        lambda lrs, o: lrs.SequentialLR(
            o,
            [lrs.LinearLR(o, 1e-3, total_iters=20), lrs.MultiStepLR(o, [20, 40])],
            [20],
        ),
        lr=0.01,
        momentum=0.9,
    ),
    "one cycle": one(
        "SGD", lambda lrs, o: lrs.OneCycleLR(o, 0.1, total_steps=100), lr=0.1, momentum=0.9
    ),
    "one cycle, adamw, two groups": two(
        "AdamW",
        DECAY,
        NONE,
        lambda lrs, o: lrs.OneCycleLR(o, [0.01, 0.02], total_steps=100, pct_start=0.1),
        lr=0.1,
    ),
    "cyclic": one(
        "SGD",
        lambda lrs, o: lrs.CyclicLR(o, 1e-3, 0.1, step_size_up=11, mode="triangular2"),
        lr=0.1,
        momentum=0.9,
    ),
    "warm restarts": one(
        "SGD",
        lambda lrs, o: lrs.CosineAnnealingWarmRestarts(o, 10, 2, eta_min=1e-4),
        lr=0.05,
        momentum=0.9,
    ),
    "exponential": one("RMSprop", lambda lrs, o: lrs.ExponentialLR(o, 0.97), lr=1e-2),
    "rmsprop of mobile nets": one(
        "RMSprop",
        lambda lrs, o: lrs.StepLR(o, 2, 0.973),
        lr=0.01,
        alpha=0.9,
        momentum=0.9,
        eps=0.0316,
        weight_decay=1e-5,
    ),
    "a2c": one("RMSprop", lr=7e-4, alpha=0.99, eps=1e-5),
    "gan": one("Adam", lr=2e-4, betas=(0.5, 0.999)),
    "gan, linear to the end": one(
        "Adam",
        lambda lrs, o: lrs.LinearLR(o, 1.0, 0.0, total_iters=90),
        lr=2e-4,
        betas=(0.0, 0.9),
    ),
    "polynomial of segmentation": one(
        "SGD",
        lambda lrs, o: lrs.PolynomialLR(o, total_iters=90, power=0.9),
        lr=0.01,
        momentum=0.9,
        weight_decay=1e-4,
    ),
    "chained": one(
        "Adam",
        lambda lrs, o: lrs.ChainedScheduler(
            [lrs.ConstantLR(o, 0.1, total_iters=30), lrs.ExponentialLR(o, 0.98)]
        ),
        lr=1e-2,
    ),
    "two that step together": one(
        "Adam",
        lambda lrs, o: [lrs.LinearLR(o, 0.1, total_iters=40), lrs.CosineAnnealingLR(o, 90)],
        lr=1e-2,
    ),
    "multiplicative": one("Adam", lambda lrs, o: lrs.MultiplicativeLR(o, lambda e: 0.95), lr=1e-2),
    "warm-up, stable, decay": two("AdamW", DECAY, NONE, stable_then_down, lr=1e-2),
    "nadam": one(
        "NAdam",
        lambda lrs, o: lrs.CosineAnnealingLR(o, 90, 1e-5),
        lr=2e-3,
        weight_decay=0.01,
        decoupled_weight_decay=True,
    ),
    "radam": one("RAdam", lambda lrs, o: lrs.ExponentialLR(o, 0.99), lr=1e-2, weight_decay=1e-2),
    "adagrad of recommenders": one("Adagrad", lr=0.05, lr_decay=1e-3, weight_decay=1e-5),
    "adadelta": one("Adadelta", lambda lrs, o: lrs.StepLR(o, 10, 0.7), lr=1.0),
    "adamax": one("Adamax", lr=2e-3),
    "rprop": one("Rprop", lr=1e-2),
    "averaged sgd": one("ASGD", lr=1e-2, lambd=1e-2, t0=30),
    "maximize": one("Adam", lr=1e-3, maximize=True),
    "restarts after a warm-up": one("SGD", restarts_after_a_warm_up, lr=0.05, momentum=0.9),
    "cycles later": one("SGD", cycles_later, lr=0.1, momentum=0.9),
    "polynomial past its end": one("SGD", ending, lr=0.1),
    "a sequence in a sequence": one("SGD", nested, lr=0.1),
    "a sequence in a chain": one(
        "SGD",
        lambda lrs, o: lrs.ChainedScheduler([warm_cosine(lrs, o), lrs.StepLR(o, 20, 0.5)]),
        lr=0.1,
    ),
}
# Updates between two steps of the scheduler, where that is not one.
EVERY = {"adadelta": 4, "imagenet": 2, "exponential": 5}
