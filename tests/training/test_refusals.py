"""What is refused before anything runs, with what to write instead."""

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt import Problem, fit

X, Y = np.ones((8, 2), np.float32), np.ones(8, np.float32)


def loss(params, batch, key):
    return (batch[0] @ params - batch[1]) ** 2


def trained(data=None, loss=loss, **arguments):
    data = {"train": (X, Y), **(data or {})}
    problem = Problem(lambda key: jnp.zeros(2), loss, data, 4)
    return fit(problem, lectopt.sgd(0.1), 2, **arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(data={"validation": (X[:0], Y[:0])}), "'validation' has no samples. Leave it out"),
        (dict(loss=lambda params, batch, key: None), "the loss returned None. It may return one"),
        (dict(callbacks=print), r"wanted callbacks=\[function, ...\], got <built-in"),
        (dict(callbacks=[3]), r"wanted callbacks=\[function, ...\], got \[3\]"),
    ],
)
def test_errors(arguments, words):
    with pytest.raises(ValueError, match=words):
        trained(**arguments)
