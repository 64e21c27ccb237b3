"""`tailon-agg gate`: the script that limits a key on a host, and the line of authorized_keys that runs it."""

from __future__ import annotations

import argparse
import shlex
import socket
import sys

from aggregator.errors import ConfigError, Fault, UsageError
from aggregator.inventory import Inventory
from aggregator.inventory.roots import roots_of
from aggregator.model import Host
from aggregator.remote.gate import gate_script
from aggregator.remote.publickey import public_key

PLACE = "/usr/local/bin/tailon-agg-gate"


def add_to(command: argparse.ArgumentParser) -> None:
    """The command's own options."""
    command.add_argument(
        "--authorized-keys", metavar="HOST", help="print the line of authorized_keys for a host of the inventory"
    )
    command.add_argument(
        "--from",
        dest="origin",
        metavar="ADDRESSES",
        help="where the key may come from, as sshd(8) has it (default: this machine's address towards the host)",
    )


def script() -> int:
    """Print the gate."""
    sys.stdout.write(gate_script())
    return 0


def line(inventory: Inventory, name: str, origin: str | None) -> int:
    """Print the line for a host. Raises UsageError, ConfigError."""
    host = inventory.hosts.get(name)
    if host is None:
        raise UsageError(Fault("--authorized-keys", f"there is no host {name!r} in the inventory"))
    roots = roots_of(host, inventory.sources.values())
    if not roots:
        raise ConfigError(f"{name} has no source with a path: there is nothing that its key needs to read")
    if "/" in roots:
        print(f"tailon-agg: a source of {name} may be anywhere: the key may read every file there", file=sys.stderr)
    key = public_key(host)
    print(f"{_options(host, roots, origin)} {key}")
    return 0


def _options(host: Host, roots: list[str], origin: str | None) -> str:
    command = f"{PLACE} {shlex.join(roots)}".replace("\\", "\\\\").replace('"', '\\"')
    if host.ssh.server == "dropbear":  # it knows no from=
        return f'restrict,command="{command}"'
    told = origin or _origin(host)
    if told is None:
        print(
            f"tailon-agg: where {host.name} sees this machine come from is not known: add from= (--from ADDRESSES)",
            file=sys.stderr,
        )
    where = f'from="{told}",' if told else ""
    return f'restrict,{where}command="{command}"'


def _origin(host: Host) -> str | None:
    """This machine's address towards a host, without sending anything; None behind a jump host, or without a name."""
    if host.jump:
        return None
    try:
        family, kind, *_, address = socket.getaddrinfo(host.address, 22, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError:
        return None
