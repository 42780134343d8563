"""Every claim about speed, memory and size, beside what one would use instead, in one table.

    python tests/benchmarks/run.py [--quick] [--only WORD] [--write]

A row has what was measured of lectopt and of the other, their ratio, and the most that the ratio
may be. Both take turns, most in time of the processor, and the ratio is the median over the turns,
so that what the machine does meanwhile cancels; rows in wall time say so, and want a machine that
does nothing else. torch has rows where it is installed. `--quick` takes three minutes on two cores,
and leaves out the large trees. `--write` writes docs/benchmarks.md and the table of the README.

Rows are measured one after the other in a process beside this one, and each is kept in runs/ when
it is known: a run that is broken off goes on where it was, and a row that takes longer than
`--limit` seconds, fails, or ends the process is said to be missed. The exit status is 1 if a claim
does not hold or a row is missed.
"""

import argparse
import faulthandler
import importlib.metadata
import os
import platform
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import jax

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

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
from tests.benchmarks.kept import Kept  # noqa: E402

PARTS: tuple[Callable[[bool], Iterator[Claim]], ...] = (
    processes.claims,
    programs.claims,
    scale.claims,
    memory.claims,
    precision.claims,
    sweeps.claims,
    training_loops.claims,
)
PAGE, README = ROOT / "docs" / "benchmarks.md", ROOT / "README.md"
TEXT = """# Benchmarks

<!-- written by tests/benchmarks/run.py -->

lectopt beside what one would use instead, in one run: both take turns, and the ratio is the median
over the turns, so that what the machine does meanwhile cancels. Times are of the processor, all
threads together, where a row does not say wall. A row with a number under "at most" is a claim, and
says whether it holds. What does not depend on the machine (bytes, fusions, compilations,
collectives) is tested besides. Which optimizer gets how far is on
[a page of its own](which-optimizer.md).

`{command}`: {seconds:.0f} seconds of the processor.

{header}

{table}
"""
# Beginnings of the rows that the README has, in its order.
SHOWN = (
    "import lectopt, after jax and Optax, beside import",
    "compile Adam, 200 leaves, beside Optax",
    "an uncompiled update of Adam, 2 leaves",
    "state of Adam in 8 bits",
    "sweep of 64 rates, width 32, beside scan",
)
MARKS = re.compile(r"(<!-- benchmarks -->\n).*?(<!-- end -->)", re.DOTALL)


def header() -> str:
    """Where and on what this runs."""
    return "; ".join(described().values())


def described() -> dict[str, str]:
    """The date, the versions of packages and of Python, and the machine."""
    versions = []
    for package in ("lectopt", "jax", "optax", "flax", "torch", "keras"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "versions": ", ".join(versions),
        "python": f"Python {platform.python_version()}",
        "machine": f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores",
    }


def seconds() -> float:
    """Of the processor, with the processes that were started."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def measure(options: argparse.Namespace, kept: Kept) -> None:
    """Measure what is not known yet, and print a row as soon as it is."""
    for part in PARTS:
        for claim in part(options.quick):
            if options.only not in claim.name or claim.name in kept.rows:
                continue
            late = f"more than {options.limit} s, or the process ended"
            kept.begin(claim.name, claim.missed(late))
            faulthandler.dump_traceback_later(options.limit, exit=True)
            begin = seconds()
            try:
                measured = claim.measure()
                row, holds = str(measured), measured.holds
            except Exception as error:
                row, holds = claim.missed(f"{type(error).__name__}: {error}"[:200]), False
            faulthandler.cancel_dump_traceback_later()
            kept.end(claim.name, row, holds, seconds() - begin)
            print(row, flush=True)


def supervise(path: Path) -> Kept:
    """Measure in a process beside this one, and in another if that one ends early."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    while True:
        command = [sys.executable, __file__, *sys.argv[1:], "--rows"]
        child = subprocess.Popen(command, start_new_session=True, cwd=ROOT)
        try:
            status = child.wait()
        finally:  # the processes that it has started, too
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        kept = Kept(path)
        if status == 0:
            return kept
        if kept.begun is None:
            raise SystemExit(f"benchmarks: the process that measures ended with {status}.")
        name, row = kept.begun
        kept.end(name, row, False, 0.0)
        print(row, flush=True)


def write(kept: Kept, quick: bool) -> None:
    """Write the page, and the README's table."""
    command = "python tests/benchmarks/run.py --write" + " --quick" * quick
    header = "; ".join(kept.first[name] for name in ("date", "versions", "python", "machine"))
    rows = {name: found["row"] for name, found in kept.rows.items()}
    table = "\n".join([Claim.heading(), *rows.values()])
    used = sum(found["seconds"] for found in kept.rows.values())
    text = TEXT.format(command=command, header=header, table=table, seconds=used)
    PAGE.write_text(text, "utf-8")
    shown = [row for start in SHOWN for name, row in rows.items() if name.startswith(start)]
    short = ["| " + " | ".join(row.strip("| ").split(" | ")[:6]) + " |" for row in shown]
    head = "| | unit | lectopt | beside | | ratio |\n|" + " --- |" * 6
    small = "\n".join([head, *short]) + "\n"
    said = README.read_text("utf-8")
    README.write_text(MARKS.sub(lambda m: m[1] + small + m[2], said), "utf-8")


def main() -> int:
    """Print the table, a row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three minutes, small trees")
    parser.add_argument("--only", metavar="WORD", default="", help="rows with this word")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--limit", metavar="SECONDS", type=int, default=300, help="for one row")
    parser.add_argument("--rows", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write wants all rows. Leave --only out.")
    path = ROOT / "runs" / f"benchmarks{'-quick' * options.quick}{options.only and '-only'}.jsonl"
    if options.rows:
        measure(options, Kept(path))
        return 0
    kept = Kept(path)
    kept.start(described() | {"only": options.only}, ("versions", "python", "machine", "only"))
    known = [found["row"] for found in kept.rows.values()]
    print(header(), Claim.heading(), *known, sep="\n", flush=True)
    kept = supervise(path)
    print(f"{sum(found['seconds'] for found in kept.rows.values()):.0f} seconds of the processor")
    if options.write:
        write(kept, options.quick)
    path.unlink()
    return 0 if all(found["holds"] for found in kept.rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
