"""Which hosts a demo has, what each of them does, and where its logs lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

ROLES: Final = ("web", "app", "db")

LOGS: Final = {  # name of the log: role that writes it (None: every host), path below the host's folder
    "nginx": ("web", "var/log/nginx/access.log"),
    "nginx-errors": ("web", "var/log/nginx/error.log"),
    "orders": ("app", "srv/orders/log/orders.log"),
    "payments": ("app", "srv/payments/log/payments.log"),
    "postgres": ("db", "var/log/postgresql/postgresql.log"),
    "syslog": (None, "var/log/syslog"),
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """The hosts of each role. With fewer than three hosts one host has several roles."""

    web: tuple[str, ...]
    app: tuple[str, ...]
    db: tuple[str, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """Each host once: web, app, db."""
        return tuple(dict.fromkeys((*self.web, *self.app, *self.db)))

    def of_role(self, role: str) -> tuple[str, ...]:
        """The hosts of `web`, `app` or `db`."""
        return {"web": self.web, "app": self.app, "db": self.db}[role]

    def files(self) -> Iterator[tuple[str, str, str]]:
        """(host, log, path below the host's folder) of every file there is."""
        for log, (role, path) in LOGS.items():
            for host in self.hosts if role is None else self.of_role(role):
                yield host, log, path

    def address(self, host: str) -> str:
        """A made-up address of documentation networks (RFC 5737, RFC 3849 beyond)."""
        number = self.hosts.index(host) + 11
        return f"192.0.2.{number}" if number < 255 else f"2001:db8:1::{number:x}"


def cluster_of(hosts: int) -> Cluster:
    """Split `hosts` (1 or more) sensibly: 8 are 3 web, 3 app and 2 db."""
    db = round(hosts / 4) if hosts > 2 else 0
    app = (hosts - db) // 2
    web = _named("web", hosts - db - app)
    apps = _named("app", app) or web
    return Cluster(web, apps, _named("db", db) or apps)


def _named(role: str, count: int) -> tuple[str, ...]:
    return tuple(f"{role}-{number}" for number in range(1, count + 1))
