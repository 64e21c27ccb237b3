"""The chain that holds the audit log together: every record carries the hash of the one before.

    hash = lower-case hex SHA-256 over prev (64 hex digits) and the record's bytes up to and not including `,"hash":`

A changed, removed, added or moved record breaks it. What it can't show by itself is a tail that was cut off at a
record's end, or a chain that was written anew from some record on: that takes a copy somewhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO

from aggregator import limits

LINE_BYTES = limits.AUDIT_RECORD_BYTES + limits.AUDIT_TAIL_BLOCK  # a record with its frame is below this
_SUFFIX = re.compile(rb',"hash":"([0-9a-f]{64})"\}\n')
_SUFFIX_BYTES = len(b',"hash":""}\n') + 64


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a chain: the last record's number and hash."""

    seq: int
    hash: str


GENESIS = Link(0, "0" * 64)


Look = Callable[[dict[str, Any]], None]


class Broken(ValueError):
    """A line that is no link of the chain; says why."""


@dataclass(frozen=True, slots=True)
class Bad:
    """The first bad record: its line, counted from 1, the `seq` that belongs there, and what is wrong with it."""

    line: int
    seq: int
    detail: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify` found: how many good records from the start, the last of them, and the first bad one."""

    records: int
    last: Link
    bad: Bad | None


def seal(members: bytes, after: Link) -> tuple[bytes, Link]:
    """The line (newline included) of the record that follows `after`, and the chain's new end.

    `members` is the JSON text of the record's members between `seq` and `prev`, without braces.
    """
    seq = after.seq + 1
    body = b'{"seq":%d,%b,"prev":"%b"' % (seq, members, after.hash.encode())
    digest = _digest(after.hash, body)
    return b'%b,"hash":"%b"}\n' % (body, digest.encode()), Link(seq, digest)


def read(line: bytes) -> tuple[dict[str, Any], Link]:
    """The record of a line (newline included) and its link. Raises Broken if its own hash does not fit it."""
    suffix = _SUFFIX.fullmatch(line[-_SUFFIX_BYTES:])
    if suffix is None:
        raise Broken("is no audit record: it does not end with its hash")
    body = line[:-_SUFFIX_BYTES]
    try:
        record = json.loads(line, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Broken(f"is no JSON object: {error}") from None
    if not isinstance(record, dict):
        raise Broken("is no JSON object")
    seq, prev, claimed = record.get("seq"), record.get("prev"), suffix[1].decode()
    if type(seq) is not int or not isinstance(prev, str):
        raise Broken("lacks `seq` or `prev`")
    if _digest(prev, body) != claimed:
        raise Broken("was changed: its hash does not fit its text")
    return record, Link(seq, claimed)


def lines_of(log: BinaryIO) -> Iterator[bytes]:
    """The lines of a log, newlines included; one that is longer than any record comes in pieces, and so is bad."""
    return iter(lambda: log.readline(LINE_BYTES), b"")


def verify(lines: Iterable[bytes], after: Link = GENESIS, look: Look | None = None) -> Verified:
    """Check the chain over `lines` (newlines included), which follow `after`; stops at the first bad record. `look` is
    shown each good one, and raises ValueError for what it finds wrong with it."""
    last, count = after, 0
    for line in lines:
        try:
            last = _follow(line, last, look)
        except ValueError as error:
            return Verified(count, last, Bad(count + 1, last.seq + 1, str(error)))
        count += 1
    return Verified(count, last, None)


def _follow(line: bytes, last: Link, look: Look | None) -> Link:
    if not line.endswith(b"\n"):
        raise Broken("is torn: it has no newline at its end")
    record, link = read(line)
    if link.seq != last.seq + 1:
        raise Broken(f"has seq {link.seq} where {last.seq + 1} belongs: records are missing, added or moved")
    if record["prev"] != last.hash:
        raise Broken("does not follow the record before it: its `prev` is another hash")
    if look:
        look(record)
    return link


def _digest(prev: str, body: bytes) -> str:
    return sha256(prev.encode("utf-8", "surrogatepass") + body).hexdigest()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key stands twice")
    return record
