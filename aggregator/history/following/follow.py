"""Follows one log on its host: opens, proves, reads; resumes at an address after anything."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Protocol

from aggregator import limits
from aggregator.errors import Gone, HostError
from aggregator.history.following.catchup import CatchUp, Missing
from aggregator.history.following.places import Places
from aggregator.history.generation.kept import Known
from aggregator.model import Batch, File, Gap
from aggregator.remote import commands
from aggregator.remote.header import Header, Truncated, read_header
from aggregator.remote.link import Link
from aggregator.remote.probe import Probe
from aggregator.remote.transport import Channel
from aggregator.remote.trouble import trouble
from aggregator.stream.lines import Cutter, generation_of
from aggregator.stream.proof import Place, Proof, Start

_NEWS = re.compile(rb"^([RMST]) (\d{1,18})(?: ([!-~]{0,100}))?\n", re.MULTILINE)  # of follow.sh
# GNU tail's word of a truncation comes among the bytes that it concerns, and may come in pieces.
_TRUNCATED = re.compile(rb"tail: [^\n]{0,200}: file truncated\n")
_BEGINNING = re.compile(rb"t(?:a(?:i(?:l(?::(?: [^\n]{0,220})?)?)?)?)?\Z")


@dataclass(frozen=True, slots=True)
class Opened:
    """A file was opened: what the host knows of it, and whether its bytes so far are its backlog."""

    header: Header
    probe: Probe
    fresh: bool


class Sink(Protocol):
    """Where a follower's news goes; every call but `room` is synchronous and quick."""

    def opened(self, opened: Opened) -> None: ...
    def batch(self, batch: Batch) -> None: ...
    def caught_up(self) -> None: ...
    def trouble(self, error: HostError) -> None: ...
    def gap(self, gap: Gap) -> None: ...
    def rotated(self) -> None: ...

    async def room(self) -> None:
        """Wait while nobody who is shown this has room for more."""


class _Hint(Exception):
    """What is followed may no longer be the log, or what was opened: open and prove again."""


class _Elsewhere(Exception):
    """The file that has the log's name does not hold our place."""


class _Wider(Exception):
    """Open the same file again, with a larger window: a line began before this one."""


class Follower:
    """One log, followed for as long as `run` runs.

    Every opening proves the place where the next line begins: the first bytes of the very stream that is then followed
    must be those before it. After anything that may have moved it, the place is looked for before that.
    """

    def __init__(self, link: Link, file: File, sink: Sink, places: Places | None = None) -> None:
        self._link = link
        self._file = file
        self._sink = sink
        self._places = places
        self._doubted: tuple[str | None, int] | None = None
        self._window = limits.TAIL_WINDOW
        self._again = asyncio.Event()
        self._looks = 0  # for a name that is missing
        self._restarts = 0  # since it was last read to its end
        self._catch_up = CatchUp(link, file, sink, places.of(file) if places else None)

    def try_again(self) -> None:
        """Open the file now, if a pause after a failure is under way."""
        self._again.set()

    def known(self) -> Known:
        """What those who read this log by address should know now."""
        return self._catch_up.known()

    async def run(self) -> None:
        """Follow until cancelled. A host's trouble is told to the sink and waited out."""
        kept = self._catch_up.kept
        if self._places:
            self._places.watch(self._file, kept)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._catch_up.look_back.run())
                await self._run()
        finally:
            self._catch_up.close()
            if self._places:
                self._places.leave(self._file, kept)

    async def _run(self) -> None:
        while True:
            try:
                if self._catch_up.here.at is None or self._catch_up.sure:
                    await self._follow()
                else:
                    await self._go_on()
            except _Hint:
                self._catch_up.sure = False
                await self._calm_down()
            except _Wider:
                self._window *= 16
            except (_Elsewhere, Gone, Missing):
                self._catch_up.sure = False
                await asyncio.sleep(limits.LOCATE_PAUSE)
                await self._calm_down()
            except HostError as error:
                self._catch_up.sure = False
                await self._report(error)

    async def _calm_down(self) -> None:
        """Wait where the file is another again and again, and never read to its end."""
        self._restarts += 1
        if self._restarts > limits.RESTARTS:
            self._restarts = 0
            detail = f"{self._file.path} is another file again and again"
            await self._report(trouble("remote-error", host=self._file.host, detail=detail))

    async def _go_on(self) -> None:
        """Find our place among the generations, and give out all that comes before the live one."""
        if not await self._catch_up.run():
            raise trouble("no-file", path=self._file.path, host=self._file.host)

    async def _report(self, error: HostError) -> None:
        """Tell a trouble and wait: at first not long for a file whose name is missing, it may be being rotated."""
        pause = limits.FAILED_FILE_RETRY
        nameless = error.cause == "no-file" and self._catch_up.here.at is not None
        if nameless:
            if self._looks < len(limits.NAME_PAUSES):
                pause = limits.NAME_PAUSES[self._looks]
            self._looks += 1
        if not nameless or self._looks > 1:
            self._sink.trouble(error)
        if self._link.state != "live":
            pause = (self._link.next_try or 0) - asyncio.get_running_loop().time()
        self._again.clear()
        try:
            async with asyncio.timeout(max(pause, limits.LOCATE_PAUSE)):
                await self._again.wait()
        except TimeoutError:
            return

    async def _follow(self) -> None:
        """The file that has the name, from its opening to its end. Raises HostError, _Hint, _Elsewhere, _Wider."""
        at = self._catch_up.here.at
        start = at.offset - at.proof.length if isinstance(at, Place) else None if at is None else 0

        def command(probe: Probe) -> commands.Command:
            return commands.follow(self._file.path, start, self._window, tail=probe.tail)

        async with self._link.channel("follow", command, wait=True) as channel:
            probe = self._link.known_probe()
            try:
                header, data, said = await read_header(
                    channel, path=self._file.path, host=self._file.host, user=probe.user
                )
            except Truncated as error:
                if at is None:  # nothing was asked for that it could lack
                    raise trouble("remote-error", host=self._file.host, detail=str(error)) from error
                raise _Elsewhere from None
            generation = generation_of(header.head)
            if generation is None and header.start > 0:
                raise _Hint  # it was truncated meanwhile, or what reads its first line was killed
            if at is not None and (header.size < self._catch_up.least or not _is_it(generation, header.inode, at)):
                raise _Elsewhere
            if isinstance(at, Start) and at.generation is None and generation:
                raise _Hint  # it had no line when it was listed; what it had first may have been copied away since
            if at is None:
                await self._catch_up.recall(header)
            if isinstance(at, Place):
                before, data, said = await self._prove(channel, at, data, said)
            if at is not None:
                offset = at.offset if isinstance(at, Place) else 0
                data, said = await self._promised(channel, header.size - offset, data, said)
            if isinstance(at, Place):
                cutter = Cutter(self._file, generation, at.offset, before=before)
            else:
                cutter = Cutter(self._file, generation, header.start, skip=header.start > 0)
                if header.start == 0:
                    self._catch_up.here.at = Start(generation, header.inode)
            self._looks = 0
            self._catch_up.found(header)
            self._sink.opened(Opened(header, probe, at is None))
            await self._read(channel, cutter, header, data, said)

    async def _prove(self, channel: Channel, place: Place, data: bytes, said: bytes) -> tuple[bytes, bytes, bytes]:
        """The bytes before the place, what came after them, and the news. Raises _Elsewhere when they are others."""
        try:
            async with asyncio.timeout(limits.HEADER_TIMEOUT):
                while len(data) < place.proof.length:
                    more, errors = await channel.read()
                    if not more and not errors:
                        await self._link.ended(channel)
                    data += more
                    said += errors
        except TimeoutError:
            raise _Elsewhere from None
        before = data[: place.proof.length]
        if not place.proof.holds(before):
            raise _Elsewhere
        return before, data[place.proof.length :], said

    async def _promised(self, channel: Channel, size: int, data: bytes, said: bytes) -> tuple[bytes, bytes]:
        """The first bytes after our place, of `size` that the header has promised, and the news: before these have
        come the file may have been copied away and truncated, and begin as it did. Raises _Hint then."""
        try:
            async with asyncio.timeout(limits.COMMAND_TIMEOUT):
                while len(data) < min(size, limits.TAIL_WINDOW):
                    if any(news[1] in (b"S", b"T") for news in _NEWS.finditer(said)):
                        raise _Hint
                    more, errors = await channel.read()
                    if not more and not errors:
                        await self._link.ended(channel)
                    data += more
                    said += errors
        except TimeoutError as error:
            raise trouble("timeout", endpoint=self._file.host, seconds=limits.COMMAND_TIMEOUT) from error
        return data, said

    async def _read(self, channel: Channel, cutter: Cutter, header: Header, data: bytes, errors: bytes) -> None:
        behind = True
        while True:
            hint = self._hint(cutter, data)
            held = hint or _BEGINNING.search(data)
            self._take(cutter, data[: held.start()] if held else data, header.inode)
            if hint:
                raise _Hint
            rest = data[held.start() :] if held else b""
            received = cutter.received + len(rest)
            if behind and received >= header.size:
                if cutter.skipping and self._window < limits.BACKLOG_BYTES:
                    raise _Wider
                self._sink.caught_up()
                self._restarts = 0
                behind = False
            for news in _NEWS.finditer(errors):
                drained = received >= int(news[2])
                self._judge(news[1], drained, (news[3] or b"").decode() if received == cutter.position else "")
            await self._sink.room()
            try:
                async with asyncio.timeout(limits.COMMAND_TIMEOUT if behind else None):
                    more, errors = await channel.read()
            except TimeoutError as error:  # what the header promised does not come
                raise trouble("timeout", endpoint=self._file.host, seconds=limits.COMMAND_TIMEOUT) from error
            if not more and not errors:
                await self._link.ended(channel)
            data = rest + more

    def _hint(self, cutter: Cutter, data: bytes) -> re.Match[bytes] | None:
        """Where tail speaks of a truncation. What stands at the same address again after a proof is the log's text."""
        for match in _TRUNCATED.finditer(data):
            doubt = (cutter.generation, cutter.received + match.start())
            if doubt != self._doubted:
                self._doubted = doubt
                return match
        return None

    def _take(self, cutter: Cutter, data: bytes, inode: str) -> None:
        for batch in cutter.feed(data):
            if batch.start == 0 and generation_of(batch.text) != batch.generation:
                raise _Elsewhere  # it was truncated between its header and its first bytes
            self._catch_up.read(batch)
        if cutter.generation and cutter.before:
            self._catch_up.here.at = Place(cutter.generation, cutter.position, Proof.of(cutter.before), inode)

    def _judge(self, news: bytes, drained: bool, following: str) -> None:
        """What the host says of the file: another has its name and all of this one is here, or it is not the same.

        `following` is the inode of that other one, where nothing of this one is left unread.
        """
        if news == b"R" and drained:
            if following:
                self._catch_up.here.follows(following)
            raise _Hint
        if news in (b"S", b"T"):
            raise _Hint


def _is_it(generation: str | None, inode: str, at: Place | Start) -> bool:
    """Whether an opened file is the one of a place, or another rotation slipped between."""
    if isinstance(at, Start) and at.generation is None:
        return inode == at.inode
    return generation == at.generation and inode == at.inode
