"""What one can do wrong, one row for every way: the call, the error, and words of its message.

Between them the rows reach every `raise` of the modules that `tests/test_messages.py` lists.
"""

import jax
import jax.numpy as jnp
import optax

import lectopt
from lectopt import chain, dialects, ema, lectures, ratio, sgd
from lectopt.dialects import keras, torch
from tests.support import miswired
from tests.support.miswired import PARAMS, forgetful, started, updated
from tests.support.wrong_arguments import ARGUMENTS

MASK = {"w": True, "c": True}
LINE = torch.LinearLR(0.1)


AVERAGE = lectopt.average_params(lectopt.averaging.uniform())
T, V = TypeError, ValueError
BUILT = {
    "a list": (lambda: chain([ema(0.9)]), T, ["Leave the brackets out", "chain(ema(0.9), sgd"]),
    "a maker": (lambda: chain(lectopt.adam), T, ["the function adam", "Write adam(...)."]),
    "a number": (lambda: ratio(ema(0.9), 3.0), T, ["got 3.0. Write for example ema(0.9)."]),
    "no decay": (lambda: lectopt.debiased(lectopt.negate()), T, ["no decay", "debiased(ema(0.9))"]),
    "one name twice": (lambda: chain(ema(0.9), ema(0.8)), V, ["under 'mu'", "chain(fast=ema(0.9)"]),
    "the counter's name": (lambda: chain(count=ema(0.9)), V, ["step counter", "another keyword"]),
    "the name inside": (lambda: lectopt.monitor(lectopt.monitor(sgd(1))), V, ["under 'metrics'"]),
    "shared by a tree": (miswired.across_a_tree, V, ["shares a moment", "the moment twice"]),
    "shared by two updates": (miswired.across_updates, V, ["the same update", "a second one"]),
    "a key": (lambda: lectopt.sgld(0.1, key=("a",)), V, ["one JAX key", "jax.random.key(0)"]),
    "no key": (lambda: lectopt.sgld(0.1, key="a"), V, ["one JAX key", "got 'a'"]),
    "keys": (lambda: lectopt.sgld(0.1, key=jnp.ones(2)), V, ["one JAX key", "float32[2]"]),
    "a rate from 0": (lambda: lectopt.swats(lectopt.warmup(0.1, 9)), V, ["must not start at 0"]),
    "a scheme": (lambda: lectopt.average_params(3), T, ["got 3", "averaging.polynomial_decay(3)"]),
    "no patterns": (lambda: lectopt.scale_by_path([0.1]), V, ["{pattern: value}", '"encoder/.*"']),
    "no pattern": (lambda: lectopt.scale_by_path({"(": 1}), V, ["no regular expression"]),
    "a factor": (lambda: lectopt.scale_by_path({"w": -1}), V, ["'w' wants", "got -1"]),
    "a condition": (lambda: lectopt.switch_when(3, sgd(1), sgd(2)), T, ["condition=lambda t"]),
    "Wolfe's order": (lambda: lectopt.scale_by_wolfe_line_search(c1=0.5, c2=0.1), V, ["c1 < c2"]),
    "amsgrad": (
        lambda: lectopt.amsgrad(0.1, maximum_of="corrected", eps_placement="uncorrected"),
        V,
        ['Write maximum_of="raw".'],
    ),
    "orthogonalize by two numbers": (
        lambda: lectopt.orthogonalize(((1.5, -0.5),)).update(jnp.eye(2), {}),
        V,
        ["three numbers for each step", "got shape (1, 2)"],
    ),
    "momentum": (lambda: lectopt.momentum(1, form="ema", dampening=0.5), V, ['"heavy_ball"']),
    "bounds": (lambda: lectopt.local_gains(1, min_gain=2, max_gain=1), V, ["at most max_gain"]),
    "boundaries": (lambda: lectopt.join((1, 2), ()), V, ["2 schedules need 1", "join((warmup"]),
    "a warm-up without an end": (
        lambda: lectopt.warmup_cosine(1e-3, 100, 100),
        V,
        ["100 updates leaves none of 100", "warmup=0.05"],
    ),
    "falling boundaries": (lambda: lectopt.join((1, 2, 3), (5, 2)), V, ["increasing", "(5, 2)"]),
    "a negative rate": (
        lambda: lectopt.satisfies_robbins_monro(lambda k: -1.0),
        V,
        ["zero or more", "-1.0 at count 0"],
    ),
    "a traced rate": (
        lambda: jax.jit(lambda r: lectopt.satisfies_robbins_monro(lambda k: r).sum)(0.1),
        V,
        ["traced", "Ask before the transformation"],
    ),
    "cmu's rmsprop": (lambda: lectures.cmu11785.rmsprop(literal=True), V, ["go together"]),
    "stat's SGD": (lambda: lectures.stat479.SGD(0.1, nesterov=True), V, ["momentum=0.9"]),
    "a changing rate": (lambda: lectures.ttic31230.sgd_as_mcmc(lambda k: 1), V, ["constant"]),
    "two clippings": (lambda: keras.SGD(clipnorm=1.0, clipvalue=1.0), V, ["only one", "clipvalue"]),
    "values": (lambda: keras.PiecewiseConstantDecay([1], [1.0]), V, ["2 values, got 1", "Write"]),
    "not needed": (lambda: torch.Adam(foreach=True), V, ["foreach is not needed", "XLA"]),
    "no pair": (lambda: torch.Adam(betas=0.9), V, ["2 numbers", "betas=(0.9, 0.999)"]),
    "half a pair": (lambda: torch.Adam(betas=(2, 0.9)), V, ["betas[0]", "betas[0]=0.9"]),
    "no length": (lambda: torch.OneCycleLR(0.1), V, ["Write total_steps="]),
    "milestones": (
        lambda: torch.SequentialLR([torch.LinearLR(0.1)], [5]),
        V,
        ["1 schedulers need 0 milestones, got 1", "Write for example SequentialLR([LinearLR"],
    ),
    "a chain inside": (
        lambda: torch.SequentialLR([torch.ChainedScheduler([LINE]), LINE], [5]),
        V,
        ["is an error in PyTorch", "Write one SequentialLR"],
    ),
    "no momentum": (lambda: torch.SGD(nesterov=True), V, ["nesterov needs a momentum"]),
    "nothing to cycle": (lambda: torch.Adagrad(torch.CyclicLR(1, 2)), V, ["cycle_momentum=False"]),
    "a mode": (lambda: torch.ReduceLROnPlateau(1, threshold_mode="a"), V, ["'rel', 'abs'"]),
    "a reduction": (lambda: torch.ReduceLROnPlateau(0.1, factor=2), V, ["factor must lie in"]),
    "a rate below the least": (
        lambda: torch.ReduceLROnPlateau(0.1, min_lr=0.2),
        V,
        ["min_lr at most lr; got 0.1, 0.1, 0.2"],
    ),
    "port": (lambda: lectopt.port(3, "keras"), T, ["got 3", "port(dialects.torch.Adam"]),
}  # fmt: skip

MISPLACED = {
    "an average first": (
        lambda: chain(AVERAGE, sgd(0.1)),
        V,
        [
            "Write it last, as in chain(sgd(0.1), average_params(...))",
            "Behind it stands scale_by_learning_rate",
        ],
    ),
    "an average in a ratio": (lambda: ratio(AVERAGE, ema(0.9)), V, ["Write it last"]),
    "an average in lookahead": (
        started(lectopt.lookahead(chain(sgd(0.1), AVERAGE))),
        V,
        ["Write chain(lookahead(fast_optimizer), average_params(...))"],
    ),
    "a decay in half precision": (
        lambda: lectopt.adam(0.1, b2=jnp.bfloat16(0.5)),
        T,
        ["b2 arrives in bfloat16", "hyperparam_dtype=jnp.float32"],
    ),
    "a schedule for one number": (
        lambda: lectures.cmu11785.plateau(factor=lambda count: 2.0),
        T,
        ["factor must be one number for the whole training, and no schedule"],
    ),
}
USED = {
    "complex weights": (
        lambda: torch.Adam().init({"w": jnp.ones(2, complex)}),
        V,
        ["['w'] are complex", "split_real_and_imaginary(optimizer)"],
    ),
    "no parameters": (
        updated(lectopt.adamw(1e-3), params=None),
        V,
        ["add_decayed_weights needs the parameters. Write tx.update(grads, state, params)."],
    ),
    "no parameters of a dialect": (
        updated(dialects.optax.adamw(1e-3), params=None),
        V,
        ["add_decayed_weights needs the parameters."],
    ),
    "no parameters of a tree": (updated(lectopt.monitor(sgd(1)), params=None), V, ["monitor n"]),
    "no loss": (updated(lectopt.reduce_on_plateau()), T, ["needs value", "value=loss"]),
    "no loss for a weight": (updated(lectopt.rprop(1, variant="irprop+")), T, ["value=loss"]),
    "losses": (
        updated(lectopt.reduce_on_plateau(), value=jnp.ones(2)),
        V,
        ["shape (2,)", "value=losses.mean()"],
    ),
    "losses for a weight": (
        updated(lectopt.rprop(1.0, variant="irprop+"), value=jnp.ones(2)),
        V,
        ["shape (2,)", "value=losses.mean()"],
    ),
    "a condition's argument": (
        updated(lectopt.switch_when(lambda loss: loss < 1, sgd(1), sgd(2))),
        T,
        ["wants loss", "loss=..."],
    ),
    "a state not returned": (
        updated(forgetful(lectopt.adam(0.1))),
        V,
        ["does not return the state of inner", "updates, after = inner(updates)"],
    ),
    "another state": (
        updated(lectopt.adam(0.1), state=sgd(1.0).init(PARAMS)),
        V,
        ["This state belongs to another", "lacks 'count'", "state = tx.init(params)"],
    ),
    "another state below": (
        updated(lectopt.momentum(0.1), state={"mu": PARAMS}),
        V,
        ["it lacks 'trace'", "keeps 'mu'", "lectopt.carry_over(state, tx, params)"],
    ),
    "no state": (
        updated(lectopt.momentum(0.1), state=()),
        V,
        ["belongs to another optimizer: it is a tuple"],
    ),
    "no state of a member of Optax": (
        updated(chain(optax.trace(0.9)), state={}),
        V,
        ["it lacks 'optax_trace'"],
    ),
    "nothing to carry over": (
        lambda: lectopt.carry_over({"mu": 1}, lectopt.momentum(0.1), PARAMS),
        V,
        ["nothing fits", "keeps 'trace'", "the old state has 'mu'"],
    ),
    "a state carried to Optax": (
        lambda: lectopt.carry_over({}, optax.sgd(0.1), PARAMS),
        T,
        ["tx must be an optimizer of lectopt"],
    ),
    "a count where none is kept": (
        lambda: lectopt.carry_over({"trace": PARAMS}, sgd(0.1, momentum=0.9), PARAMS, count=3),
        V,
        ["keeps no count. Leave count=3 out."],
    ),
    "integers for parameters": (
        updated(sgd(1.0), params={"w": jnp.arange(3), "b": PARAMS["b"]}),
        T,
        ["The parameter ['w'] is int32, and its gradient float32", "None as the gradient"],
    ),
    "a search in every shard": (miswired.strong_search_in_shards, V, ['write kind="weak"']),
    "a gradient short": (
        updated(lectopt.adam(0.1), {"w": PARAMS["w"]}),
        V,
        ["no gradient for ['b']", "None for a leaf"],
    ),
    "another shape": (
        updated(lectopt.adam(0.1), {"w": jnp.ones(1), "b": PARAMS["b"]}),
        V,
        ["['w'] has shape (1,), but mu has (3,)"],
    ),
    "whole numbers": (updated(sgd(1.0), {"w": jnp.ones(3, int), "b": None}), T, ["floating point"]),
    "a maker in Flax": (
        miswired.maker_in_flax,
        T,
        ["adam is the function, and not", "as in nnx.Optimizer(model, lectopt.adam(0.001)"],
    ),
    "a maker in Optax": (
        lambda: optax.chain(lectopt.adam, optax.scale(1.0)).init(PARAMS),
        T,
        ["adam is the function, and not", "Write adam(...)"],
    ),
    "a module": (miswired.module, V, ["Write nnx.state(model, nnx.Param) for the model"]),
    "a mask of other keys": (
        started(lectopt.adamw(0.1, mask=MASK)),
        V,
        ["The mask {'w': True, 'c': True} does not fit", "nothing for ['b']", "at its ['c']"],
    ),
    "a function to other keys": (
        started(lectopt.adamw(0.1, mask=lambda params: {"w": True})),
        V,
        ["lambda> does not fit the parameters: it has nothing for ['b']"],
    ),
    "a mask of numbers": (started(lectopt.adamw(0.1, mask={"w": 1, "b": 0})), V, ["True or False"]),
    "no path": (
        started(chain(lectopt.scale_by_path({"v": 1.0}), sgd(1.0))),
        V,
        ["'v' matches no path", "w"],
    ),
    "no window": (
        lambda: lectopt.averaging_window(sgd(1.0).init(PARAMS)),
        V,
        ["contains scale_by_snr"],
    ),
    "no monitor": (lambda: lectopt.metrics(sgd(1.0).init(PARAMS)), V, ["tx = monitor(tx)"]),
}  # fmt: skip
MISTAKES = {
    f"{group}/{name}": row
    for group, rows in dict(arguments=ARGUMENTS, built=BUILT | MISPLACED, used=USED).items()
    for name, row in rows.items()
}
