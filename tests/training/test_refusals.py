"""What is refused before anything runs, with what to write instead."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen

import lectopt
from lectopt import Problem, fit

X, Y = np.ones((8, 2), np.float32), np.ones(8, np.float32)


def loss(params, batch, key):
    return (batch[0] @ params - batch[1]) ** 2


SGD = lectopt.sgd(0.1)
OF_PROBLEM = ("init", "evaluate", "sample", "minimize")


def trained(data=None, loss=loss, optimizer=SGD, batch_size=4, **arguments):
    own = {name: arguments.pop(name) for name in OF_PROBLEM if name in arguments}
    init = own.pop("init", lambda key: jnp.zeros(2))
    problem = Problem(init, loss, {"train": (X, Y), **(data or {})}, batch_size, **own)
    return fit(problem, optimizer, **{"steps": 2, **arguments})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(data={"validation": (X[:0], Y[:0])}), "'validation' has no samples. Leave it out"),
        (dict(loss=lambda params, batch, key: None), "the loss returned None. It may return one"),
        (dict(callbacks=print), r"wanted callbacks=\[function, ...\], got <built-in"),
        (dict(callbacks=[3]), r"wanted callbacks=\[function, ...\], got \[3\]"),
        (
            dict(loss=lambda p, b: 0.0),
            r"called as loss\(params, batch, key\), and .* takes \(p, b\)",
        ),
        (dict(loss=None), r"wanted a function loss\(params, batch, key\), got None"),
        (dict(loss=lambda p, b, k: "x"), "the loss is 'x', and no number"),
        (
            dict(loss=lambda p, b, k: float(p[0])),
            "a number that is not known before it runs: .*jnp",
        ),
        (
            dict(loss=lambda p, b, k: b[1] @ p),
            r"batch of float32\[4, 2\], .* fails: TypeError: dot",
        ),
        (
            dict(data={"validation": (X[:, :1], Y)}),
            r"split 'validation' of float32\[8, 1\].* fails",
        ),
        (dict(init=jnp.zeros(2)), r"wanted a function init\(key\), got"),
        (dict(evaluate=lambda p: {}), r"evaluate is called as evaluate\(params, split\)"),
        (dict(sample=lambda t, k: t), r"sample is called as sample\(train, key, step\)"),
        (dict(minimize=["loss"]), r"the name of one metric for minimize, got \['loss'\]"),
        (
            dict(optimizer=optax.masked(optax.sgd(0.1), {"w": True})),
            "cannot start with these param",
        ),
        (dict(callbacks=[lambda: None]), r"a callback is called as a callback\(run\)"),
        (dict(callbacks=[lectopt.tensorboard]), "tensorboard: wanted the path of a fol"),
        (dict(callbacks=[lambda run: run.history]), "returned a DataFrame, which is neither"),
        (dict(callbacks=[lectopt.converged]), r"converged\(window=100, tolerance=1e-3\), numbers"),
        (dict(steps=None, epochs=float("inf")), "a positive number of epochs, got inf"),
        (dict(progress="bar"), "progress to be None, True or False, got 'bar'"),
        (dict(accept_changes="data", directory="x"), r"wanted accept_changes=\('data',\)"),
        (dict(directory=3), "directory: wanted the path of a folder"),
        (dict(directory="gs://bucket/x"), "is no folder of this machine. Mount it"),
        (
            dict(directory="/dev/null/x"),
            "/dev/null/x cannot be used: Not a directory. Give a folder",
        ),
        (dict(data={"train": lambda: None}, batch_size=None), "returned None, and no iterable"),
        (
            dict(data={"train": lambda: range(3)}, batch_size=None),
            "whose first axis is that of the s",
        ),
    ],
)
def test_errors(arguments, words):
    with pytest.raises(ValueError, match=words):
        trained(**arguments)


@pytest.mark.parametrize("text", ["{", "[1]", '{"kind": "fit", "format": 1}'])
def test_a_manifest_that_is_none(text, tmp_path):
    (tmp_path / "manifest.json").write_text(text)
    for read in (lectopt.read_run, lambda path: trained(directory=path)):
        with pytest.raises(ValueError, match=r"manifest.json .* Give another directory, or"):
            read(tmp_path)


def test_models_of_the_other_library():
    split = {"train": (X, Y)}
    with pytest.raises(
        ValueError, match="Dense is a module of Flax Linen. Write Problem.from_linen"
    ):
        Problem.from_nnx(linen.Dense(1), lambda model, batch: 0.0, split)
    with pytest.raises(ValueError, match="wanted a module of Flax Linen, got .*Dense.* Make one"):
        Problem.from_linen(linen.Dense, lambda model, batch: 0.0, split)
