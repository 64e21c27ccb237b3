"""Hosts that answer listings, looks, searches and reads of the past with rubbish, too much, or nothing: each is told as
failed in a plain sentence within its time, and others are read as if it were not there."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet
from hostile import MARK, Answer, Hostile, Process, floods, running_here, says
from product import Product

from aggregator.errors import HostError
from aggregator.history.generation.files import generations
from aggregator.history.scanning.scan import scan
from aggregator.history.seeking.seek import Slice
from aggregator.inventory import load
from aggregator.metrics import Metrics
from aggregator.model import File
from aggregator.remote.pool import Links
from aggregator.remote.ssh import SshTransport
from aggregator.stream.literal import Literal

MIB = 1 << 20
LINES = 9_000  # 800 KiB, one a second
START = "2026-11-20T10:00:00Z"
PATIENCE_S = 40.0  # a machine that is busy with other tests


def mangled(change: Callable[[bytes], bytes], then: bytes = b"", *, errors: bool = False) -> Answer:
    """What an honest host answers, changed; with `then` this comes behind it without end (as `errors`)."""

    async def answer(process: Process) -> None:
        async with running_here(process) as child:
            assert child.stdin
            assert child.stdout
            told = b""
            while piece := await child.stdout.read(1 << 16):
                told += piece
            child.stdin.close()
            process.stdout.write(change(told))
            await process.stdout.drain()
            out = process.stderr if errors else process.stdout
            while then and not process.is_closing():
                out.write(then)
                await out.drain()
                await asyncio.sleep(0.005)
            process.exit(await child.wait())

    return answer


def swap(pattern: bytes, by: bytes) -> Answer:
    return mangled(lambda told: re.sub(pattern, by, told))


def begins(then: bytes, *, how: bytes = b"grep", endless: bytes = b"") -> Answer:
    """The honest header of a search, and then something else."""
    return mangled(lambda told: told[: told.index(b"\nW ") + 1] + b"W " + how + b"\n" + then, endless)


def header_and(then: bytes, endless: bytes = b"", *, errors: bool = False) -> Answer:
    """The honest header of a read, and then something else."""

    def change(told: bytes) -> bytes:
        return told[: told.index(b"\n", told.index(b"\nH ") + 1) + 1] + then

    return mangled(change, endless, errors=errors)


LISTINGS: dict[str, Answer] = {
    "nothing": says(b""),
    "of-letters": says(b"G a b c d e f\nZ\n"),
    "endless": floods(MARK, b"G 1:1:1 1 1 plain 0a /v/app.log.1\n" * 5000),
    "without-end": swap(rb"Z\n", b""),
    "other-names": swap(rb"\nN [^\n]*", b""),
    "known-though-new": swap(rb"\nG (\S+ \S+ \S+ \S+) \S+", rb"\nK \1 -"),
    "size-of-petabytes": swap(rb"\n([GN] \S+) \d+ ", rb"\n\1 99999999999999 "),
    "size-negative": swap(rb"\n([GN] \S+) \d+ ", rb"\n\1 -5 "),
    "size-of-30-digits": swap(rb"\n([GN] \S+) \d+ ", rb"\n\1 " + b"9" * 30 + b" "),
    "another-inode": swap(rb"\n([GN]) \S+ ", rb"\n\1 7:7:7 "),
}
LOOKS: dict[str, Answer] = {
    "nothing": header_and(b""),
    "endless": header_and(b"", b"x" * 65_536),
    "of-noughts": mangled(lambda told: re.sub(rb"2026", b"\0\0\0\0", told)[:-5]),
}
SEARCHES: dict[str, Answer] = {
    "header-only": mangled(lambda told: told[: told.index(b"\nW ") + 1]),
    "how-unheard-of": begins(b"", how=b"magic"),
    "how-endless": mangled(lambda told: told[: told.index(b"\nW ") + 1], b"W" * 10_000),
    "no-offset": begins(b"a line without an offset\n"),
    "offset-negative": begins(b"-5:needle\n"),
    "offset-of-30-digits": begins(b"9" * 30 + b":needle\n"),
    "offsets-backwards": begins(b"5000:needle\n10:needle\n"),
    "offsets-that-overlap": begins(b"0:needle needle needle\n3:needle\n"),
    "line-without-end": begins(b"0:", endless=b"x" * 65_536),
    "lines-without-end": begins(b"0:needle\n--\n", endless=b""),
    "noughts-without-end": begins(b"", endless=b"\0" * 65_536),
    "amid-a-line": begins(b"0:needle"),
    "frames-of-rubbish": begins(b"B a b\n", how=b"blocks"),
    "frames-backwards": begins(b"B 65536 1\nx\nE\nB 0 1\nx\nE\n", how=b"blocks"),
    "frames-of-gigabytes": begins(b"B 0 99999999\n", how=b"blocks", endless=b"x" * 65_536),
    "frames-that-end-early": begins(b"B 0 100\nxx\nE\n", how=b"blocks"),
    "frames-without-end": begins(b"", how=b"blocks", endless=b"x" * 65_536),
    "stream-without-end": begins(b"", how=b"stream", endless=b"x" * 65_536),
    "stream-too-short": begins(b"2026\n", how=b"stream"),
}
READS: dict[str, Answer] = {
    "nothing": header_and(b""),
    "letters": says(b"H a b c d e\n"),
    "endless": header_and(b"", b"x" * 65_536),
    "complaints-without-end": header_and(b"", b"no " * 1000 + b"\n", errors=True),
}
SILENT = {"silent-listing": "timeline", "silent-look": "blocks", "silent-search": "search", "silent-read": "read"}
TRUE_ALL_THE_SAME = {"searches-lines-without-end", "looks-of-noughts", "reads-endless"}  # a file may be like that


class Scene:
    def __init__(self, product: Product) -> None:
        self.product = product

    def ask(self, path: str, host: str, **asked: Any) -> dict[str, Any]:
        """The answer about one hostile host and the honest one, which has to be whole."""
        began = time.monotonic()
        answer = self.product.get(path, hosts=f"good-1,{host}", **asked)
        assert time.monotonic() - began < PATIENCE_S
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json()
        assert {failure["host"] for failure in found["failed"]} <= {host}
        for failure in found["failed"]:
            assert len(failure["detail"]) < 600
            assert failure["detail"].isprintable()
        return found

    def check(self, host: str, **asked: Any) -> None:
        found = self.ask("/api/v1/lines", host, limit=10, **asked)
        assert sum(line["host"] == "good-1" for line in found["lines"]) in (5, 10)
        if asked.get("direction") != "backward":  # its newest lines come without a search
            assert host in TRUE_ALL_THE_SAME or (not found["complete"] and found["failed"])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("hostilepast")
    with Fleet(folder) as fleet, Hostile(fleet) as hostile:
        fleet.add("good-1")
        log = folder / "app.log"
        seconds = (f"2026-11-20T{10 + n // 3600}:{n // 60 % 60:02}:{n % 60:02}Z" for n in range(LINES))
        log.write_text(
            "".join(f"{at} INFO {'needle' if n % 100 == 0 else 'hay'} {'x' * 60}\n" for n, at in enumerate(seconds))
        )
        for kind, answers in (("listings", LISTINGS), ("looks", LOOKS), ("searches", SEARCHES), ("reads", READS)):
            command = {"listings": "timeline", "looks": "blocks", "searches": "search", "reads": "read"}[kind]
            for name, answer in answers.items():
                hostile.add(f"{kind}-{name}", None, **{command: answer})
        for name, command in SILENT.items():
            hostile.add(name, None, **{command: says(b"", status=None)})
        inventory = hostile.inventory({"app": {"hosts": "@*", "path": str(log)}})
        with Product(inventory, folder) as product:
            yield Scene(product)


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_that_can_not_be(scene: Scene, name: str) -> None:
    scene.check(f"listings-{name}")


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_that_can_not_be(scene: Scene, name: str) -> None:
    scene.check(f"looks-{name}", since="2026-11-20T11:10:00Z", until="2026-11-20T11:10:05Z")


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_search_that_can_not_be(scene: Scene, name: str, direction: str) -> None:
    scene.check(f"searches-{name}", grep="needle", direction=direction)


@pytest.mark.parametrize("name", READS)
def test_a_read_that_can_not_be(scene: Scene, name: str) -> None:
    scene.check(f"reads-{name}")


def test_hosts_that_say_nothing_are_given_up(scene: Scene) -> None:
    """A listing, a look and a read; `silent-search` is asked nothing here."""
    found = scene.product.get(
        "/api/v1/lines",
        hosts=",".join(["good-1", *SILENT]),
        since="2026-11-20T11:10:00Z",
        direction="backward",
        limit=10,
    ).json()
    assert {failure["host"] for failure in found["failed"]} >= SILENT.keys() - {"silent-search"}
    assert sum(line["host"] == "good-1" for line in found["lines"]) > 0


def test_all_at_once_take_no_memory_and_leave_no_trace(scene: Scene) -> None:
    answer = scene.product.get("/api/v1/lines", hosts="@*!silent-*", grep="needle", limit=10, direction="backward")
    assert answer.status == 200
    assert scene.product.get("/api/v1/lines", hosts="good-1", grep="needle", limit=10).json()["complete"]
    assert scene.product.rss() < 300 * MIB


async def test_a_search_that_is_still_at_it_for_ever_is_given_up(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so every second, as an honest one does that has much to read and finds nothing."""
    monkeypatch.setattr("aggregator.limits.SCAN_IDLE", 0.5)
    log = tmp_path / "app.log"
    log.write_text("a line\n" * 1000)
    header = mangled(lambda told: told[: told.index(b"\nW ") + 1] + b"W grep\n", b"P -\nP 5\n", errors=True)
    with Hostile(fleet) as hostile:
        hostile.add("evil-1", search=header)
        host = load([hostile.inventory({})]).hosts["evil-1"]
        async with asyncio.TaskGroup() as tasks:
            link = Links(SshTransport(), tasks, Metrics(), lambda _: None).link(host)
            async with link.hold():
                await link.reached()
                file = File("evil-1", "app", str(log))
                (one,) = await generations(link, file)
                found = scan(link, file, Slice(one, 0, 7000), [Literal("needle")], lambda _: None)
                with pytest.raises(HostError, match="got no further"):
                    await anext(found)
