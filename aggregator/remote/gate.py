"""The gate: one POSIX sh script for hosts, made of the same scripts that run on hosts without one.

`host/gate.sh` checks what is asked for; behind it stand the scripts of all verbs, set as densely as can be read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from aggregator.remote.commands import PARTS, joined, statements

_WIDTH = 120  # columns of a line
_CLOSERS = ("fi", "done", "esac", "}", ")", "else", "elif")
_OPENED = frozenset(verb for verb, parts in PARTS.items() if "open" in parts)
_GATED = tuple(verb for verb in PARTS if verb != "doctor")


@dataclass(slots=True)
class _Unit:
    """A statement, or one that holds others: `if`, those inside, `else`, those inside, `fi`."""

    parts: list[tuple[str, list[_Unit]]] = field(default_factory=list)

    def line(self) -> str:
        """All of it on one line."""
        return joined([one for head, inner in self.parts for one in (head, *(unit.line() for unit in inner))])


def gate_script() -> str:
    """The whole script. Its first comment has a digest that tells one version from another."""
    template = "".join(f"{line}\n" for line in statements("gate", comments=True))
    body = [f"case $verb in {'|'.join(sorted(_OPENED))})", *_indented(statements("open")), ";; esac"]
    body += [*statements("unpacker"), *statements("alive")]
    body += ["case $verb in"]
    for verb in _GATED:
        body += [f"  {verb})", *_indented(statements(PARTS[verb][-1]), 2), "  ;;"]
    body += ["esac"]
    text = template.replace("@BODY@\n", "".join(f"{line}\n" for line in _set(_units(body), 0)))
    return text.replace("@DIGEST@", _digest(text))


@cache
def gate_digest() -> str:
    """What the script says of itself: twelve hexadecimal digits that tell one version from another."""
    return gate_script().splitlines()[1].split(" ")[2].rstrip(":")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _indented(lines: Sequence[str], by: int = 1) -> list[str]:
    return ["  " * by + line for line in lines]


def _units(lines: Sequence[str]) -> list[_Unit]:
    """Statements by their indentation."""
    found: list[_Unit] = []
    at = 0
    while at < len(lines):
        head, inner = lines[at].strip(), []
        depth = len(lines[at]) - len(lines[at].lstrip())
        at += 1
        while at < len(lines) and len(lines[at]) - len(lines[at].lstrip()) > depth:
            inner.append(lines[at])
            at += 1
        part = (head, _units(inner))
        if found and (head.startswith(";;") or head.split(" ")[0].rstrip(";") in _CLOSERS):
            found[-1].parts.append(part)
        else:
            found.append(_Unit([part]))
    return found


def _set(units: Sequence[_Unit], depth: int) -> list[str]:
    """Lines: what fits on one is set on one, also several short statements; what ends a block stands behind it."""
    lines: list[str] = []
    for unit in units:
        whole = unit.line()
        if lines and (depth or "() {" not in whole) and _add(lines, whole):
            continue
        if len("  " * depth + whole) <= _WIDTH:
            lines.append("  " * depth + whole)
            continue
        begins = unit.parts[0][0]
        apart = begins.endswith(")") or ("() {" in begins and not depth)  # these have lines of their own
        block: list[str] = [lines.pop()] if lines and not apart else []
        for head, inner in unit.parts:
            if not block or not _add(block, head):
                block.append("  " * depth + head)
            for at, line in enumerate(_set(inner, depth + 1)):
                if at or not _add(block, line.strip()):
                    block.append(line)
        lines += block
    return lines


def _add(lines: list[str], statement: str) -> bool:
    """Set a statement behind the last line, if there is room."""
    both = joined([lines[-1], statement])
    if len(both) > _WIDTH:
        return False
    lines[-1] = both
    return True
