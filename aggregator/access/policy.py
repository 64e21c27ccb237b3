"""Who may do what with which file, and the rule that decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from aggregator.model import File, Host, Principal

Action = Literal["view", "search", "download", "reveal"]

LOOPBACK_RULE = "no access section: loopback only"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with the rule that made it and why, in words for the person who asked."""

    allowed: bool
    rule: str
    reason: str


class Hosts(Protocol):
    """The part of an inventory that visibility is decided on."""

    @property
    def hosts(self) -> Mapping[str, Host]: ...


class Policy(Protocol):
    """The rules. Pure: no waiting, no side effects, the same answer for the same question."""

    def decide(self, principal: Principal, action: Action, file: File) -> Verdict: ...

    def decide_any(self, principal: Principal, action: Action, host: str) -> Verdict:
        """The verdict on a file of a host of which nobody knows what it is."""
        ...

    def rules_about(self, principal: Principal, action: Action, host: str, pattern: str) -> tuple[str, ...]:
        """The rules that may allow something on files of a path pattern on a host."""
        ...

    def visible_hosts(self, principal: Principal, inventory: Hosts) -> frozenset[str]:
        """The names of the hosts that exist for this principal."""
        ...

    def may_see(self, principal: Principal, host: str, pattern: str) -> bool:
        """Whether files of a path pattern on a host may exist for this principal."""
        ...

    def sees(self, principal: Principal, file: File) -> bool:
        """Whether a file exists for this principal."""
        ...

    def may(self, principal: Principal, action: Action) -> bool:
        """Whether a principal may do something with any file."""
        ...


class LoopbackPolicy:
    """The rules of an inventory without `access:`: whoever reaches the loopback bind is `local` and may do everything.

    At a terminal the same goes for `local:USER`.
    """

    def decide(self, principal: Principal, action: Action, file: File) -> Verdict:
        if _is_local(principal):
            return Verdict(True, LOOPBACK_RULE, f"{principal.name} may do everything")
        return Verdict(False, LOOPBACK_RULE, f"only the principal local may {action}, not {principal.name}")

    def decide_any(self, principal: Principal, action: Action, host: str) -> Verdict:
        return self.decide(principal, action, File(host, "", "/"))

    def rules_about(self, principal: Principal, action: Action, host: str, pattern: str) -> tuple[str, ...]:
        return (LOOPBACK_RULE,) if _is_local(principal) else ()

    def visible_hosts(self, principal: Principal, inventory: Hosts) -> frozenset[str]:
        return frozenset(inventory.hosts) if _is_local(principal) else frozenset()

    def may_see(self, principal: Principal, host: str, pattern: str) -> bool:
        return _is_local(principal)

    def sees(self, principal: Principal, file: File) -> bool:
        return _is_local(principal)

    def may(self, principal: Principal, action: Action) -> bool:
        return _is_local(principal)


def _is_local(principal: Principal) -> bool:
    return principal.name == "local" or principal.name.startswith("local:")
