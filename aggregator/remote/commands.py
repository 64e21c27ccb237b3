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
_OPENERS = ("then", "do", "else", "{", "(", "&&", "||", "|", ";;", " in", "&")
_ESCAPED = {char: f"\\0{ord(char):03o}" for char in "\\'!\n\r"}
_UNQUOTABLE = re.compile(r"['\n]|!(?! )|\\\\")  # csh leaves a `!` alone that a space follows
_ARM = re.compile(r"[^(]+\)")  # of a case
_WORD = re.compile(r"[a-z0-9]{1,18}", re.ASCII)
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@%+,-")

MARK = b"tailon-agg\n"  # what every command says first, on a line of its own: what a login shell said is before it
GNU_POLL_S = 0.05  # seconds between two looks of GNU tail
OTHER_POLL_S = 1.0  # of every other one, and of the loop that stands in for BusyBox's
GATE = 1  # version of what is said to a gate
PARTS: dict[str, tuple[str, ...]] = {  # the scripts that a verb is made of, in their order
    "probe": ("probe",),
    "list": ("ungated", "path", "list"),
    "timeline": ("ungated", "path", "unpacker", "timeline"),
    "follow": ("ungated", "path", "open", "follow"),
    "read": ("ungated", "path", "open", "unpacker", "read"),
    "blocks": ("ungated", "path", "open", "blocks"),
    "search": ("ungated", "path", "open", "unpacker", "alive", "search"),
    "journal": ("path", "alive", "journal"),
    "idle": ("idle",),
    "doctor": ("doctor",),
}


def statements(name: str, *, comments: bool = False) -> list[str]:
    """The lines of a script of `host/`, as they are indented, without its comments."""
    lines = (_SCRIPTS / f"{name}.sh").read_text("utf-8").splitlines()
    return [line for line in lines if comments or (line.strip() and not line.lstrip().startswith("#"))]


def joined(lines: Iterable[str]) -> str:
    """Statements as one line."""
    text = ""
    for line in lines:
        opens = line.endswith(_OPENERS) or _ARM.fullmatch(line)
        text += line + (" " if opens else " ; " if line.endswith("!") else "; ")
    return text[:-1] if text.endswith(";; ") else text.removesuffix("; ").removesuffix(" ")


@cache
def script(*names: str) -> str:
    """The named scripts of `host/` as one line without comments. Raises ValueError for what can't be quoted."""
    line = joined(statement.strip() for name in names for statement in statements(name))
    if _UNQUOTABLE.search(line):
        raise ValueError(f"a script of {names} holds a character that login shells treat differently")
    return line


def quote(argument: str) -> str:
    """An argument for any login shell; the script decodes it with `printf %b`. Raises ValueError for NUL."""
    if "\0" in argument:
        raise ValueError("a path can't hold a NUL byte")
    if argument and not argument.startswith("-") and all(char in _PLAIN for char in argument):
        return argument
    return "'" + "".join(_ESCAPED.get(char, char) for char in argument) + "'"


class Command(str):
    """The command line that says it to a login shell; `request` says the same to a gate (docs/gate.md)."""

    __slots__ = ("request",)
    request: str


def encode(argument: str) -> str:
    """An argument of a request: a number or word as it is, other text in octal, and nothing as a lone backslash."""
    if _WORD.fullmatch(argument):
        return argument
    return "".join(f"\\0{byte:03o}" for byte in argument.encode("utf-8", "surrogateescape")) or "\\"


def _command(verb: str, *arguments: str | int) -> Command:
    """`exec sh -c 'SCRIPT' NAME 'ARG' …`; a chooser is a script before it, which runs it in a shell of its choice."""
    words = [str(argument) for argument in arguments]
    said_first = 'printf "\\ntailon-agg\\n"'
    chosen = [f"'{script('clocked')}'"] if verb == "follow" else []
    line = ["exec sh -c", *chosen, f"'{said_first} ; {script(*PARTS[verb])}'", f"tailon-agg-{verb}", *map(quote, words)]
    command = Command(" ".join(line))
    command.request = " ".join([f"v{GATE}", verb, *map(encode, words)])
    return command


def probe() -> Command:
    """What the host has: answers `tailon-probe 1 CLOCK ZONE TAIL USER`."""
    return _command("probe")


def listing(pattern: str, limit: int) -> Command:
    """The regular files that a path pattern finds, one a line."""
    if "**" in pattern:
        folder = pattern[: pattern.index("**")].rsplit("/", 1)[0] or "/"
        static = folder[: min((i for i, c in enumerate(folder) if c in "*?["), default=len(folder))]
        folder = static if static == folder else static.rsplit("/", 1)[0]
        pattern = f"{folder.rstrip('/')}/**"
    return _command("list", pattern, limit)


def timeline(path: str, limit: int, since: int, known: Iterable[str]) -> Command:
    """The file and those beside it that rotation may have made of it and that were written since (epoch seconds), with
    their first and last bytes: `G INODE SIZE MTIME KIND BYTES NAME` a line, `K …` for those that are `known` as
    `INODE/SIZE/MTIME`, then their names again (`N …`) and `Z`."""
    said = " ".join(known)
    if len(said) > limits.KNOWN_BYTES:
        said = said[: limits.KNOWN_BYTES].rpartition(" ")[0]
    return _command("timeline", path, limit, since, said)


def blocks(name: str, runs: Iterable[tuple[int, int]]) -> Command:
    """The header, then each run (number of its first block, blocks of 4,096 bytes) of a plain file, and `B N:C`."""
    return _command("blocks", name, *(number for run in runs for number in run))


def read(name: str, start: int, length: int, kind: str = "plain") -> Command:
    """The header, then the bytes [start, start + length) of a file's text, decompressed if `kind` says so."""
    return _command("read", name, start, length, kind)


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
) -> Command:
    """The header, then what there is of `text` in a range of a file's text (`length` None: to its end). `how` is
    `grep`, `blocks` or `stream`; what is answered then is said in `search.sh`."""
    return _command(
        "search",
        *(name, start, "e" if length is None else length, kind, how, "i" if fold else "", text),
        *(context, limits.UNPACKED_RATIO, limits.SCAN_KIB, limits.SCAN_CPU),
    )


def journal(
    unit: str, how: str, cursor: str = "", since: int | None = None, until: int | None = None, count: int = 0
) -> Command:
    """`J`, then entries of a unit's journal in journalctl's export format. `how` is `live`, `forward` or `backward`;
    `cursor` names the entry to begin with, without one the times (epoch seconds) or the number of the newest do."""
    first, last = ("e" if time is None else time for time in (since, until))
    return _command("journal", unit, how, cursor, first, last, count)


def doctor(patterns: Iterable[str], limit: int) -> Command:
    """What can be done on the host, and with the files of path patterns; what is answered is said in `doctor.sh`. A
    gate has no such verb."""
    return _command("doctor", limit, *patterns)


def idle() -> Command:
    """Nothing, until it is closed."""
    return _command("idle")


def follow(path: str, start: int | None, window: int, *, tail: str) -> Command:
    """The header, then a file's bytes from `start` (None: from `window` bytes before its end) on, for ever. `tail` is
    the host's kind of it, as the probe said."""
    return _command("follow", path, "e" if start is None else start, window, tail)
