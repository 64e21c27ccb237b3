"""history.scan: what a search brings over is at least what a plain reading of the same lines finds."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import itertools
import lzma
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakKeyDictionary

import processes
import pytest
from faults import TcpProxy
from fleet import Fleet, wait_for
from hypothesis import given, settings
from hypothesis import strategies as st
from local import LocalTransport

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.generation.files import Generation, generations
from aggregator.history.generation.read import Moved
from aggregator.history.reading.turns import Turns
from aggregator.history.scanning.frames import Frames
from aggregator.history.scanning.grepped import Grepped
from aggregator.history.scanning.scan import scan
from aggregator.history.scanning.unpack import Unpacker
from aggregator.inventory import load
from aggregator.metrics import Metrics
from aggregator.model import Batch, File, Host, SshOptions
from aggregator.remote.link import Link
from aggregator.remote.pool import Links
from aggregator.remote.ssh import SshTransport
from aggregator.stream.literal import Literal

HOST = Host("a", "127.0.0.1", SshOptions(), {})
LINE = 65_536
TRANSPORTS: WeakKeyDictionary[Link, LocalTransport] = WeakKeyDictionary()
SHELLS = {"dash": ("/bin/dash",), "bash": ("/bin/bash",), "busybox": ("busybox", "ash")}


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
        TRANSPORTS[link] = transport
        async with link.hold():
            yield link
        await transport.end()


@pytest.fixture(params=["dash", "busybox"])
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
    found: Found,
    data: bytes,
    text: bytes,
    *,
    start: int = 0,
    end: int | None = None,
    finish: bool = False,
    fold: bool = False,
) -> None:
    """All that hold the text, nothing that is not in the file, in its order, each once; gaps where they are said."""
    lines = plain(data, start, end, finish=finish)
    assert must(found.lines, text, fold=fold) == must(lines, text, fold=fold)
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
    if kind == "zst" and not shutil.which("zstd", path=TRANSPORTS[link].path):
        with pytest.raises(HostError) as caught:
            await search(link, old)
        assert caught.value.cause == "no-decompressor"
        return
    starts = [offset for offset, _ in plain(data)]
    for texts in ((), ("needle",), ("nowhere",)):
        wanted = texts[0].encode() if texts else b""
        found = await search(link, old, *texts)
        check(found, data, wanted, finish=True)
        found = await search(link, old, *texts, start=starts[100], end=starts[2100])
        check(found, data, wanted, start=starts[100], end=starts[2100])


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


def in_session(leader: int) -> list[str]:
    """What runs in the session of a command, by name."""
    found = []
    for pid in processes.pids():
        fields = processes.state(pid).split()
        if len(fields) > 3 and fields[3] == str(leader) and not fields[0].startswith("Z"):
            found.append(" ".join(processes.arguments(pid)))
    return found


@pytest.mark.parametrize(
    ("name", "texts"), [("app.log", ()), ("app.log", ("request",)), ("app.log.1.gz", ("request",))]
)
@pytest.mark.parametrize("shell", SHELLS)
async def test_a_search_that_is_given_up_leaves_nothing_behind(
    shell: str, name: str, texts: tuple[str, ...], tmp_path: Path, busybox: str
) -> None:
    """Nobody reads what it has found any more: it is blocked in writing then."""
    (tmp_path / "app.log").write_bytes(LOG * 100)
    compressed(tmp_path / "app.log.1.gz", LOG * 100)
    async with local(shell, busybox if shell == "busybox" else None) as link:
        file, one = await newest(link, tmp_path / name)
        scanning = scan(link, file, Piece(one, 0, None), [Literal(text) for text in texts], lambda _: None)
        batch, _ = await anext(scanning)
        assert batch.start == 0
        channel = TRANSPORTS[link].channels[-1]
        assert channel.process
        leader = channel.process.pid
        assert in_session(leader)
        await scanning.aclose()
        await asyncio.to_thread(wait_for, lambda: not in_session(leader), "the search to end")


WORDS = st.sampled_from(
    [b"needle", b"NEEDLE", b"need", b"le", b"\0", b"\xff", b"--", b"12:", b"7-", b" ", b"\xc3\xa9", b"x" * 40]
)
LINES = st.lists(st.lists(WORDS, max_size=6).map(b"".join), max_size=80).map(
    lambda lines: b"".join(line + b"\n" for line in lines)
)


@settings(max_examples=15, deadline=None)
@given(before=LINES, middle=LINES, after=LINES, tail=st.sampled_from([b"", b"need", b"a needle"]), data=st.data())
def test_what_is_found_is_what_a_plain_reading_finds(
    busybox: str, before: bytes, middle: bytes, after: bytes, tail: bytes, data: st.DataObject
) -> None:
    """Over any log: at least the lines with the text, at their places, whatever else comes."""
    shell = data.draw(st.sampled_from(list(SHELLS)))
    name = data.draw(st.sampled_from(["app.log", "app.log.1", "app.log.1.gz"]))
    text, fold = data.draw(st.sampled_from([("needle", False), ("needle", True), ("e\xe9", False), ("le", True)]))
    filler = data.draw(st.sampled_from([b"", b"filler line of a log\n" * 3000]))
    log = b"head\n" + before + filler + middle + filler + after + tail
    starts = [offset for offset, _ in plain(log)]
    start = data.draw(st.sampled_from(starts))
    end = data.draw(st.sampled_from([None, *(offset for offset in starts if offset >= start)]))

    async def run(folder: Path) -> None:
        path = folder / name
        (folder / "app.log").write_bytes(b"live\n")
        path.write_bytes(gzip.compress(log) if name.endswith(".gz") else log)
        async with local(shell, busybox if shell == "busybox" else None) as link:
            found = await search(link, path, text, start=start, end=end, fold=fold)
        finish = end is None and name != "app.log"
        check(found, log, text.encode(), start=start, end=end, finish=finish, fold=fold)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


@settings(max_examples=60, deadline=None)
@given(log=LINES, cuts=st.lists(st.integers(1, 60), min_size=1), context=st.integers(1, 3))
def test_what_grep_says_may_come_in_any_pieces(log: bytes, cuts: list[int], context: int) -> None:
    command = ["grep", "-aFb", "-A", str(context), "-B", str(context), "-e", "needle"]
    said = subprocess.run(command, input=log, stdout=subprocess.PIPE, check=False, env={"LC_ALL": "C"}).stdout
    grepped, found = Grepped(File("a", "app", "/x"), "0" * 16, 1000), Found()
    sizes = itertools.cycle(cuts)
    while said:
        size = next(sizes)
        for batch in grepped.feed(said[:size]):
            found.take(batch, joined=True)
        said = said[size:]
    lines = [(offset + 1000, line) for offset, line in plain(log)]
    wanted = [index for index, (_, line) in enumerate(lines) if b"needle" in line]
    around = {near for index in wanted for near in range(index - context, index + context + 1)}
    assert grepped.whole
    assert found.lines == [line for index, line in enumerate(lines) if index in around]


@pytest.mark.parametrize(
    "said", [b"no offset\n", b"5:a\n1:b\n", b"1:a\n9:b\n", b"99999999999999999:a\n", b"1" * 60, b"\n"]
)
def test_what_grep_does_not_say_is_refused(said: bytes) -> None:
    with pytest.raises(HostError):
        Grepped(File("a", "app", "/x"), "0" * 16, 0).feed(said)


@pytest.mark.parametrize(
    "said", [b"B 1\n", b"B 5 99999999\n", b"x" * 40, b"B 10 1\na\nE\nB 5 1\na\nE\n", b"B 999999999999999 5\n"]
)
def test_blocks_that_can_not_be_are_refused(said: bytes) -> None:
    with pytest.raises(HostError):
        Frames(File("a", "app", "/x")).feed(said)


def test_a_block_that_is_short_is_not_taken_for_the_next() -> None:
    frames = Frames(File("a", "app", "/x"))
    assert frames.feed(b"B 5 3\nabc\nE\n") == [(5, b"abc")]
    with pytest.raises(Gone):
        frames.feed(b"B 9 5\nab\nE\nB 20 3\nabc\nE\n")


@pytest.mark.parametrize("kind", ["app.log", "app.log.1.gz"])
async def test_lines_too_long_for_the_memory_that_grep_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("aggregator.limits.SCAN_KIB", 16 << 10)
    data = LOG + b"needle one\n" + b"x" * (24 << 20) + b"\nneedle two\n" + b"needle" + b"y" * (24 << 20) + b"\n" + LOG
    (tmp_path / "app.log").write_bytes(b"live\n")
    path = tmp_path / kind
    path.write_bytes(gzip.compress(data, 1) if kind.endswith(".gz") else data)
    async with local("dash") as link:
        found = await search(link, path, "needle")
    check(found, data, b"needle")
    assert len(must(found.lines, b"needle")) == 3
    assert "very long lines" in found.notes[0]
    assert (24 << 20) + 6 in {batch.length for batch, _ in found.batches}


async def changed(link: Link, path: Path, change: Callable[[], object], *texts: str) -> Found:
    """What comes of a search amid which a file is changed."""
    file, one = await newest(link, path)
    found = Found()
    literals = [Literal(text) for text in texts]
    async with aclosing(scan(link, file, Piece(one, 0, None), literals, lambda _: None)) as got:
        async for batch, joined in got:
            found.take(batch, joined)
            if len(found.batches) == 1:
                change()
    return found


@pytest.mark.parametrize("texts", [(), ("request",)])
async def test_a_file_that_is_truncated_amid_a_search_is_never_silently_short(
    link: Link, tmp_path: Path, texts: tuple[str, ...]
) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(LOG * 200)
    with pytest.raises(Gone):
        await changed(link, log, lambda: os.truncate(log, 0), *texts)


@pytest.mark.parametrize("texts", [(), ("request",)])
async def test_a_file_that_is_renamed_or_deleted_amid_a_search_is_read_to_its_end(
    link: Link, tmp_path: Path, texts: tuple[str, ...]
) -> None:
    log = tmp_path / "app.log"
    for change in (lambda: log.rename(tmp_path / "app.log.1"), log.unlink):
        log.write_bytes(LOG * 100)
        found = await changed(link, log, change, *texts)
        assert found.lines == plain(LOG * 100)


async def test_another_file_under_the_name_is_said(link: Link, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(LOG)
    file, one = await newest(link, log)

    async def again() -> None:
        async with aclosing(scan(link, file, Piece(one, 0, len(LOG)), [Literal("request")], lambda _: None)) as got:
            async for _ in got:
                pass

    await again()
    os.truncate(log, 5)
    with pytest.raises(Gone):
        await again()
    log.write_bytes(b"another first line\n" + LOG)
    with pytest.raises(Gone):
        await again()
    log.unlink()
    with pytest.raises(Moved):
        await again()
    log.write_bytes(b"one more\n")
    (tmp_path / "other").write_bytes(LOG)
    (tmp_path / "other").rename(log)
    with pytest.raises(Moved):
        await again()


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2"])
async def test_without_a_decompressor_on_the_host_it_is_done_here(tmp_path: Path, kind: str) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("date", "id", "sh", "head", "od", "tr", "stat", "tail", "grep", "ls", "dd", "nice", "sleep"):
        (tools / tool).symlink_to(f"/usr/bin/{tool}")
    data = LOG * 20 + b"needle at the end"
    (tmp_path / "app.log").write_bytes(b"live\n")
    old = compressed(tmp_path / f"app.log.1.{kind}", data)
    async with local("dash", str(tools)) as link:
        found = await search(link, old, "needle")
        assert found.lines == plain(data, finish=True)
        assert found.read[-1] == old.stat().st_size
        assert "transferred as it is" in found.notes[0]
        starts = [offset for offset, _ in plain(data)]
        found = await search(link, old, start=starts[9], end=starts[2999])
        assert found.lines == plain(data, starts[9], starts[2999])
        os.truncate(old, old.stat().st_size - 20)
        with pytest.raises(HostError) as caught:
            await search(link, old, "needle")
        assert caught.value.cause == "damaged"


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2"])
def test_unpacker_gives_members_in_a_row_in_bounded_pieces(kind: str) -> None:
    pack = {"gz": gzip, "xz": lzma, "bz2": bz2}[kind].compress
    file = pack(b"a" * 5_000_000) + pack(b"") + pack(b"second") + b"\0\0garbage"
    unpacker = Unpacker(kind)
    text = b""
    for at in range(0, len(file), 7):
        unpacker.feed(file[at : at + 7])
        while part := unpacker.take():
            assert len(part) <= limits.UNPACKED_PIECE
            text += part
    unpacker.finish()
    assert text == b"a" * 5_000_000 + b"second"


async def test_turns_are_had_in_the_order_of_asking() -> None:
    turns, order = Turns(), []

    async def take(name: str) -> None:
        async with turns.turn("a"):
            order.append(name)
            await asyncio.sleep(0)

    async with turns.turn("b"), asyncio.TaskGroup() as tasks, turns.turn("a"):
        for name in ("one", "two", "three"):
            tasks.create_task(take(name))
        given_up = tasks.create_task(take("given up"))
        await asyncio.sleep(0)
        assert (turns.ahead("a"), turns.ahead("b"), turns.ahead("c")) == (5, 1, 0)
        given_up.cancel()
    assert order == ["one", "two", "three"]
    assert turns.ahead("a") == 0


TEXTS = ["-e", 'it\'s "x"', "back\\slash", "$HOME `id`", "grüße 日志", "!! %s", ".*[a]"]
SERVERS = {"sh": None, "tcsh": "tcsh -f", "fish": "fish --no-config", "ash": "busybox ash"}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("servers")) as fleet:
        for name, shell in SERVERS.items():
            if name == "ash":
                fleet.add(name, server="dropbear", shell=shell, path=fleet.busybox())
            else:
                fleet.add(name, shell=shell)
        yield fleet


@asynccontextmanager
async def over_ssh(fleet: Fleet, name: str) -> AsyncIterator[Link]:
    inventory = load([fleet.inventory({})])
    async with asyncio.TaskGroup() as tasks:
        link = Links(SshTransport(), tasks, Metrics(), lambda _: None).link(inventory.hosts[name])
        async with link.hold():
            yield link


@pytest.mark.parametrize("name", SERVERS)
async def test_over_ssh_with_any_login_shell(servers: Fleet, name: str) -> None:
    log = servers.hosts[name].root / "app.log"
    data = LOG + b"".join(text.encode() + b"\n" + LOG for text in TEXTS)
    log.write_bytes(data)
    async with over_ssh(servers, name) as link:
        for text in TEXTS:
            found = await search(link, log, text)
            check(found, data, text.encode())
            assert len(must(found.lines, text.encode())) == 1


@pytest.mark.parametrize("name", ["sh", "ash"])
async def test_over_ssh_a_search_that_is_given_up_ends_on_the_host(servers: Fleet, name: str) -> None:
    host = servers.hosts[name]
    log = host.root / "long.log"
    log.write_bytes(LOG * 300)
    async with over_ssh(servers, name) as link:
        file, one = await newest(link, log)
        for literals in ([], [Literal("request")]):
            scanning = scan(link, file, Piece(one, 0, None), literals, lambda _: None)
            await anext(scanning)
            assert host.processes()
            await scanning.aclose()
            await asyncio.to_thread(wait_for, lambda: not host.processes(), "the search to end")
            assert (await search(link, log, "nowhere")).read[-1] == len(LOG) * 300
        scanning = scan(link, file, Piece(one, 0, None), [Literal("request")], lambda _: None)
        await anext(scanning)
        host.kill_connections()
        with pytest.raises(HostError) as caught:
            async for _ in scanning:
                pass
        assert caught.value.cause == "lost"
        await asyncio.to_thread(wait_for, lambda: not host.processes(), "the search to end")


async def test_a_host_that_falls_silent_is_given_up(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.limits.SCAN_SILENCE", -8.5)  # of 10 s for connecting: a second and a half
    host = fleet.add("sh")
    log = host.root / "app.log"
    log.write_bytes(LOG * 300)
    async with TcpProxy(host.port) as proxy:
        host.reached_at = proxy.port
        async with over_ssh(fleet, "sh") as link:
            file, one = await newest(link, log)
            async with aclosing(scan(link, file, Piece(one, 0, None), [], lambda _: None)) as scanning:
                await anext(scanning)
                proxy.stall()
                with pytest.raises(HostError) as caught:
                    async for _ in scanning:
                        pass
                proxy.cut()
    assert caught.value.cause == "timeout"


async def test_searches_leave_room_for_short_commands_and_wait_for_each_other(tmp_path: Path) -> None:
    """More searches of a host than it has connections wait; listing and reading go on meanwhile."""
    log = tmp_path / "app.log"
    log.write_bytes(LOG * 300)
    most = limits.CONNECTIONS_PER_HOST * limits.SCANS_PER_CONNECTION
    async with local("dash") as link:
        file, one = await newest(link, log)
        running = [scan(link, file, Piece(one, 0, None), [], lambda _: None) for _ in range(most)]
        for scanning in running:
            await anext(scanning)
        assert (await newest(link, log))[1] == one
        async with asyncio.TaskGroup() as tasks:
            last = tasks.create_task(search(link, log, "nowhere"))
            await newest(link, log)
            assert not last.done()
            for scanning in running:
                await scanning.aclose()
        assert last.result().lines == []
