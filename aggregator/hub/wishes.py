"""What a viewer may see, and how it begins and ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from aggregator.model import EndReason, File, Position
from aggregator.remote.real import Real
from aggregator.stream.runs import Run


class Right(Protocol):
    """The right to read files (aggregator.access.door.Opening)."""

    def allows(self, file: File) -> bool: ...
    def withheld(self, file: File) -> str | None: ...
    def require(self, file: File) -> None: ...
    def reads(self, file: File, real: Real) -> bool: ...
    def judge(self, host: str, real: Real | None) -> None: ...
    async def add(self, files: Iterable[File]) -> None: ...
    def delivered(self, runs: Sequence[Run], lines: int, size: int) -> None: ...
    def beat(self) -> None: ...
    def dropped(self, lines: int, size: int) -> None: ...
    def end(self, reason: EndReason | Literal["viewer-left"]) -> None: ...


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a viewer begins and ends: `lines` of backlog per file, or all after a position; `follow` goes on live."""

    lines: int = 100
    after: Mapping[File, Position] = field(default_factory=dict)
    follow: bool = True
