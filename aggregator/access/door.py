"""The one way to log text: decide, write down, then open.

Functions that read log text take an `Opening`, and only a `Door` makes those.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from types import TracebackType
from typing import Final, Self

from aggregator import limits
from aggregator.access.audit import AuditLog, unavailable
from aggregator.access.events import Event, EventName
from aggregator.access.policy import Action, Policy, Verdict
from aggregator.access.real import decide_real
from aggregator.access.request import End, Request, record_of, undone, union
from aggregator.access.served import Served
from aggregator.errors import AuditUnavailable, Denied
from aggregator.model import File, Principal
from aggregator.remote.real import Real
from aggregator.remote.trouble import trouble
from aggregator.stream.runs import Run

_KEY: Final = object()


@dataclass(frozen=True, slots=True)
class _Told:
    """When, by the monotonic clock, and at how many bytes the log last heard of an opening."""

    at: float
    bytes: int


class Opening:
    """The right to read some files, recorded under `seq`; ends with its `async with`, which records what was served.

    Only `Door.open` makes one.
    """

    def __init__(self, key: object, door: Door, principal: Principal, request: Request, seq: int) -> None:
        if key is not _KEY:
            raise TypeError("only Door.open makes an Opening")
        self._door = door
        self._principal = principal
        self._request = request
        self._files = frozenset(request.files)
        self._seq = seq
        self._end: End | None = None
        self._closed = False
        self.served = Served()
        self._told = _Told(time.monotonic(), 0)
        self._reals: dict[tuple[File, Real], bool] = {}

    @property
    def principal(self) -> Principal:
        return self._principal

    @property
    def action(self) -> Action:
        return self._request.action

    @property
    def request(self) -> Request:
        """What was asked for, with the files that were added since."""
        return self._request

    @property
    def files(self) -> tuple[File, ...]:
        """The files that may be read, in the order in which they came."""
        return self._request.files

    @property
    def seq(self) -> int:
        """The number of the audit record of this opening."""
        return self._seq

    @property
    def closed(self) -> bool:
        return self._closed

    def require(self, file: File) -> None:
        """Raises Denied unless this opening, still open, covers `file`. To be called by whatever reads log text."""
        if self._closed:
            raise Denied("this view has ended", "an opening ends with its view")
        if file not in self._files:
            raise Denied(f"{file.path} on {file.host} was not opened", "an opening covers its own files")

    def allows(self, file: File) -> bool:
        """Whether a further file would be let in: a pattern may find files that do not exist for everybody."""
        return all(self._door.policy.decide(self._principal, action, file).allowed for action in self._request.actions)

    def withheld(self, file: File) -> str | None:
        """Why a further file that may be read may not be read with its secrets, as is asked for."""
        request, decide = self._request, self._door.policy.decide
        if request.reason is None or not decide(self._principal, request.action, file).allowed:
            return None
        verdict = decide(self._principal, "reveal", file)
        return None if verdict.allowed else f"{verdict.reason} ({verdict.rule})"

    def renew(self, principal: Principal) -> bool:
        """Go on as what this principal now is; False when some file of it is no longer allowed."""
        self._principal = principal
        self._reals.clear()
        decide = self._door.policy.decide
        actions = self._request.actions
        return all(decide(principal, action, file).allowed for file in self._request.files for action in actions)

    def reads(self, file: File, real: Real) -> bool:
        """Whether what a file of a log really is may be read, as its name may; what may not is written down, once."""
        known = self._reals.get((file, real))
        if known is None:
            decided = [
                decide_real(self._door.policy, self._principal, each, file, real) for each in self._request.actions
            ]
            verdict = next((one for one in decided if not one.allowed), decided[0])
            known = self._reals[file, real] = verdict.allowed
            if not known:
                self._door.refuse_real(self, file, real, verdict)
        return known

    def judge(self, host: str, real: Real | None) -> None:
        """The same for what was opened on a host (`aggregator.remote.real.Judge`)."""
        if real is None:
            return
        logs = [file for file in self._files if file.host == host and real.name.startswith(file.path)]
        log = max(logs, key=lambda file: len(file.path), default=None)
        if log is None or not self.reads(log, real):
            raise trouble("not-allowed", path=real.name)

    async def add(self, files: Iterable[File]) -> None:
        """Extend the opening, when a pattern finds new files: decided and recorded like the opening itself.

        Their text may flow when this returns. Raises Denied (none of them is added) and AuditUnavailable.
        """
        fresh = tuple(file for file in dict.fromkeys(files) if file not in self._files)
        if not fresh:
            return
        if self._closed:
            raise Denied("this view has ended", "an opening ends with its view")
        await self._door.extend(self._principal, self._request, fresh, self._seq)
        known = self._files
        fresh = tuple(file for file in fresh if file not in known)
        self._files = known | frozenset(fresh)
        self._request = replace(
            self._request,
            files=self._request.files + fresh,
            hosts=union(self._request.hosts, (file.host for file in fresh)),
            sources=union(self._request.sources, (file.source for file in fresh)),
        )

    def delivered(self, runs: Sequence[Run], lines: int, size: int) -> None:
        """Count what goes to the viewer now: runs of lines, how many lines, and the bytes of their text."""
        self.served.add(runs, lines, size)

    def beat(self) -> None:
        """Write down from time to time how far the view has come. To be called before text leaves, and now and then.

        Raises AuditUnavailable when the log can't be written now.
        """
        if trouble := self._door.audit.trouble:
            raise unavailable(trouble)
        now, size = time.monotonic(), self.served.bytes
        if now - self._told.at >= limits.AUDIT_PROGRESS or size - self._told.bytes >= limits.AUDIT_PROGRESS_BYTES:
            self._told = _Told(now, size)
            self._door.progress(self)

    def dropped(self, lines: int, size: int) -> None:
        """Count lines and bytes of text that the viewer lost by being slow."""
        self.served.dropped_lines += lines
        self.served.dropped_bytes += size

    def end(self, reason: End) -> None:
        """Say why the view ends; the first reason counts."""
        if self._end is None:
            self._end = reason

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._closed:
            return
        self._closed = True
        self.end(_why(error))
        self._door.closed(self, self._end or "error")


class Door:
    """Decides by the policy, writes to the audit log, opens. `policy` may be replaced (a reload); it counts from the
    next decision on.
    """

    def __init__(self, policy: Policy, audit: AuditLog) -> None:
        self.policy = policy
        self.audit = audit

    async def open(self, principal: Principal, request: Request) -> Opening:
        """Open the files of a request; to be used at once: `async with await door.open(…) as opening`.

        All or nothing. Raises Denied, which is recorded as `refuse`, and AuditUnavailable.
        """
        verdict = await self._decide(principal, request, request.files)
        event = record_of(principal, request, request.event, verdict)
        seq = await self.audit.record(event, lambda seq: undone(principal, request, seq))
        return Opening(_KEY, self, principal, request, seq)

    async def refuse(
        self,
        principal: Principal | None,
        detail: str,
        rule: str,
        *,
        command: str | None = None,
        via: str | None = None,
        address: str | None = None,
        hosts: tuple[str, ...] = (),
    ) -> int:
        """Record a refusal that was decided elsewhere (a foreign Host or Origin, a hidden host, a bad token).

        Raises AuditUnavailable.
        """
        return await self.audit.record(
            Event(
                "refuse",
                principal=principal.name if principal else None,
                via=principal.via if principal else via,
                address=principal.address if principal else address,
                hosts=hosts,
                command=command,
                verdict="denied",
                rule=rule,
                detail=detail,
            )
        )

    def refuse_real(self, opening: Opening, file: File, real: Real, verdict: Verdict) -> None:
        """Record that a file's name leads to what its viewer may not read; does not wait for it."""
        where = "the host can't tell what it is" if real.path is None else f"it is {real.path}"
        event = record_of(opening.principal, replace(opening.request, files=(file,)), "refuse", verdict)
        detail = f"{real.name} on {file.host}: {where}: {verdict.reason}"
        self.audit.note(replace(event, hosts=(file.host,), sources=(file.source,), detail=detail))

    async def extend(self, principal: Principal, request: Request, files: tuple[File, ...], seq: int) -> None:
        """Decide and record further files of the opening `seq`; what `Opening.add` does first."""
        more = replace(
            request,
            files=files,
            hosts=union((), (file.host for file in files)),
            sources=union((), (file.source for file in files)),
        )
        verdict = await self._decide(principal, more, files)
        name: EventName = "reveal" if request.reason else "open"
        await self.audit.record(replace(record_of(principal, more, name, verdict), detail={"extends": seq}))

    def progress(self, opening: Opening) -> None:
        """Record how far an opening has come; does not wait for it."""
        detail = opening.served.detail(opening.seq, None)
        self.audit.note(replace(record_of(opening.principal, opening.request, "progress", None), detail=detail))

    def closed(self, opening: Opening, end: End) -> None:
        """Record the end of an opening; does not wait for it."""
        detail = opening.served.detail(opening.seq, end)
        self.audit.note(replace(record_of(opening.principal, opening.request, "close", None), detail=detail))

    async def _decide(self, principal: Principal, request: Request, files: tuple[File, ...]) -> Verdict | None:
        """The verdict on all files (of the first, when they are allowed); None when there is no file yet."""
        first = None
        for action, file in product(request.actions, files):
            verdict = self.policy.decide(principal, action, file)
            first = verdict if action == request.actions[-1] and first is None else first
            if not verdict.allowed:
                event = record_of(principal, request, "refuse", verdict)
                await self.audit.record(replace(event, detail=f"{file.path} on {file.host}: {verdict.reason}"))
                raise Denied(verdict.reason, verdict.rule)
        return first


def _why(error: BaseException | None) -> End:
    if error is None:
        return "complete"
    if isinstance(error, AuditUnavailable):
        return "audit-unavailable"
    return "viewer-left" if isinstance(error, asyncio.CancelledError | GeneratorExit) else "error"
