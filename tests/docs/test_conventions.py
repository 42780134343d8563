"""docs/conventions.md is what docs/conventions.py writes: its tables cannot drift from the code."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.slow  # every pair of conventions is run
@pytest.mark.usefixtures("x64")
def test_the_page_is_written_by_its_script(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    spec = importlib.util.spec_from_file_location("conventions", DOCS / "conventions.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    written, held = script.page().splitlines(), (DOCS / "conventions.md").read_text().splitlines()
    advice = "docs/conventions.md is not what docs/conventions.py writes: run it"
    assert len(written) == len(held), advice
    for new, old in zip(written, held, strict=True):
        *words, last = new.rsplit("|", 2)[:-1] if new.endswith(" % |") else [new]
        if words:  # a distance that was computed, on any machine the same but for its last digit
            *before, distance = old.rsplit("|", 2)[:-1]
            assert before == words, advice
            size = float(last.strip(" %"))
            assert float(distance.strip(" %")) == pytest.approx(size, rel=0.1), advice
        else:
            assert new == old, advice
