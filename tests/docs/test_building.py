"""What Sphinx makes of the library: pages of lectures and algorithms, and notebooks."""

import importlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import lectopt
from lectopt import lectures

pytest.importorskip("docutils", reason='pages are made with Sphinx: pip install -e ".[docs]"')

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def building():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS))
        names = ("algorithms", "figures", "lectures", "notebooks", "tables")
        yield {name: importlib.import_module(f"building.{name}") for name in names}


def test_the_page_of_a_lecture(building):
    """Every function and every entry is on it, and what the text has wrong."""
    figures = building["figures"]
    shown = {n: figures.Shown(n, f"claim of {n}", n != "ridge", "5 of 6") for n in figures.NAMES}
    claims = building["lectures"].tested(DOCS.parent / "tests" / "theory")
    entries = building["tables"].catalogue(DOCS)
    page = building["lectures"].page("isi", DOCS, entries, claims, shown)
    for name in lectures.isi.__all__:
        assert f"### {name}\n" in page and f".. autofunction:: lectopt.lectures.isi.{name}" in page
    assert {code for code in entries if code.startswith("S2")} <= set(re.findall(r"S2-\d\d", page))
    assert lectopt.explain(lectures.isi.momentum).latex in page
    assert "**In the text we have:** no epsilon: 0/0." in page
    assert "claim of ridge\n\n**Does not hold**: 5 of 6\n\n![Ridge" in page
    assert "(../gallery.md" not in page.partition("## Its other entries")[0]
    # What a test asserts, in its words.
    assert "AdamW is the decoupled one. *(tested: adamw decays every weight alike)*" in page


def test_the_page_of_an_algorithm(building):
    tables = building["tables"]
    calls = {"cmu11785": list(tables.functions(DOCS, "cmu11785"))}
    page = building["algorithms"].page("adam", tables.conventions(DOCS), None, calls)
    for place in ("outside", "inside"):
        assert lectopt.explain(lectopt.adam, eps_placement=place).latex in page
    assert "[`cmu11785.adam`](#lectopt.lectures.cmu11785.adam)" in page
    assert "| CMU 11-785 | `adam()` | 0.001 |" in page
    assert re.search(r"within \de-1\d of the optimizer", page)


def test_a_notebook_has_what_its_code_prints_and_shows(building):
    text = "# Title\n\nWords.\n\n```python\nx = 2\nprint(x)\n```\n\n```python\nx + 1\n```\n\nEnd.\n"
    made = building["notebooks"].notebook(text)
    kinds = [(cell["cell_type"], cell["source"]) for cell in made["cells"]]
    assert kinds == [
        ("markdown", "# Title\n\nWords."),
        ("code", "x = 2\nprint(x)"),
        ("code", "x + 1"),
        ("markdown", "End."),
    ]
    first, second = (cell["outputs"] for cell in made["cells"] if cell["cell_type"] == "code")
    assert [one["text"] for one in first] == ["2\n"]
    assert second[0]["data"] == {"text/plain": "3"}
    assert len({cell["id"] for cell in made["cells"]}) == 4


def test_links_of_a_notebook_and_pictures_under_its_code(building):
    notebooks = building["notebooks"]
    linked = notebooks.linked('[a](explain.md#x), [b](https://x.org/c.md), <a href="live.html">')
    assert linked == '[a](../explain.html#x), [b](https://x.org/c.md), <a href="../live.html">'
    code = "class P:\n    _repr_png_ = lambda self: b'png'"
    made = notebooks.notebook(f"# T\n\n```python\n{code}\n```\n\n```python\nP()\n```\n")
    assert notebooks.drawn(made) == {2: "cG5n"}
    page = ["# T\n\n```python\n1\n```\n\n```python\nP()\n```\n"]
    builder = SimpleNamespace(format="html")
    notebooks.offer(SimpleNamespace(builder=builder, notebooks={"loops": made}), "loops", page)
    assert page[0].startswith("# T\n\n<p><a href=")
    assert page[0].endswith("P()\n```\n\n![what this draws](_gallery/loops_2.png)\n")
    assert page[0].count("![") == 1
