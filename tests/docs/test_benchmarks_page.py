"""The README's small table is of docs/benchmarks.md; a run that is broken off goes on."""

from pathlib import Path

from tests.benchmarks.kept import Kept

ROOT = Path(__file__).parents[2]


def cells(page):
    lines = (ROOT / page).read_text("utf-8").splitlines()
    return [line.strip("| ").split(" | ")[:6] for line in lines if line.startswith("| ")]


def test_the_readmes_table_stands_on_the_page():
    text = (ROOT / "README.md").read_text("utf-8")
    rows = text.partition("<!-- benchmarks -->")[2].partition("<!-- end -->")[0].splitlines()[3:]
    found = [row.strip("| ").split(" | ") for row in rows]
    assert len(found) >= 5
    page = cells("docs/benchmarks.md")
    assert all(row in page for row in found)


def test_rows_are_kept_until_something_else_is_measured(tmp_path):
    path, same = tmp_path / "rows.jsonl", ("versions",)
    kept = Kept(path)
    kept.start({"date": "today", "versions": "1"}, same)
    kept.begin("a", "a: missed")
    kept.end("a", "a: 3", True, 0.5)
    kept.begin("b", "b: missed")
    with path.open("a") as file:
        file.write('{"name": "b", "row')  # killed
    again = Kept(path)
    assert list(again.rows) == ["a"] and again.begun == ("b", "b: missed")
    again.start({"date": "tomorrow", "versions": "1"}, same)
    assert Kept(path).rows == again.rows and Kept(path).begun is None
    assert Kept(path).first["date"] == "today"
    again.start({"date": "tomorrow", "versions": "2"}, same)
    assert Kept(path).rows == {}
