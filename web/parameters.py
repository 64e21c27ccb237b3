"""Query parameters of a view, as INTERFACE names them."""

from __future__ import annotations

from starlette.datastructures import QueryParams

from aggregator.errors import Fault, UsageError
from aggregator.hub.chunk import Format
from aggregator.query import Query

_ONCE = ("level", "lines", "follow", "order", "format")


def query_of(parameters: QueryParams) -> Query:
    """The query that some parameters ask for; unknown ones are ignored. Raises UsageError."""
    twice = [name for name in _ONCE if len(parameters.getlist(name)) > 1]
    if twice:
        raise UsageError([Fault(name, "given more than once") for name in twice])
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
    )


def format_of(parameters: QueryParams) -> Format:
    """`format=text`, or NDJSON. Raises UsageError."""
    form = parameters.get("format", "ndjson")
    if form not in ("ndjson", "text"):
        raise UsageError(Fault("format", f"one of ndjson, text, not {form!r}"))
    return "text" if form == "text" else "ndjson"
