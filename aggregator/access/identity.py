"""Who asks: by an API token, by a login's session, or by what a trusted reverse proxy says."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Literal

from aggregator import limits
from aggregator.access.passwords import Passwords
from aggregator.access.sessions import Sessions
from aggregator.access.throttle import Throttle
from aggregator.access.tokens import Tokens, is_expired
from aggregator.errors import ConfigError, Unauthorized
from aggregator.inventory.settings import Access, Proxy
from aggregator.model import Principal

Via = Literal["web", "api"]


class Identities:
    """Those of an inventory's `access:`, which `replace` changes; sessions and failures outlive that."""

    def __init__(self, access: Access) -> None:
        self.sessions = Sessions()
        self.throttle = Throttle()
        self._passwords = Passwords()
        self._load(access)

    @property
    def users(self) -> bool:
        """Whether anybody can log in with a password."""
        return bool(self._access.users)

    @property
    def secret_header(self) -> str | None:
        """The header in which a proxy shows its secret."""
        proxy = self._access.proxy
        return proxy.secret_header.name if proxy and proxy.secret_header else None

    @property
    def proxy(self) -> Proxy | None:
        return self._access.proxy

    def knows(self, user: str) -> bool:
        """Whether there is a user of this name."""
        return user in self._access.users

    def replace(self, access: Access) -> None:
        """Go on with another inventory's; sessions of users that are gone or have another password end.

        Raises ConfigError when the proxy's secret can't be read; nothing has changed then.
        """
        before = self._access.users
        self._load(access)
        for name, user in before.items():
            now = access.users.get(name)
            if now is None or now.password_hash != user.password_hash:
                self.sessions.end_all(name)

    def _load(self, access: Access) -> None:
        self._secret = _secret(access.proxy)
        self._tokens = Tokens(access.tokens)
        self._access = access

    async def login(self, user: str, password: str, address: str | None) -> str:
        """The id of a new session. Raises Unauthorized, the same for all that may be wrong, and TooMany."""
        where = address or "unix"
        self.throttle.check(user, where)
        known = self._access.users.get(user)
        if not await self._passwords.holds(known.password_hash if known else None, password):
            self.throttle.failed(user, where)
            raise Unauthorized("no such user, or another password")
        self.throttle.passed(user, where)
        return self.sessions.begin(user)

    def by_token(self, text: str, via: Via, address: str | None) -> Principal:
        """The principal of a token's text. Raises Unauthorized."""
        token = self._tokens.find(text)
        if token is None:
            raise Unauthorized("this token is not known")
        if is_expired(token):
            raise Unauthorized("this token has expired")
        return Principal(token.name, via, address, token.roles, f"token:{token.name}")

    def by_session(self, identity: str, via: Via, address: str | None) -> Principal | None:
        """The principal of a session's id, None when it has ended."""
        name = self.sessions.find(identity)
        user = self._access.users.get(name) if name is not None else None
        if user is None:
            return None
        return Principal(user.name, via, address, user.roles, f"session:{self.sessions.key(identity)}")

    def is_proxy(self, peer: str | None, secret: str | None) -> bool:
        """Whether headers that say who asks are to be believed: from a unix socket (no peer), or from a trusted
        address that knows the secret."""
        proxy = self._access.proxy
        if proxy is None:
            return False
        if peer is None:
            return True
        if self._secret is None or secret is None or not _is_in(peer, proxy):
            return False
        return hmac.compare_digest(secret.encode("utf-8", "surrogatepass"), self._secret)

    def by_proxy(self, user: str, groups: Sequence[str], via: Via, address: str | None) -> Principal:
        """The principal that a trusted proxy names. Raises Unauthorized for a name that can't be one."""
        if not user or len(user) > limits.NAME_CHARACTERS or not user.isprintable():
            raise Unauthorized("the proxy named nobody, or somebody whose name can't be one")
        return Principal(user, via, address, self._roles(groups), "proxy:" + ",".join(groups))

    def again(self, principal: Principal) -> Principal | None:
        """The principal as it would be let in now, with the roles of now; None when it would not be."""
        kind, _, rest = (principal.ticket or "").partition(":")
        via: Via = "web" if principal.via == "web" else "api"
        if kind == "token":
            token = self._access.tokens.get(rest)
            if token is None or is_expired(token):
                return None
            return Principal(principal.name, via, principal.address, token.roles, principal.ticket)
        if kind == "session":
            user = self._access.users.get(self.sessions.user_of(rest) or "")
            return Principal(user.name, via, principal.address, user.roles, principal.ticket) if user else None
        if kind == "proxy" and self._access.proxy:
            roles = self._roles(rest.split(","))
            return Principal(principal.name, via, principal.address, roles, principal.ticket)
        return None

    def _roles(self, groups: Sequence[str]) -> tuple[str, ...]:
        proxy = self._access.proxy
        found = [role for group in groups for role in (proxy.group_roles.get(group, ()) if proxy else ())]
        return tuple(dict.fromkeys(found))


def _secret(proxy: Proxy | None) -> bytes | None:
    """What the proxy's secret file holds. Raises ConfigError."""
    if proxy is None or proxy.secret_header is None:
        return None
    file = proxy.secret_header.file
    try:
        with file.open("rb") as opened:
            secret = opened.read(limits.SECRET_BYTES + 1).strip()
    except OSError as error:
        raise ConfigError(f"access.proxy.secret_header: {file} can't be read: {error.strerror}") from None
    if not limits.SECRET_LEAST <= len(secret) <= limits.SECRET_BYTES:
        raise ConfigError(
            f"access.proxy.secret_header: {file} must hold {limits.SECRET_LEAST} to {limits.SECRET_BYTES} bytes"
        )
    return secret


def _is_in(peer: str, proxy: Proxy) -> bool:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any(one in network for one in (address, mapped) if one for network in proxy.trusted)
