"""The tables, on a terminal and in docs/performance.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.result import Row

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin (written by make bench) -->", "<!-- figures: end -->"
HEADS = ("what", "tailon-agg", "beside it", "ratio", "unit")


def table(title: str, beside: str, rows: Sequence[Row]) -> str:
    """A table in Markdown that also reads well on a terminal."""
    heads = [HEADS[0], HEADS[1], beside or "-", HEADS[3], HEADS[4]]
    cells = [heads, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    lines = [_line(heads, widths), "|" + "|".join(_rule(column, width) for column, width in enumerate(widths)) + "|"]
    lines += [_line(line, widths) for line in cells[1:]]
    return f"### {title}\n\n" + "\n".join(lines) + "\n"


def write(tables: Mapping[str, str], load: float) -> None:
    """Put the tables between the markers of docs/performance.md."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{machine(load)}\n\n{chr(10).join(tables.values())}\n{END}{after}")


def machine(load: float) -> str:
    """The machine in words; `load` is how many processes wanted to run before."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return (
        f"Made by `make bench` on {os.cpu_count()} cores ({platform.machine()}) with {memory:.0f} GiB of memory, "
        f"{platform.system()}, Python {platform.python_version()}. "
        f"Hosts, aggregator and viewer share these cores, and other work with a load of {load:.1f}."
    )


def _cells(row: Row) -> list[str]:
    other = "" if row.other is None else _number(row.other)
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return [row.what, _number(row.ours), other, ratio, row.unit]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        f"{cell:<{width}}" if column in (0, 4) else f"{cell:>{width}}"
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"


def _rule(column: int, width: int) -> str:
    return "-" * (width + 2) if column in (0, 4) else "-" * (width + 1) + ":"
