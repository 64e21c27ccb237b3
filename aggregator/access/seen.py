"""Reads audit records: whether a line was served in what they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.errors import UsageError
from aggregator.model import Position
from aggregator.stream import positions


def served_line(record: Mapping[str, Any], place: Position) -> bool:
    """Whether a `close` or `progress` record has a range of positions that holds the line at `place`."""
    detail = record.get("detail")
    files = detail.get("files") if isinstance(detail, dict) else None
    return isinstance(files, list) and any(_holds(one, place) for one in files)


def _holds(file: Any, place: Position) -> bool:
    if not isinstance(file, dict) or not isinstance(file.get("ranges"), list):
        return False
    named = (place.file.host, place.file.source, place.file.path)
    if (file.get("host"), file.get("source"), file.get("path")) != named:
        return False
    return any(_covers(one, place) for one in file["ranges"])


def _covers(range_: Any, place: Position) -> bool:
    try:
        start, end = positions.decode(range_["from"]), positions.decode(range_["to"])
    except (KeyError, TypeError, UsageError):
        return False
    return start.generation == place.generation == end.generation and start.offset <= place.offset < end.offset
