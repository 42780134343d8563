"""What `explain` says of wrong arguments: what was given, and what to write."""

import copy
import pickle
import re

import jax.numpy as jnp
import optax
import pytest
import sympy as sp

from lectopt.explain import __main__ as command
from lectopt.explain import explain, replay


def test_names_that_are_not_there():
    explanation = explain(optax.adam)
    with pytest.raises(KeyError, match="no 'trace'; there are mu, nu, theta, update"):
        explanation["trace"]
    with pytest.raises(KeyError, match="no leaf 'kernel'"):
        explanation["mu", "kernel"]
    for key in (3, ("mu",), ("mu", 0), None):
        with pytest.raises(TypeError, match=r"write \["):
            explanation[key]


def test_text_is_read_and_never_run(tmp_path):
    explanation = explain(optax.sgd, momentum=0.9)
    witness = tmp_path / "ran"
    for text in (
        f"__import__('pathlib').Path({str(witness)!r}).touch()",
        f"open({str(witness)!r}, 'w')",
        "g.__class__",
        "[g for g in (1, 2)]",
        "sqrt(g, evaluate=False)",
        "lambda: g",
        "velocity*g",
        "g +",
        "'g'",
        "sqrt()",
        "",
        "g\0",
    ):
        with pytest.raises(ValueError, match=r"(?s)cannot read .* there are .*momentum, .*trace"):
            explanation.parse(text)
    assert not witness.exists()
    with pytest.raises(TypeError, match="written as text"):
        explanation.parse(3)


def test_text_means_what_it_says():
    explanation = explain(optax.adam)
    b1, mu, g, theta, t = map(explanation.symbol, ["b1", "mu", "g", "theta", "t"])
    assert explanation.parse("b1*mu + (1 - b1)*g").equals(b1 * mu + (1 - b1) * g)
    assert explanation.parse("-mu/2**t") == -mu / 2**t
    assert explanation.parse("mu^2 - +g") == mu**2 - g
    assert explanation.parse("sqrt(exp(g)) + log(t)") == sp.sqrt(sp.exp(g)) + sp.log(t)
    value = explanation.parse("max(abs(g), 0.5) + min(theta, 1) - sign(mu)")
    numbers = {g: -0.25, theta: 3, mu: -2}
    assert replaced(value, numbers) == 0.5 + 1 + 1
    tuples = explain(lambda betas=(0.9, 0.99): optax.adam(0.1, *betas))
    assert tuples.parse("1 - betas[0]") == 1 - tuples.symbol("betas[0]")


def replaced(value, numbers):
    return float(value.xreplace({k: sp.Float(v) for k, v in numbers.items()}).doit())


def test_replay_wants_a_number_of_steps():
    explanation = explain(optax.sgd)
    for steps in (0, -1):
        with pytest.raises(ValueError, match=f"how many updates to replay, 1 or more; got {steps}"):
            explanation.replay(steps)
    for steps in (1.5, "3", None):
        with pytest.raises(TypeError, match="how many updates to replay"):
            replay(optax.sgd, steps=steps)
    assert explanation.replay(jnp.array(2)) < 1e-12


def test_explanations_are_copied_and_not_pickled():
    explanation = explain(optax.adam)
    kept = copy.deepcopy({"adam": explanation})["adam"]
    assert str(kept) == str(explanation) and kept.replay(2) < 1e-12
    assert str(copy.copy(explanation)) == str(explanation)
    with pytest.raises(TypeError, match="cannot be pickled. Keep its text"):
        pickle.dumps(explanation)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["optax.adam", "b1=x"], "optax.adam is not explained: TypeError"),
        (["optax.sgd", "--diff", "optax.contrib.sam"], "contrib.sam is not explained"),
        (["optax.chain"], r"That is what optax.chain\(\) raises. Give other settings"),
        (["optax.sgd", "learning_rate={}"], r"what optax.sgd\(learning_rate={}\) raises"),
        ([""], "'' is no path; write the path to import it by"),
        (["optax..adam"], "'optax..adam' is no path"),
    ],
)
def test_the_command_says_why_it_fails(arguments, reason, capsys):
    assert command.main(arguments) == 2
    out, err = capsys.readouterr()
    assert not out
    assert re.search(reason, err), err
