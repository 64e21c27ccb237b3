"""Whether many lines have stamps of one short time, told without reading each: RE2 looks for one that may not."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

_MINUTE = 60  # seconds


def seconds_of(text: bytes, first: re.Match[str], foreign: str) -> tuple[int, int] | None:
    """Between which seconds [start, end) of one minute all stamps of some complete lines are, where a glance tells it.

    `first` is the stamp that the first of them begins with, as a form matches it: its groups are all up to the minute,
    the second, the fraction, and the zone. Every line begins with the same then, but for digits behind the minute;
    `foreign` (a pattern) is what may not follow.
    """
    shown, at = first.string, first.start(2)
    others, tens = text.count(b"\n") - 1, int(shown[at])
    end = first.start(4) if first[4] else first.end()
    zone = shown[end : first.end()]
    if zone[:2] in (" +", " -") or tens * 10 >= _MINUTE:
        return None  # what follows makes it an offset, or not; a leap second
    for size, seconds in ((at + 1, (tens * 10, tens * 10 + 10)), (at, (0, _MINUTE))):
        if text.count(b"\n" + shown[:size].encode(), 0, -1) == others:
            odd = _odd(size, size == at, re.sub("[0-9]", "0", shown[size:end]), zone, foreign)
            return None if odd.search(text) else seconds
    return None


@lru_cache(maxsize=64)
def _odd(size: int, whole: bool, form: str, zone: str, foreign: str) -> Any:
    """What finds a line that goes on otherwise behind its first `size` bytes than with digits where `form` has some,
    else as that, then the zone. `whole` tells that a second comes first."""
    classes = [r"0-9" if char == "0" else re.escape(char) for char in form] + [re.escape(char) for char in zone]
    if whole:
        classes[0] = "0-5"
    parts = ["".join(f"[{one}]" for one in classes[:index]) + f"[^{one}]" for index, one in enumerate(classes)]
    parts.append("".join(f"[{one}]" for one in classes) + f"(?:{foreign})")
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return re2.compile(rf"\n.{{{size}}}(?:{'|'.join(parts)})".encode(), options)
