"""`tailon-agg explain`: without connecting, what the rules say of each file and what would run on its host."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec

from aggregator import limits
from aggregator.access.policy import Action, LoopbackPolicy, Policy
from aggregator.access.rules import RulePolicy
from aggregator.access.sight import Sight
from aggregator.cli.terminal import neutralise
from aggregator.errors import Fault, UsageError
from aggregator.inventory import Inventory
from aggregator.inventory.paths import expand, has_wildcard, path_pattern
from aggregator.inventory.settings import Access
from aggregator.model import File, Host, Principal
from aggregator.query import sources_of
from aggregator.remote import commands
from aggregator.status import natural
from aggregator.stream.filters import Filter
from aggregator.stream.literal import Literal as Text
from aggregator.stream.redactor import Redactor, redactor_of

_DENIED = 77


class Command(msgspec.Struct):
    """A command line of a host: its name, when it runs, and itself."""

    name: str
    when: str
    command: str


class Explained(msgspec.Struct, omit_defaults=True):
    """What holds for a file, or for all files that a pattern finds (`depends`: each by itself, by `rule` if at all)."""

    host: str
    source: str
    path: str
    action: Action
    verdict: Literal["allowed", "denied", "hidden", "depends"]
    rule: str
    reason: str
    commands: list[Command] = []


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be explained: a tail, or a search where there is something to look for."""

    selectors: tuple[str, ...]
    sources: tuple[str, ...]
    grep: tuple[str, ...]
    user: str | None


def add_to(command: argparse.ArgumentParser) -> None:
    command.add_argument("selectors", nargs="*", metavar="SELECTOR", help="hosts, as for tail")
    command.add_argument("--source", action="append", default=[], metavar="NAME", help="only this source (repeatable)")
    command.add_argument("--grep", action="append", default=[], metavar="RE2", help="explain a search for this")
    command.add_argument("--as", dest="user", metavar="USER", help="a user, token:NAME, or group:NAME of a proxy")
    command.add_argument("--output", choices=("text", "json"), default="text", help="text, or an object a line")


def asked_of(given: argparse.Namespace) -> Asked:
    return Asked(tuple(given.selectors), tuple(given.source), tuple(given.grep), given.user)


def run(inventory: Inventory, asked: Asked, output: str) -> int:
    """Print what holds for each file; the exit status: 0, or 77 where something is denied or hidden. Raises
    UsageError."""
    principal = _principal(inventory.access, asked.user)
    policy: Policy = LoopbackPolicy() if inventory.access is None else RulePolicy(inventory.access)
    explained = list(_Explainer(inventory, principal, policy, asked).all())
    if output == "json":
        for one in explained:
            print(msgspec.json.encode(one).decode())
    else:
        roles = f" (roles: {', '.join(principal.roles)})" if principal.roles else ""
        print(f"as {principal.name}{roles}{'' if explained else ': there is nothing that they may see'}")
        for one in explained:
            print("\n".join(_text(one)))
    fine = explained and all(one.verdict in ("allowed", "depends") for one in explained)
    return 0 if fine else _DENIED


class _Explainer:
    def __init__(self, inventory: Inventory, principal: Principal, policy: Policy, asked: Asked) -> None:
        self._inventory = inventory
        self._principal = principal
        self._policy = policy
        self._sight = Sight(principal, lambda: policy)
        self._action: Action = "search" if asked.grep else "view"
        self._asked = asked
        self._text = _literal(asked.grep, redactor_of(inventory.redact))

    def all(self) -> Iterator[Explained]:
        """What is asked for as the principal would get it; where that is an error to them, as it is."""
        inventory, asked = self._inventory, self._asked
        try:
            hosts = inventory.select(asked.selectors, visible=self._sight.hosts(inventory))
            sources: Sequence[str] = sources_of(asked.sources, inventory, self._sight)
            named = False
        except UsageError:
            hosts = inventory.select(asked.selectors)
            sources = _known(asked.sources, inventory)
            named = True
        for name in sources:
            for host in sorted(inventory.sources[name].hosts & hosts, key=natural):
                if named or asked.sources or self._sight.source(inventory, host, name):
                    yield self._one(host, name)

    def _one(self, host: str, name: str) -> Explained:
        source, known = self._inventory.sources[name], self._inventory.hosts[host]
        path = expand(source, known, datetime.now(UTC))
        if not self._sight.source(self._inventory, host, name):
            words = f"to {self._principal.name} there is no such file"
            return Explained(host, name, path, self._action, "hidden", "no rule is about it", words)
        if source.kind == "file" and has_wildcard(path):
            return self._pattern(known, name, path, path_pattern(source, known))
        verdict = self._policy.decide(self._principal, self._action, File(host, name, path))
        if not verdict.allowed:
            return Explained(host, name, path, self._action, "denied", verdict.rule, verdict.reason)
        found = [] if source.kind == "journal" else self._commands(known, path)
        return Explained(host, name, path, self._action, "allowed", verdict.rule, verdict.reason, found)

    def _pattern(self, known: Host, name: str, path: str, pattern: str) -> Explained:
        host = known.name
        rules = self._policy.rules_about(self._principal, self._action, host, pattern)
        if not rules:
            verdict = self._policy.decide(self._principal, self._action, File(host, name, path))
            return Explained(host, name, path, self._action, "denied", verdict.rule, verdict.reason)
        words = "each file that is found is decided by itself"
        return Explained(
            host, name, path, self._action, "depends", ", ".join(rules), words, self._commands(known, path, pattern)
        )

    def _commands(self, host: Host, path: str, pattern: str | None = None) -> list[Command]:
        """The command lines, or what a gate is asked; of a file that a pattern finds with the pattern in its place."""
        lines = [("probe", "once a connection", commands.probe())]
        if pattern:
            often = "once" if self._asked.grep else f"every {limits.GLOB_INTERVAL:g} s"
            lines.append(("list", often, commands.listing(path, limits.FILES_PER_GLOB * 8)))
        each = "for each file found, with its path: " if pattern else ""
        lines += [(name, each + when, line) for name, when, line in self._of_file(path)]
        gated = host.ssh.gate
        return [Command(name, when, line.request if gated else str(line)) for name, when, line in lines]

    def _of_file(self, path: str) -> list[tuple[str, str, commands.Command]]:
        read = ("read", "for older lines and those around one; numbers as they come", commands.read(path, 0, 1 << 20))
        if not self._asked.grep:
            follow = commands.follow(path, None, limits.TAIL_WINDOW, tail="gnu")
            again = commands.timeline(path, limits.GENERATIONS, 0, ())
            return [
                ("follow", "all the time; `busybox` at its end where tail is BusyBox's", follow),
                ("timeline", "after a rotation or an outage", again),
                read,
            ]
        how = "grep" if self._text else "stream"
        text = self._text or Text("")
        search = commands.search(path, 0, None, "plain", how, text.text, fold=text.fold)
        return [
            ("timeline", "to find what is to be read", commands.timeline(path, limits.GENERATIONS, 0, ())),
            ("blocks", "to find a time; numbers as they come", commands.blocks(path, [(0, 1)])),
            ("search", "for each generation that is to be read; numbers, name and kind are its own", search),
            read,
        ]


def _principal(access: Access | None, user: str | None) -> Principal:
    """Who is meant. Raises UsageError."""
    if user is None:
        return Principal(f"local:{getpass.getuser()}", "cli")
    kind, _, name = user.rpartition(":")
    if access is None:
        if user == "local":
            return Principal("local", "web")
        raise UsageError(Fault("--as", "without an access section everybody is 'local'"))
    proxy = access.proxy
    if not kind and user in access.users:
        return Principal(user, "web", roles=access.users[user].roles)
    if kind == "token" and name in access.tokens:
        return Principal(name, "api", roles=access.tokens[name].roles)
    if kind == "group" and proxy and name in proxy.group_roles:
        return Principal(f"somebody of {name}", "web", roles=proxy.group_roles[name])
    raise UsageError(Fault("--as", f"there is no {user!r} under access: users by name, token:NAME, group:NAME"))


def _literal(grep: tuple[str, ...], redactor: Redactor | None) -> Text | None:
    """What a host looks for, if all that matches must contain it. Raises UsageError."""
    prefilter = Filter.compile(grep, (), None).prefilter(redactor)
    return prefilter.literal if prefilter else None


def _known(names: Sequence[str], inventory: Inventory) -> list[str]:
    """Sources that are there, seen or not. Raises UsageError."""
    unknown = [name for name in names if name not in inventory.sources]
    if unknown:
        raise UsageError([Fault("--source", f"unknown source: {name}") for name in unknown])
    return list(dict.fromkeys(names)) or sorted(inventory.sources)


def _text(one: Explained) -> Iterator[str]:
    yield f"\n{one.host} {one.source} {neutralise(one.path)}"
    words = {"depends": "decided for each file that is found"}.get(one.verdict, one.verdict)
    yield f"  {one.action}: {words}, by: {one.rule}"
    if one.verdict in ("denied", "hidden"):
        yield f"  {neutralise(one.reason)}"
    for line in one.commands:
        yield f"  {line.name}, {line.when}:"
        yield f"    {neutralise(line.command)}"
