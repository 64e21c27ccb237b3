"""Query parameters of a view, as INTERFACE names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starlette.datastructures import QueryParams

from aggregator.errors import Fault, UsageError
from aggregator.hub.chunk import Format
from aggregator.pastquery import HistogramQuery, PastQuery
from aggregator.query import Query

_RAW = ("raw", "reason")
_ONCE = ("level", "lines", "follow", "order", "format", *_RAW)
_PAST_ONCE = (
    *("level", "since", "until", "limit", "direction", "cursor", "max_scan", "format", "buckets", "exact"),
    *_RAW,
)


def query_of(parameters: QueryParams) -> Query:
    """The query that some parameters ask for; unknown ones are ignored. Raises UsageError."""
    _check_once(parameters, _ONCE)
    return Query(
        hosts=tuple(parameters.getlist("hosts")),
        sources=tuple(parameters.getlist("source")),
        grep=tuple(parameters.getlist("grep")),
        exclude=tuple(parameters.getlist("exclude")),
        level=parameters.get("level") or None,
        lines=parameters.get("lines", "100"),
        after=tuple(parameters.getlist("after")),
        follow=parameters.get("follow", "1"),
        order=parameters.get("order", "time"),
        raw=parameters.get("raw", "0"),
        reason=parameters.get("reason"),
    )


def past_query_of(parameters: QueryParams) -> PastQuery:
    """The query of history that some parameters ask for; unknown ones are ignored. Raises UsageError."""
    _check_once(parameters, _PAST_ONCE)
    return PastQuery(
        hosts=tuple(parameters.getlist("hosts")),
        sources=tuple(parameters.getlist("source")),
        grep=tuple(parameters.getlist("grep")),
        exclude=tuple(parameters.getlist("exclude")),
        level=parameters.get("level") or None,
        since=parameters.get("since") or None,
        until=parameters.get("until") or None,
        limit=parameters.get("limit"),
        direction=parameters.get("direction") or None,
        cursor=parameters.get("cursor") or None,
        max_scan=parameters.get("max_scan") or None,
        raw=parameters.get("raw", "0"),
        reason=parameters.get("reason"),
    )


def histogram_query_of(parameters: QueryParams) -> HistogramQuery:
    """The histogram that some parameters ask for. Raises UsageError."""
    query = replace(past_query_of(parameters), limit=None, direction=None, cursor=None)
    return HistogramQuery(query, parameters.get("buckets"), parameters.get("exact", "1"))


def _check_once(parameters: QueryParams, names: Sequence[str]) -> None:
    twice = [name for name in names if len(parameters.getlist(name)) > 1]
    if twice:
        raise UsageError([Fault(name, "given more than once") for name in twice])


def format_of(parameters: QueryParams) -> Format:
    """`format=text`, or NDJSON. Raises UsageError."""
    form = parameters.get("format", "ndjson")
    if form not in ("ndjson", "text"):
        raise UsageError(Fault("format", f"one of ndjson, text, not {form!r}"))
    return "text" if form == "text" else "ndjson"


def page_format_of(parameters: QueryParams) -> str:
    """`format=ndjson`, or `json`. Raises UsageError."""
    form = parameters.get("format", "json")
    if form not in ("json", "ndjson"):
        raise UsageError(Fault("format", f"one of json, ndjson, not {form!r}"))
    return form
