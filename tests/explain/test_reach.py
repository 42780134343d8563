"""What is printed is what runs: every transformation of ours, of Optax's, of every dialect.

Every explanation is replayed: its equations, evaluated in plain NumPy, give the optimizer's own
numbers to 1e-12 in float64.
"""

import functools as ft
import inspect

import optax
import pytest

import lectopt
from lectopt.explain import explain, replay
from lectopt.explain.rewriting import rewrite
from lectopt.explain.terms import ONE, Term, add
from tests.explain.lines import BFLOAT16, EXACT, FLOAT32
from tests.support.algorithms import ALGORITHMS, over
from tests.support.optax_transformations import OPTAX
from tests.support.sampling import sampled

part = ft.partial


@over(ALGORITHMS, every=6)
def test_every_algorithm(row):
    explanation = explain(row.make, **row.numbers)
    assert explanation.obstacle == ""
    assert explanation.replay(steps=7) <= EXACT * row.conditioning
    built = explain(row.build())
    assert built.obstacle == "" and built.replay(steps=3) <= EXACT * row.conditioning


PARTS = {
    "add_decayed_weights": part(lectopt.add_decayed_weights, weight_decay=0.1),
    "add_l1": part(lectopt.add_l1, 0.1),
    "average_params/polynomial": lectopt.average_params(lectopt.averaging.polynomial_decay(3.0)),
    "average_params/uniform": lectopt.average_params(lectopt.averaging.uniform()),
    "average_params/exponential": lectopt.average_params(lectopt.averaging.exponential(0.9)),
    "average_params/suffix": lectopt.average_params(lectopt.averaging.suffix(0.5)),
    "average_params/every": lectopt.average_params(lectopt.averaging.uniform(), 2, every=3),
    "average_params/ahead": lectopt.chain(
        lectopt.nesterov(0.1), lectopt.average_params(lectopt.averaging.uniform())
    ),
    "line_search": lectopt.chain(lectopt.negate(), lectopt.scale_by_wolfe_line_search()),
    "product": lectopt.product(lectopt.ema(0.9), lectopt.mean_square(0.9)),
    "ratio": lectopt.ratio(lectopt.identity(), lectopt.root(lectopt.mean_square(0.9), 1e-8)),
    "swats": lectopt.swats,
    "switch_when": lectopt.switch_when(lambda t: t >= 3, lectopt.adam(0.1), lectopt.sgd(0.1)),
}


@pytest.mark.parametrize("name", PARTS)
def test_every_control_and_combinator(name):
    explanation = explain(PARTS[name])
    assert explanation.obstacle == ""
    assert explanation.replay(steps=7) <= EXACT


MASKS = ("matrices", "all_but_matrices")  # which make no transformation


def primitives():
    """The primitives that need no setting of a special kind."""
    makers = {k: v for k, v in vars(lectopt.primitives).items() if inspect.isfunction(v)}
    return sorted(k for k in makers if not k.startswith("_") and k not in MASKS)


@pytest.mark.parametrize("name", sampled(primitives(), 8))
def test_every_primitive(name):
    explanation = explain(getattr(lectopt.primitives, name))
    assert explanation.obstacle == ""
    assert explanation.replay() <= EXACT


@pytest.mark.slow  # test_printed.py runs what is printed of the same rows
@pytest.mark.parametrize("row", OPTAX, ids=lambda row: row.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # optimistic_adam says so of itself
def test_optax(row):
    explanation = explain(row.tx, params=row.params, **row.settings)
    assert row.why in explanation.obstacle and bool(explanation.obstacle) == bool(row.why)
    if row.why:
        assert "not explained" in str(explanation)
        with pytest.raises(ValueError, match="is not explained"):
            explanation.replay()
    else:
        narrow = "computes a part in float32" in str(explanation)
        assert row.float32 or not narrow  # older releases of Optax do less of it
        assert explanation.replay(steps=4) <= (FLOAT32 if narrow else EXACT)
    for opening, closing in (("{", "}"), (r"\begin", r"\end"), (r"\left", r"\right")):
        assert explanation.latex.count(opening) == explanation.latex.count(closing)


def spelled():
    """The optimizers of the lectures and of the dialects: what says that it returns one."""
    modules = [v for v in vars(lectopt.lectures).values() if inspect.ismodule(v)]
    modules += [lectopt.dialects.torch, lectopt.dialects.keras, lectopt.dialects.papers]
    for module in modules:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            here = function.__module__.startswith(module.__name__) and not name.startswith("_")
            if here and inspect.signature(function).return_annotation is lectopt.Transformation:
                yield pytest.param(function, id=f"{module.__name__.split('.')[-1]}.{name}")


ASKED = {"keras.LossScaleOptimizer": {"inner_optimizer": lectopt.sgd(0.1)}}  # no number is one


@pytest.mark.slow  # their parts are explained by themselves above
# isi.gradual_unfreezing wants patterns of layers, as unfreeze_gradually does, which is below.
@pytest.mark.parametrize("maker", [p for p in spelled() if "unfreezing" not in p.id])
def test_every_spelling_in_lectures_and_dialects(maker, request):
    explanation = explain(maker, **ASKED.get(request.node.callspec.id, {}))
    short = "bfloat16(" in str(explanation)
    assert explanation.obstacle == ""
    assert explanation.replay(steps=3) <= (BFLOAT16 if short else EXACT)


def test_replay_notices_a_wrong_equation():
    explanation = explain(optax.adam)
    (group,) = explanation.groups
    eps = next(letter for letter, name in explanation.reading.settings.items() if name == "eps")
    epsilon = Term("sym", eps, (), "real")
    wrong = rewrite(group.update, {epsilon: add(epsilon, add(epsilon, ONE))}.get, {})
    object.__setattr__(group, "update", wrong)
    assert explanation.replay(steps=2) > 1e-3
    assert replay(optax.adam, steps=2) <= EXACT
