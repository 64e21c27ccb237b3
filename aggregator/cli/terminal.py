"""Log lines in a terminal: a colour per host, and nothing that a line says can move the cursor."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import IO

from aggregator.hub.chunk import gap_words
from aggregator.stream.records import EndRecord, GapRecord, LineRecord, NoticeRecord, Record, TickRecord

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)  # SGR foregrounds (ECMA-48, 8.3.117); red is for errors
_LEVELS = {"warning": "33", "error": "31", "critical": "1;31"}
_RESET = "\x1b[0m"


def _neutral() -> dict[int, str]:
    """C0 as their pictures, C1, bidi controls and separators (Unicode 3.9, 23.2) as escapes; a tab stays."""
    table = {code: chr(0x2400 + code) for code in range(0x20) if code != 0x09}
    table[0x7F] = "\u2421"
    hidden = (*range(0x80, 0xA0), 0x61C, *range(0x200E, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
    return table | {code: f"\\u{code:04x}" for code in hidden}


_NEUTRAL = _neutral()


def neutralise(text: str) -> str:
    """Text without control characters: each is shown instead of obeyed."""
    return text.translate(_NEUTRAL)


def wants_colour(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """NO_COLOR (no-color.org) and FORCE_COLOR are obeyed; else colour is for terminals."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


class Painter:
    """Records as lines of text."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def paint(self, record: Record) -> str:
        """A record as text with its newline; empty for what a person need not see."""
        match record:
            case LineRecord():
                return f"{self._host(record.host)}: {self._text(record)}\n"
            case GapRecord():
                return self._aside(f"{record.host} {record.path}: {gap_words(record)}")
            case NoticeRecord() if record.state != "live":
                path = f" {record.path}" if record.path else ""
                return self._aside(f"{record.host}{path}: {record.state}: {record.detail}")
            case EndRecord() if record.reason not in ("complete", "shutdown"):
                return self._aside(f"the view ended: {record.reason}")
            case NoticeRecord() | EndRecord() | TickRecord():
                return ""

    def _host(self, name: str) -> str:
        if not self._colour:
            return name
        return f"\x1b[{_COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]}m{name}{_RESET}"

    def _text(self, record: LineRecord) -> str:
        clipped = f" … ({record.length} bytes, clipped)" if record.clipped else ""
        sgr = _LEVELS.get(record.level or "") if self._colour else None
        if not self._colour:
            return neutralise(record.text) + clipped
        text = self._spans(record, sgr)
        return f"\x1b[{sgr}m{text}{_RESET}{clipped}" if sgr else text + clipped

    def _spans(self, record: LineRecord, sgr: str | None) -> str:
        """The text with its matches underlined."""
        parts: list[str] = []
        at = 0
        for start, end in record.spans or ():
            parts += neutralise(record.text[at:start]), "\x1b[1;4m", neutralise(record.text[start:end]), _RESET
            parts.append(f"\x1b[{sgr}m" if sgr else "")
            at = end
        return "".join([*parts, neutralise(record.text[at:])])

    def _aside(self, text: str) -> str:
        line = f"-- {neutralise(text)}"
        return f"\x1b[2m{line}{_RESET}\n" if self._colour else f"{line}\n"
