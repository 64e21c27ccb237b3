"""Passwords: argon2id (RFC 9106) by argon2-cffi, off the loop, and the same time for known and unknown users."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from aggregator import limits
from aggregator.errors import Fault, UsageError

_HASHER = PasswordHasher()  # RFC 9106's low-memory profile: 64 MiB, 3 passes, 4 lanes
# Nobody knows the password of this one. Written out: making one takes a quarter of a second at every start.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$uXbIHZifniMNnQNiVHu/PA$WdeK/DemE7pQMPbye05/xTEvqQeXRcSr1U3nhcX3UTk"


def hash_password(password: str) -> str:
    """Argon2's encoded form, for `access.users.NAME.password_hash`. Raises UsageError for none and one too long."""
    if not password:
        raise UsageError(Fault("password", "is empty"))
    if len(password.encode("utf-8", "surrogatepass")) > limits.PASSWORD_BYTES:
        raise UsageError(Fault("password", f"has more than {limits.PASSWORD_BYTES} bytes"))
    return _HASHER.hash(password)


class Passwords:
    """Checks passwords, few at once: each check takes 64 MiB and a tenth of a second of a core."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(limits.PASSWORD_CHECKS)

    async def holds(self, password_hash: str | None, password: str) -> bool:
        """Whether a password fits a hash; None, of a user who is not known, takes as long and never fits."""
        if len(password.encode("utf-8", "surrogatepass")) > limits.PASSWORD_BYTES:
            password, password_hash = "", None
        async with self._slots:
            fits = await asyncio.to_thread(_verify, password_hash or _NOBODY, password)
        return fits and password_hash is not None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
