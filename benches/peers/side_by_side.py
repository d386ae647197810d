"""Runs peers in turns, so that all meet what else the machine does, and prints ratios against the goals."""

import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

os.environ["GENOTOOL_THREADS"] = "1"
ROUNDS = 7


def race(title: str, runs: dict[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median CPU milliseconds of each run, in interleaved rounds after one warm-up."""
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            begin = time.process_time()
            run()
            if turn:
                spent[name].append(1e3 * (time.process_time() - begin))
    result = {name: median(values) for name, values in spent.items()}
    print(f"\n{title} ({rounds} rounds, one thread, CPU time)")
    for name, value in result.items():
        print(f"  {name:<32}{value:>10.2f} ms")
    return result


def goal(what: str, ratio: float, limit: float, *, at_least: bool = False) -> None:
    """Print a ratio against its goal; one that is missed is no failure: machines differ."""
    met = ratio >= limit if at_least else ratio <= limit
    print(f"  {what:<44}{ratio:>8.2f} x   goal {'>=' if at_least else '<='} {limit} {'met' if met else 'MISSED'}")
