"""The rows in which a dialect must be its framework, and the problem on which both are run.

Settings are where the conventions differ visibly (large epsilons), and once the defaults.
"""

import numpy as np

STEPS, SIZES = 60, (4, 2)  # two parameters, so that a norm of one is not the norm of both
SIZE = sum(SIZES)
CURVATURE = np.array([0.0, 0.0, 0.5, 2.0, 1.0, 0.1])
THETA = np.array([0.3, -0.7, 1.0, -2.0, 0.5, 3.0])
RATES = 0.05 * (1 + 0.5 * np.sin(np.arange(STEPS))) / (1 + 0.02 * np.arange(STEPS))


def noise():
    """Part of the gradients: coordinate 0 never has one, coordinate 1 only from update 20 on."""
    t, i = np.ogrid[1 : STEPS + 1, 1 : SIZE + 1]
    values = np.sin(37.0 * t * i + 11.0 * np.sqrt(t * i)) * (1 + np.cos(5.0 * t))
    values[:, 0] = 0
    values[:20, 1] = 0
    return values


def split(theta):
    """The two parameters of a vector."""
    return np.split(theta, np.cumsum(SIZES)[:-1])


ADAM = dict(betas=(0.8, 0.95), eps=1e-2)
KERAS_ADAM = dict(beta_1=0.8, beta_2=0.95, epsilon=1e-2)
TORCH = [
    ("SGD", {}),
    ("SGD", dict(weight_decay=0.1)),
    ("SGD", dict(momentum=0.8)),
    ("SGD", dict(momentum=0.8, weight_decay=0.1, maximize=True)),
    ("SGD", dict(momentum=0.8, dampening=0.3)),
    ("SGD", dict(momentum=0.8, dampening=0.8, weight_decay=0.1)),
    ("SGD", dict(momentum=0.8, nesterov=True)),
    ("SGD", dict(momentum=0.8, nesterov=True, weight_decay=0.1)),
    ("Adam", {}),
    ("Adam", ADAM),
    ("Adam", ADAM | dict(weight_decay=0.1, maximize=True)),
    ("Adam", ADAM | dict(weight_decay=0.1, decoupled_weight_decay=True)),
    ("Adam", ADAM | dict(amsgrad=True)),
    ("Adam", ADAM | dict(amsgrad=True, weight_decay=0.1)),
    ("AdamW", {}),
    ("AdamW", ADAM | dict(weight_decay=0.1)),
    ("AdamW", ADAM | dict(weight_decay=0.1, amsgrad=True, maximize=True)),
    ("AdamW", ADAM | dict(weight_decay=0.0)),
    ("Adamax", {}),
    ("Adamax", ADAM),
    ("Adamax", ADAM | dict(weight_decay=0.1, maximize=True)),
    ("NAdam", {}),
    ("NAdam", ADAM | dict(momentum_decay=0.1)),
    ("NAdam", ADAM | dict(weight_decay=0.1, maximize=True)),
    ("NAdam", ADAM | dict(weight_decay=0.1, decoupled_weight_decay=True)),
    ("RAdam", {}),
    ("RAdam", ADAM),
    ("RAdam", ADAM | dict(weight_decay=0.1, maximize=True)),
    ("RAdam", ADAM | dict(weight_decay=0.1, decoupled_weight_decay=True)),
    ("RMSprop", {}),
    ("RMSprop", dict(alpha=0.8, eps=1e-2)),
    ("RMSprop", dict(alpha=0.8, eps=1e-2, centered=True, weight_decay=0.1, maximize=True)),
    ("RMSprop", dict(alpha=0.8, eps=1e-2, momentum=0.7)),
    ("RMSprop", dict(alpha=0.8, eps=1e-2, momentum=0.7, centered=True, weight_decay=0.1)),
    ("Adagrad", {}),
    ("Adagrad", dict(eps=1e-2, initial_accumulator_value=0.2, lr_decay=0.1)),
    ("Adagrad", dict(eps=1e-2, lr_decay=0.1, weight_decay=0.1, maximize=True)),
    ("Adadelta", {}),
    ("Adadelta", dict(rho=0.8, eps=1e-2)),
    ("Adadelta", dict(rho=0.8, eps=1e-2, weight_decay=0.1, maximize=True)),
    ("Rprop", {}),
    ("Rprop", dict(etas=(0.4, 1.3), step_sizes=(1e-3, 0.2), maximize=True)),
    ("ASGD", {}),
    ("ASGD", dict(lambd=0.2, alpha=0.6, t0=10)),
    ("ASGD", dict(lambd=0.2, t0=10, weight_decay=0.1, maximize=True)),
]
# With a scheduler that cycles the momentum as well, in the place of the changing rate.
CYCLED = dict(lr=("OneCycleLR", dict(max_lr=0.2, total_steps=STEPS)))
TORCH += [
    ("SGD", CYCLED | dict(momentum=0.5, dampening=0.3, weight_decay=0.1)),
    ("RMSprop", CYCLED | dict(momentum=0.5)),
    ("AdamW", CYCLED | dict(eps=1e-2)),
    ("NAdam", CYCLED | dict(eps=1e-2)),
]
KERAS = [
    ("SGD", {}),
    ("SGD", dict(weight_decay=0.1)),
    ("SGD", dict(momentum=0.8)),
    ("SGD", dict(momentum=0.8, weight_decay=0.1)),
    ("SGD", dict(momentum=0.8, nesterov=True)),
    ("SGD", dict(momentum=0.8, nesterov=True, weight_decay=0.1, use_ema=True, ema_momentum=0.8)),
    ("SGD", dict(momentum=0.8, clipnorm=0.7)),
    ("SGD", dict(momentum=0.8, clipvalue=0.5, weight_decay=0.1)),
    ("Adam", {}),
    ("Adam", KERAS_ADAM),
    ("Adam", KERAS_ADAM | dict(weight_decay=0.1)),
    ("Adam", KERAS_ADAM | dict(amsgrad=True)),
    ("Adam", KERAS_ADAM | dict(amsgrad=True, weight_decay=0.1)),
    ("Adam", KERAS_ADAM | dict(global_clipnorm=0.7)),
    ("AdamW", {}),
    ("AdamW", KERAS_ADAM | dict(weight_decay=0.1, use_ema=True, ema_momentum=0.8)),
    ("AdamW", KERAS_ADAM | dict(weight_decay=0.1, amsgrad=True, clipnorm=0.7)),
    ("Adamax", {}),
    ("Adamax", KERAS_ADAM),
    ("Adamax", KERAS_ADAM | dict(weight_decay=0.1)),
    ("Nadam", {}),
    ("Nadam", KERAS_ADAM),
    ("Nadam", KERAS_ADAM | dict(weight_decay=0.1)),
    ("RMSprop", {}),
    ("RMSprop", dict(rho=0.8, epsilon=1e-2)),
    ("RMSprop", dict(rho=0.8, epsilon=1e-2, centered=True, weight_decay=0.1)),
    ("RMSprop", dict(rho=0.8, epsilon=1e-2, momentum=0.7)),
    ("RMSprop", dict(rho=0.8, epsilon=1e-2, momentum=0.7, centered=True, weight_decay=0.1)),
    ("Adagrad", {}),
    ("Adagrad", dict(epsilon=1e-2, initial_accumulator_value=0.2)),
    ("Adagrad", dict(epsilon=1e-2, weight_decay=0.1)),
    ("Adadelta", {}),
    ("Adadelta", dict(rho=0.8, epsilon=1e-2)),
    ("Adadelta", dict(rho=0.8, epsilon=1e-2, weight_decay=0.1)),
    ("Lion", {}),
    ("Lion", dict(beta_1=0.7, beta_2=0.8, weight_decay=0.1)),
    ("Lamb", {}),
    ("Lamb", dict(epsilon=1e-2, beta_2=0.9, weight_decay=0.1)),
    ("Ftrl", {}),
    ("Ftrl", dict(l1_regularization_strength=0.1, l2_regularization_strength=0.2, beta=0.3)),
]


def inverse_root(epoch):
    """A function for `LambdaLR`, for PyTorch's integers and for traced ones."""
    return (epoch + 1.0) ** -0.5


def now_and_then(epoch):
    """A function that branches in Python, as those written for PyTorch do."""
    return 0.8 if epoch % 3 else 1.1


TORCH_SCHEDULERS = [
    ("StepLR", dict(step_size=7, gamma=0.3)),
    ("MultiStepLR", dict(milestones=[5, 20, 20, 41], gamma=0.3)),
    ("ExponentialLR", dict(gamma=0.9)),
    ("LambdaLR", dict(lr_lambda=inverse_root)),
    ("CosineAnnealingLR", dict(T_max=17, eta_min=0.01)),
    ("CyclicLR", dict(base_lr=0.02, max_lr=0.2, step_size_up=7)),
    (
        "CyclicLR",
        dict(base_lr=0.02, max_lr=0.2, step_size_up=7, step_size_down=11, mode="triangular2"),
    ),
    ("CyclicLR", dict(base_lr=0.02, max_lr=0.2, step_size_up=7, mode="exp_range", gamma=0.97)),
    (
        "CyclicLR",
        dict(
            base_lr=0.02,
            max_lr=0.2,
            step_size_up=6,
            scale_fn=inverse_root,
            scale_mode="iterations",
            cycle_momentum=False,
        ),
    ),
    ("OneCycleLR", dict(max_lr=0.2, total_steps=STEPS)),
    ("OneCycleLR", dict(max_lr=0.2, epochs=6, steps_per_epoch=10, anneal_strategy="linear")),
    ("OneCycleLR", dict(max_lr=0.2, total_steps=STEPS, pct_start=0.2, three_phase=True)),
    ("StepLR", dict(step_size=7, gamma=1.3)),
    ("ConstantLR", {}),
    ("ConstantLR", dict(factor=0.3, total_iters=11)),
    ("LinearLR", {}),
    ("LinearLR", dict(start_factor=0.1, end_factor=0.7, total_iters=13)),
    ("PolynomialLR", {}),
    ("PolynomialLR", dict(total_iters=41, power=1.7)),
    ("MultiplicativeLR", dict(lr_lambda=inverse_root)),
    ("MultiplicativeLR", dict(lr_lambda=now_and_then)),
    ("LambdaLR", dict(lr_lambda=now_and_then)),
    ("CosineAnnealingWarmRestarts", dict(T_0=7)),
    ("CosineAnnealingWarmRestarts", dict(T_0=5, T_mult=2, eta_min=0.01)),
    ("CosineAnnealingWarmRestarts", dict(T_0=1, T_mult=3)),
    ("SWALR", dict(swa_lr=0.03)),
    ("SWALR", dict(swa_lr=0.3, anneal_epochs=0, anneal_strategy="linear")),
    ("SWALR", dict(swa_lr=0.03, anneal_epochs=17, anneal_strategy="linear")),
    (
        "SequentialLR",
        dict(
            schedulers=[
                ("LinearLR", dict(start_factor=0.01, total_iters=9)),
                ("CosineAnnealingLR", dict(T_max=40, eta_min=0.01)),
            ],
            milestones=[9],
        ),
    ),
    (
        "SequentialLR",
        dict(
            schedulers=[
                ("ConstantLR", dict(factor=0.1, total_iters=4)),
                ("MultiplicativeLR", dict(lr_lambda=inverse_root)),
                ("StepLR", dict(step_size=3, gamma=0.5)),
            ],
            milestones=[9, 31],
        ),
    ),
    (
        "ChainedScheduler",
        dict(schedulers=[("ConstantLR", dict(total_iters=20)), ("ExponentialLR", dict(gamma=0.9))]),
    ),
    (
        "ChainedScheduler",
        dict(
            schedulers=[
                ("LinearLR", dict(total_iters=10)),
                ("CosineAnnealingLR", dict(T_max=17, eta_min=0.02)),
                ("PolynomialLR", dict(total_iters=40)),
            ]
        ),
    ),
    (
        "ChainedScheduler",
        dict(
            schedulers=[
                ("LambdaLR", dict(lr_lambda=inverse_root)),
                ("ExponentialLR", dict(gamma=0.9)),
            ]
        ),
    ),
]
KERAS_SCHEDULES = [
    ("ExponentialDecay", dict(initial_learning_rate=0.1, decay_steps=7, decay_rate=0.5)),
    (
        "ExponentialDecay",
        dict(initial_learning_rate=0.1, decay_steps=7, decay_rate=0.5, staircase=True),
    ),
    ("InverseTimeDecay", dict(initial_learning_rate=0.1, decay_steps=7, decay_rate=0.5)),
    (
        "InverseTimeDecay",
        dict(initial_learning_rate=0.1, decay_steps=7, decay_rate=0.5, staircase=True),
    ),
    ("PiecewiseConstantDecay", dict(boundaries=[10, 30], values=[1.0, 0.5, 0.1])),
    ("CosineDecay", dict(initial_learning_rate=0.1, decay_steps=40, alpha=0.2)),
    (
        "CosineDecay",
        dict(
            initial_learning_rate=0.02,
            decay_steps=40,
            alpha=0.2,
            warmup_target=0.1,
            warmup_steps=12,
        ),
    ),
    ("PolynomialDecay", dict(initial_learning_rate=0.1, decay_steps=40, power=2.0)),
    ("PolynomialDecay", dict(initial_learning_rate=0.1, decay_steps=25, cycle=True)),
    ("CosineDecayRestarts", dict(initial_learning_rate=0.1, first_decay_steps=8, m_mul=0.8)),
    (
        "CosineDecayRestarts",
        dict(initial_learning_rate=0.1, first_decay_steps=9, t_mul=1.0, alpha=0.1),
    ),
]

TORCH_PLATEAUS = [
    ("ReduceLROnPlateau", dict(patience=3)),
    ("ReduceLROnPlateau", dict(factor=0.5, patience=0, cooldown=4, min_lr=0.003)),
    ("ReduceLROnPlateau", dict(mode="max", threshold=0.05, patience=2, threshold_mode="abs")),
    ("ReduceLROnPlateau", dict(factor=0.2, patience=1, eps=1e-4)),
]
LOSSES = 2 + np.sin(np.arange(STEPS)) + np.exp(-np.arange(STEPS) / 10)


def label(row):
    """The name of a row, and of its recording."""
    name, settings = row
    return f"{name}({','.join(f'{k}={_written(v)}' for k, v in settings.items())})"


def _written(value):
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return f"[{','.join(map(label, value))}]"
    return f"{value.__name__ if callable(value) else value}".replace(" ", "")
