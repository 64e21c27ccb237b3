"""Pages backward are the exact reverse of those forward, also where stamps go back."""

from __future__ import annotations

import gzip
import os
import random
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_sift import folder, past_of, positions

from aggregator import limits
from aggregator.history.reading.entry import Entry, Place, Raw
from aggregator.history.reading.mark import Mark
from aggregator.history.reading.select import Hit
from aggregator.history.reading.settle import Settling
from aggregator.pastquery import PastQuery

__all__ = ["folder"]
START = int(time.time()) - 3000
SECOND = 1_000_000


def write(folder: Path, made: random.Random, back: float) -> None:
    """Two logs of up to three generations, whose stamps go back by at most so many seconds."""
    for number in range(2):
        now = START + made.random()
        lines: list[str] = []
        for count in range(made.randrange(50, 90)):
            now += made.random()
            stamp = datetime.fromtimestamp(now - (made.random() * back if made.random() < 0.2 else 0), UTC)
            level = made.choice(["INFO", "WARN"])
            lines.append(f"{stamp:%Y-%m-%dT%H:%M:%S.%fZ} {level} {made.choice(['needle', 'other'])} {number} {count}")
            lines += ["  at somewhere"] * made.choice([0, 0, 0, 3])
        cuts = sorted(made.randrange(1, len(lines)) for _ in range(made.randrange(3)))
        parts = [lines[start:end] for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
        for age, part in enumerate(reversed(parts)):
            path, data = folder / f"app{number}.log{f'.{age}' if age else ''}", "\n".join([*part, ""]).encode()
            if age and made.random() < 0.4:
                path, data = path.with_name(f"{path.name}.gz"), gzip.compress(data)
            path.write_bytes(data)
            os.utime(path, (START + 1000 - age, START + 1000 - age))


@pytest.mark.parametrize("back", [5.0, 60.0])
async def test_pages_backward_are_the_reverse_of_forward_where_stamps_go_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, back: float
) -> None:
    for name, size in {"CHUNK_FIRST": 1500, "CHUNK_MOST": 6000, "SETTLE_LEAST": 1000, "SIFT_LEAST": 0}.items():
        monkeypatch.setattr(limits, name, size)
    made = random.Random(back)
    write(folder, made, back)
    async with past_of(folder, "app*.log") as past:
        for query in (PastQuery(), PastQuery(grep=("needle",))):
            whole = await positions(past, replace(query, limit="10000", direction="forward"))
            for limit in (made.randrange(15, 30), 10_000):
                pages = await positions(past, replace(query, limit=str(limit), direction="backward"))
                assert pages == whole, f"{limit} lines a page of {query}"


def hit(offset: int, seconds: int) -> Hit:
    line = Raw("a" * 16, offset, 10, b"", "", seconds * SECOND, 0, 0)
    return Hit(seconds * SECOND, Entry(seconds * SECOND, [line], line), 10, lambda _: [])


def place(offset: int) -> Mark:
    return Mark(Place("a" * 16, offset))


def test_in_a_log_whose_stamps_never_go_back_hits_wait_for_the_least_before_them_only() -> None:
    least = limits.SETTLE_LEAST
    settling = Settling(place(3 * least).place, 0)
    hits = [hit(2 * least + 100, 30), hit(2 * least, 20), hit(2 * least - 100, 10)]
    assert settling.add(hits, place(least)) == hits[:2]
    assert settling.mark == Mark(hits[2].end)
    assert settling.add([], place(0)) == hits[2:]
    assert settling.mark == place(0)


def test_hits_wait_for_twice_what_stamps_went_back_but_not_without_end() -> None:
    least, most = limits.SETTLE_LEAST, limits.SETTLE_MOST
    settling = Settling(place(most + 4 * least).place, 0)
    older, newer = hit(most + 2 * least, 20), hit(most + 2 * least + 10, 10)
    assert settling.add([newer, older], place(most + least)) == []
    assert (older.key, newer.key) == (20 * SECOND, 20 * SECOND), "it can't stand before the one that is before it"
    assert settling.add([], place(2 * least)) == [newer, older]


def test_what_comes_too_late_stands_behind_what_went() -> None:
    least = limits.SETTLE_LEAST
    settling = Settling(place(4 * least).place, 0)
    first, second = hit(3 * least, 10), hit(10, 500)
    assert settling.add([first], place(least)) == [first]
    assert settling.add([second], place(0)) == []
    assert settling.rest() == [second]
    assert second.key == first.key
    assert settling.mark == Mark(done=True)
