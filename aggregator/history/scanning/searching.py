"""One search on a host: what its script says besides what it found."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.generation.files import Generation
from aggregator.history.generation.read import Moved
from aggregator.model import File
from aggregator.remote import commands
from aggregator.remote.header import Header, Truncated, read_header
from aggregator.remote.link import Link
from aggregator.remote.transport import Channel
from aggregator.remote.trouble import trouble
from aggregator.stream.lines import begins
from aggregator.stream.literal import Literal

_HOW = re.compile(rb"W (grep|blocks|stream|none)\n")
_LONGEST_HOW = 16  # bytes
_WORD = re.compile(rb"P (\d{1,15}|-)|([XY]) (\d{1,3})|I")
_BROKEN_PIPE = 141  # what shells say of a process whose reader had enough (128 + SIGPIPE)
_XCPU = 152  # of one that used its processor time up (128 + SIGXCPU)
_TRAILING = 2  # what gzip(1) says of a text that is whole, with something behind it
_CHANGED, _UNREAD, _LATE, _GREP = 5, 6, 7, 4  # search.sh's exit statuses
Progress = Callable[[int], None]


class GrepFailed(Exception):
    """The host's grep gave up, as it does over a line that is longer than the memory it may have."""


@dataclass(frozen=True, slots=True)
class Aim:
    """The bytes [start, end) of a generation's text (`end` None: to its end), and what to look for in them how."""

    file: File
    one: Generation
    start: int
    end: int | None
    literal: Literal | None
    how: str

    @property
    def command(self) -> commands.Command:
        length = None if self.end is None else self.end - self.start
        literal = self.literal or Literal("")
        return commands.search(
            self.one.name, self.start, length, self.one.kind, self.how, literal.text, fold=literal.fold
        )


class Search:
    """A search that has begun. `how` the host does it, `end` of what it reads (None: compressed), `total` bytes of the
    file that it reads; `progress` is told how many were (of a compressed file: compressed ones)."""

    def __init__(self, aim: Aim, channel: Channel, opened: tuple[Header, bytes, bytes], progress: Progress) -> None:
        header, self._data, said = opened
        self.how = ""
        packed = aim.one.kind != "plain"
        self.end = header.size if aim.end is None and not packed else aim.end
        self.total = header.size if packed else (self.end or 0) - aim.start
        text = max(header.size, limits.UNPACKED_LEAST) * limits.UNPACKED_RATIO if packed else header.size
        self._most = text + limits.SCAN_GROWTH
        self._aim = aim
        self._channel = channel
        self._progress = progress
        self._silence = 0.0
        self._idle = 0.0  # seconds of listening in which nothing has come and no more was read
        self._furthest = -1
        self._partial = b""
        self._failed: dict[str, int] = {}
        self._unread = False
        self._last = ""
        self._listen(said)

    async def begin(self, silence: float) -> None:
        """Wait for how the host does it; it may say nothing for `silence` seconds. Raises as `chunks`."""
        self._silence = silence
        while (match := _HOW.match(self._data)) is None:
            if len(self._data) >= _LONGEST_HOW:
                shown = self._data[:40].decode("utf-8", "replace")
                raise trouble("remote-error", host=self._aim.file.host, detail=f"its search answers {shown!r}")
            data = await self._hear()
            if data is None:
                await self._check()
                raise trouble("remote-error", host=self._aim.file.host, detail="its search ended early")
            self._data += data
        self.how = match[1].decode()
        self._data = self._data[match.end() :]

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """What the host answers, to its end. Raises HostError, GrepFailed, and Gone when the file changed meanwhile."""
        if self._data:
            yield self._data
        while (data := await self._hear()) is not None:
            if data:
                yield data
        await self._check()
        self._progress(self.total)

    def reached(self, offset: int) -> None:
        """What the host has said reaches to an offset. Raises HostError where its file can't."""
        if offset > self._most:
            name, host = self._aim.one.name, self._aim.file.host
            raise trouble("remote-error", host=host, detail=f"its search answers more than {name} holds")

    async def _hear(self) -> bytes | None:
        """The next bytes, none for a mere word; None at the end."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._silence):
                data, said = await self._channel.read()
        except TimeoutError as error:
            raise trouble("timeout", endpoint=self._aim.file.host, seconds=self._silence) from error
        if not data and not said:
            return None
        self._idle = 0.0 if data else self._idle + time.monotonic() - began
        self._listen(said)
        if self._idle > limits.SCAN_IDLE:
            words = f"it has searched {self._aim.one.name} for {limits.SCAN_IDLE:g} s and got no further"
            raise trouble("remote-error", host=self._aim.file.host, detail=words)
        return data

    def _listen(self, said: bytes) -> None:
        lines = (self._partial + said).split(b"\n")
        self._partial = lines.pop()[-limits.CHANNEL_STDERR :]
        for line in lines:
            self._word(line)

    def _word(self, line: bytes) -> None:
        match = _WORD.fullmatch(line)
        if match is None:
            self._last = line[:200].decode("utf-8", "replace") or self._last
        elif match[1]:
            if match[1] != b"-":
                if int(match[1]) > self._furthest:
                    self._furthest, self._idle = int(match[1]), 0.0
                start = self._aim.start if self._aim.one.kind == "plain" else 0
                self._progress(max(0, min(int(match[1]) - start, self.total)))
        elif match[2]:
            self._failed[match[2].decode()] = int(match[3])
        else:
            self._unread = True

    async def _check(self) -> None:
        """Whether all was read as it should be; raises as `chunks`."""
        end = await self._channel.exit()
        host, one = self._aim.file.host, self._aim.one
        if end.lost:
            raise trouble("lost", endpoint=host)
        if end.status is None:
            raise trouble("remote-error", host=host, detail="the search was killed by a signal")
        if end.status == _GREP:
            raise GrepFailed
        if end.status == _CHANGED:
            raise Gone(f"{one.name} on {host} was truncated while it was read")
        self._check_decompressor(host)
        if end.status == _LATE:
            raise trouble("scan-time", path=one.name, host=host, seconds=limits.SCAN_CPU)
        if end.status == _UNREAD or self._unread:
            raise trouble(
                "remote-error", host=host, detail=f"{one.name} could not be read: {self._last or 'no reason'}"
            )
        if end.status:
            raise trouble("remote-error", host=host, detail=self._last or f"the search ended with {end.status}")

    def _check_decompressor(self, host: str) -> None:
        status = self._failed.get("Y" if self.how == "none" else "X", 0)
        one = self._aim.one
        if status == 0 or (one.kind == "gz" and status == _TRAILING):
            return
        if status == _BROKEN_PIPE:
            if self._aim.end is None:
                raise unpacks_to_too_much(one.name)
            return
        if status == _XCPU:
            raise trouble("scan-time", path=one.name, host=host, seconds=limits.SCAN_CPU)
        raise trouble("damaged", path=one.name)


def unpacks_to_too_much(name: str) -> HostError:
    return trouble("unpacked", path=name, ratio=limits.UNPACKED_RATIO)


@asynccontextmanager
async def searching(link: Link, aim: Aim, progress: Progress) -> AsyncIterator[Search]:
    """A search on a host; it ends there when the block does. Raises HostError; Moved when another file has the name;
    Gone when it holds another generation, or less than the range."""
    one, host = aim.one, aim.file.host
    async with link.channel("scan", lambda _: aim.command, wait=False) as channel:
        user = link.known_probe().user
        try:
            opened = await read_header(channel, path=one.name, host=host, user=user)
        except Truncated as error:
            raise Gone(f"{one.name} on {host} is shorter than it was") from error
        except HostError as error:
            if error.cause == "no-file":
                raise Moved(f"{one.name} on {host} was moved") from error
            raise
        header = opened[0]
        if header.inode != one.inode:
            raise Moved(f"{one.name} on {host} is another file now")
        if one.id and not begins(header.head, one.id):
            raise Gone(f"{one.name} on {host} is no longer what it was")
        search = Search(aim, channel, opened, progress)
        await search.begin(link.host.ssh.connect_timeout + limits.SCAN_SILENCE)
        yield search
