"""`--server URL`: history from another tailon-agg, by plain requests."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Mapping
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import msgspec

from aggregator import limits
from aggregator.cli.client import TOKEN, refusal
from aggregator.errors import Fault, ServerError, UsageError
from aggregator.histogram import Histogram
from aggregator.pages import Page
from aggregator.pastquery import HistogramQuery, PastQuery

T = TypeVar("T")


class Server:
    """A server as a history (aggregator.cli.search.History). Raises UsageError for what is no URL of one."""

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise UsageError(Fault("--server", f"an address like https://logs.example.org, not {url!r}"))
        self.hosts: int | None = None
        self._url = url.rstrip("/")
        token = environ.get(TOKEN)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def page(self, query: PastQuery) -> Page:
        """Raises UsageError, Denied, ServerError."""
        return await asyncio.to_thread(self._get, "lines", _parameters(query), Page)

    async def histogram(self, query: HistogramQuery) -> Histogram:
        """Raises UsageError, Denied, ServerError."""
        parameters = [*_parameters(query.query), ("exact", query.exact)]
        if query.buckets is not None:
            parameters.append(("buckets", query.buckets))
        return await asyncio.to_thread(self._get, "histogram", parameters, Histogram)

    def _get(self, what: str, parameters: list[tuple[str, str]], kind: type[T]) -> T:
        address = f"{self._url}/api/v1/{what}?{urlencode(parameters)}"
        request = Request(address, headers=self._headers)  # noqa: S310 - http or https, see above
        try:
            with urlopen(request, timeout=limits.SEARCH_PATIENCE) as answer:  # noqa: S310 - http or https, see above
                return msgspec.json.decode(answer.read(), type=kind)
        except HTTPError as error:
            raise refusal(self._url, error.code, error.read()) from None
        except (URLError, OSError, http.client.HTTPException) as error:
            words = getattr(error, "reason", None) or error
            raise ServerError(f"{self._url} can't be reached: {words}; see whether tailon-agg serves there") from None
        except msgspec.DecodeError:
            raise ServerError(f"{self._url} does not answer like tailon-agg") from None


def _parameters(query: PastQuery) -> list[tuple[str, str]]:
    several = [("hosts", query.hosts), ("source", query.sources), ("grep", query.grep), ("exclude", query.exclude)]
    single = [
        (name, getattr(query, name)) for name in ("level", "since", "until", "limit", "direction", "cursor", "max_scan")
    ]
    found = [(name, value) for name, values in several for value in values]
    return found + [(name, value) for name, value in single if value is not None]
