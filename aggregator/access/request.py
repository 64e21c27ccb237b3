"""What somebody asks to read, and the audit records of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from aggregator.access.events import Event, EventName, Filter
from aggregator.access.policy import Action, Verdict
from aggregator.access.served import Served
from aggregator.model import EndReason, File, Principal

End = EndReason | Literal["viewer-left", "error", "never-opened"]


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to read. `command` is the route or subcommand, `event` how the log names the act.

    `files` are what the selectors came to; `hosts` and `sources` are their names, also those without a file yet.
    `reason` is why their secrets are wanted, too.
    """

    action: Action
    command: str
    hosts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    grep: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    level: str | None = None
    reason: str | None = None
    event: EventName = "open"

    @property
    def actions(self) -> tuple[Action, ...]:
        """What must be allowed on each file."""
        return (self.action,) if self.reason is None else (self.action, "reveal")


def record_of(principal: Principal, request: Request, name: EventName, verdict: Verdict | None) -> Event:
    """The record of an act on what `request` names."""
    denied = verdict is not None and not verdict.allowed
    return Event(
        name,
        principal=principal.name,
        via=principal.via,
        address=principal.address,
        hosts=request.hosts,
        sources=request.sources,
        paths=union((), (file.path for file in request.files)),
        command=request.command,
        filter=Filter(request.grep, request.exclude, request.level),
        reason=request.reason,
        verdict=None if name in ("close", "progress") else "denied" if denied else "allowed",
        rule=verdict.rule if verdict else None,
    )


def undone(principal: Principal, request: Request, seq: int) -> Event:
    """The record that takes an opening back which was written too late to be used."""
    return replace(record_of(principal, request, "close", None), detail=Served().detail(seq, "never-opened"))


def union(names: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    """All names once, in the order in which they came."""
    return tuple(dict.fromkeys([*names, *more]))
