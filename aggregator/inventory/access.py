"""The `access` section: roles, and who has them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from aggregator.errors import UsageError
from aggregator.inventory import groups, hosts, selector
from aggregator.inventory.node import Path as Place
from aggregator.inventory.schema import AccessSection, ProxySection, RoleSection, RuleSection
from aggregator.inventory.selector import Universe
from aggregator.inventory.settings import Access, Proxy, Rule, SecretHeader, Token, User
from aggregator.inventory.validate import Faults


def build_access(section: AccessSection, universe: Universe, faults: Faults) -> Access:
    """Roles, users, tokens and proxy; roles that are not defined go to `faults`."""
    for kind, holders in (("users", section.users), ("tokens", section.tokens)):
        for name, holder in holders.items():
            _check_roles(holder.roles, ("access", kind, name, "roles"), section, faults)
    return Access(
        roles=MappingProxyType({name: _rules(name, role, universe, faults) for name, role in section.roles.items()}),
        users=MappingProxyType(
            {name: User(name, user.password_hash, tuple(user.roles)) for name, user in section.users.items()}
        ),
        tokens=MappingProxyType(
            {
                name: Token(name, token.hash.removeprefix("sha256:"), tuple(token.roles), token.expires)
                for name, token in section.tokens.items()
            }
        ),
        proxy=_proxy(section.proxy, section, faults) if section.proxy else None,
    )


def _check_roles(roles: Sequence[str], at: Place, section: AccessSection, faults: Faults) -> None:
    for index, role in enumerate(roles):
        if role not in section.roles:
            known = hosts.hint(role, section.roles)
            faults.add((*at, index), f"there is no role {role!r} under access.roles{known}")


def _rules(name: str, section: RoleSection, universe: Universe, faults: Faults) -> tuple[Rule, ...]:
    return tuple(_rule(name, index, rule, universe, faults) for index, rule in enumerate(section.allow))


def _rule(role: str, index: int, section: RuleSection, universe: Universe, faults: Faults) -> Rule:
    try:
        names = selector.select(section.hosts, universe, "hosts")
    except UsageError as error:
        names = frozenset()
        for detail in groups.details(error):
            faults.add(("access", "roles", role, "allow", index, "hosts"), detail)
    return Rule(f"access.roles.{role}.allow[{index}]", names, tuple(section.paths), frozenset(section.actions))


def _proxy(section: ProxySection, access: AccessSection, faults: Faults) -> Proxy:
    at: Place = ("access", "proxy")
    for group, roles in section.group_roles.items():
        _check_roles(roles, (*at, "group_roles", group), access, faults)
    if section.trusted and section.secret_header is None:
        detail = "'secret_header' is missing: any process of a trusted address could say who it is without one"
        faults.add(at, detail, at_key=True)
    if section.group_roles and section.groups_header is None:
        faults.add(at, "'groups_header' is missing: 'group_roles' has no groups without it", at_key=True)
    return Proxy(
        trusted=tuple(ipaddress.ip_network(text) for text in section.trusted),
        secret_header=_secret(section, faults),
        user_header=section.user_header,
        groups_header=section.groups_header,
        group_roles=_frozen(section.group_roles),
    )


def _secret(section: ProxySection, faults: Faults) -> SecretHeader | None:
    if section.secret_header is None:
        return None
    file = faults.near(("access", "proxy", "secret_header", "file"), section.secret_header.file)
    return SecretHeader(section.secret_header.name, Path(file).expanduser())


def _frozen(table: Mapping[str, list[str]]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({key: tuple(values) for key, values in table.items()})
