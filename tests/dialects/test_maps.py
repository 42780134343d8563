"""The map from another library's parameters to JAX's: what does not fit is named."""

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.dialects.moving import Part, Piece, assembled, fits, flattened


class Source:
    """A parameter of another library."""


A, B = Source(), Source()


def pieces(tree):
    leaves, treedef = flattened(tree, lambda x: isinstance(x, Source))
    return treedef.unflatten([Piece(change(np.ones((3, 2))), "all", {}) for _, change in leaves])


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: pieces({"a": A, "b": "b"}), TypeError, "of the map is str.*, np.transpose"),
        (lambda: pieces({"a": A, "b": A}), ValueError, r"\['b'\] and \['a'\] .*same parameter"),
        (lambda: fits(pieces({"a": A}), {"b": 1}), ValueError, "structure of the parameters"),
        (
            lambda: fits(pieces({"a": (A, np.transpose)}), {"a": np.ones((3, 2))}),
            ValueError,
            r"\['a'\] has shape \(3, 2\), .* \(2, 3\). A function beside it",
        ),
        (
            lambda: assembled(
                {"a": Piece(np.ones(3), "all", {"trace": np.ones(2)})},
                {"all": Part(lectopt.momentum(0.1), {})},
            ),
            ValueError,
            r"'trace' of a parameter of shape \(3,\) has shape \(2,\)",
        ),
    ],
)
def test_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_what_fits():
    tree = pieces({"a": (A, np.transpose), "b": B})
    fits(tree, {"a": np.ones((2, 3)), "b": np.ones((3, 2))})
    part = Part(lectopt.momentum(0.1), {})
    _, state = assembled({"a": Piece(np.ones(3), "all", {"trace": 2 * np.ones(3)})}, {"all": part})
    np.testing.assert_array_equal(state["trace"]["a"], 2 * jnp.ones(3))
