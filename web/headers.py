"""The headers on every answer: nothing inline, nothing foreign, no frame, no referrer, nothing kept in caches."""

from __future__ import annotations

from starlette.types import Message, Send

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_OURS = frozenset(name for name, _ in _HEADERS)
_NO_STORE = (b"cache-control", b"no-store")
_STARTS = ("http.response.start", "websocket.http.response.start")


def with_headers(send: Send) -> Send:
    """`send` that puts our headers on every answer; only `Cache-Control` may be the route's own."""

    async def sender(message: Message) -> None:
        if message["type"] in _STARTS:
            theirs = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in _OURS]
            caching = [] if any(name.lower() == _NO_STORE[0] for name, _ in theirs) else [_NO_STORE]
            message = {**message, "headers": [*theirs, *caching, *_HEADERS]}
        await send(message)

    return sender
