"""Times as people write them: `10s`, `500ms`, `2m`, `1h`, `7d`; a plain number is seconds (of a retention: days)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def seconds(value: object) -> float:
    """A duration in seconds. Raises ValueError with a sentence for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a duration like 10s, 500ms, 2m or 1h (a plain number is seconds)")
    return float(match[1]) * _SECONDS[match[2]]


def days(value: object) -> int:
    """A retention in whole days. Raises ValueError with a sentence for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = re.fullmatch(r"([0-9]{1,6})d", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a number of days like 7 or 7d")
    return int(match[1])


def moment(value: object) -> datetime:
    """A day (its first moment, UTC) or an RFC 3339 time with a zone, as an aware time in UTC. Raises ValueError."""
    problem = "must be a day like 2027-01-31 (its first moment in UTC) or a time with a zone like 2027-01-31T12:00:00Z"
    if not isinstance(value, str) or not value.isascii():
        raise ValueError(problem)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return datetime.combine(date.fromisoformat(value), time.min, UTC)
        found = datetime.fromisoformat(value)
        if found.tzinfo is None or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]", value):
            raise ValueError(problem)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(problem) from None
