"""The proof of a place: a hash of the bytes before it. Never the bytes themselves, so that it may be kept on disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from aggregator import limits


@dataclass(frozen=True, slots=True)
class Proof:
    """Of `length` bytes, at most `limits.PROOF_BYTES`: their SHA-256."""

    length: int
    digest: bytes

    @classmethod
    def of(cls, data: bytes) -> Proof:
        """The proof that the last bytes of `data` give."""
        last = data[-limits.PROOF_BYTES :]
        return cls(len(last), hashlib.sha256(last).digest())

    def holds(self, data: bytes) -> bool:
        """Whether `data`, `length` bytes read back before the place, are the same."""
        return len(data) == self.length and hashlib.sha256(data).digest() == self.digest


@dataclass(frozen=True, slots=True)
class Place:
    """The byte after the last complete line that was delivered: how a follower goes on after anything."""

    generation: str
    offset: int
    proof: Proof
    inode: str


@dataclass(frozen=True, slots=True)
class Start:
    """The first byte of a generation of which no line was delivered; `generation` None while it has no first line."""

    generation: str | None
    inode: str
