"""The command `lectopt sweep`: a sweep that stands in a file.

    lectopt sweep digits.toml --directory runs/digits

The same command goes on where it was stopped, and several at once share the work. The file:

    problem = "package.module:function"   # returns a lectopt.Problem; or the name of one
    steps = 300                           # and whatever else lectopt.sweep takes
    samples = 64

    [optimizers]
    adam = "lectopt.adam"
    heavy = { maker = "lectopt.momentum", form = "heavy_ball" }

    [space]
    learning_rate = { loguniform = [1e-4, 1.0] }   # of scipy.stats, with its arguments
    width = [16, 32]
    decay = { choice = [0.5, 0.9] }                # as lectopt.choice
"""

from __future__ import annotations

import argparse
import functools
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

OPTIONS = (
    "steps", "epochs", "seeds", "samples", "sampler", "halving", "eval_every",
    "divergence_factor", "tile", "max_seconds", "accept_changes",
)  # fmt: skip
NEEDED = ("problem", "optimizers", "space")


def read(path: str | Path) -> dict[str, Any]:
    """The arguments for `lectopt.sweep` that a file has.

    Raises:
        ValueError: The file is no TOML, lacks something, or has what is no argument.
        OSError: It cannot be read.
    """
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML: {error}") from error
    if missing := [name for name in NEEDED if name not in found]:
        raise ValueError(f"{path} lacks {', '.join(missing)}; lectopt sweep --help shows a file")
    if unknown := [name for name in found if name not in (*NEEDED, *OPTIONS)]:
        raise ValueError(f"{path} has {unknown[0]!r}; wanted {', '.join((*NEEDED, *OPTIONS))}")
    from lectopt.explain.__main__ import found as thing

    if not isinstance(found["problem"], str):
        raise ValueError(f'wanted problem = "package.module:function", got {found["problem"]!r}')
    makers = _makers(found["optimizers"])
    return {
        **found,
        "problem": thing(found["problem"]),
        "optimizers": makers,
        "space": _space(found["space"], makers),
    }


def _makers(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        given = [given]
    if isinstance(given, list):
        given = {str(path).replace(":", ".").split(".")[-1]: path for path in given}
    if not isinstance(given, Mapping) or not given:
        raise ValueError(f'wanted optimizers such as adam = "lectopt.adam", got {given!r}')
    return {name: _maker(name, value) for name, value in given.items()}


def _maker(name: str, value: Any) -> Any:
    from lectopt.explain.__main__ import found

    settings = dict(value) if isinstance(value, Mapping) else {"maker": value}
    path = settings.pop("maker", None)
    if not isinstance(path, str):
        raise ValueError(
            f'optimizer {name!r}: wanted "lectopt.adam", or {{ maker = "lectopt.adam", b1 = 0.8 }},'
            f" got {value!r}"
        )
    maker = found(path)
    return functools.partial(maker, **settings) if settings else maker


def _space(given: Any, makers: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise ValueError(f"wanted space to be a table, got {given!r}")
    if {*given} == {*makers} and all(isinstance(own, Mapping) for own in given.values()):
        return {name: {k: _axis(k, x) for k, x in own.items()} for name, own in given.items()}
    return {name: _axis(name, values) for name, values in given.items()}


def _axis(name: str, values: Any) -> Any:
    if not isinstance(values, Mapping):
        return values
    import scipy.stats

    from lectopt._sweep.space import choice

    kind, arguments = next(iter(values.items()), ("", None))
    if len(values) == 1 and isinstance(arguments, list):
        if kind == "choice":
            return choice(arguments)
        if hasattr(getattr(scipy.stats, kind, None), "ppf"):
            try:
                return getattr(scipy.stats, kind)(*arguments)
            except TypeError as error:
                raise ValueError(f"setting {name!r}: {kind}{(*arguments,)}: {error}") from error
    raise ValueError(
        f"setting {name!r}: wanted a list of values, {{ choice = [...] }}, or a distribution of "
        f"scipy.stats with its arguments, such as {{ loguniform = [1e-4, 1.0] }}, got {values!r}"
    )


def main(arguments: Sequence[str], program: str = "lectopt sweep") -> int:
    """Run the command; exit status 0 if everything is trained, 1 if not yet, 2 if it is wrong."""
    parser = argparse.ArgumentParser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", help="the sweep, in TOML")
    parser.add_argument("--directory", required=True, help="where everything is kept")
    parser.add_argument("--max-seconds", type=float, help="stop after so long")
    options = parser.parse_args(arguments)
    from lectopt._sweep.engine import sweep

    try:
        given = read(options.file)
        if options.max_seconds is not None:
            given["max_seconds"] = options.max_seconds
        result = sweep(**given, directory=options.directory)
    except (ValueError, ImportError, OSError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    print(result)
    print(result.best().to_string(index=False))
    if not result.complete:
        print("stopped; the same command goes on", file=sys.stderr)
    print(f'lectopt.read_sweep("{options.directory}") has its tables and curves')
    return 0 if result.complete else 1
