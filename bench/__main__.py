"""`python -m bench [NAME…]`: run the measurements; all of them together also write docs/performance.md."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import beside, idle, latency, memory, past, report, steady, storm, throughput
from bench.result import Row

Measure = Callable[[Path], list[Row]]
BENCHES: dict[str, tuple[str, str, tuple[Measure, ...]]] = {
    "latency": (
        "Line written on a host → line at a viewer",
        "ssh tail -F",
        (lambda folder: latency.measure(folder, 1), lambda folder: latency.measure(folder, 8)),
    ),
    "idle": ("Idle hosts", "tail -F", (idle.measure,)),
    "steady": ("Many hosts that write a little", "ssh tail -F", (steady.measure,)),
    "throughput": ("A burst in one file", "ssh tail -F", (throughput.measure,)),
    "memory": ("Memory under pressure", "goal", (memory.stalled, memory.long_line)),
    "storm": ("All hosts come back at once", "goal", (storm.measure,)),
    "search": ("A search of the past", "ssh grep -F", (past.search,)),
    "past": ("Looks into the past", "goal", (past.looks, past.memory)),
    "beside": ("Meanwhile, at a viewer of another host", "in calm", (beside.measure,)),
}


def main(names: list[str]) -> int:
    if unknown := set(names) - BENCHES.keys():
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    tables = {}
    load = os.getloadavg()[0]
    for name in names or BENCHES:
        title, beside, measures = BENCHES[name]
        rows = [row for measure in measures for row in _in_folder(measure)]
        tables[name] = report.table(title, beside, rows)
        print(tables[name], flush=True)
    if tables.keys() == BENCHES.keys():
        report.write(tables, load)
    return 0


def _in_folder(measure: Measure) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="tailon-agg-bench-") as folder:
        return measure(Path(folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
