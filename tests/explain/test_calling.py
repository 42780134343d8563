"""How `explain` is called: from Python and from the command line, and what is imported then."""

import os
import subprocess
import sys
from pathlib import Path

import optax
import pytest

import lectopt
from lectopt import __main__ as first_word
from lectopt.explain import __main__ as command
from lectopt.explain import explain

ROOT = Path(__file__).parents[2]


def test_wrong_input():
    with pytest.raises(TypeError, match="wants a gradient transformation"):
        explain(3)
    with pytest.raises(TypeError, match="makes no gradient transformation"):
        explain(optax.constant_schedule)
    with pytest.raises(TypeError, match="adam: there is no b3= here"):
        explain(optax.adam, b3=0.9)
    with pytest.raises(TypeError, match="is built already"):
        explain(optax.adam(0.1), b1=0.9)
    with pytest.raises(TypeError, match="cannot be made without inner, mask"):
        explain(optax.masked)
    with pytest.raises(ValueError, match=r"b1 must lie in \[0, 1\)"):
        explain(lectopt.adam, b1=1.5)
    with pytest.raises(ValueError, match="letters must be one of cmu11785, liege"):
        explain(optax.adam, letters="stanford")


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)


def test_sympy_is_imported_only_when_explain_is_called():
    done = run(
        "import sys, lectopt, lectopt.explain\n"
        "assert 'sympy' not in sys.modules\n"
        "assert callable(lectopt.explain) and callable(lectopt.explain.explain)\n"
        "import lectopt.explain.page as page\n"
        "assert lectopt.explain.page is page\n"
    )
    assert done.returncode == 0, done.stderr
    missing = run(
        "import sys, lectopt, optax\nsys.modules['sympy'] = None\nlectopt.explain(optax.adam)\n"
    )
    assert 'ImportError: lectopt.explain needs SymPy. Write pip install "lectopt[explain]"' in (
        missing.stderr
    )


def test_command(capsys):
    assert command.main(["optax.adamw", "learning_rate=1e-3"]) == 0
    assert "λ*θ[t-1]" in capsys.readouterr().out
    assert command.main(["lectopt.adam", "--letters", "cmu11785", "--latex"]) == 0
    assert r"w_{k} &= w_{k-1} - \eta" in capsys.readouterr().out
    assert command.main(["optax.sgd", "--diff", "lectopt.sgd"]) == 0
    assert "proved: the same update" in capsys.readouterr().out
    assert command.main(["optax.adamw", "--diff", "lectopt.dialects.keras.AdamW"]) == 1
    out = capsys.readouterr().out
    assert "weight_decay is 0.0001 and 0.004" in out and "differ" in out
    assert command.main(["optax.adm"]) == 2
    assert "there is no optax.adm" in capsys.readouterr().err
    assert command.main(["optax.adam", "b3"]) == 2
    assert "a setting is written name=value" in capsys.readouterr().err


def test_command_writes_programs(capsys):
    assert command.main(["optax.lion", "--code", "torch"]) == 0
    assert "class Optimizer(torch.optim.Optimizer):" in capsys.readouterr().out
    assert command.main(["lectopt.sgld", "--code", "numpy"]) == 2
    assert "cannot be written as a program: it draws random numbers" in capsys.readouterr().err
    assert command.main(["optax.lion", "--code", "numpy", "--diff", "optax.sgd"]) == 2
    assert "leave out --markdown and --code" in capsys.readouterr().err


STRANGER = """
import optax

def make_optimizer(learning_rate, momentum=0.8):
    return optax.chain(optax.trace(momentum), optax.scale(-learning_rate))

class Recipes:
    built = make_optimizer(0.25)
"""


@pytest.mark.slow  # processes that import anew
def test_a_strangers_package(tmp_path):
    """In a package where the command is run, by `package.module:name`, as a page."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "__init__.py").touch()
    (tmp_path / "theirs" / "recipes.py").write_text(STRANGER)
    (tmp_path / "theirs" / "broken.py").write_text("import not_installed_here\n")

    def lectopt_explain(*words):
        return subprocess.run(
            [sys.executable, "-m", "lectopt", "explain", *words],
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        )

    done = lectopt_explain("theirs.recipes:make_optimizer", "learning_rate=0.5", "--markdown")
    assert done.returncode == 0, done.stderr
    page = done.stdout
    assert page.startswith("# theirs.recipes.make_optimizer\n")
    assert "$$\n\\begin{aligned}" in page and "```python\n" in page
    assert "| `momentum` | 0.8 |" in page and "| `learning_rate` | 0.5 |" in page
    program: dict = {}
    exec(page.partition("```python\n")[2].partition("```")[0], program)
    updates, _ = program["update"](2.0, {"trace": 1.0}, None)
    assert updates == -0.5 * (2.0 + 0.8 * 1.0)
    built = lectopt_explain("theirs.recipes:Recipes.built", "--code", "numpy")
    assert "updates = -0.25*trace" in built.stdout
    assert lectopt_explain("theirs.recipes:missing").returncode == 2
    assert "not_installed_here" in lectopt_explain("theirs.broken:x").stderr


def test_the_first_word_is_the_command(capsys):
    assert first_word.main(["explain", "optax.sgd", "learning_rate=0.5"]) == 0
    assert "θ[t] = θ[t-1] - α*g[t]" in capsys.readouterr().out
    assert first_word.main(["sing"]) == first_word.main([]) == 2
    assert "usage: lectopt {explain" in capsys.readouterr().err
    assert first_word.main(["--help"]) == 0
