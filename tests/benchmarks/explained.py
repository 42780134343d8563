"""Which of Optax's transformations are explained, as the tables of docs/explain.md.

    python tests/benchmarks/explained.py           the three tables
    python tests/benchmarks/explained.py --times   and how long each explanation takes

Each is explained with letters for its settings and replayed for five updates; the tables show the
largest difference between the equations and the optimizer, relative to 1 + size, in float64.
"""

import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lectopt.explain import explain  # noqa: E402
from lectopt.explain.terms import Term, walk  # noqa: E402
from tests.support.optax_transformations import CHAINABLES, CONTRIBUTED, OPTIMIZERS, Row  # noqa: E402

BOUND = 1e-12


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    yield "| transformation | explained | replayed | remarks |"
    yield "| --- | --- | --- | --- |"
    for row in rows:
        explanation = explain(row.tx, params=row.params, **row.settings)
        if explanation.obstacle:
            yield f"| `{row.name}` | no | | {explanation.obstacle} |"
            continue
        difference = explanation.replay()
        replayed = "to 1e-12" if difference <= BOUND else f"to {difference:.0e}"
        yield f"| `{row.name}` | yes | {replayed} | {'; '.join(remarks(row, explanation))} |"


def remarks(row: Row, explanation) -> Iterator[str]:
    """What a reader should know of an explanation."""
    reading = explanation.reading
    calls = {explanation.calls.get(x.args[0], "") for x in operations(explanation)}
    words = {name.split(" ")[0].split(".")[0] for name in calls if name[:1].isalpha()}
    names = words - {"const", "iota"}
    if reading.draws:
        yield "a random draw"
    if names:
        yield "functions without formula: " + ", ".join(f"`{n.strip('_')}`" for n in sorted(names))
    if len(explanation.groups) > 1:
        yield "by groups of leaves"
    needs = sorted(explanation.reads - {"params"})
    if needs:
        yield "reads " + ", ".join(f"`{n}`" for n in needs)
    if row.float32:
        yield "Optax computes a part in float32"


def operations(explanation) -> Iterator[Term]:
    """What has no formula in the equations."""
    for lines in (explanation.shared, *explanation.groups):
        yield from (x for x in walk(*lines.terms(), inside=True) if x.op == "opq")


def times(rows: Sequence[Row]) -> Iterator[str]:
    """How many milliseconds of this process each explanation takes, the best of three."""
    for row in rows:
        best = min(_seconds(row) for _ in range(3))
        yield f"{row.name:35}{1e3 * best:8.1f} ms"


def _seconds(row: Row) -> float:
    start = time.process_time()
    str(explain(row.tx, params=row.params, **row.settings))
    return time.process_time() - start


def main() -> None:
    """Print the tables."""
    warnings.simplefilter("ignore", DeprecationWarning)
    for rows in (OPTIMIZERS, CHAINABLES, CONTRIBUTED):
        print("\n".join(table(rows)), end="\n\n")
        if "--times" in sys.argv:
            print("\n".join(times(rows)), end="\n\n")


if __name__ == "__main__":
    main()
