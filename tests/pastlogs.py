"""Logs made up for the oracle: every line's stamp is known because it was written from it.

logs = Maker(seed, Shape(zone="Europe/Berlin", form="bsd")).log("web-1", "app", path)
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from oracle import MICROS, Log, Part, Written

FORMS = ("iso", "local", "bsd", "json", "none")
WORDS = ("needle", "timeout", "order 17", "order 4711", "Zoë", "refused", "a.b*c", "--help", "$HOME", "`x` 'y'", "100%")
RARE = (b"", b"\xff\xfe broken", b"nul \x00 inside", b"return\r", b"caf\xe9", "näher 日本".encode(), b"\ttab  ")
LEVEL_WORDS = {"debug": "DEBUG", "info": "INFO", "warning": "WARN", "error": "ERROR", "critical": "FATAL"}


@dataclass(frozen=True)
class Shape:
    """What a made-up log looks like. `start` is in seconds since the epoch; `step` is the longest time between two
    entries in seconds; `back` the most that a stamp goes back; `banner` begins every generation with the same line."""

    form: str = "iso"
    zone: str = "UTC"
    start: int = 1_794_000_000
    entries: int = 30
    step: float = 5.0
    back: float = 0.0
    parts: int = 3
    scheme: str = "numbers"  # or "dates"
    packing: str = "gz"
    banner: bool = False
    preface: int = 0  # lines before the first stamp
    long_line: int = 0  # bytes
    open_ends: bool = False
    trace: int = 6  # lines of a stack trace at most


class Maker:
    """Makes logs, always the same from the same seed."""

    def __init__(self, seed: int, shape: Shape) -> None:
        self._random = random.Random(seed)
        self._shape = shape
        self._zone = ZoneInfo(shape.zone)

    def log(self, host: str, source: str, path: Path) -> Log:
        groups = self._groups()
        return Log(host, source, path, self._parts(groups))

    def _groups(self) -> list[Written]:
        """All lines of a log."""
        shape, chance = self._shape, self._random
        now = shape.start * MICROS + chance.randrange(2 * MICROS)
        lines = [Written(f"starting up, step {number}".encode()) for number in range(shape.preface)]
        for number in range(shape.entries):
            now += int(chance.choice((0.0, 0.001, 0.5, 1.0)) * chance.random() * shape.step * MICROS)
            now += 2 * MICROS if shape.banner else 0  # what begins alike at the same second can't be told apart
            back = int(chance.random() * shape.back * MICROS) if shape.back and chance.random() < 0.2 else 0
            lines.append(self._stamped(now - back, number))
            if shape.form == "none" or chance.random() < 0.25:
                lines += self._trace()
        if shape.long_line and lines:
            place = chance.randrange(len(lines))
            line = lines[place]
            lines[place] = Written(line.raw + b" " + b"long " * (shape.long_line // 5), line.stamp, line.level)
        return lines

    def _stamped(self, at: int, number: int) -> Written:
        level = self._random.choice([*LEVEL_WORDS, None])
        message = self._message(number)
        raw, at = self._written(at, level, message)
        return Written(raw, None if self._shape.form == "none" else at, level)

    def _message(self, number: int) -> bytes:
        chance = self._random
        words = f"request {number} {chance.choice(WORDS)} {chance.randrange(1000)}".encode()
        return words + (b" " + chance.choice(RARE) if chance.random() < 0.15 else b"")

    def _written(self, at: int, level: str | None, message: bytes) -> tuple[bytes, int]:
        """A line, and its stamp as far as its form can say it."""
        word = f" {LEVEL_WORDS[level]}" if level else ""
        local = datetime.fromtimestamp(at // MICROS, self._zone)
        match self._shape.form:
            case "iso":
                utc = datetime.fromtimestamp(at // MICROS, ZoneInfo("UTC"))
                return f"{utc:%Y-%m-%dT%H:%M:%S}.{at % MICROS:06d}Z{word} ".encode() + message, at
            case "local":
                at -= at % 1000
                return f"{local:%Y-%m-%d %H:%M:%S},{at % MICROS // 1000:03d}{word} ".encode() + message, at
            case "bsd":
                at -= at % MICROS
                return f"{local:%b} {local.day:2d} {local:%H:%M:%S} box app[7]:{word} ".encode() + message, at
            case "json":
                at -= at % 1000
                utc = datetime.fromtimestamp(at // MICROS, ZoneInfo("UTC"))
                clock = f"{utc:%Y-%m-%dT%H:%M:%S}.{at % MICROS // 1000:03d}Z"
                key = f'"level":"{level}",' if level else ""
                safe = message.replace(b'"', b"").replace(b"\\", b"")
                return f'{{"time":"{clock}",{key}"msg":"'.encode() + safe + b'"}', at
            case _:
                return (word.strip() + ": " if level else "").encode() + message, at

    def _trace(self) -> list[Written]:
        chance = self._random
        lines = [Written(b"java.lang.IllegalStateException: " + chance.choice(WORDS).encode())]
        for number in range(chance.randrange(self._shape.trace)):
            lines.append(Written(f"\tat shop.Order.check(Order.java:{number})".encode()))
        if chance.random() < 0.3:
            lines.append(Written(chance.choice((b"", b"Caused by: java.io.IOException: refused", b"\t... 7 more"))))
        return lines

    def _parts(self, lines: list[Written]) -> list[Part]:
        shape, chance = self._shape, self._random
        cuts = sorted(chance.randrange(len(lines) + 1) for _ in range(shape.parts - 1)) if lines else []
        pieces = [lines[start:end] for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
        pieces = [piece for piece in pieces[:-1] if piece] + pieces[-1:]
        if shape.banner:
            pieces = [[Written(b"=== the log of the shop ==="), *piece] for piece in pieces]
        parts: list[Part] = []
        mtime = shape.start
        for number, piece in enumerate(pieces):
            stamps = [line.stamp for line in piece if line.stamp is not None]
            mtime = max(mtime, -(-max(stamps, default=0) // MICROS)) + chance.randrange(1, 4)
            open_end = shape.open_ends and bool(piece) and chance.random() < 0.5 and piece[-1].raw != b""
            parts.append(Part(piece, self._suffix(len(pieces) - 1 - number, mtime), mtime, open_end))
        return parts

    def _suffix(self, age: int, mtime: int) -> str:
        if age == 0:
            return ""
        packing = f".{self._shape.packing}" if self._shape.packing != "plain" and age > 1 else ""
        if self._shape.scheme == "numbers":
            return f".{age}{packing}"
        day = datetime.fromtimestamp(self._shape.start, ZoneInfo("UTC"))
        return f"-{day:%Y%m}{30 - age:02d}{packing}"
