"""Logging in and out, written down before it counts."""

from __future__ import annotations

from aggregator.access.audit import AuditLog
from aggregator.access.events import Event
from aggregator.access.identity import Identities
from aggregator.errors import AuditUnavailable, TooMany, Unauthorized


class Logins:
    """The logins of one program. A name that nobody has is not written down: it may be a password."""

    def __init__(self, identities: Identities, audit: AuditLog) -> None:
        self._identities = identities
        self._audit = audit

    async def login(self, user: str, password: str, address: str | None) -> str:
        """The id of a new session. Raises Unauthorized, TooMany, AuditUnavailable."""
        known = user if self._identities.knows(user) else None
        try:
            identity = await self._identities.login(user, password, address)
        except (Unauthorized, TooMany) as error:
            detail = str(error) if known else f"a name of {len(user)} characters that nobody has: {error}"
            await self._audit.record(
                Event("login-failed", known, "web", address, verdict="denied", rule="access.users", detail=detail)
            )
            raise
        try:
            await self._audit.record(
                Event("login", user, "web", address, verdict="allowed", rule=f"access.users.{user}")
            )
        except AuditUnavailable:
            self._identities.sessions.end(identity)
            raise
        return identity

    async def logout(self, identity: str, address: str | None) -> None:
        """End a session, recorded or not."""
        user = self._identities.sessions.end(identity)
        if user is not None:
            self._audit.note(Event("logout", user, "web", address))
