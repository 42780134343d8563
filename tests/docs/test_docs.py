"""The code in the README, in docs/ and in the docstrings runs.

A Markdown file's ```python blocks are one program, run in order in a process of its own, as a
reader would run them: without the strict settings of the tests, and in an empty directory. Line n
of the program is line n of the page, so that a traceback points into the page. A ```text block is
what the program prints, but for lines with an ellipsis. Other blocks, such as ```bash, are not run.
"""

import ast
import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lectopt

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK, OUTPUT = (
    re.compile(rf"^```{kind}\n(.*?)^```$", re.MULTILINE | re.DOTALL) for kind in ("python", "text")
)


def program(page: str) -> str:
    """The page's Python blocks, each on the lines where it stands in the page."""
    code = ""
    for block in BLOCK.finditer(page):
        code += "\n" * (page.count("\n", 0, block.start(1)) - code.count("\n")) + block[1]
    return code


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def docstring_examples() -> Iterator[doctest.DocTest]:
    """Every docstring with examples, from the source: doctest itself skips decorated functions."""
    for path in sorted((ROOT / "lectopt").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                label = f"{name(path)}:{getattr(node, 'name', '')}"
                line = node.body[0].lineno if node.body else 0
                doc = ast.get_docstring(node) or ""
                test = doctest.DocTestParser().get_doctest(doc, {}, label, str(path), line)
                if test.examples:
                    yield test


def test_program_keeps_line_numbers():
    page = "# Title\n\n```python\na = 1\n```\n\ntext\n\n```bash\nls\n```\n\n```python\nb = a\n```\n"
    assert program(page) == "\n\n\na = 1\n\n\n\n\n\n\n\n\n\nb = a\n"


WITH_CODE = [p for p in PAGES if program(p.read_text("utf-8"))]


@pytest.mark.parametrize("page", WITH_CODE, ids=name)
@pytest.mark.slow  # each is a process that compiles anew
def test_page(page: Path, tmp_path: Path):
    script, text = tmp_path / f"{page.stem}.py", page.read_text("utf-8")
    script.write_text(program(text), "utf-8")
    run = subprocess.run(
        [sys.executable, "-W", "error", script.name],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, f"{name(page)} (line numbers are the page's):\n{run.stderr[-3000:]}"
    shown = [line for block in OUTPUT.findall(text) for line in block.splitlines()]
    assert {line for line in shown if "..." not in line} <= set(run.stdout.splitlines())


@pytest.mark.parametrize("test", list(docstring_examples()), ids=lambda test: test.name)
def test_docstring(test: doctest.DocTest):
    parts = Path(test.name.partition(":")[0]).with_suffix("").parts
    test.globs = vars(importlib.import_module(".".join(parts).removesuffix(".__init__"))).copy()
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples; see the output"


def test_api_pages_have_every_public_name(monkeypatch):
    pytest.importorskip("docutils")  # comes with Sphinx; .ci/run runs this where the site is built
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    api = importlib.import_module("building.api")
    names = api.documented()
    public = {name for name in lectopt.__all__ if not inspect.ismodule(getattr(lectopt, name))}
    elsewhere = re.findall(r"\w+", " ".join(text for _, _, text in api.OTHERS.values()))
    assert {f"lectopt.{name}" for name in public - set(elsewhere)} <= names
    for namespace in ("averaging", "schedules", "training"):
        offered = getattr(lectopt, namespace).__all__
        here = {name if hasattr(lectopt, name) else f"{namespace}.{name}" for name in offered}
        assert {f"lectopt.{name}" for name in here} <= names
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    assert {f"api/{name}" for name in (*api.THEMES, *api.OTHERS)} == set(
        re.findall(r"^api/\w+$", page, re.M)
    )
