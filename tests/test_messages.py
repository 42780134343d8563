"""What an error says: the words for every mistake, their form, and that none is left out."""

import ast
import pathlib
import re

import pytest

import lectopt
from tests.support.mistakes import MISTAKES
from tests.support.public import makers

ROOT = pathlib.Path(lectopt.__file__).parent
# Whose errors have their tests beside theirs: in sweep, training, explain, landscapes, pictures and
# testing, and for what moves a live optimizer, which PyTorch or Keras must be there for,
# tests/dialects. `Unreadable`, `Unwritten` and `NotImplementedError` reach nobody, and
# the words of an AttributeError are Python's.
ELSEWHERE = ("_sweep/", "training/", "explain/", "testing/", "landscapes/", "pictures/")
MOVING = tuple(
    f"dialects/{name}.py"
    for name in (
        "moving",
        "keras/moving",
        "torch/moving",
        "live_matrices",
        "torch/live_averages",
        "torch/live_schedules",
        "torch/live_states",
    )
)
INTERNAL = ("Unreadable", "Unwritten", "NotImplementedError", "AttributeError")
WRITE = re.compile(r"\b(Write|write|Give|Leave|Take|Ask|Name)\b")
LONGEST = 700


def raised(row):
    call, error, _ = MISTAKES[row]
    with pytest.raises(error) as caught:
        call()
    return caught.value


@pytest.fixture(scope="module")
def errors():
    return {row: raised(row) for row in MISTAKES}


@pytest.mark.parametrize("row", MISTAKES)
def test_the_words(row, errors):
    for word in MISTAKES[row][2]:
        assert word in str(errors[row])


@pytest.mark.parametrize("row", MISTAKES)
def test_the_form(row, errors):
    """It says what to write, in whole sentences and public names, and not at length."""
    text = str(errors[row])
    assert WRITE.search(text), text
    assert text.endswith(".") and "  " not in text and len(text) <= LONGEST
    assert not re.search(r"(?<![\w.])_[a-z]", text), "a private name"
    assert not re.search(r"Write[^.]*=1e-08", text), "an example that nobody would write"
    assert "PyTreeDef" not in text and " at 0x" not in text


def statements():
    """Every `raise` of a new error, as the file and the lines."""
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(ELSEWHERE) or name in MOVING:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Raise) and node.exc is not None:
                kind = ast.unparse(node.exc).partition("(")[0]
                if kind not in INTERNAL:
                    yield name, range(node.lineno, node.end_lineno + 1)


def place(error):
    """Where it was raised: the file and the line."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    path = pathlib.Path(trace.tb_frame.f_code.co_filename)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else "", trace.tb_lineno


def test_every_raise_is_reached(errors):
    reached = {place(error) for error in errors.values()}
    missed = [
        f"{name}:{lines[0]}"
        for name, lines in statements()
        if not any((name, line) in reached for line in lines)
    ]
    assert not missed, f"no row of tests/support/mistakes.py reaches {', '.join(missed)}"


def test_the_modules_that_are_left_out_are_there():
    for name in ELSEWHERE + MOVING:
        assert (ROOT / name).exists()
    assert len(list(statements())) > 60


@pytest.mark.parametrize("maker", [m for m in makers() if m.ranges], ids=lambda maker: maker.name)
def test_a_maker_in_the_place_of_what_it_makes_says_so(maker):
    name = maker.function.__name__
    with pytest.raises(TypeError, match=rf"{name} is the function, .* Write {name}\(\.\.\.\)"):
        maker.function.init({})
