"""Lines of keys and values: JSON objects (RFC 8259) and logfmt. Finds a key's value without parsing the line.

Only the line's first `KEYED_PREFIX` characters are looked at, and each of them a bounded number of times.
"""

from __future__ import annotations

import re

from aggregator.limits import KEYED_PREFIX

# Everything up to the next brace that is not in a string; a string may lack its end.
_FLAT = re.compile(r'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))*+', re.DOTALL)
_SPACES = re.compile(r" {1,8}")
_LOGFMT = re.compile(r"[A-Za-z_@][\w.@/-]{0,63}=", re.ASCII)


def json_value(text: str, key: str, start: int = 0) -> int:
    """Where the value of the outermost object's `key` (with its quotes and colon) begins, or -1.

    The object begins at `start`. Quotes and a colon are always a key's: inside a string the quotes would be escaped.
    So the depth is all that may need a closer look, and only if another brace stands before.
    """
    if not text.startswith("{", start):
        return -1
    at = text.find(key, start, start + KEYED_PREFIX)
    if at < 0:
        key = key[:-1] + " :"  # the rare other spelling
        at = text.find(key, start, start + KEYED_PREFIX)
    if at >= 0 and text.find("{", start + 1, at) >= 0:
        at = _outermost(text, key, start, at)
    if at < 0:
        return -1
    return _behind_spaces(text, at + len(key))


def _behind_spaces(text: str, at: int) -> int:
    spaces = _SPACES.match(text, at) if text.startswith(" ", at) else None
    return at if spaces is None else spaces.end()


def _outermost(text: str, key: str, start: int, at: int) -> int:
    """Where the key itself stands, from its first occurrence at `at` on, counting braces; or -1."""
    depth, here = 0, start
    while at >= 0:
        depth, here = _depth(text, depth, here, at)
        if depth == 1:
            return at
        at = text.find(key, at + 1, start + KEYED_PREFIX)
    return -1


def _depth(text: str, depth: int, here: int, at: int) -> tuple[int, int]:
    """The depth at `at`, given the depth at `here` before it; and `at`."""
    while True:
        flat = _FLAT.match(text, here, at)
        if flat is None or flat.end() >= at:
            return depth, max(here, at)
        depth += 1 if text[flat.end()] in "{[" else -1
        here = flat.end() + 1


def logfmt_value(text: str, key: str) -> int:
    """Where the value of `key` (with its `=`) begins, outside of quotes, or -1; the line begins with some `key=`."""
    at = text.find(key, 0, KEYED_PREFIX)
    if at == 0:
        return len(key)
    if at < 0 or _LOGFMT.match(text) is None:
        return -1
    while at >= 0:
        if text[at - 1] in " \t" and not _quoted(text, at):
            return at + len(key)
        at = text.find(key, at + 1, KEYED_PREFIX)
    return -1


def _quoted(text: str, at: int) -> bool:
    if text.find('"', 0, at) < 0:
        return False
    return (text.count('"', 0, at) - text.count('\\"', 0, at)) % 2 == 1
