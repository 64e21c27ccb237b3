"""What is remembered of a followed log beyond the follower's own life: places with their proofs, no text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aggregator.history.generation.files import Generation
from aggregator.stream.proof import Place


@dataclass(frozen=True, slots=True)
class Ended:
    """A closed generation that was still looked back at: up to where it was given out, its mtime in seconds."""

    end: Place
    mtime: int
    partial: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """Of one log: the place in its live file, that file's mtime when it was opened, and what was closed lately."""

    at: Place
    since: int
    ended: tuple[Ended, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What a follower can tell those who read its log by address.

    `generation` and `now`, an inode, are those of the file that is followed; `before` is the inode of the one that
    holds the place where an earlier follower ended. `ends` says, by inode and generation, how far closed ones were
    given out: what comes behind it comes live. (An inode alone may be another file's by now.) `generation_before` is
    the one in which the earlier follower ended; what was last written before `since` (epoch seconds) is older than
    that; `opened` is the same of the file that is followed.
    """

    generation: str = ""
    now: str = ""
    before: str = ""
    ends: Mapping[tuple[str, str], int] = field(default_factory=dict)
    generation_before: str = ""
    since: int = 0
    opened: int = 0

    def reach(self, one: Generation) -> int | None:
        """Up to where a closed generation was given out; None where that is not known of this very file."""
        end = self.ends.get((one.inode, one.id or ""))
        return None if end is None or (one.size is not None and one.size < end) else end


NOTHING_KNOWN = Known()
