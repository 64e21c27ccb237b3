"""What a viewer who comes back gets where the host has less than the ring: over the true remote scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from follows import linked
from local import LocalTransport
from logwriter import LogWriter

from aggregator import limits
from aggregator.history.following.follow import Opened
from aggregator.hub.after import After
from aggregator.hub.feed import Feed
from aggregator.metrics import Metrics
from aggregator.model import Batch, File, Gap, Position
from aggregator.remote.header import Header
from aggregator.remote.link import Link
from aggregator.stream.lines import generation_of


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOCATE_PAUSE", 0.05)


def batch_of(log: LogWriter, number: int, lines: int | None = None) -> Batch:
    """The first lines of a generation, or all."""
    text = "".join(f"{line}\n" for line in log.contents[number].lines[:lines]).encode()
    generation = generation_of(text)
    assert generation
    return Batch(File("here", "app", str(log.path)), generation, 0, len(text), text)


def feed_of(link: Link, file: File) -> Feed:
    feed = Feed(file, link, None, Metrics())
    feed.opened(Opened(Header("1:2:3.0", 0, 0, 0, b"", None), link.known_probe(), fresh=True))
    return feed


async def came(after: After) -> list[str | Gap]:
    got: list[str | Gap] = []
    async for part in after.parts():
        got += [part.gap] if part.gap else []
        got += [line.record.text for line in part.lines]
    return got


def first_of(batch: Batch) -> Position:
    return Position(batch.file, batch.generation, 0)


@pytest.mark.parametrize("missing", [False, True])
async def test_what_the_ring_alone_still_has_comes_before_what_the_host_has(tmp_path: Path, missing: bool) -> None:
    """Retention deletes both the place and what came after it, of which the ring holds the lines; where the follower
    lost some between two files, their gap stands between them."""
    log = LogWriter(tmp_path / "a.log", keep=2)
    for _ in range(4):
        log.write(5)
        log.rename()
    log.write(5)
    file = batch_of(log, 0).file
    async with linked(LocalTransport(("dash",))) as link:
        await link.reached()
        feed = feed_of(link, file)
        feed.batch(batch_of(log, 1))
        between = Gap(file, None, first_of(batch_of(log, 2)), None, None, "rotated-away")
        if missing:
            feed.gap(between)
        for number in (2, 3):
            feed.batch(batch_of(log, number))
        feed.batch(batch_of(log, 4, 2))
        place = Position(file, batch_of(log, 0).generation, 0, 1)
        gap, *rest = await came(After(feed, place, None, raw=False))
    assert isinstance(gap, Gap)
    assert gap.end
    assert (gap.start, gap.end.generation) == (place, batch_of(log, 1).generation)
    texts = [content.lines for content in log.contents]
    assert rest == [*texts[1], *([between] if missing else []), *texts[2], *texts[3], *texts[4][:2]]
    log.close()
