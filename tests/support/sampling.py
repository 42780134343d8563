"""Many cases of one kind: plain `pytest` runs a sample of them, `pytest -m slow` the rest."""

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], every: int, *, ids: Any = None) -> list[Any]:
    """The cases as parameters, all but each `every`-th marked slow.

    Args:
      cases: values, or what `pytest.param` has made.
      every: of so many one is run in plain `pytest`.
      ids: a function of a value, where the values do not name themselves.
    """

    def one(k: int, case: Any) -> Any:
        marks: list[Any] = [pytest.mark.slow] if k % every else []
        if type(case).__name__ == "ParameterSet":
            return pytest.param(*case.values, id=case.id, marks=[*case.marks, *marks])
        return pytest.param(case, id=ids(case) if ids else None, marks=marks)

    return [one(k, case) for k, case in enumerate(cases)]
