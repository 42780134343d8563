"""Wrong arguments of everything public: a misspelt one, a missing one, no number, one out of range.

The functions are found (`tests/support/public.py`), and so are their arguments and ranges.
"""

import inspect
import math
import typing

import pytest

from lectopt.settings import domains
from tests.support.public import PUBLIC

FIXED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def parameters(function):
    return inspect.signature(function).parameters.values()


def takes_anything(function):
    return any(p.kind is p.VAR_KEYWORD for p in parameters(function))


def required(function):
    return [p.name for p in parameters(function) if p.default is p.empty and p.kind in FIXED]


def hints(function):
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError:  # what is imported for types alone
        return {}


def ranges(function):
    found = {name: domains(hint)[0] for name, hint in hints(function).items()}
    return {name: own[0] for name, own in found.items() if own}


def has_own_words(function):
    """Whether its arguments are bound here, and not by Python."""
    return hasattr(function, "lifted") or hasattr(function, "__wrapped__")


HELD = {name: f for name, f in PUBLIC.items() if has_own_words(f)}
NUMBERS = {
    f"{name}({argument})": (f, argument)
    for name, f in HELD.items()
    for argument in ranges(f)
    if argument in inspect.signature(f).parameters
}


def refused(error, function, **given):
    """What it says of one wrong argument, the others in order."""
    others = {k: None for k in required(function) if k not in given}
    others |= {k: domains(hint)[1][0] for k, hint in hints(function).items() if domains(hint)[1]}
    others |= {k: r.example for k, r in ranges(function).items() if k in others}
    with pytest.raises(error) as caught:
        function(**{**others, **given})
    return str(caught.value)


@pytest.mark.parametrize("name", [name for name, f in PUBLIC.items() if not takes_anything(f)])
def test_a_misspelt_argument_is_named(name):
    """And before a missing one; where the words are our own, with what to write for it."""
    function = PUBLIC[name]
    for p in parameters(function):
        if p.kind not in FIXED:
            continue
        slip = p.name + p.name[-1]
        with pytest.raises(TypeError) as caught:
            function(**{slip: 0.5})
        said = str(caught.value)
        assert slip in said and "missing" not in said and "must be given" not in said
        if name in HELD:
            assert f"there is no {slip}= here. Write {p.name}=0.5." in said


@pytest.mark.parametrize("name", [name for name, f in PUBLIC.items() if required(f)])
def test_missing_arguments_are_named(name):
    with pytest.raises(TypeError) as caught:
        PUBLIC[name]()
    for argument in required(PUBLIC[name]):
        assert argument in str(caught.value)


@pytest.mark.parametrize("row", NUMBERS)
def test_what_is_no_number_is_refused(row):
    function, argument = NUMBERS[row]
    for wrong in ("0.1", [0.1], {"w": 0.1}, True):
        said = refused(TypeError, function, **{argument: wrong})
        assert f" {argument} must be a number" in said and repr(wrong) in said
        assert f"Write for example {argument}=" in said


@pytest.mark.parametrize("row", NUMBERS)
def test_a_number_out_of_range_is_refused(row):
    """The example is in the range: the default if that is, else what somebody might write."""
    function, argument = NUMBERS[row]
    held = ranges(function)[argument]
    above = [held.high + 1] if held.closed else [held.high]
    for wrong in [held.low - 1, math.nan, *[held.low] * held.above, *above]:
        if held.closed and wrong == math.inf:
            continue
        said = refused(ValueError, function, **{argument: wrong})
        assert f" {argument} must lie in {held}" in said and f"got {wrong:g}" in said
        example = float(said.rpartition(f"Write for example {argument}=")[2].rstrip("."))
        default = inspect.signature(function).parameters[argument].default
        usual = isinstance(default, int | float) and default in held
        expected = math.isclose(example, default, rel_tol=1e-5) if usual else example >= 1e-3
        assert example in held and expected


def test_the_functions_are_found():
    assert len(PUBLIC) > 240 and len(HELD) > 210 and len(NUMBERS) > 500
    assert sum(map(takes_anything, PUBLIC.values())) < 12
