"""The codes of lecture entries (S0-31, ...) mean what docs/catalogue.md says."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import lectopt

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"S[0-4]-[0-9]{2}")


def named_in_docstrings():
    """Code -> the public names of lectopt whose docstring gives it as a source."""
    found = defaultdict(set)
    averages = {f"averaging.{name}": value for name, value in vars(lectopt.averaging).items()}
    training = {
        f"training.{name}": getattr(lectopt.training, name)
        for name in lectopt.training.__all__
        if not hasattr(lectopt, name)
    }
    for name, value in {**vars(lectopt), **averages, **training}.items():
        if not name.startswith("_") and callable(value):
            for code in CODE.findall(value.__doc__ or ""):
                found[code].add(name)
    return found


def catalogue():
    """Code -> the names in the last column of the page."""
    rows = re.findall(
        r"^\| (S\d-\d\d) \| .+? \| (.*) \|$", (ROOT / "docs/catalogue.md").read_text(), re.M
    )
    return {code: set(re.findall(r"`([\w.]+)`", names)) for code, names in rows}


def test_every_code_is_in_the_catalogue():
    text = subprocess.run(
        ["grep", "-rhoE", CODE.pattern, "lectopt", "tests", "docs", "--include=*.[pm][yd]"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert set(text.split()) <= set(catalogue())
    assert len(catalogue()) == 177


def test_the_catalogue_names_the_functions_that_name_it():
    named = named_in_docstrings()
    for code, names in catalogue().items():
        assert names == named.get(code, set()), f"{code}: write {sorted(named.get(code, set()))}"
