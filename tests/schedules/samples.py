"""One schedule of every public function that makes one, found by what they return."""

import inspect

import lectopt
from tests.schedules.rows import by_tenth
from tests.support.public import PUBLIC

NUMBERS = dict(
    alpha_0=0.1, base=0.1, base_lr=0.1, batch_size=64, base_batch_size=32, by=-3, count=0, cycles=2,
    decay_rate=0.9, decay_steps=6, eta=0.1, eta_0=0.1, first_decay_steps=3, gamma=0.9, gamma_0=0.1,
    half_cycle=4, init=0.1, initial_learning_rate=0.1, initial_lr=0.1, k=0.1, lambda_=2.0, lr=0.1,
    max_lr=0.3, peak=0.3, step_size=3, steps=6, stepsize=4, strong_convexity=2.0, total_steps=20,
    value=0.1, T=12, T_0=4, T_max=6, total_iters=6, start_factor=0.5, power=2.0, swa_lr=0.05,
)  # fmt: skip
OTHERS = dict(
    boundaries=(2, 7), values=(0.3, 0.2, 0.1), milestones=[2, 7, 7], factor=by_tenth,
    lr_lambda=by_tenth, schedule=lectopt.cosine_decay(0.1, 6), schedules=(0.3, 0.2, 0.1),
    schedulers=[lectopt.cosine_decay(0.1, 6)],
)  # fmt: skip
NO_SCHEDULES = ("satisfies_robbins_monro", "schedule")


def _makes_a_schedule(function):
    returned = str(inspect.signature(function).return_annotation)
    return "Schedule" in returned or hasattr(getattr(function, "lifted", None), "order")


def _sample(function):
    parameters = inspect.signature(function).parameters.values()
    wanted = [p.name for p in parameters if p.default is p.empty]
    known = NUMBERS | OTHERS
    length = [] if "total_steps" not in [p.name for p in parameters] else ["total_steps"]
    given = {name: known[name] for name in [*wanted, *length]}
    if {"schedulers", "milestones"} <= given.keys():  # three milestones are of four
        given["schedulers"] = known["schedulers"] * 4
    return function(**given)


SAMPLES = {
    name: _sample(function)
    for name, function in PUBLIC.items()
    if _makes_a_schedule(function) and name not in NO_SCHEDULES
}
