"""Logins of browsers: kept on the server, found by the hash of a random id that only the browser has."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from aggregator import limits


@dataclass(slots=True)
class Session:
    """Who logged in, when, and when they were last here (seconds of a clock that never goes back)."""

    user: str
    began: float
    seen: float


class Sessions:
    """All sessions. A new login is a new id; an id ends after some idle hours, after a day, or by `end`."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._sessions: dict[str, Session] = {}

    def begin(self, user: str) -> str:
        """The id of a new session; where there are too many, the one that was idle longest ends."""
        self._forget_ended()
        while len(self._sessions) >= limits.SESSIONS:
            del self._sessions[min(self._sessions, key=lambda key: self._sessions[key].seen)]
        identity = secrets.token_urlsafe(32)
        now = self._now()
        self._sessions[_key(identity)] = Session(user, now, now)
        return identity

    def find(self, identity: str, *, touch: bool = True) -> str | None:
        """The user of a session that has not ended; being asked for keeps it from being idle."""
        return self.user_of(_key(identity), touch=touch)

    def user_of(self, key: str, *, touch: bool = True) -> str | None:
        """The same by the session's key, which may be kept where the id may not."""
        session = self._sessions.get(key)
        if session is None or self._has_ended(session):
            return None
        if touch:
            session.seen = self._now()
        return session.user

    def key(self, identity: str) -> str:
        """What a session is kept under."""
        return _key(identity)

    def end(self, identity: str) -> str | None:
        """End a session; its user."""
        session = self._sessions.pop(_key(identity), None)
        return session.user if session and not self._has_ended(session) else None

    def end_all(self, user: str) -> None:
        """End all sessions of a user who was removed or has another password."""
        for key in [key for key, session in self._sessions.items() if session.user == user]:
            del self._sessions[key]

    def __len__(self) -> int:
        return len(self._sessions)

    def _has_ended(self, session: Session) -> bool:
        now = self._now()
        return now - session.seen > limits.SESSION_IDLE or now - session.began > limits.SESSION_LIFE

    def _forget_ended(self) -> None:
        for key in [key for key, session in self._sessions.items() if self._has_ended(session)]:
            del self._sessions[key]


def _key(identity: str) -> str:
    return sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
