"""What a new process waits for: the import; and what an installation weighs."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import optax

import lectopt
from tests.benchmarks.claims import Claim, Measure, constant

TIMED = """
import time; {before}
start = time.process_time(); {after}
print(1e3 * (time.process_time() - start))
"""
CALLS = {
    "explain Adam": "print(str(lectopt.explain(lectopt.adam(0.1)))[:0], end='')",
    "Keras' Adam in PyTorch's words": (
        "lectopt.port(lectopt.dialects.keras.Adam(0.1, epsilon=0.0), 'torch')"
    ),
}
HEAVY = "sympy matplotlib pandas orbax tensorboardX tqdm sklearn scipy.stats torch keras".split()


# An installed package has its bytecode, and a checkout may have been told to write none.
CACHE = tempfile.TemporaryDirectory()


def printed(code: str) -> float:
    """The number that a new process prints."""
    command = [sys.executable, "-c", code]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = CACHE.name
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return float(ran.stdout)


def importing(before: str, after: str) -> Measure:
    """Milliseconds of process time that `after` takes in a new process that has run `before`; the
    first writes the bytecode."""
    code = TIMED.format(before=before, after=after)
    return lambda: [printed(code) for _ in range(1 if any(Path(CACHE.name).iterdir()) else 2)][-1]


def heavy() -> float:
    """How many of the heavy packages `import lectopt` brings."""
    return printed(f"import sys, lectopt; print(sum(name in sys.modules for name in {HEAVY}))")


def kilobytes(package: object) -> float:
    """Of the Python files."""
    root = Path(str(vars(package)["__file__"])).parent
    return sum(path.stat().st_size for path in root.rglob("*.py")) / 1e3


def claims(quick: bool) -> Iterator[Claim]:
    """The rows."""
    yield Claim(
        "import lectopt, after jax and Optax",
        importing("import jax, optax", "import lectopt"),
        constant(50.0),
        peer="50 ms",
        at_most=1.0,
        turns=5 if quick else 15,
    )
    yield Claim(
        "import lectopt, after jax and Optax",
        importing("import jax, optax", "import lectopt"),
        importing("import jax", "import optax"),
        peer="import optax, after jax",
        turns=5 if quick else 15,
    )
    nothing = dict(peer="none", unit="", at_most=0.0, turns=1)
    yield Claim("heavy packages that it loads", heavy, constant(1.0), **nothing)
    ours, theirs = kilobytes(lectopt), kilobytes(optax)
    yield Claim("source files", constant(ours), constant(theirs), unit="kB", turns=1)
    turns = 1 if quick else 3
    for words, call in CALLS.items():
        measure, second = importing("import lectopt", call), constant(1e3)
        yield Claim(f"{words}, in a new process", measure, second, peer="a second", turns=turns)
