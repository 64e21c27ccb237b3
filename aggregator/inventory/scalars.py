"""What a plain (unquoted) YAML value means: the core schema of YAML 1.2.2 (section 10.3.2), and nothing looser.

What YAML 1.1 read differently is refused rather than guessed: `yes`, `no`, `on`, `off`, `y`, `n`, `22:30` (1350),
`0755` (493).
"""

from __future__ import annotations

import re

Value = str | int | float | bool | None

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMERIC = "+-.0123456789"  # what numbers begin with
_LOOSE_BOOL = frozenset({"yes", "no", "on", "off", "y", "n"})
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,18}")
_HUGE = re.compile(r"[-+]?[0-9]{19,}|0x[0-9a-fA-F]{16,}|0o[0-7]{21,}")
_OCTAL = re.compile(r"0o[0-7]{1,20}")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def resolve(text: str) -> Value:
    """The value of a plain scalar. Raises ValueError with a sentence for one that YAML versions disagree on."""
    if text.lower() in _LOOSE_BOOL:
        raise ValueError(f"plain {text} is text to some and true or false to others; quote it, or write true or false")
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    return _number(text) if text[0] in _NUMERIC else text


def _number(text: str) -> str | int | float:
    if _SEXAGESIMAL.fullmatch(text):
        raise ValueError(f"plain {text} is a number in base 60 to some YAML readers; quote it")
    if _LEADING_ZERO.fullmatch(text):
        raise ValueError(f"plain {text} is an octal number to some YAML readers; quote it, or drop the leading zero")
    if _HUGE.fullmatch(text):
        raise ValueError("a number of that size has no use here; quote it if it is text")
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", ""))
    return text
