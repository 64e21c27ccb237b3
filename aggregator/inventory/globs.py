"""Wildcards in paths, and names that are rotated generations of others.

`*` and `?` stand for characters within a segment, `[a-z]` and `[!a-z]` for one of a set, `**` goes across segments
(`/a/**/b` is also `/a/b`). A leading dot is a character like any other. Patterns are matched by RE2: time is linear
in the path, whatever the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

import re2

_WILDCARD = re.compile(r"[*?\[]")
_TOKEN = re.compile(r"/\*\*(?=/)|\*\*+|\*|\?|\[!?\]?[^\]/]*\]|\[|[^*?\[/]+|/")
_COMPRESSED = re.compile(r"\.(?:gz|xz|zst|bz2)\Z")
_NUMBERED = re.compile(r"\.[0-9]{1,4}\Z")
_DATED = re.compile(
    r"[-.](?:19|20)[0-9]{2}(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:[0-9]{2}|-[0-9]{2}|-[0-9]{9,11})?\Z"  # logrotate's dateformat may add the hour or the epoch's seconds
)


def has_wildcard(path: str) -> bool:
    """Whether a path must be listed to know its files."""
    return _WILDCARD.search(path) is not None


def matches(pattern: str, path: str) -> bool:
    """Whether the whole of `path` matches; bytes of it that are not UTF-8 are matched by wildcards only."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return compile_glob(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def compile_glob(pattern: str) -> re2._Regexp:
    """A pattern as an RE2 program. Raises ValueError with a sentence for a person."""
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    text = pattern.encode("utf-8", "replace").decode()
    try:
        return re2.compile("".join(_translate(match[0]) for match in _TOKEN.finditer(text)), options)
    except re2.error:
        raise ValueError(f"{pattern!r} is not a pattern that paths can be matched with") from None


def _translate(part: str) -> str:
    if part == "/**":
        return "(?:/.*)?"
    if part.startswith("**"):
        return ".*"
    if part == "*":
        return "[^/]*"
    if part == "?":
        return "[^/]"
    if part == "[":
        raise ValueError("a '[' without its ']'; write '[[]' for the character itself")
    if part.startswith("["):
        return _set(part)
    return str(re2.escape(part))


def _set(glob: str) -> str:
    """`[a-z]` or `[!a-z]` as an RE2 set that never holds a slash."""
    negated = glob.startswith("[!")
    content = glob[2 if negated else 1 : -1]
    ranges: list[tuple[str, str]] = []
    at = 0
    while at < len(content):
        first = last = content[at]
        if content[at + 1 : at + 2] == "-" and at + 2 < len(content):
            last, at = content[at + 2], at + 2
        if last < first:
            raise ValueError(f"the range {first}-{last} in {glob!r} runs backwards")
        ranges.append((first, last))
        at += 1
    if negated:
        return f"[^/{''.join(f'{_point(first)}-{_point(last)}' for first, last in ranges)}]"
    parts = [part for first, last in ranges for part in _without_slash(ord(first), ord(last))]
    if not parts:
        raise ValueError(f"{glob!r} matches nothing")
    return f"[{''.join(f'{_point(chr(first))}-{_point(chr(last))}' for first, last in parts)}]"


def _without_slash(first: int, last: int) -> list[tuple[int, int]]:
    slash = ord("/")
    if not first <= slash <= last:
        return [(first, last)]
    return [part for part in ((first, slash - 1), (slash + 1, last)) if part[0] <= part[1]]


def _point(character: str) -> str:
    return rf"\x{{{ord(character):x}}}"


def is_generation(name: str, names: Collection[str]) -> bool:
    """Whether `name` is a rotated or compressed generation of another of `names`.

    `a.log.1`, `a.log.2.gz`, `a.log-20261123`, `a.log-20261123.gz`, `a.log.2026-11-23` and `a.log.gz` are generations
    of `a.log`, as logrotate (logrotate.conf(5): `dateext`, `compress`) and log4j name them. Give a set for speed.
    """
    plain = _COMPRESSED.sub("", name)
    stems = {plain, _NUMBERED.sub("", plain), _DATED.sub("", plain)} - {name}
    return any(stem in names for stem in stems)
