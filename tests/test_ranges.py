"""The range that a docstring gives in words is the one that the argument is held against."""

import math
import re
import typing

import jax.numpy as jnp
import pytest

import lectopt
from lectopt import averaging
from lectopt.dialects import torch
from lectopt.settings import domains
from tests.support.public import PUBLIC, arguments

NUMBERS = {"zero": 0, "one": 1, "two": 2}
NUMBER = r"(zero|one|two|\d+)"
PARAMS = {"w": jnp.ones(2)}


def number(word):
    return NUMBERS.get(word) if word in NUMBERS else math.inf if word == "inf" else float(word)


def said(text):
    """The range in a description: low, high, and whether each of them is in it."""
    if found := re.search(r"in ([\[(])([\d.]+), ([\d.]+|inf)([\])])", text):
        left, low, high, right = found.groups()
        return number(low), number(high), left == "[", right == "]"
    if found := re.search(rf"\babove {NUMBER} and below {NUMBER}\b", text):
        return number(found[1]), number(found[2]), False, False
    if found := re.search(rf"\babove {NUMBER}\b", text):
        return number(found[1]), math.inf, False, False
    if found := re.search(rf"\b{NUMBER} or more\b", text):
        return number(found[1]), math.inf, True, False
    return None


STATED = {
    f"{name}({argument})": (function, argument, stated)
    for name, function in PUBLIC.items()
    for argument, text in arguments(function).items()
    if (stated := said(text)) is not None
}
# Held against it without an annotation of a range: what is called with a number outside.
CALLED = {
    "scale_by_path(factors)": lambda x: lectopt.scale_by_path({"w": x}),
    "unfreeze_gradually(steps)": lambda x: lectopt.unfreeze_gradually({"w": x}, lectopt.sgd(0.1)),
    "satisfies_robbins_monro(schedule)": lectopt.satisfies_robbins_monro,
    "join(schedules)": lambda x: lectopt.join((x, 0.1), (10,)),
    "torch.Adam(betas)": lambda x: torch.Adam(betas=(0.9, x)),
    "torch.Adamax(betas)": lambda x: torch.Adamax(betas=(x, 0.9)),
}


@pytest.mark.parametrize("row", STATED)
def test_a_range_in_words_is_that_of_the_annotation(row):
    function, argument, (low, high, with_low, with_high) = STATED[row]
    if row in CALLED:
        for outside in [low - 0.5, *[low] * (not with_low), *[high] * (high < math.inf)]:
            with pytest.raises(ValueError):
                CALLED[row](outside)
        return
    (held,) = domains(typing.get_type_hints(function, include_extras=True)[argument])[0]
    assert (held.low, held.high) == (low, high)
    assert (low in held) == with_low
    assert (high in held) == with_high or high == math.inf  # of which the words say nothing


def test_the_words_are_understood():
    """And are in use: a docstring that gives its ranges otherwise would not be seen."""
    assert said("of a reduction, in [0, 1).") == (0, 1, True, False)
    assert said("zero or more, or a schedule") == (0, math.inf, True, False)
    assert said("a number above 1.") == (1, math.inf, False, False)
    assert said("above 0 and below 1.") == (0, 1, False, False)
    assert said("above `c1`") is said("more of it") is None
    assert len(STATED) > 250 and set(CALLED) < set(STATED)
    assert averaging.uniform in PUBLIC.values()
