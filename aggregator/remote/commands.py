"""The command lines that run on hosts: constant POSIX sh from `host/*.sh`, given paths and numbers as arguments.

The only place that quotes for a shell. A login shell may be sh, csh or fish, so a command is one line of
`exec sh -c 'SCRIPT' NAME 'ARG' …` whose quoted parts hold neither `'`, a `!` that csh would take, nor a newline, and
no backslash that fish would take: in an argument those travel as `\\0ooo`, which `printf %b` (POSIX) decodes there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from aggregator import limits

_SCRIPTS = Path(__file__).parent / "host"
_OPENERS = ("then", "do", "else", "{", "(", "&&", "||", ";;", " in", "&")
_ESCAPED = {char: f"\\0{ord(char):03o}" for char in "\\'!\n\r"}
_UNQUOTABLE = re.compile(r"['\n]|!(?! )|\\\\")  # csh leaves a `!` alone that a space follows
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@%+,-")

MARK = b"tailon-agg\n"  # what every command says first, on a line of its own: what a login shell said is before it
GNU_POLL_S = 0.05  # seconds between two looks of GNU tail
OTHER_POLL_S = 1.0  # of every other one, and of the loop that stands in for BusyBox's
GNU_POLL = f"-s {GNU_POLL_S}"  # tail's options are the script's fourth argument


@cache
def script(*names: str) -> str:
    """The named scripts of `host/` as one line without comments. Raises ValueError for what can't be quoted."""
    line = ""
    for name in names:
        for raw in (_SCRIPTS / f"{name}.sh").read_text("utf-8").splitlines():
            statement = raw.strip()
            if not statement or statement.startswith("#"):
                continue
            line += statement + (" " if statement.endswith(_OPENERS) else " ; ")
    if _UNQUOTABLE.search(line):
        raise ValueError(f"a script of {names} holds a character that login shells treat differently")
    return line.rstrip("; ")


def quote(argument: str) -> str:
    """An argument for any login shell; the script decodes it with `printf %b`. Raises ValueError for NUL."""
    if "\0" in argument:
        raise ValueError("a path can't hold a NUL byte")
    if argument and not argument.startswith("-") and all(char in _PLAIN for char in argument):
        return argument
    return "'" + "".join(_ESCAPED.get(char, char) for char in argument) + "'"


def _command(names: tuple[str, ...], *arguments: str, chooser: str = "") -> str:
    """`exec sh -c 'SCRIPT' NAME 'ARG' …`; a `chooser` is a script before it, which runs it in a shell of its choice."""
    said_first = 'printf "\\ntailon-agg\\n"'
    chosen = [f"'{script(chooser)}'"] if chooser else []
    name = f"tailon-agg-{names[-1]}"
    return " ".join(["exec sh -c", *chosen, f"'{said_first} ; {script(*names)}'", name, *map(quote, arguments)])


def probe() -> str:
    """What the host has: answers `tailon-probe 1 CLOCK ZONE TAIL USER`."""
    return _command(("probe",))


def listing(pattern: str, limit: int) -> str:
    """The regular files that a path pattern finds, one a line."""
    if "**" in pattern:
        folder = pattern[: pattern.index("**")].rsplit("/", 1)[0] or "/"
        static = folder[: min((i for i, c in enumerate(folder) if c in "*?["), default=len(folder))]
        return _command(("find",), static if static == folder else static.rsplit("/", 1)[0] or "/", str(limit))
    return _command(("list",), pattern, str(limit))


def generations(path: str, limit: int, since: int = 0) -> str:
    """The file and those beside it that rotation may have made of it and that were written since (epoch seconds):
    `G INODE SIZE MTIME KIND HEAD NAME` a line."""
    return _command(("generations",), path, str(limit), str(since))


def timeline(path: str, limit: int, since: int, known: Iterable[str]) -> str:
    """As `generations`, with first and last bytes: `G INODE SIZE MTIME KIND BYTES NAME` a line, `K …` for those
    that are `known` as `INODE/SIZE/MTIME`, then their names again (`N …`) and `Z`."""
    return _command(("timeline",), path, str(limit), str(since), " ".join(known))


def blocks(name: str, runs: Iterable[tuple[int, int]]) -> str:
    """The header, then each run (number of its first block, blocks of 4,096 bytes) of a plain file, and `B N:C`."""
    return _command(("open", "blocks"), name, " ".join(f"{first}:{count}" for first, count in runs))


def read(name: str, start: int, length: int, kind: str = "plain") -> str:
    """The header, then the bytes [start, start + length) of a file's text, decompressed if `kind` says so."""
    return _command(("open", "read"), name, str(start), str(length), kind)


def search(
    name: str,
    start: int,
    length: int | None,
    kind: str,
    how: str,
    text: str = "",
    *,
    fold: bool = False,
    context: int = limits.SCAN_CONTEXT,
) -> str:
    """The header, then what there is of `text` in a range of a file's text (`length` None: to its end). `how` is
    `grep`, `blocks` or `stream`; what is answered then is said in `search.sh`."""
    return _command(
        ("open", "search"),
        *(name, str(start), "e" if length is None else str(length), kind, how, "-i" if fold else "", text),
        *(str(context), str(limits.UNPACKED_RATIO), str(limits.SCAN_KIB), str(limits.SCAN_CPU)),
    )


def doctor(patterns: Iterable[str], limit: int) -> str:
    """What can be done on the host, and with the files of path patterns; what is answered is said in `doctor.sh`."""
    return _command(("doctor",), str(limit), *patterns)


def idle() -> str:
    """Nothing, until it is closed."""
    return _command(("idle",))


def follow(path: str, start: int | None, window: int, *, tail: str) -> str:
    """The header, then a file's bytes from `start` (None: from `window` bytes before its end) on, for ever. `tail` is
    the host's kind of it, as the probe said."""
    how = {"gnu": GNU_POLL, "busybox": "loop"}.get(tail, "")
    begin = "e" if start is None else str(start)
    return _command(("open", "follow"), path, begin, str(window), how, chooser="clocked")
