"""Who may do what: one rule must allow host, path and action; what no rule is about does not exist."""

from __future__ import annotations

import pytest

from aggregator.access.rules import NO_RULE, RulePolicy
from aggregator.inventory.settings import Access, Rule
from aggregator.model import File, Principal

PROD = Rule(
    "access.roles.auditor.allow[0]", frozenset({"web-1", "web-2"}), ("/logs/prod/**",), frozenset({"view", "search"})
)
STAGING = Rule("access.roles.dev.allow[0]", frozenset({"dev-1"}), ("/logs/staging/*.log",), frozenset({"view"}))
POLICY = RulePolicy(Access({"auditor": (PROD,), "dev": (STAGING,)}, {}, {}, None))
AUDITOR = Principal("alice", "web", "10.0.0.1", ("auditor",))
DEV = Principal("bob", "web", "10.0.0.2", ("dev",))
NOBODY = Principal("carol", "web", "10.0.0.3", ("unknown",))


class Hosts:
    hosts = dict.fromkeys(("web-1", "web-2", "dev-1", "db-1"))


@pytest.mark.parametrize(
    ("principal", "action", "host", "path", "allowed"),
    [
        (AUDITOR, "view", "web-1", "/logs/prod/shop/a.log", True),
        (AUDITOR, "search", "web-2", "/logs/prod/a.log", True),
        (AUDITOR, "download", "web-1", "/logs/prod/a.log", False),
        (AUDITOR, "view", "dev-1", "/logs/prod/a.log", False),
        (AUDITOR, "view", "web-1", "/logs/production/a.log", False),
        (AUDITOR, "view", "web-1", "/logs", False),
        (DEV, "view", "dev-1", "/logs/staging/a.log", True),
        (DEV, "view", "dev-1", "/logs/staging/deep/a.log", False),
        (NOBODY, "view", "web-1", "/logs/prod/a.log", False),
    ],
)
def test_a_rule_must_allow_all_of_host_path_and_action(principal, action, host, path, allowed) -> None:
    verdict = POLICY.decide(principal, action, File(host, "app", path))
    assert verdict.allowed is allowed
    assert verdict.rule == (PROD.name if principal is AUDITOR else STAGING.name) if allowed else NO_RULE


def test_hosts_without_a_rule_do_not_exist() -> None:
    assert POLICY.visible_hosts(AUDITOR, Hosts()) == {"web-1", "web-2"}
    assert POLICY.visible_hosts(DEV, Hosts()) == {"dev-1"}
    assert POLICY.visible_hosts(NOBODY, Hosts()) == frozenset()


def test_a_file_exists_for_those_who_may_do_something_with_it() -> None:
    assert POLICY.sees(AUDITOR, File("web-1", "app", "/logs/prod/a.log"))
    assert not POLICY.sees(DEV, File("web-1", "app", "/logs/prod/a.log"))


def test_a_web_user_named_like_a_terminal_s_gets_nothing_by_it() -> None:
    assert not POLICY.decide(Principal("local:root", "web"), "view", File("web-1", "app", "/logs/prod/a.log")).allowed
    assert POLICY.decide(Principal("local:root", "cli"), "view", File("web-1", "app", "/logs/prod/a.log")).allowed
