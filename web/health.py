"""Whether the program lives and is ready; hosts that are down never make it unready."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from aggregator import __version__
from aggregator.model import State


class Vitals(Protocol):
    """What the program knows of itself."""

    def ready(self) -> Sequence[tuple[str, bool, str]]:
        """The checks: name, whether it passes, and why not (or what to know all the same), in words that name no
        host and no path."""
        ...

    def host_states(self) -> Mapping[State, int]:
        """How many hosts are in each state."""
        ...


def routes(vitals: Vitals) -> list[Route]:
    """`/livez`, `/readyz[?verbose]`, `/healthz` and `/health`."""

    async def livez(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        checks = vitals.ready()
        status = 200 if _passes(checks) else 503
        if "verbose" in request.query_params:
            return PlainTextResponse(_verbose(checks), status)
        return PlainTextResponse("ok\n" if status == 200 else "not ready\n", status)

    async def health(request: Request) -> Response:
        up = _passes(vitals.ready())
        return JSONResponse(_health(up, vitals.host_states()), 200 if up else 503)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/healthz", readyz), Route("/health", health)]


def _passes(checks: Sequence[tuple[str, bool, str]]) -> bool:
    return all(passes for _, passes, _ in checks)


def _verbose(checks: Sequence[tuple[str, bool, str]]) -> str:
    """Like Kubernetes' own endpoints: a line per check, then the sum."""
    lines = [_line(*check) for check in checks]
    lines.append("readyz check passed" if _passes(checks) else "readyz check failed")
    return "".join(line + "\n" for line in lines)


def _line(name: str, passes: bool, why: str) -> str:
    if passes:
        return f"[!]{name} {why}" if why else f"[+]{name} ok"
    return f"[-]{name} failed: {why}"


def _health(up: bool, states: Mapping[State, int]) -> dict[str, object]:
    return {
        "status": "UP" if up else "DOWN",
        "timestamp": time.time_ns() // 1_000_000,
        "service": "tailon-agg",
        "version": __version__,
        "hosts": {state: states.get(state, 0) for state in get_args(State)},
    }
