"""Every claim about speed, memory and size, beside what one would use instead, in one table.

    python tests/benchmarks/run.py [--quick] [--only WORD] [--write]

A row has what was measured of lectopt and of the other, their ratio, and the most that the ratio
may be. Both take turns and the ratio is the median over the turns, so that what the machine does
meanwhile cancels. torch and Keras have rows where they are installed. `--quick` takes three minutes
on two cores, and leaves out the large trees. `--write` writes docs/benchmarks.md. The exit status
is 1 if a claim does not hold.
"""

import argparse
import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import jax

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks import (  # noqa: E402
    memory,
    precision,
    processes,
    programs,
    scale,
    sweeps,
    training_loops,
)
from tests.benchmarks.claims import Claim  # noqa: E402

PARTS: dict[str, Callable[[bool], Iterator[Claim]]] = {
    "import": processes.claims,
    "programs": programs.claims,
    "scale": scale.claims,
    "memory": memory.claims,
    "precision": precision.claims,
    "sweeps": sweeps.claims,
    "training": training_loops.claims,
}


PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
TEXT = """# Benchmarks

<!-- written by tests/benchmarks/run.py -->

lectopt beside what one would use instead, in one run: both take turns, and the ratio is the median
over the turns, so that what the machine does meanwhile cancels. A row with a number under "at most"
is a claim, and says whether it holds. What does not depend on the machine (bytes, fusions,
compilations, collectives) is tested besides. Which optimizer gets how far is on
[a page of its own](which-optimizer.md).

{command}

{header}

{table}
"""


def header() -> str:
    """Where and on what this ran."""
    versions = []
    for package in ("lectopt", "jax", "optax", "flax", "torch", "keras"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    where = f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores"
    return f"{when}; {', '.join(versions)}; Python {platform.python_version()}; {where}"


def main() -> int:
    """Print the table, a row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three minutes, small trees")
    parser.add_argument("--only", metavar="WORD", default="", help="rows with this word")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    print(header())
    print(Claim.heading())
    held, table = True, [Claim.heading()]
    for part in PARTS.values():
        for claim in part(options.quick):
            if options.only in str(claim.what):
                measured = claim.measure()
                held &= measured.holds
                print(measured, flush=True)
                table.append(str(measured))
    if options.write:
        command = "python tests/benchmarks/run.py --write" + " --quick" * options.quick
        text = TEXT.format(command=f"`{command}`", header=header(), table="\n".join(table))
        PAGE.write_text(text, "utf-8")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
