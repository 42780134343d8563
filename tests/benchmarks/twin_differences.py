"""How far every algorithm and schedule is from its twin, in float64: the numbers behind the tests.

    python tests/benchmarks/twin_differences.py

For each row of the table of algorithms the largest difference of any parameter over 60 updates with
a rate that changes at every one, and for each schedule that of any value over the counts of its
test.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
jax.config.update("jax_enable_x64", True)

from tests.optimizers.test_trajectories import CURVATURE, RATES, lectopt_path, noise, twin_path  # noqa: E402
from tests.schedules import rows  # noqa: E402
from tests.support.algorithms import ALGORITHMS  # noqa: E402


def main() -> None:
    """Print a Markdown table."""
    print("| algorithm | source | largest difference |\n| --- | --- | --- |")
    for row in ALGORITHMS:
        numbers = {name: jnp.asarray(value) for name, value in row.numbers.items()}
        ours = jax.jit(lectopt_path(row))(noise(), RATES, CURVATURE, numbers)
        difference = np.abs(ours - twin_path(row, noise(), RATES, CURVATURE)).max()
        print(f"| {row.id} | {row.source} | {difference:.1e} |")
    print("\n| schedule | largest difference |\n| --- | --- |")
    for name, row in rows.ROWS.items():
        make, settings, *_ = row
        values = rows.at_counts(make(**settings))
        print(f"| {name} | {np.abs(values - rows.expected(row)).max():.1e} |")


if __name__ == "__main__":
    main()
