"""The inventory says what there is: hosts, groups, sources, and how they are served and guarded."""

from aggregator.inventory.address import Endpoint, parse_bind, parse_endpoint
from aggregator.inventory.adhoc import adhoc
from aggregator.inventory.files import default_inventory
from aggregator.inventory.hosts import fold
from aggregator.inventory.inventory import Inventory
from aggregator.inventory.load import load
from aggregator.inventory.settings import Access, Audit, Bind, Redact, Server, TcpBind, UnixBind

__all__ = [
    "Access",
    "Audit",
    "Bind",
    "Endpoint",
    "Inventory",
    "Redact",
    "Server",
    "TcpBind",
    "UnixBind",
    "adhoc",
    "default_inventory",
    "fold",
    "load",
    "parse_bind",
    "parse_endpoint",
]
