"""Numbers for people: sizes, and bars over time."""

from __future__ import annotations

from aggregator.histogram import Histogram

_BAR = 50  # columns of the longest bar
_EIGHTHS = " ▏▎▍▌▋▊▉"


def size_words(size: int) -> str:
    """Bytes in decimal units, as disks are sold: `1.3 GB`."""
    value, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{size} bytes" if unit == "bytes" else f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}"


def chart(found: Histogram) -> str:
    """A row for each bucket: when it begins (UTC), how many lines, and a bar."""
    most = max((bucket.count for bucket in found.buckets), default=0)
    width = len(f"{most:,}")
    rows = [f"{bucket.start[:19]}Z {bucket.count:>{width},} {_bar(bucket.count, most)}" for bucket in found.buckets]
    return "".join(f"{row.rstrip()}\n" for row in rows)


def _bar(count: int, most: int) -> str:
    eighths = count * _BAR * 8 // most if most else 0
    return "█" * (eighths // 8) + _EIGHTHS[max(eighths % 8, count > 0 and eighths < 1)].strip()
