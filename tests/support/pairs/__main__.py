"""`python -m tests.support.pairs SEED COUNT`: what `same_update` says of so many pairs."""

import sys
import time
import traceback
from collections import Counter

import jax
import numpy as np

from lectopt import same_update
from tests.support.pairs import pairs
from tests.support.pairs.judge import assert_no_false_verdict, said, table


def main(seed: int, count: int) -> None:
    """Print what is false, what raises, what is slow, and a table of the rest."""
    lines, took = Counter[str](), []
    for pair in pairs(seed, count):
        start = time.perf_counter()
        try:
            outcome = same_update(*pair.subjects(), params=pair.tree)
            seconds = time.perf_counter() - start
            lines[said(pair, outcome)] += 1
            if outcome.verdict == "unknown":
                print(f"OPEN {pair.name}: {outcome}"[:600], flush=True)
            assert_no_false_verdict(pair, outcome)
        except AssertionError as error:
            print(f"FALSE {error}"[:1500], flush=True)
        except Exception:
            seconds = time.perf_counter() - start
            print(f"RAISES {pair.name}", flush=True)
            traceback.print_exc(limit=-6)
        took.append(seconds)
        if seconds > 5:
            print(f"SLOW {seconds:.1f} s {pair.name}", flush=True)
    print(table(lines))
    print(f"{sum(took):.0f} s, {np.median(took):.2f} s in the median, {max(took):.1f} s at most")


if __name__ == "__main__":
    jax.config.update("jax_platforms", "cpu")
    main(*map(int, sys.argv[1:3]))
