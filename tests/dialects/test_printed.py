"""What `port` prints, run alone in the library that it is for, makes the updates of the source."""

import functools as ft
import importlib.util
import re
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import port
from lectopt.dialects import torch
from lectopt.dialects.porting.rows import rows
from tests.dialects.conversions import BY_POSITION, EXACT, ROWS, named
from tests.dialects.surroundings import AROUND
from tests.dialects.test_port import rate
from tests.support.oracles import record
from tests.support.oracles.rows import CURVATURE, SIZES, THETA, noise, split
from tests.support.sampling import sampled

part = ft.partial
CASES = [(maker, to) for maker, to, verdict, _ in ROWS if verdict == EXACT]
CASES += [(maker, to) for maker, to, verdict in BY_POSITION if verdict == EXACT] + AROUND


def gradients(push, params):
    """Of two parameters, in NumPy."""
    return [
        np.asarray(p + c * x) for p, c, x in zip(split(push), split(CURVATURE), params, strict=True)
    ]


def source_path(tx):
    """Where the gradients are taken, after every update."""
    params = [jnp.asarray(part) for part in split(THETA)]
    state, path = tx.init(params), []
    update = jax.jit(tx.update) if "clip" in repr(tx) else tx.update
    for push in noise():
        grads = gradients(push, tx.point(params, state))
        updates, state = update([jnp.asarray(g) for g in grads], state, params)
        params = optax.apply_updates(params, updates)
        path.append(np.concatenate(tx.point(params, state)))
    return np.array(path)


def executed(call, **names):
    """The names that a printed program defines."""
    if "\n" in call:
        exec(call, names)
    else:
        names["optimizer"] = eval(call, names)
    return names


def torch_path(call):
    import torch

    torch.set_default_dtype(torch.float64)
    params = [torch.tensor(part, requires_grad=True) for part in split(THETA)]
    first = dict(decayed=params[:1], group_0=params[:1], others=params[1:])
    names = executed(call, torch=torch, params=params, **first)
    path = []
    for push in noise():
        for p, g in zip(params, gradients(push, [p.detach().numpy() for p in params]), strict=True):
            p.grad = torch.tensor(g)
        names["optimizer"].step()
        if "scheduler" in names:
            names["scheduler"].step()
        path.append(np.concatenate([p.detach().numpy() for p in params]))
    return np.array(path)


def keras_path(call):
    framework = record.import_keras()
    params = [framework.Variable(part, dtype="float64") for part in split(THETA)]
    optimizer = executed(call, keras=framework, others=params[1:])["optimizer"]
    optimizer.build(params)

    def numbers(x):
        return np.array(framework.ops.convert_to_numpy(framework.ops.convert_to_tensor(x)))

    path = []
    for push in noise():
        grads = gradients(push, map(numbers, params))
        optimizer.apply([framework.ops.convert_to_tensor(g) for g in grads])
        path.append(np.concatenate([numbers(p) for p in params]))
    return np.array(path)


def optax_path(call):
    params = [jnp.asarray(part) for part in split(THETA)]
    tx = executed(call, optax=optax, first=first)["optimizer"]
    state, path, update = tx.init(params), [], jax.jit(tx.update)
    for push in noise():
        grads = [jnp.asarray(g) for g in gradients(push, params)]
        updates, state = update(grads, state, params)
        params = optax.apply_updates(params, updates)
        path.append(np.concatenate(params))
    return np.array(path)


PATHS = dict(torch=torch_path, keras=keras_path, optax=optax_path)


def assert_printed_runs(tx, to):
    if importlib.util.find_spec(to) is None:
        pytest.skip(f"{to} is not installed; the dialects are proved to be it")
    ported = port(tx, to)
    assert ported.verdict == EXACT, str(ported)
    with jax.numpy_rank_promotion("allow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = PATHS[to](ported.call)
    assert theirs.shape == (60, sum(SIZES))
    # Keras computes functions in float32 whatever its precision is set to; Optax this decay.
    single = re.search(
        r"keras\.(ops\.(cos|exp|log)|.*(Cosine|Adafactor|Ftrl))|optax\.adafactor", ported.call
    )
    ours = source_path(tx)
    if "With an epsilon of 0" in ported.reason:  # coordinate 0 never has a gradient, 1 late
        ours, theirs = ours[:, 2:], theirs[:, 2:]
    tolerance = dict(rtol=1e-5, atol=1e-5) if single else dict(rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(ours, theirs, **tolerance, err_msg=ported.call)


NAMED = [pytest.param(maker, to, id=named((maker, to))) for maker, to in CASES]


@pytest.mark.parametrize("maker, to", sampled(NAMED, 3))
@pytest.mark.usefixtures("x64")
def test_the_printed_program_makes_the_updates(maker, to):
    assert_printed_runs(maker(rate()), to)


def row_name(case):
    library, row = case
    given = ",".join(f"{k}={v}" for k, v in row.given.items() if not isinstance(v, float | tuple))
    return f"{library}.{row.maker.__name__}({given})"


EVERY = [(library, row) for library in PATHS for row in rows(library)]
FURTHER = ("LBFGS", "Muon", "contrib.muon", "polyak_sgd")  # in test_printed_further
LAST = {(lib, row.maker): (lib, row) for lib, row in EVERY if row.name not in FURTHER}.values()


@pytest.mark.parametrize("case", sampled(list(LAST), 3, ids=row_name))
@pytest.mark.usefixtures("x64")
def test_a_call_of_every_maker_is_what_it_says(case):
    """Each is said in the words of its own library."""
    library, row = case
    assert_printed_runs(row.maker(**row.given), library)


def first(params):
    """A mask by a function."""
    return [True, *[False] * (len(params) - 1)]


@pytest.mark.parametrize("mask", [[True, False], first], ids=["tree", "function"])
@pytest.mark.parametrize("to", ["torch", "keras", "optax"])
@pytest.mark.usefixtures("x64")
def test_a_mask_is_carried(to, mask):
    """As `mask=`, as parameter groups, or by exclusion."""
    place = "uncorrected" if to == "keras" else "outside"
    tx = lectopt.adamw(rate(), weight_decay=0.1, mask=mask, eps_placement=place)
    if importlib.util.find_spec(to) is None:
        pytest.skip(f"{to} is not installed; the dialects are proved to be it")
    ported = port(tx, to)
    assert ported.verdict == EXACT, str(ported)
    call = ported.call
    with jax.numpy_rank_promotion("allow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = (
            optax_path(call.replace("=first", "=lambda p: [True, False]"))
            if to == "optax"
            else PATHS[to](call)
        )
    np.testing.assert_allclose(source_path(tx), theirs, rtol=1e-11, atol=1e-11, err_msg=call)
    np.testing.assert_allclose(source_path(tx), source_path(ported.optimizer), rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_a_plateau_is_a_scheduler():
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed; the dialects are proved to be it")
    import torch as framework

    tx = lectopt.chain(torch.SGD(0.1), torch.ReduceLROnPlateau(0.1, factor=0.5, patience=1))
    ported = port(tx, "torch")
    assert ported.verdict == EXACT and ported.optimizer == tx
    framework.set_default_dtype(framework.float64)
    weight = framework.tensor([1.0, -2.0], requires_grad=True)
    names = executed(ported.call, torch=framework, params=[weight])
    params = jnp.array([1.0, -2.0])
    state = tx.init(params)
    for loss in [1.0, 2.0, 3.0, 4.0, 0.5, 2.0, 3.0, 4.0]:
        updates, state = tx.update(params, state, params, value=loss)
        params = optax.apply_updates(params, updates)
        names["scheduler"].step(loss)
        weight.grad = weight.detach().clone()
        names["optimizer"].step()
    np.testing.assert_allclose(params, weight.detach().numpy(), rtol=1e-14)


def test_what_a_library_does_not_have_is_named():
    """Never nothing: the settings, and what has to be done beside them."""
    slower = lectopt.chain(torch.Rprop(0.1), lectopt.scale_by_path({"head": 0.5}))
    ported = port(slower, "torch")
    assert ported.verdict == "impossible" and "torch.optim.Rprop(params, lr=0.1)" in ported.call
    assert "scale_by_path has to be done beside the optimizer" in ported.reason
    searching = lectopt.chain(lectopt.sgd(0.1), lectopt.scale_by_wolfe_line_search())
    assert "scale_by_wolfe_line_search has to be done" in port(searching, "torch").reason
    half = port(lectopt.adam(0.1, state_dtype="bfloat16"), "torch")
    assert half.verdict == "impossible" and "kept in bfloat16" in half.reason
    restarts = torch.SGD(torch.CosineAnnealingWarmRestarts(0.1, 5, 2))
    assert port(restarts, "torch").verdict == EXACT
    by_hand = port(restarts, "keras")
    assert by_hand.verdict == "impossible" and by_hand.call is None
    assert "written by hand, as it computes while" in by_hand.reason
    given = port(lectopt.sgd(jnp.ones(3).__getitem__), "torch")
    assert "float(schedule(count))" in given.call
    assert "schedule is the function of the count that was given" in given.reason


WRAPPERS = dict(
    lookahead=lectopt.lookahead,
    masked=part(lectopt.masked, mask={"head": True, "body": False}),
    quantise_state=lectopt.quantise_state,
    unfreeze_gradually=part(lectopt.unfreeze_gradually, {"head": 9}),
)


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_wrapper_is_named_and_what_it_wraps_is_said(name):
    clipped = lectopt.chain(lectopt.clip_by_value(1.0), WRAPPERS[name](torch.Adam(0.1)))
    for wrapped in [WRAPPERS[name](torch.Adam(0.1)), lectopt.monitor(clipped)]:
        ported = port(wrapped, "torch")
        assert ported.verdict == "impossible" and "torch.optim.Adam(params, lr=0.1)" in ported.call
        assert f"{name} has to be done around the optimizer" in ported.reason
