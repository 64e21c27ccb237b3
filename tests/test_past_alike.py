"""Logs whose generations are hard to tell apart, or to put in order: every line comes once, in its place."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest
from test_sift import past_of

from aggregator.past import Around, Between, Past
from aggregator.pastquery import PastQuery

START = int(time.time()) - 20_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(START + seconds, UTC).isoformat().replace("+00:00", "Z")


def written(first: int, count: int = 20) -> list[str]:
    """Lines of a log, 10 s apart; `first` is the number of the first one."""
    return [f"{stamp(10 * number)} line {number} {'x' * 40}" for number in range(first, first + count)]


def write(path: Path, lines: Sequence[str], mtime: float) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    os.utime(path, (START + mtime, START + mtime))


async def pages(past: Past, direction: str, limit: int, since: str | None, until: str | None) -> list[str]:
    """The texts of all pages, oldest first; no page but the last has fewer lines."""
    query = PastQuery(direction=direction, limit=str(limit), since=since, until=until)
    texts: list[str] = []
    for _ in range(1000):
        async with past.lines(query) as reading:
            page = await reading.page()
        assert page.failed == []
        new = [line.text for line in page.lines]
        texts = new + texts if direction == "backward" else texts + new
        if page.cursor is None:
            return texts
        assert len(new) == limit
        query = replace(query, cursor=page.cursor)
    raise AssertionError("pages without an end")


async def check(past: Past, lines: Sequence[str], since: str | None = None, until: str | None = None) -> None:
    for direction in ("forward", "backward"):
        assert await pages(past, direction, 19, since, until) == list(lines), direction


@pytest.mark.parametrize("names", [("app.log.1", "app.log.2"), ("app.log.2", "app.log.1")])
async def test_numbered_generations_stand_as_their_stamps_say(folder: Path, names: tuple[str, str]) -> None:
    """Also where they were copied or moved by hand, and the mtimes do not tell."""
    lines = [written(100 * part) for part in range(3)]
    for part, name in enumerate((*names, "app.log")):
        write(folder / name, lines[part], 3000)
    async with past_of(folder) as past:
        await check(past, [*chain(*lines)])
        await check(past, lines[1][5:], stamp(1050), stamp(1500))


async def test_generations_that_begin_with_the_same_stamped_lines(folder: Path) -> None:
    banner = "2020-01-01T00:00:00Z INFO the shop, version 7"
    parts = [[banner, *written(100 * part)] for part in range(4)]
    for age, part in enumerate(reversed(parts)):
        write(folder / f"app.log{f'.{age}' if age else ''}{'.gz' if age > 1 else ''}", part, 5000 - age)
    async with past_of(folder) as past:
        await check(past, [*chain(*parts)])


async def test_generations_that_are_copies_of_one_another(folder: Path) -> None:
    lines = written(0)
    for name in ("app.log.3", "app.log.2", "app.log.1"):
        write(folder / name, lines, 2000)
    write(folder / "app.log", written(100), 5000)
    async with past_of(folder) as past:
        await check(past, [*lines, *lines, *lines, *written(100)])


async def test_pages_go_on_where_they_were_when_logs_that_begin_alike_are_rotated_and_compressed(folder: Path) -> None:
    banner = "2020-01-01T00:00:00Z INFO the shop, version 7"
    parts = [[banner, *written(100 * part)] for part in range(4)]
    whole = [*chain(*parts)]
    names = ["app.log.2", "app.log.1", "app.log"]
    for direction in ("forward", "backward"):
        for number in (2, 3):
            (folder / f"app.log.{number}.gz").unlink(missing_ok=True)
        for number, name in enumerate(names):
            write(folder / name, parts[number], 5000 + number)
        async with past_of(folder) as past:
            query = PastQuery(direction=direction, limit="30", until=stamp(10_000))
            async with past.lines(query) as reading:
                first = await reading.page()
            for number, name in enumerate(names[:2]):
                write(folder / f"app.log.{3 - number}.gz", parts[number], 5000 + number)
                (folder / name).unlink()
            (folder / "app.log").rename(folder / "app.log.1")
            write(folder / "app.log", parts[3], 6000)
            async with past.lines(replace(query, cursor=first.cursor, limit="1000")) as reading:
                rest = await reading.page()
        assert rest.failed == []
        found = [[line.text for line in page.lines] for page in (first, rest)]
        if direction == "forward":
            assert found[0] + found[1] == whole
        else:
            assert found[1] + found[0] == [*chain(*parts[:3])]


@pytest.mark.parametrize("name", ["app.log.1", "app.log.1.gz"])
async def test_a_closed_generation_of_one_line_without_a_newline(folder: Path, name: str) -> None:
    older, only, newer = written(0, 5), written(100, 1), written(200, 5)
    write(folder / "app.log.2", older, 1000)
    write(folder / name, only, 2000)
    data = (folder / name).read_bytes() if name == "app.log.1" else gzip.decompress((folder / name).read_bytes())
    data = data.removesuffix(b"\n")
    (folder / name).write_bytes(data if name == "app.log.1" else gzip.compress(data))
    write(folder / "app.log", newer, 3000)
    async with past_of(folder) as past:
        await check(past, [*older, *only, *newer])
        async with past.lines(PastQuery(direction="forward")) as reading:
            lines = (await reading.page()).lines
        for number in (3, 5, 6):
            near = await past.around(Around(lines[number].position, "2", "2"))
            assert [line.text for line in near.lines] == [line.text for line in lines[number - 2 : number + 3]]
        between = await past.between(Between(lines[2].position, lines[8].position))
        assert [line.text for line in between.lines] == [line.text for line in lines[2:8]]


@pytest.mark.parametrize("grep", [(), ("line 1",)])
async def test_lines_before_one_that_is_longer_than_what_is_read_at_once(folder: Path, grep: tuple[str, ...]) -> None:
    lines = [*written(0, 20), written(20, 1)[0] + "long " * 40_000]
    write(folder / "app.log", lines, 5000)
    async with past_of(folder) as past, past.lines(PastQuery(grep=grep, until=stamp(400), limit="1000")) as reading:
        page = await reading.page()
    assert [line.text for line in page.lines if len(line.text) < 100] == [
        line for line in lines if len(line) < 100 and (not grep or grep[0] in line)
    ]


async def test_lines_beside_a_compressed_file_that_has_far_too_much_text(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.limits.UNPACKED_LEAST", 1000)
    monkeypatch.setattr("aggregator.limits.UNPACKED_RATIO", 20)
    write(folder / "app.log.2.gz", written(0, 1) * 1200, 1000)
    write(folder / "app.log", written(100, 3), 2000)
    async with past_of(folder) as past:
        async with past.lines(PastQuery(direction="backward", limit="2")) as reading:
            lines = (await reading.page()).lines
        near = await past.around(Around(lines[-1].position, "1", "1"))
        assert (len(near.lines), near.failed) == (2, [])
        near = await past.around(Around(lines[-1].position, "5", "1"))
        assert [failure.detail.startswith(f"{folder}/app.log.2.gz is compressed to less") for failure in near.failed]
        assert not near.complete
