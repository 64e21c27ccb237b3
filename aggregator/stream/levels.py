"""How serious a line says it is.

A level counts where programs write it: behind the stamp, in brackets, before a colon, as the value of a key. A plain
word of a message ("no error found") is no level. Sources: RFC 5424 §6.2.1 (syslog's severities), klog's header,
PostgreSQL's message severities, bunyan's and pino's numbers, java.util.logging, RFC 9110 §15 (status codes).
"""

from __future__ import annotations

import re

from aggregator.limits import KEYED_PREFIX, LEVEL_PREFIX, LEVEL_TOKENS, STAMP_PREFIX
from aggregator.stream import keyed
from aggregator.stream.levelwords import BEFORE_COLON, BUNYAN, CAPITALS, LETTERS, LEVELS, SYSLOG, TOKENS, WORDS

__all__ = ["LEVELS", "at_least", "level_of"]

_RANK = {level: rank for rank, level in enumerate(LEVELS)}
_KEYS = ("level=", "lvl=", "severity=")
_JSON_KEYS = tuple(f'"{name}":' for name in ("level", "severity", "lvl", "log.level", "levelname", "loglevel", "Level"))
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,16}m", re.ASCII)
_PRI = re.compile(r"<(\d{1,3})>", re.ASCII)
_KLOG = re.compile(r"([DIWEF])\d{4} \d\d:", re.ASCII)
_STATUS = re.compile(r'\] "[^"\\]*+(?:\\.[^"\\]*+)*+" ([1-5])\d\d(?!\w)', re.ASCII)
_VALUE = re.compile(r'"?([A-Za-z]{1,13}|\d{1,3})(?![\w.])', re.ASCII)


def at_least(level: str | None, threshold: str) -> bool:
    """Whether `level` is `threshold` or worse; a line without a level passes."""
    return level is None or _RANK[level] >= _RANK[threshold]


def level_of(text: str) -> str | None:
    """The level that the line itself states, one of `LEVELS`, or None."""
    first = text[:1]
    if first == "{":
        return _json(text, 0)
    if first == "<":
        pri = _PRI.match(text)
        if pri is not None and int(pri[1]) < 192:
            return SYSLOG[int(pri[1]) & 7]
    elif first in "DIWEF":
        klog = _KLOG.match(text)
        if klog is not None:
            return LETTERS[klog[1].lower()]
    if text.find('] "', 0, STAMP_PREFIX) > 0:
        status = _STATUS.search(text, 0, KEYED_PREFIX)
        if status is not None:
            return "error" if status[1] == "5" else "warning" if status[1] == "4" else "info"
    return _written(text)


def _written(text: str) -> str | None:
    """The level among the first tokens, of which at most one in a row may be a plain word (a host, a program)."""
    head = text[_behind_stamp(text) : LEVEL_PREFIX]
    if "\x1b" in head:
        head = _COLOUR.sub("", head)
    if "][" in head:
        head = head.replace("][", "] [")
    words = 0
    for place, token in enumerate(head.split(None, LEVEL_TOKENS)[:LEVEL_TOKENS]):
        level = TOKENS.get(token)
        if level is not None:
            return level or None
        if token[0] < ":" and token[0] != '"':  # numbers, addresses, dashes
            words = 0
            continue
        if token.isalpha():
            if token in WORDS and f"\t{token}\t" in head:
                return WORDS[token]
            words += token not in ("stdout", "stderr")  # CRI's streams
            if words > 1:
                return None
            continue
        level = _special(text, token, place, words)
        if level is not None:
            return level or None
        words = 0
    return None


def _behind_stamp(text: str) -> int:
    """Behind the commonest stamps, to spare looking at their tokens: `2026-11-23 10:00:00`, `Nov 23 10:00:00`."""
    if text[13:17:3] == "::":
        return 20 if text[19:20] == "Z" else 19
    return 15 if text[9:13:3] == "::" else 0


def _special(text: str, token: str, place: int, words: int) -> str | None:
    """The level in a token of several parts; "" where the search ends, None where it goes on."""
    last = token[-1]
    if last == ":":
        if words == 0 and token in BEFORE_COLON:
            return BEFORE_COLON[token]
        # Monolog's `app.ERROR:`, RDS's `UTC:10.0.0.1(123):app@db:[12]:ERROR:`.
        return TOKENS.get(token[max(token.rfind("."), token.rfind(":", 0, -1)) + 1 :])
    if last == "]":
        return WORDS.get(token[token.rfind(":") + 1 : -1]) if token[0] == "[" else None  # Apache: `[core:error]`
    if token[0] == "{":
        return _json(text, text.find("{")) or ""
    if "=" in token:
        return _pair(text, token, place)
    if last == "," and len(token) > 2:
        return ""  # prose
    if place == 0 and ":" in token:
        return CAPITALS.get(token[: token.find(":")])  # Python: `WARNING:root:…`
    return "" if '"' in token else None


def _pair(text: str, token: str, place: int) -> str | None:
    """The level of a logfmt line, or of one behind a syslog header."""
    if place == 0:
        return _logfmt(text)
    if token.startswith(_KEYS):
        return _value(token, token.index("=") + 1)
    return "" if '"' in token else None


def _json(text: str, start: int) -> str | None:
    for key in _JSON_KEYS:
        at = keyed.json_value(text, key, start)
        if at >= 0:
            return _value(text, at)
    return None


def _logfmt(text: str) -> str | None:
    for key in _KEYS:
        at = keyed.logfmt_value(text, key)
        if at >= 0:
            return _value(text, at)
    return None


def _value(text: str, at: int) -> str | None:
    """A word, a letter, a syslog severity (0 to 7), or bunyan's and pino's number (10 to 60 and what is between)."""
    value = _VALUE.match(text, at)
    if value is None:
        return None
    word = value[1]
    if not word.isdigit():
        word = word.lower()
        return WORDS.get(word) or LETTERS.get(word)
    number = int(word)
    return SYSLOG[number] if number < 8 else BUNYAN.get(number // 10 * 10)
