"""What `doctor.sh` answers, as facts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
_ODD = re.compile(r"[\x00-\x1f\x7f\ufffd]")  # in a path: U+FFFD stands for bytes that are no text


@dataclass(frozen=True, slots=True)
class Rights:
    """A file or folder with its mode, owner and group as `ls -l` says them."""

    mode: str
    owner: str
    group: str
    path: str

    def __str__(self) -> str:
        return f"{self.path} ({self.mode} {self.owner} {self.group})"


@dataclass(slots=True)
class Look:
    """What there is of one path pattern; see `doctor.sh`. `whole`: the look came to its end."""

    readable: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    refusing: list[Rights] = field(default_factory=list)
    unlisted: Rights | None = None
    missing: str | None = None
    odd: str | None = None
    closed: list[Rights] = field(default_factory=list)
    rotated: Rights | None = None
    packed: set[str] = field(default_factory=set)
    partly: bool = False
    whole: bool = False


@dataclass(slots=True)
class Facts:
    """Groups of the user, kinds of the tools (`gnu`, `busybox`, `other`, `none`), looks by pattern."""

    groups: tuple[str, ...] = ()
    tools: dict[str, str] = field(default_factory=dict)
    looks: dict[str, Look] = field(default_factory=dict)

    def missing(self, *tools: str) -> list[str]:
        """Which of some tools are not there."""
        return [tool for tool in tools if self.tools.get(tool) == "none"]

    @property
    def busybox(self) -> bool:
        return self.tools.get("ls") == "busybox"


def read_facts(answer: bytes, patterns: Sequence[str], facts: Facts) -> None:
    """Add what one run of `doctor.sh` answered for some patterns. Lines that are not its own are passed over."""
    look: Look | None = None
    *lines, _ = answer.decode("utf-8", "replace").split("\n")
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "I":
            facts.groups = tuple(rest.split())
        elif word == "T":
            tool, _, kind = rest.partition(" ")
            facts.tools[tool] = kind
        elif word in ("G", "Z"):
            if look:
                look.whole = True
            number = int(rest) if _NUMBER.fullmatch(rest) else 0
            look = facts.looks.setdefault(patterns[number - 1], Look()) if 0 < number <= len(patterns) else None
        elif look:
            _add(look, word, rest)


def _add(look: Look, word: str, rest: str) -> None:
    match word:
        case "F":
            mark, _, path = rest.partition(" ")
            if _is_path(path):
                (look.readable if mark == "r" else look.unreadable).append(path)
        case "X" if rights := _rights(rest):
            look.refusing.append(rights)
        case "A" if rights := _rights(rest):
            look.closed.append(rights)
        case "U":
            look.unlisted = _rights(rest)
        case "B":
            look.rotated = look.rotated or _rights(rest)
        case "N" if _is_path(rest):
            look.missing = rest
        case "S":
            look.odd = rest
        case "C":
            look.packed.add(rest)
        case "Q":
            look.partly = True


def _rights(text: str) -> Rights | None:
    """None for what is no absolute path: a command is made of it."""
    words = text.split(" ", 3)
    return Rights(*words) if len(words) == 4 and _is_path(words[3]) else None


def _is_path(text: str) -> bool:
    return text.startswith("/") and not _ODD.search(text)
