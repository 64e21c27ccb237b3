"""`--server URL`: a terminal as a plain client of another tailon-agg's socket, without a key of any host."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from aggregator import limits
from aggregator.cli.printing import print_blocks
from aggregator.errors import Denied, Fault, ServerError, UsageError
from aggregator.hub.queue import Block
from aggregator.query import Query
from aggregator.stream.records import EndRecord, Record

TOKEN = "TAILON_AGG_TOKEN"  # noqa: S105 - the name of a variable
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


async def tail_from(server: str, environ: Mapping[str, str], query: Query, output: str) -> None:
    """Print a server's view until it ends or INT comes. Raises UsageError, Denied, ServerError."""
    url = _address(server, query)
    token = environ.get(TOKEN)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with connect(
            url, additional_headers=headers, compression=None, max_size=limits.CLIENT_MESSAGE, open_timeout=limits.OPEN
        ) as socket:
            await _print(socket, output, environ)
    except InvalidStatus as error:
        raise refusal(server, error.response.status_code, bytes(error.response.body or b"")) from None
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
        words = str(error) or "no answer"
        raise ServerError(f"{server} can't be reached: {words}; see whether tailon-agg serves there") from None


async def _print(socket: ClientConnection, output: str, environ: Mapping[str, str]) -> None:
    """Print until the end, or until a signal asks for it."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as tasks:
        closing = tasks.create_task(_close(socket, stop))
        await print_blocks(_blocks(socket, stop), output, environ)
        closing.cancel()


async def _close(socket: ClientConnection, stop: asyncio.Event) -> None:
    await stop.wait()
    await socket.close()


async def _blocks(socket: ClientConnection, stop: asyncio.Event) -> AsyncIterator[Block]:
    """The records of each message; records of types that this version does not know are passed over."""
    ended = False
    try:
        async for message in socket:
            records = [record for raw in msgspec.json.decode(message, type=list[msgspec.Raw]) if (record := _read(raw))]
            ended = ended or any(isinstance(record, EndRecord) for record in records)
            yield Block(records, None)
    except ConnectionClosed:
        if not ended and not stop.is_set():
            raise ServerError("the server was lost; call again with --after to go on where it stopped") from None


def _read(raw: msgspec.Raw) -> Record | None:
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError:
        return None


def _address(server: str, query: Query) -> str:
    """The socket's address below a server's, which may have a path of its own. Raises UsageError."""
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(Fault("--server", f"an address such as https://logs.example.org, not {server!r}"))
    parameters = [
        *(("hosts", text) for text in query.hosts),
        *(("source", text) for text in query.sources),
        *(("grep", text) for text in query.grep),
        *(("exclude", text) for text in query.exclude),
        *(("after", text) for text in query.after),
        ("lines", query.lines),
        ("follow", query.follow),
        *((("level", query.level),) if query.level else ()),
        *((("raw", query.raw), ("reason", query.reason or "")) if query.raw == "1" else ()),
    ]
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/ws", urlencode(parameters), ""))


def refusal(server: str, status: int, body: bytes) -> Exception:
    """A server's problem (RFC 9457) as the error that it was there."""
    try:
        problem = json.loads(body or b"")
    except ValueError:
        problem = {}
    detail = str(problem.get("detail") or f"HTTP {status}")
    if status == UsageError.status and isinstance(problem.get("errors"), list):
        faults = [Fault(str(e.get("parameter")), str(e.get("detail")), e.get("column")) for e in problem["errors"]]
        return UsageError(faults)
    if status in (401, Denied.status):
        return Denied(f"{server} refuses: {detail}", str(problem.get("rule") or status))
    return ServerError(f"{server} refuses: {detail}")
