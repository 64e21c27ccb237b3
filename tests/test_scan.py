"""history.scan: what a search brings over is at least what a plain reading of the same lines finds."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import os
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fleet import Fleet
from local import LocalTransport

from aggregator.errors import HostError
from aggregator.history.files import Generation, generations
from aggregator.history.scan import scan
from aggregator.metrics import Metrics
from aggregator.model import Batch, File, Host, SshOptions
from aggregator.remote.link import Link
from aggregator.remote.pool import Links
from aggregator.stream.literal import Literal

HOST = Host("a", "127.0.0.1", SshOptions(), {})
LINE = 65_536
SHELLS = {"dash": ("dash",), "bash": ("bash",), "busybox": ("busybox", "ash")}


@dataclass
class Piece:
    one: Generation
    start: int
    end: int | None


@dataclass
class Found:
    """What a scan gave: lines with their offsets, and what it said."""

    lines: list[tuple[int, bytes]] = field(default_factory=list)
    batches: list[tuple[Batch, bool]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    read: list[int] = field(default_factory=list)

    @property
    def texts(self) -> list[bytes]:
        return [text for _, text in self.lines]

    def take(self, batch: Batch, joined: bool) -> None:
        self.batches.append((batch, joined))
        if batch.length is not None:
            self.lines.append((batch.start, batch.text))
            return
        at = batch.start
        for line in batch.text.split(b"\n")[:-1]:
            self.lines.append((at, line))
            at += len(line) + 1


@asynccontextmanager
async def local(shell: str, path: str | None = None) -> AsyncIterator[Link]:
    transport = LocalTransport(SHELLS[shell], path)
    async with asyncio.TaskGroup() as tasks:
        link = Links(transport, tasks, Metrics(), lambda _: None).link(HOST)
        async with link.hold():
            yield link
        await transport.end()


@pytest.fixture(params=SHELLS)
async def link(request: pytest.FixtureRequest, busybox: str) -> AsyncIterator[Link]:
    shell = str(request.param)
    async with local(shell, busybox if shell == "busybox" else None) as one:
        yield one


@pytest.fixture(scope="module")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> str:
    with Fleet(tmp_path_factory.mktemp("busybox")) as fleet:
        return str(fleet.busybox())


async def newest(link: Link, path: Path) -> tuple[File, Generation]:
    """The generation that a name holds, as one that is closed unless it is the log itself."""
    log = path if path.suffix == ".log" else path.with_name("app.log")
    file = File("a", "app", str(log))
    return file, next(one for one in await generations(link, file) if one.name == str(path))


async def search(
    link: Link, path: Path, *texts: str, start: int = 0, end: int | None = None, fold: bool = False
) -> Found:
    file, one = await newest(link, path)
    found = Found()
    literals = [Literal(text, fold) for text in texts]
    async with aclosing(
        scan(link, file, Piece(one, start, end), literals, found.read.append, found.notes.append)
    ) as got:
        async for batch, joined in got:
            found.take(batch, joined)
    return found


def plain(data: bytes, start: int = 0, end: int | None = None, *, finish: bool = False) -> list[tuple[int, bytes]]:
    """The lines of a file as they are delivered, with their offsets."""
    lines, at = [], start
    rest = data[start:end]
    whole = rest.split(b"\n")
    last = whole.pop()
    for line in whole:
        lines.append((at, line[:LINE]))
        at += len(line) + 1
    if finish and last:
        lines.append((at, last[:LINE]))
    return lines


def must(lines: Sequence[tuple[int, bytes]], text: bytes, *, fold: bool = False) -> list[tuple[int, bytes]]:
    if fold:
        return [line for line in lines if text.lower() in line[1].lower()]
    return [line for line in lines if text in line[1]]


def check(
    found: Found, data: bytes, text: bytes, *, start: int = 0, end: int | None = None, finish: bool = False
) -> None:
    """All that hold the text, nothing that is not in the file, in its order, each once; gaps where they are said."""
    lines = plain(data, start, end, finish=finish)
    assert must(found.lines, text) == must(lines, text)
    assert set(found.lines) <= set(lines)
    offsets = [offset for offset, _ in found.lines]
    assert offsets == sorted(set(offsets))
    at = start
    for batch, joined in found.batches:
        assert joined == (batch.start == at)
        at = batch.end


LOG = b"".join(b"2026-11-23T10:00:%02d INFO request %d done\n" % (i % 60, i) for i in range(2000))


async def test_lines_with_a_text_are_found_with_those_around(link: Link, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(LOG)
    found = await search(link, log, "request 777 ")
    check(found, LOG, b"request 777 ")
    around = [line for line in plain(LOG) if 757 <= int(line[1].split()[3]) <= 797]
    assert set(around) <= set(found.lines)
    assert found.read[-1] == len(LOG)
    assert found.notes == []


async def test_without_a_text_all_lines_of_the_range_come(link: Link, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(LOG + b"partial")
    starts = [offset for offset, _ in plain(LOG)]
    for start, end in ((0, None), (starts[5], starts[900]), (starts[7], None), (starts[3], starts[3])):
        found = await search(link, log, start=start, end=end)
        assert found.lines == plain(LOG, start, end)
        assert all(joined for _, joined in found.batches)


async def test_nothing_of_outside_the_range(link: Link, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(LOG)
    starts = [offset for offset, _ in plain(LOG)]
    for start, end in ((starts[5], starts[1900]), (starts[1000], None), (starts[100], starts[130])):
        for text in ("request 77", "request 10", "done"):
            check(await search(link, log, text, start=start, end=end), LOG, text.encode(), start=start, end=end)


@pytest.mark.parametrize("name", ["app.log", "app.log.1"])
async def test_a_last_line_without_newline_is_one_where_no_more_can_come(link: Link, tmp_path: Path, name: str) -> None:
    (tmp_path / "app.log").write_bytes(b"live\n")
    (tmp_path / name).write_bytes(LOG + b"needle at the end")
    for texts in ((), ("needle",)):
        found = await search(link, tmp_path / name, *texts)
        assert (b"needle at the end" in found.texts) == (name == "app.log.1")
        if name == "app.log.1":
            assert found.batches[-1][0].end == len(LOG) + 17


@pytest.mark.parametrize(
    "text",
    [
        "-e",
        "--help",
        'it\'s "x"',
        "back\\slash",
        "\\n\\0041",
        "$HOME `id`",
        "gr\xfc\xdfe",
        "\u65e5\u5fd7 \U0001f98a",
        ".*",
        "[a]",
        "!!",
        "%s%n",
        "tab\tx",
    ],
)
async def test_any_text_is_taken_as_it_is(link: Link, tmp_path: Path, text: str) -> None:
    log = tmp_path / "app.log"
    data = LOG + b"before\n" + text.encode() + b"\nafter " + text.encode() + b" end\n" + LOG
    log.write_bytes(data)
    found = await search(link, log, text)
    check(found, data, text.encode())
    assert len(must(found.lines, text.encode())) == 2


async def test_case_is_folded_where_it_may_be(link: Link, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(LOG + b"TimeOut\ntimeout\nTIMEOUT\ntime out\n" + LOG)
    found = await search(link, log, "timeout", fold=True)
    assert [text for _, text in must(found.lines, b"timeout", fold=True)] == [b"TimeOut", b"timeout", b"TIMEOUT"]


async def test_nul_bytes_and_invalid_utf8_hide_nothing(link: Link, tmp_path: Path) -> None:
    data = b"\0" * 3000 + b"needle one\n" + LOG + b"\xff\xfe needle\xff two\n\0\0needle\0three\n" + LOG
    log = tmp_path / "app.log"
    log.write_bytes(data)
    found = await search(link, log, "needle")
    check(found, data, b"needle")
    assert len(must(found.lines, b"needle")) == 3


async def test_long_lines_and_edges_of_blocks(link: Link, tmp_path: Path) -> None:
    """Hits across each edge of 1 MiB, and in lines that are longer than blocks: in what is delivered of them only."""
    chance = random.Random(4)
    parts = [b"short\n"]
    size = 6
    for edge in range(1, 9):
        target = edge * (1 << 20) - chance.randrange(0, 8)
        while target - size > 100_000:
            filler = b"x" * chance.randrange(200, 90_000) + b"\n"
            parts.append(filler)
            size += len(filler)
        parts.append(b"y" * (target - size - 1) + b"\n" if target > size else b"")
        size += len(parts[-1])
        parts.append(b"needle on the edge\n")
        size += len(parts[-1])
    parts.append(
        b"needle" + b"z" * 3_000_000 + b"\n" + b"z" * 70_000 + b"needle too late\n" + b"q" * 65_000 + b"needle\n"
    )
    parts.append(b"the end\n")
    data = b"".join(parts)
    log = tmp_path / "app.log"
    log.write_bytes(data)
    found = await search(link, log, "needle")
    check(found, data, b"needle")
    assert len(must(found.lines, b"needle")) == 10
    lengths = {batch.length for batch, _ in found.batches if batch.length}
    assert 3_000_006 in lengths


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2", "zst"])
async def test_compressed_generations(link: Link, tmp_path: Path, kind: str) -> None:
    data = LOG + b"needle\n" + LOG + b"needle at the end"
    (tmp_path / "app.log").write_bytes(b"live\n")
    old = compressed(tmp_path / f"app.log.1.{kind}", data)
    if kind == "zst" and not await has(link, old):
        return
    starts = [offset for offset, _ in plain(data)]
    for texts in ((), ("needle",), ("nowhere",)):
        wanted = texts[0].encode() if texts else b""
        found = await search(link, old, *texts)
        check(found, data, wanted, finish=True)
        found = await search(link, old, *texts, start=starts[100], end=starts[2100])
        check(found, data, wanted, start=starts[100], end=starts[2100])


async def has(link: Link, path: Path) -> bool:
    _, one = await newest(link, path)
    return one.unread is None


def compressed(path: Path, data: bytes) -> Path:
    kind = path.suffix[1:]
    if kind == "zst":
        plain_file = path.with_suffix("")
        plain_file.write_bytes(data)
        os.system(f"zstd -q --rm '{plain_file}' -o '{path}'")
    else:
        path.write_bytes({"gz": gzip, "xz": lzma, "bz2": bz2}[kind].compress(data))
    return path


async def test_a_damaged_file_is_said_after_what_could_be_read(link: Link, tmp_path: Path) -> None:
    (tmp_path / "app.log").write_bytes(b"live\n")
    old = compressed(tmp_path / "app.log.1.gz", LOG * 20)
    os.truncate(old, old.stat().st_size - 3000)
    for texts in ((), ("request 1 ",), ("nowhere",)):
        with pytest.raises(HostError) as caught:
            await search(link, old, *texts)
        assert caught.value.cause == "damaged"


async def test_a_text_that_is_far_longer_than_its_file_is_not_read_to_its_end(
    link: Link, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.limits.UNPACKED_RATIO", 2)
    (tmp_path / "app.log").write_bytes(b"live\n")
    old = compressed(tmp_path / "app.log.1.gz", b"a\n" * (3 << 20))
    for texts in ((), ("nowhere",)):
        with pytest.raises(HostError) as caught:
            await search(link, old, *texts)
        assert caught.value.cause == "unpacked"


async def test_a_search_ends_when_its_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.limits.SCAN_CPU", 1)
    (tmp_path / "app.log").write_bytes(b"live\n")
    chance = random.Random(1)
    part = bz2.compress(b"".join(b"%x\n" % chance.getrandbits(400) for _ in range(8000)))
    (tmp_path / "app.log.1.bz2").write_bytes(part * 200)
    async with local("dash") as link:
        with pytest.raises(HostError) as caught:
            await search(link, tmp_path / "app.log.1.bz2", "nowhere")
    assert caught.value.cause == "scan-time"
