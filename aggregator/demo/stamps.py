"""Time stamps as the demo's programs write them. Times are seconds since the epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache

_REMEMBERED = 512  # seconds whose text is kept: lines come nearly in order


@lru_cache(_REMEMBERED)
def _local(second: int, pattern: str) -> str:
    return time.strftime(pattern, time.localtime(second))


@lru_cache(_REMEMBERED)
def _utc(second: int, pattern: str) -> str:
    return time.strftime(pattern, time.gmtime(second))


def _split(moment: float, parts: int) -> tuple[int, int]:
    """Whole second and fraction in units of 1/`parts` s, cut and not rounded."""
    return divmod(int(moment * parts), parts)


def nginx_access(moment: float) -> str:
    """`23/Nov/2026:10:00:00 +0000` (nginx `$time_local`)."""
    return _local(int(moment), "%d/%b/%Y:%H:%M:%S %z")


def nginx_error(moment: float) -> str:
    """`2026/11/23 10:00:00`, the host's zone."""
    return _local(int(moment), "%Y/%m/%d %H:%M:%S")


def json_time(moment: float) -> str:
    """`2026-11-23T10:00:00.123Z` (RFC 3339)."""
    second, ms = _split(moment, 1000)
    return f"{_utc(second, '%Y-%m-%dT%H:%M:%S')}.{ms:03d}Z"


def log4j(moment: float) -> str:
    """`2026-11-23 10:00:00,123` (log4j `%d`), the host's zone."""
    second, ms = _split(moment, 1000)
    return f"{_local(second, '%Y-%m-%d %H:%M:%S')},{ms:03d}"


def postgres(moment: float) -> str:
    """`2026-11-23 10:00:00.123 UTC` (PostgreSQL `%m` with `log_timezone = UTC`)."""
    second, ms = _split(moment, 1000)
    return f"{_utc(second, '%Y-%m-%d %H:%M:%S')}.{ms:03d} UTC"


def syslog(moment: float) -> str:
    """`Nov  3 10:00:00` (RFC 3164, section 4.1.2), the host's zone."""
    return _local(int(moment), "%b %e %H:%M:%S")


def rsyslog(moment: float) -> str:
    """`2026-11-23T10:00:00.123456+00:00` (rsyslog's RSYSLOG_FileFormat), the host's zone."""
    second, us = _split(moment, 1_000_000)
    zone = _local(second, "%z")
    return f"{_local(second, '%Y-%m-%dT%H:%M:%S')}.{us:06d}{zone[:3]}:{zone[3:]}"


def stamp_of_syslog(host: str) -> Callable[[float], str]:
    """Databases have the newer distribution in this demo, the others the older stamp."""
    return rsyslog if host.startswith("db-") else syslog
