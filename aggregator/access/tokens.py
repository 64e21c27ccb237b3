"""API tokens: 256 random bits, shown once, kept as a hash that needs no salt."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

from aggregator.inventory.settings import Token

PREFIX = "tagg_"  # so that people and secret scanners recognise one


def new_token() -> str:
    """A token to be given to a program."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What the inventory holds of it: `sha256:` and the hex SHA-256 of the whole string."""
    return f"sha256:{_digest(token)}"


class Tokens:
    """The tokens of an inventory, found by hash: how long a look takes says nothing about the text of any."""

    def __init__(self, tokens: Mapping[str, Token]) -> None:
        self._by_hash = {token.sha256.lower(): token for token in tokens.values()}

    def find(self, text: str) -> Token | None:
        """The token of this text, expired or not."""
        return self._by_hash.get(_digest(text))


def is_expired(token: Token, now: datetime | None = None) -> bool:
    """Whether its time is over."""
    return token.expires is not None and token.expires <= (now or datetime.now(UTC))


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
