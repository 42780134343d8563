"""The optimizers of PyTorch, Keras and Optax, each beside the library's own spelling of it.

A row has the letters that are left open in both, so that what is proved is so for every number; the
call of the dialect; and the same in the words of the library.
"""

from typing import Any

import jax

import lectopt
from lectopt.dialects import keras, optax, torch

NAMES = dict(lectopt=lectopt, keras=keras, optax=optax, torch=torch, key=jax.random.key(0))
ROWS = [
    (
        "lr, mu",
        "torch.SGD(lr, momentum=mu, dampening=0.5, weight_decay=0.01)",
        "lectopt.chain(lectopt.add_decayed_weights(0.01), lectopt.momentum(lr, mu, "
        'form="heavy_ball", dampening=0.5, dampen_first=False))',
    ),
    (
        "lr",
        "torch.ASGD(lr, weight_decay=0.01)",
        "lectopt.chain(lectopt.add_decayed_weights(0.01), lectopt.asgd(lr))",
    ),
    ("lr", "torch.Rprop(lr)", "lectopt.rprop(lr)"),
    (
        "lr, eps",
        "torch.Adam(lr, eps=eps, weight_decay=0.01)",
        "lectopt.chain(lectopt.add_decayed_weights(0.01), lectopt.adam(lr, eps=eps))",
    ),
    (
        "lr, eps",
        "torch.Adam(lr, eps=eps, amsgrad=True)",
        'lectopt.amsgrad(lr, eps=eps, maximum_of="raw")',
    ),
    (
        "lr, eps",
        "torch.AdamW(lr, eps=eps, weight_decay=0.01)",
        "lectopt.adamw(lr, eps=eps, weight_decay=0.01)",
    ),
    (
        "lr, eps",
        "torch.SparseAdam(lr, eps=eps)",
        'lectopt.adam(lr, eps=eps, eps_placement="uncorrected")',
    ),
    ("lr, eps", "torch.Adamax(lr, eps=eps)", "lectopt.adamax(lr, eps=eps)"),
    ("lr", "torch.NAdam(lr)", "lectopt.nadam(lr, momentum_decay=0.004)"),
    ("lr", "torch.RAdam(lr)", 'lectopt.radam(lr, eps_placement="uncorrected")'),
    (
        "lr, eps",
        "torch.RMSprop(lr, eps=eps, momentum=0.9, centered=True)",
        'lectopt.rmsprop(lr, 0.99, eps, eps_placement="outside", momentum=0.9, centered=True, '
        'momentum_form="heavy_ball")',
    ),
    (
        "lr, eps",
        "torch.Adagrad(lr, eps=eps)",
        'lectopt.adagrad(lr, 0.0, eps, eps_placement="outside")',
    ),
    ("lr, eps", "torch.Adadelta(lr, eps=eps)", "lectopt.adadelta(lr, 0.9, eps)"),
    (
        "lr",
        "torch.LBFGS(lr)",
        'lectopt.lbfgs(lr, 100, line_search=None, first_norm="l1", least_curvature=1e-10)',
    ),
    ("lr, mu", "keras.SGD(lr, momentum=mu)", "lectopt.momentum(lr, mu)"),
    ("lr, mu", "keras.SGD(lr, momentum=mu, nesterov=True)", "lectopt.nesterov(lr, mu)"),
    (
        "lr, eps",
        "keras.Adam(lr, epsilon=eps)",
        'lectopt.adam(lr, eps=eps, eps_placement="uncorrected")',
    ),
    (
        "lr, eps",
        "keras.AdamW(lr, epsilon=eps)",
        'lectopt.adamw(lr, eps=eps, weight_decay=0.004, eps_placement="uncorrected")',
    ),
    (
        "lr, eps",
        "keras.Adamax(lr, epsilon=eps)",
        'lectopt.adamax(lr, eps=eps, eps_placement="outside")',
    ),
    ("lr", "keras.Nadam(lr)", "lectopt.nadam(lr, eps=1e-7, momentum_decay=1.0)"),
    (
        "lr, eps",
        "keras.RMSprop(lr, epsilon=eps, momentum=0.9)",
        "lectopt.rmsprop(lr, 0.9, eps, momentum=0.9)",
    ),
    ("lr, eps", "keras.Adagrad(lr, epsilon=eps)", "lectopt.adagrad(lr, 0.1, eps)"),
    ("lr, eps", "keras.Adadelta(lr, epsilon=eps)", "lectopt.adadelta(lr, 0.95, eps)"),
    ("lr", "keras.Lion(lr)", "lectopt.lion(lr, weight_decay=0.0)"),
    ("lr", "keras.Lamb(lr)", "lectopt.lamb(lr, eps=1e-7)"),
    ("lr, beta", "keras.Ftrl(lr, beta=beta)", "lectopt.ftrl(lr, beta=beta)"),
    (
        "lr",
        "keras.ScheduleFreeAdamW(lr)",
        "lectopt.schedule_free_adamw(lr, weight_lr_power=0.0)",
    ),
    ("lr", "optax.adabelief(lr)", "lectopt.adabelief(lr)"),
    ("lr", "optax.adadelta(lr)", "lectopt.adadelta(lr)"),
    ("lr", "optax.adafactor(lr)", "lectopt.adafactor(lr)"),
    ("lr, eps", "optax.adagrad(lr, 0.1, eps)", "lectopt.adagrad(lr, 0.1, eps)"),
    ("lr, eps", "optax.adam(lr, eps=eps)", "lectopt.adam(lr, eps=eps)"),
    (
        "lr, eps",
        "optax.adam(lr, eps=0.0, eps_root=eps)",
        'lectopt.adam(lr, eps=eps, eps_placement="inside")',
    ),
    ("lr, eps", "optax.adamax(lr, eps=eps)", "lectopt.adamax(lr, eps=eps)"),
    (
        "lr, decay",
        "optax.adamaxw(lr, weight_decay=decay)",
        "lectopt.chain(lectopt.adamax(lr), lectopt.shrink_weights(lr, decay))",
    ),
    (
        "lr, decay",
        "optax.adamw(lr, weight_decay=decay)",
        "lectopt.adamw(lr, weight_decay=decay)",
    ),
    ("lr", "optax.amsgrad(lr)", "lectopt.amsgrad(lr)"),
    ("lr", "optax.fromage(lr)", "lectopt.fromage(lr)"),
    ("lr", "optax.lamb(lr)", "lectopt.lamb(lr)"),
    ("lr", "optax.lars(lr)", "lectopt.lars(lr)"),
    (
        "lr",
        "optax.lbfgs(lr, linesearch=None)",
        'lectopt.lbfgs(lr, line_search=None, curvature="any")',
    ),
    ("lr", "optax.lion(lr)", "lectopt.lion(lr)"),
    ("lr", "optax.nadam(lr)", "lectopt.adam(lr, nesterov=True)"),
    ("lr", "optax.nadamw(lr)", "lectopt.adamw(lr, nesterov=True)"),
    ("lr", "optax.noisy_sgd(lr, key=key)", "lectopt.noisy_sgd(lr, key=key)"),
    ("lr", "optax.novograd(lr)", "lectopt.novograd(lr)"),
    ("lr", "optax.optimistic_adam_v2(lr)", "lectopt.optimistic_adam(lr)"),
    (
        "lr",
        "optax.optimistic_gradient_descent(lr)",
        "lectopt.optimistic_gradient_descent(lr)",
    ),
    ("rate", "optax.polyak_sgd(rate)", "lectopt.polyak_sgd(rate)"),
    ("lr", "optax.radam(lr)", "lectopt.radam(lr)"),
    ("lr, eps", "optax.rmsprop(lr, eps=eps)", "lectopt.rmsprop(lr, eps=eps)"),
    (
        "lr, mu",
        "optax.sgd(lr, momentum=mu)",
        'lectopt.momentum(lr, mu, form="heavy_ball")',
    ),
    ("lr", "optax.sign_sgd(lr)", "lectopt.sign_sgd(lr)"),
    ("lr", "optax.signum(lr)", "lectopt.signum(lr)"),
    ("lr", "optax.sm3(lr)", "lectopt.sm3(lr)"),
    ("lr", "optax.yogi(lr)", "lectopt.yogi(lr)"),
]
# What is no other spelling of anything here, and why; those with a call differ from the algorithm.
WITHOUT: dict[str, str] = {
    "torch.Adafactor": "it bounds the rate by 1 / sqrt(t) and factors the last two axes of every "
    "leaf that has two: a chain of primitives",
    "torch.Muon": "its velocity is an average and its iteration in bfloat16: a chain of primitives",
    "keras.Adafactor": "as PyTorch's",
    "keras.Muon": "Adam has the leaves that its patterns of paths name: a chain of primitives",
    "keras.LossScaleOptimizer": "it is around any optimizer",
    "optax.adan": "Optax weights the difference of gradients by 1 - b2, the paper by b2",
    "optax.optimistic_adam": "Optax' first version scales the change by a number of its own",
    "optax.rprop": "each update makes the move of the one before",
}
DIFFERENT = [
    ("lr", "optax.adan(lr)", "lectopt.adan(lr)"),
    ("lr", "optax.rprop(lr)", "lectopt.rprop(lr)"),
]


def maker(letters: str, text: str) -> Any:
    """What `text` makes, as a function of the letters."""
    function = eval(f"lambda {letters}: {text}", dict(NAMES))
    function.__name__ = text.partition("(")[0]
    return function
