"""Private keys (RFC 7468) in the lines of a log: which of their text belongs to one, also where each line has a stamp.

A key goes from its BEGIN to its END. It may also be cut off: after `limits.REDACT_KEY_LINES` lines, or more than
`limits.REDACT_KEY_ODD` in a row that do not look like one, it has ended without saying so. Where reading begins amid a
file, lines that can hardly be anything else count as a key's until there is one that can't, and those before an END.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aggregator import limits

Span = tuple[int, int, str]  # start, end, and the name of what stands there

NAME = "private-key"
SIGN = "PRIVATE KEY"  # of a line that begins or ends one
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_CLOSING = r"(?=(?:\\[nr])*[\"',;)\]}\s]*(?:\Z|\"stream\"))"  # of a line, or of what Docker's JSON has of it
_WIDE = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_LAST = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{16,}={0,2}" + _CLOSING)
_SHORT = re.compile(r"(?<![^\s\"':=|])=?[A-Za-z0-9+/]{1,76}={0,2}" + _CLOSING)  # a key's last line, or PGP's checksum
_MIXED = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=[^0-9]*[0-9])")
_FULL = re.compile(_MIXED.pattern + r".{40}")  # base64 of 40 characters has a small letter, a capital and a digit


class State(NamedTuple):
    """What the lines so far say of the next one: in how many more a key may go on, how many odd ones there were in a
    row, and whether a BEGIN was seen."""

    left: int
    odd: int
    sure: bool


OUTSIDE = State(0, 0, True)
UNSURE = State(limits.REDACT_KEY_LINES, 0, False)


def find(texts: Sequence[str], state: State) -> tuple[Mapping[int, list[Span]], State]:
    """What belongs to a key, by the index of its line, in lines that follow one another; and the state after them."""
    signs = [index for index, text in enumerate(texts) if SIGN in text]
    found: dict[int, list[Span]] = {}
    if not state.sure and signs and _END.search(texts[signs[0]]) and not _begins_first(texts[signs[0]]):
        state = State(limits.REDACT_KEY_LINES, 0, True)
    index = 0
    while index < len(texts):
        if not state.left:
            signs = [sign for sign in signs if sign >= index]
            if not signs:
                break
            index = signs[0]
        spans, state = _line(texts[index], state)
        if spans:
            found[index] = spans
        index += 1
    return found, state


def wonders(texts: Sequence[str]) -> bool:
    """Whether what was before lines that follow one another matters to the first of them."""
    for text in texts[: limits.REDACT_KEY_ODD + 2]:
        if SIGN in text:
            return not _begins_first(text)
        if (match := _LAST.search(text)) and _FULL.match(match.group()):
            return True
    return len(texts) < limits.REDACT_KEY_ODD + 2 and any(_short(text) for text in texts)


def _begins_first(text: str) -> bool:
    begin, end = _BEGIN.search(text), _END.search(text)
    return begin is not None and (end is None or begin.start() < end.start())


def _line(text: str, state: State) -> tuple[list[Span], State]:
    spans: list[Span] = []
    at = 0
    while True:
        if state.left:
            at, state = _inside(text, at, state, spans)
        begin = None if state.left else _BEGIN.search(text, at)
        if begin is None:
            return spans, state
        end = _END.search(text, begin.end())
        at = end.end() if end else len(text)
        spans.append((begin.start(), at, NAME))
        if end is None:
            return spans, State(limits.REDACT_KEY_LINES, 0, True)


def _inside(text: str, at: int, state: State, spans: list[Span]) -> tuple[int, State]:
    """A line inside a key, from `at` on; where to go on: at another's BEGIN, after the END, or at the line's."""
    begin, end = _BEGIN.search(text, at), _END.search(text, at)
    again = begin is not None and (end is None or begin.start() < end.start())
    stop = begin if again else end
    part = text[at : stop.start() if stop else len(text)]
    body = _sure(part, state) if state.sure else _unsure(part, state)
    spans += [(at + first, at + last, NAME) for first, last in body]
    if stop:
        return stop.start() if again else stop.end(), OUTSIDE
    odd = 0 if body else state.odd + 1
    left = 0 if odd > limits.REDACT_KEY_ODD else state.left - 1
    return len(text), State(left, odd, state.sure) if left else OUTSIDE


def _sure(part: str, state: State) -> list[tuple[int, int]]:
    body = {match.span() for pattern in (_WIDE, _LAST) for match in pattern.finditer(part)}
    if not body and state.odd == 0 and (match := _SHORT.search(part)):
        body = {match.span()}
    return sorted(body)


def _unsure(part: str, state: State) -> list[tuple[int, int]]:
    match = _LAST.search(part)
    if match and _FULL.match(match.group()):
        return [match.span()]
    after = state.odd == 0 and state.left < limits.REDACT_KEY_LINES
    match = _SHORT.search(part)
    odd = match is None or not (match.group().endswith("=") or _MIXED.match(match.group()))
    return [match.span()] if match and not odd and (after or match.group() == part) else []


def _short(text: str) -> bool:
    """Whether a line may be a key's last one."""
    match = _SHORT.search(text)
    if match is None:
        return False
    token = match.group()
    return token == text.strip() or token.endswith("=") or _MIXED.match(token) is not None
