"""The rules of an inventory's `access:` section: roles → hosts × paths × actions, deny by default."""

from __future__ import annotations

from collections.abc import Iterator

from aggregator.access.policy import Action, Hosts, Verdict
from aggregator.inventory.globmeet import may_meet
from aggregator.inventory.globs import matches
from aggregator.inventory.settings import Access, Rule
from aggregator.model import File, Principal

NO_RULE = "no rule allows it"
_TERMINAL = "local terminal"
_EVERYTHING = frozenset({"/**", "**"})  # as paths of a rule


class RulePolicy:
    """One rule of one role of the principal must allow all of host, path and action; its name is the verdict's rule.

    At a terminal `local:USER` reads with keys of their own, which no rule of this file could keep from reading.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    def decide(self, principal: Principal, action: Action, file: File) -> Verdict:
        if is_terminal(principal):
            return Verdict(True, _TERMINAL, f"{principal.name} reads with keys of their own")
        for rule in self._rules(principal):
            if action in rule.actions and covers(rule, file.host, file.path):
                return Verdict(True, rule.name, f"{principal.name} may {action} {file.path} on {file.host}")
        return Verdict(False, NO_RULE, f"no rule lets {principal.name} {action} {file.path} on {file.host}")

    def decide_any(self, principal: Principal, action: Action, host: str) -> Verdict:
        if is_terminal(principal):
            return Verdict(True, _TERMINAL, f"{principal.name} reads with keys of their own")
        for rule in self._rules(principal):
            if action in rule.actions and host in rule.hosts and not _EVERYTHING.isdisjoint(rule.paths):
                return Verdict(True, rule.name, f"{principal.name} may {action} everything on {host}")
        return Verdict(False, NO_RULE, f"no rule lets {principal.name} {action} everything on {host}")

    def rules_about(self, principal: Principal, action: Action, host: str, pattern: str) -> tuple[str, ...]:
        if is_terminal(principal):
            return (_TERMINAL,)
        return tuple(
            rule.name
            for rule in self._rules(principal)
            if action in rule.actions and host in rule.hosts and any(may_meet(path, pattern) for path in rule.paths)
        )

    def sees(self, principal: Principal, file: File) -> bool:
        """Whether a file exists for a principal: some rule allows them something on it."""
        return is_terminal(principal) or any(covers(rule, file.host, file.path) for rule in self._rules(principal))

    def may(self, principal: Principal, action: Action) -> bool:
        return is_terminal(principal) or any(action in rule.actions for rule in self._rules(principal))

    def may_see(self, principal: Principal, host: str, pattern: str) -> bool:
        return is_terminal(principal) or any(
            host in rule.hosts and any(may_meet(allowed, pattern) for allowed in rule.paths)
            for rule in self._rules(principal)
        )

    def visible_hosts(self, principal: Principal, inventory: Hosts) -> frozenset[str]:
        if is_terminal(principal):
            return frozenset(inventory.hosts)
        return frozenset().union(*(rule.hosts for rule in self._rules(principal))) & frozenset(inventory.hosts)

    def _rules(self, principal: Principal) -> Iterator[Rule]:
        for role in principal.roles:
            yield from self._access.roles.get(role, ())


def covers(rule: Rule, host: str, path: str) -> bool:
    """Whether a rule is about a path on a host, whatever it allows there."""
    return host in rule.hosts and any(matches(pattern, path) for pattern in rule.paths)


def is_terminal(principal: Principal) -> bool:
    """Whether somebody runs the engine at a terminal, without a server."""
    return principal.via == "cli" and principal.name.startswith("local:")
