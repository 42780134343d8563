"""Write a figure of the lectures, the race, or the explorer.

python -m lectopt.pictures wolfe --path wolfe.png
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lectopt.pictures.gallery import NAMES, exhibit

PROGRAM = "python -m lectopt.pictures"
OTHERS = {"race": ".png", "explorer": ".html"}


def main(arguments: Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Write the picture that is named, and print what it shows; exit status 2 if it cannot be."""
    parser = argparse.ArgumentParser(
        prog=program, description="Write a figure of the lectures, the race, or the explorer."
    )
    parser.add_argument("name", choices=[*NAMES, *OTHERS], metavar="NAME", help=", ".join(
        [*NAMES, *OTHERS]
    ))  # fmt: skip
    parser.add_argument("--path", type=Path, help="where to; NAME.png, or explorer.html")
    given = parser.parse_args(arguments)
    path = given.path or Path(given.name + OTHERS.get(given.name, ".png"))
    try:
        said = _write(given.name, path)
    except (ImportError, OSError, ValueError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    print(f"{said}wrote {path}")
    return 0


def _write(name: str, path: Path) -> str:
    if name == "explorer":
        from lectopt.pictures.exploring import lectures

        lectures.write(path)
        return ""
    if name == "race":
        import lectopt
        from lectopt import landscapes, pictures

        racers = [lectopt.momentum, lectopt.nesterov, lectopt.rmsprop, lectopt.adam]
        pictures.race(racers, landscapes.long_valley(), path=path)
        return ""
    shown = exhibit(name, path)
    word = "holds" if shown.verdict.holds else "does not hold"
    return f"claim: {shown.claim}\n{word}: {shown.verdict.measured}\n"


if __name__ == "__main__":
    sys.exit(main())
