"""What processes use, from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds of a process: its own to the nanosecond, its ended children's in ticks; 0.0 for one that is gone."""
    try:
        own = sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return own / 1e9 + (int(fields[13]) + int(fields[14])) * _TICK_S


def rss_mib(pid: int) -> float:
    """Resident memory."""
    return _kib(Path(f"/proc/{pid}/status"), "VmRSS:") / 1024


def pss_mib(pids: Iterable[int]) -> float:
    """Memory of several processes, pages that several share counted in parts."""
    return sum(_kib(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in pids) / 1024


def _kib(file: Path, field: str) -> int:
    try:
        text = file.read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(field)), 0)
