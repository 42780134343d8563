"""What a type checker sees of everything public, and that running agrees with it.

`calls.py` and `mistakes.py` are checked by the project's own run of pyright. Here pyright is also
asked about every public function and every number that it takes.
"""

import ast
import inspect
import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.public import FUNCTIONS, numbers_of

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
MISTAKES = [
    node
    for node in ast.parse((HERE / "mistakes.py").read_text("utf-8")).body
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Expr)
][1:]
HEAD = """\
from collections.abc import Callable
from typing import Any
from jax import Array
from numpy import number
anything: Any = None
def some() -> float | number | Array: ...
def any_of() -> float | number | Array | Callable[[Any], Any]: ...
"""


def test_the_calls_run():
    made = runpy.run_path(str(HERE / "calls.py"))
    assert any(hasattr(value, "update") for value in made.values())


def test_the_mistakes_raise():
    names, raised = {}, 0
    for node in MISTAKES:
        code = compile(ast.Module([node], []), "mistakes.py", "exec")
        if isinstance(node, ast.Expr):
            with pytest.raises((TypeError, ValueError, AttributeError)):
                exec(code, names)
            raised += 1
        else:
            exec(code, names)
    assert raised > 40


class Program:
    """A program about public functions, what each line is about, and what pyright says of it."""

    def __init__(self) -> None:
        self.lines: list[str] = [*HEAD.splitlines()]
        self.about: dict[int, tuple[str, str]] = {}
        for (module, name), function in FUNCTIONS.items():
            self.ask(module, name, function)

    def ask(self, module: str, name: str, function: Any) -> None:
        """Lines about one function."""
        alias = f"{module}.{name}".replace(".", "_")
        where = f"{module}.{name}"
        self.lines.append(f"from {module} import {name} as {alias}")
        self.add("reveal", where, f"reveal_type({alias})")
        parameters = inspect.signature(function).parameters.values()
        plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        if any(p.kind not in plain for p in parameters):
            return
        given = {p.name: "anything" for p in parameters}
        self.add("right", where, call(alias, given))
        self.add("wrong", where, call(alias, given | {"no_such_argument": "anything"}))
        for number, scheduled in numbers_of(function).items():
            value = "any_of()" if scheduled else "some()"
            self.add("right", f"{where} {number}", call(alias, given | {number: value}))
            self.add("wrong", f"{where} {number}", call(alias, given | {number: '"0.5"'}))

    def add(self, kind: str, where: str, line: str) -> None:
        """One line that pyright is asked about."""
        self.lines.append(line)
        self.about[len(self.lines) - 1] = (kind, where)


def call(name: str, given: dict[str, str]) -> str:
    """A call with all arguments by name."""
    return f"{name}({', '.join(f'{k}={v}' for k, v in given.items())})"


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    pytest.importorskip("pyright", reason='pyright is not installed: pip install "lectopt[dev]"')
    folder, program = tmp_path_factory.mktemp("pyright"), Program()
    (folder / "asked.py").write_text("\n".join(program.lines), "utf-8")
    config = dict(include=["asked.py"], extraPaths=[str(ROOT)], pythonVersion="3.11")
    (folder / "pyrightconfig.json").write_text(json.dumps(config), "utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    run = subprocess.run([*command, "-p", str(folder)], capture_output=True, encoding="utf-8")
    found: dict[int, list[Any]] = {line: [] for line in program.about}
    for answer in json.loads(run.stdout)["generalDiagnostics"]:
        found.setdefault(answer["range"]["start"]["line"], []).append(answer)
    assert found.keys() == program.about.keys(), "a line that nobody asked about"
    return [(*program.about[line], said) for line, said in found.items()]


def test_every_public_function_has_a_signature(answers):
    revealed = {where: said[0]["message"] for kind, where, said in answers if kind == "reveal"}
    assert len(revealed) == len(FUNCTIONS) > 250
    assert not [m for m in revealed.values() if '"(...)' in m or "Unknown" in m]


def test_a_wrong_name_or_a_text_for_a_number_is_seen(answers):
    wrong = {where: said for kind, where, said in answers if kind == "wrong"}
    assert len(wrong) > 600
    assert not [where for where, said in wrong.items() if len(said) != 1]
    for where, (said,) in wrong.items():
        rule = "reportArgumentType" if " " in where else "reportCallIssue"
        assert (said["severity"], said["rule"]) == ("error", rule), where


def test_every_number_array_and_schedule_is_let_pass(answers):
    right = {where: said for kind, where, said in answers if kind == "right"}
    assert len(right) > 800
    assert not {where: said for where, said in right.items() if said}
