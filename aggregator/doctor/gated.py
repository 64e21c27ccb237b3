"""What a host behind a gate answers of its logs: a gate has no verb for a doctor, so the usual ones are tried."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator import limits
from aggregator.doctor.facts import Facts, Look
from aggregator.errors import HostError
from aggregator.inventory.globs import has_wildcard
from aggregator.remote import commands
from aggregator.remote.header import Truncated, read_header
from aggregator.remote.link import Link


async def ask_gate(link: Link, patterns: Sequence[str]) -> tuple[Facts, list[str]]:
    """What there is of path patterns, and those of them that the gate lets nobody read. Raises HostError."""
    facts, refused = Facts(), list[str]()
    for pattern in patterns:
        look = facts.looks[pattern] = Look(whole=True)
        try:
            names = await _names(link, pattern)
            for name in names[: limits.GATED_OPENINGS]:
                await _open(link, name, look)
            look.readable += names[limits.GATED_OPENINGS :]
        except HostError as error:
            if error.cause != "outside-gate":
                raise
            refused.append(pattern)
    return facts, refused


async def _names(link: Link, pattern: str) -> list[str]:
    if not has_wildcard(pattern):
        return [pattern]
    limit = limits.FILES_PER_GLOB * 8
    answer = await link.run(commands.listing(pattern, limit), limit * limits.PATH_BYTES, path=pattern)
    return [name for name in answer.decode("utf-8", "replace").split("\n") if name.startswith("/")]


async def _open(link: Link, name: str, look: Look) -> None:
    """Open a file and read nothing of it. Raises HostError for all that is no fact about the file."""
    command = commands.read(name, 0, 0)
    async with link.channel("command", lambda _: command, wait=False) as channel:
        try:
            await read_header(channel, path=name, host=link.host.name, user=link.known_probe().user)
        except Truncated:
            pass
        except HostError as error:
            match error.cause:
                case "no-file":
                    look.missing = name
                case "not-readable":
                    look.unreadable.append(name)
                case "not-regular":
                    look.odd = "folder" if "folder" in error.words else "special"
                case _:
                    raise
            return
    look.readable.append(name)
