"""`GET /api/v1/lines`: a page of history, or its lines while they are found (`format=ndjson`)."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from aggregator import limits
from aggregator.access.inuse import Revoked
from aggregator.errors import AuditUnavailable, Fault, UsageError
from aggregator.pages import Page, Reading
from aggregator.past import Between
from aggregator.service import Aggregator
from aggregator.stream.records import encode

from .identity import principal_of
from .parameters import page_format_of, past_query_of
from .pump import Sending, begin_records, end_records, left, record_of, sent, while_there

_OTHER = ("hosts", "source", "since", "until", "direction")


class Lines:
    """The endpoint, as an ASGI application: what reads on hosts ends when the client goes away."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        given = request.query_params
        past = self._aggregator.past(principal_of(request))
        if "from" in given or "to" in given:
            page = await past.between(_between(given.multi_items()))
            await _answer(page)(scope, receive, send)
            return
        form = page_format_of(given)
        sending = Sending(send)
        try:
            async with past.lines(past_query_of(given)) as reading:
                if form == "ndjson":
                    await while_there(_stream(reading, sending), left(receive))
                else:
                    await while_there(_page(reading, scope, receive, sending), left(receive))
        except Revoked as error:
            if not sending.begun:
                raise
            if form == "ndjson":
                await _revoked(reading, sending, error)


async def _page(reading: Reading, scope: Scope, receive: Receive, send: Send) -> None:
    await _answer(await reading.page())(scope, receive, send)


async def _stream(reading: Reading, send: Send) -> None:
    """Lines in the order of reading, how far it has come from time to time, and an end."""
    await begin_records(send)
    reason, detail = "complete", None
    lock = asyncio.Lock()
    telling = asyncio.create_task(_tell(reading, send, lock))
    try:
        async with aclosing(reading.blocks(patience=limits.MERGE_PATIENCE)) as blocks:
            async for block in blocks:
                data = b"".join([encode(line.record) + b"\n" for line in block])
                async with lock:
                    if not await sent(send, data):
                        return
    except AuditUnavailable as error:
        reason, detail = "audit-unavailable", str(error)
    finally:
        telling.cancel()
        await asyncio.wait([telling])
    end = b"".join([_progress(reading), record_of(reading.ended(reason, detail))])
    await send({"type": "http.response.body", "body": end, "more_body": True})
    await send({"type": "http.response.body"})


async def _revoked(reading: Reading, send: Send, error: Revoked) -> None:
    """The end of lines whose reader may not have them any more; who does not read is cut off."""
    end = reading.ended("revoked", str(error))
    end.cursor = None
    await end_records(send, record_of(end))


async def _tell(reading: Reading, send: Send, lock: asyncio.Lock) -> None:
    """Say how far each host has come, where that is something new."""
    told = b""
    while True:
        now = _progress(reading)
        if now != told:
            told = now
            async with lock:
                await send({"type": "http.response.body", "body": now, "more_body": True})
        await asyncio.sleep(limits.PROGRESS_BEAT)


def _progress(reading: Reading) -> bytes:
    return b"".join(map(record_of, [*reading.progress(), reading.total()]))


def _answer(page: Page) -> Response:
    return Response(msgspec.json.encode(page), media_type="application/json")


def _between(items: list[tuple[str, str]]) -> Between:
    """The parameters. Raises UsageError."""
    given = dict(items)
    faults = [Fault(name, "this does not go with `from` and `to`") for name in _OTHER if name in given]
    faults += [Fault(name, "a position is needed") for name in ("from", "to") if name not in given]
    if faults:
        raise UsageError(faults)
    return Between(
        given["from"],
        given["to"],
        given.get("cursor"),
        tuple(value for name, value in items if name == "grep"),
        tuple(value for name, value in items if name == "exclude"),
        given.get("level") or None,
        given.get("limit", "1000"),
        given.get("raw", "0"),
        given.get("reason"),
    )
