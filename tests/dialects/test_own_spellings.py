"""A dialect and the library's own spelling are proved to be the same update, or said why not."""

import inspect

import pytest
from optax._src import alias

from lectopt import dialects, same_update
from lectopt.transformation import Transformation
from tests.dialects.own_spellings import DIFFERENT, ROWS, WITHOUT, maker
from tests.support.sampling import sampled

AROUND = ("AveragedModel", "ReduceLROnPlateau")  # an optimizer
rows = [pytest.param(*row, id=row[1]) for row in ROWS]


@pytest.mark.parametrize("letters, dialect, own", sampled(rows, 20))
def test_is_the_same_update(letters, dialect, own):
    outcome = same_update(maker(letters, dialect), maker(letters, own))
    assert outcome.verdict in ("proved", "proved for finite inputs"), outcome


@pytest.mark.parametrize("letters, dialect, own", DIFFERENT)
def test_differs_where_the_library_errs(letters, dialect, own):
    outcome = same_update(maker(letters, dialect), maker(letters, own))
    assert outcome.verdict == "differ", outcome


def optimizers():
    """The names that the libraries have for optimizers."""
    for name in dialects.optax.__all__:
        if hasattr(alias, name):
            yield f"optax.{name}"
    for library in ("torch", "keras"):
        for name, made in vars(getattr(dialects, library)).items():
            if name[0].isupper() and inspect.isfunction(made) and name not in AROUND:
                if inspect.signature(made).return_annotation in (Transformation, "Transformation"):
                    yield f"{library}.{name}"


def test_every_optimizer_has_a_row():
    said = {row[1].partition("(")[0] for row in ROWS} | set(WITHOUT)
    assert said == set(optimizers())
