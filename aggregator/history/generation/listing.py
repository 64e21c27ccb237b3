"""One listing of a log's files on its host: the file itself, and those beside it that rotation may have made of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from aggregator import limits
from aggregator.inventory.globs import is_generation
from aggregator.model import File
from aggregator.remote import commands
from aggregator.remote.answer import collect
from aggregator.remote.link import Link
from aggregator.remote.trouble import trouble

_LINE_BYTES = 2 * (4096 + 128) + 4 * limits.SEEK_HEAD  # of the listing: two hexadecimal ends, and the name twice
_SHAPE = re.compile(  # of what timeline.sh says; a host may say anything
    r"([GKN]) ([!-~]{1,100}) (\d{1,14}) (-?\d{1,11}) (plain|gz|xz|zst|bz2|-) "
    rf"(-|\?[a-z0-9]{{0,20}}|(?:[0-9a-f]{{2}}){{1,{2 * limits.SEEK_HEAD}}}) (/[^\0]{{1,4095}})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a log: `known` one that was not looked into again, `size` in bytes, `mtime` in seconds since the epoch,
    `head` and `tail` bytes of its text; `unread` says why there are none: `rights`, or a missing decompressor's name.
    """

    known: bool
    inode: str
    size: int
    mtime: int
    kind: str
    head: bytes
    tail: bytes
    unread: str | None
    name: str
    live: bool

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other file, as far as that can be told without reading it."""
        return f"{self.inode}/{self.size}/{self.mtime}", "live" if self.live else self.kind

    @property
    def written(self) -> int:
        """The mtime, or the nearest that is a date."""
        return min(max(self.mtime, 0), limits.LAST_SECOND)

    @property
    def suspect(self) -> bool:
        """Whether bytes are missing that the file must have: what read them was killed, or the file changed."""
        if self.known or self.unread:
            return False
        if self.kind == "plain":
            tail = limits.SEEK_HEAD if self.size > limits.SEEK_HEAD else 0
            return len(self.head) < min(self.size, limits.SEEK_HEAD) or len(self.tail) < tail
        return b"\n" not in self.head and len(self.head) < limits.SEEK_HEAD


@dataclass(frozen=True, slots=True)
class Listing:
    """The files, and the paths that they really have, by their names (None: the host can't tell)."""

    entries: list[Entry]
    real: dict[str, str | None]


async def list_files(
    link: Link, file: File, since: int, known: Iterable[str] = (), seconds: float | None = None
) -> Listing | None:
    """What was written since then (epoch seconds), without those of which `known` has INODE/SIZE/MTIME: they are not
    looked into again; None when files were renamed or changed meanwhile. Raises HostError."""
    limit = limits.GENERATIONS
    command = commands.timeline(file.path, limit, since, known)
    async with link.channel("command", lambda _: command, wait=False) as channel:
        answer = await collect(channel, file.host, limit * _LINE_BYTES, seconds, path=file.path)
    lines = answer.decode("utf-8", "surrogateescape").split("\n")
    if lines[-2:] != ["Z", ""]:
        raise trouble("remote-error", host=file.host, detail="its listing of a log's files has no end")
    told = [match.groups() for line in lines if (match := _SHAPE.fullmatch(line))]
    found = [_entry(words, file) for words in told if words[0] != "N"]
    again = {(words[1], words[6]) for words in told if words[0] == "N"}
    if {(one.inode, one.name) for one in found} != again or any(one.suspect and one.kind == "plain" for one in found):
        return None
    names = {one.name for one in found} | {file.path}
    listed = [one for one in found if one.live or is_generation(one.name, names)]
    return Listing(listed, _real(lines, listed, file))


def _entry(words: tuple[str, ...], file: File) -> Entry:
    word, inode, size, mtime, kind, text, name = words
    unread = (text[1:] or "rights") if text.startswith("?") else None
    data = b"" if text[0] in "-?" else bytes.fromhex(text)
    at = max(0, len(data) - 4) if kind == "gz" else limits.SEEK_HEAD  # gzip ends with the length (RFC 1952)
    head, tail = data[:at], data[at:]
    return Entry(word == "K", inode, int(size), int(mtime), kind, head, tail, unread, name, name == file.path)


def _real(lines: list[str], entries: Iterable[Entry], file: File) -> dict[str, str | None]:
    folder = next((line[2:] for line in lines if line.startswith("D ")), file.path.rsplit("/", 1)[0] or "/")
    told = [line[2:] for line in lines if line.startswith("L ")]
    ends = dict(zip(told[1::2], told[::2], strict=False))
    paths = {one.name: ends.get(one.name, f"{folder.rstrip('/')}/{one.name.rsplit('/', 1)[1]}") for one in entries}
    return {name: path if path.startswith("/") else None for name, path in paths.items()}
