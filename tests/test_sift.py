"""What hosts look for by themselves (`grep`) and what is read whole and looked for here is the same."""

from __future__ import annotations

import gzip
import json
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from local import LocalTransport

from aggregator import limits
from aggregator.access.audit import AuditLog
from aggregator.inventory import load
from aggregator.metrics import Metrics
from aggregator.model import Principal
from aggregator.past import Past
from aggregator.pastquery import PastQuery
from aggregator.service import Aggregator
from aggregator.stream.filters import Filter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """All sizes are small, so that short logs are read in many parts."""
    for name, size in {
        "SIFT_LEAST": 0,
        "SIFT_FIRST": 700,
        "SIFT_MOST": 2000,
        "CHUNK_FIRST": 150,
        "CHUNK_MOST": 400,
        "HITS_LEAST": 1,
        "HITS_MOST": 3000,
    }.items():
        monkeypatch.setattr(limits, name, size)


@asynccontextmanager
async def past_of(folder: Path, name: str = "app.log") -> AsyncIterator[Past]:
    """The past of a host that is this machine."""
    inventory = folder.parent / "hosts.yaml"
    data = {
        "version": 1,
        "hosts": {"web-1": {"address": "127.0.0.1"}},
        "sources": {"app": {"hosts": "@*", "path": f"{folder}/{name}"}},
    }
    inventory.write_text(json.dumps(data))
    metrics, transport = Metrics(), LocalTransport()
    async with (
        await AuditLog.open(folder.parent / "audit", metrics) as audit,
        Aggregator(load([inventory], None), transport, audit, metrics) as aggregator,
    ):
        yield aggregator.past(Principal("local", "api"))
    await transport.end()


def write(folder: Path, made: random.Random) -> None:
    """A log of up to three generations, with records of many lines, and lines before its first stamp."""
    lines = [made.choice(["banner", "banner needle"]) for _ in range(made.choice([0, 0, 5]))]
    first = len(lines) + 1
    for second in range(made.randrange(1, 25)):
        lines.append(f"2026-03-01T12:00:{second:02}Z {made.choice(['a', 'b', 'needle', 'other'])} {second}")
        for _ in range(made.choice([0, 0, 1, 3, 30])):
            lines.append(f"  {made.choice(['x', 'y', 'y', 'y', 'needle'])} {len(lines)}")
    cuts = sorted(made.randrange(first, len(lines) + 1) for _ in range(made.randrange(3)))
    parts = [lines[start:end] for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    now = time.time() - 100
    for age, part in enumerate(reversed(parts)):
        data = "".join(f"{line}\n" for line in part).encode()
        path = folder / f"app.log{f'.{age}' if age else ''}"
        if age and made.random() < 0.4:
            path, data = folder / f"app.log.{age}.gz", gzip.compress(data)
        path.write_bytes(data)
        os.utime(path, (now - age * 10, now - age * 10))


async def positions(past: Past, query: PastQuery) -> list[str]:
    """The positions of all pages, oldest first."""
    pages: list[list[str]] = []
    while True:
        async with past.lines(query) as reading:
            page = await reading.page()
        assert page.failed == []
        pages.append([line.position for line in page.lines])
        if page.cursor is None:
            break
        query = replace(query, cursor=page.cursor)
    return [one for page in (pages if query.direction == "forward" else reversed(pages)) for one in page]


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 33])
async def test_a_search_on_the_host_gives_what_reading_all_gives(
    folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = random.Random(seed)
    write(folder, made)
    query = PastQuery(grep=("needle",) if seed % 3 else ("needle", "x"), exclude=("b ",) if seed % 2 else ())
    async with past_of(folder) as past:
        with monkeypatch.context() as patch:
            patch.setattr(Filter, "prefilter", lambda *_: None)
            whole = await positions(past, replace(query, limit="10000", direction="forward"))
        for direction, limit in (("forward", 10_000), ("backward", 10_000), ("backward", made.randrange(9, 40))):
            asked = replace(query, limit=str(limit), direction=direction)
            assert await positions(past, asked) == whole, f"{direction}, {limit} lines a page"


@pytest.mark.parametrize("packed", [False, True])
async def test_a_record_that_goes_on_behind_a_last_line_without_a_newline_comes_once(
    folder: Path, packed: bool
) -> None:
    old = b"2026-03-01T12:00:00Z a\n2026-03-01T12:00:01Z needle\n  at one"
    name = f"app.log.1{'.gz' * packed}"
    (folder / name).write_bytes(gzip.compress(old) if packed else old)
    (folder / "app.log").write_bytes(b"  at needle\n2026-03-01T12:00:02Z b\n")
    os.utime(folder / name, (time.time() - 100,) * 2)
    async with past_of(folder) as past:
        for direction in ("forward", "backward"):
            async with past.lines(PastQuery(grep=("needle",), direction=direction)) as reading:
                page = await reading.page()
            assert [line.text for line in page.lines] == ["2026-03-01T12:00:01Z needle", "  at one", "  at needle"]
