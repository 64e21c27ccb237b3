"""What a host says of itself when it is first reached: clock, zone, tools."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone, tzinfo

from aggregator import limits
from aggregator.model import Host
from aggregator.remote import commands
from aggregator.remote.trouble import trouble

_CLOCK = re.compile(r"\d{1,12}(?:\.\d{1,9})?", re.ASCII)  # seconds since the epoch; no infinity, no year 10^30
_GATE = re.compile(rf"tailon-gate {commands.GATE} [0-9a-f]{{12}}", re.ASCII)
_ZONE = re.compile(r"([+-])([01]\d|2[0-3])([0-5]\d)", re.ASCII)
_UNLIKELY = re.compile(r"[^\w.@\\$+-]")  # in a user's name, which our words tell people to copy into a shell


@dataclass(frozen=True, slots=True)
class Gate:
    """What a gate says of itself: the digest of its script, and the folders below which it lets the key read."""

    digest: str
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """What a host answered: its clock minus ours (seconds, with the error of that), its zone, its kind of tail, and the
    gate that answered, if one did."""

    skew: float
    skew_error: float
    zone: tzinfo
    tail: str
    user: str
    gate: Gate | None = None

    @property
    def poll(self) -> float:
        """Seconds between two looks of its tail at a file: how late a new line may leave the host."""
        return commands.GNU_POLL_S if self.tail == "gnu" else commands.OTHER_POLL_S

    @property
    def offset(self) -> float:
        """Seconds to take off the host's stamps; nothing when the difference is within the error of measuring."""
        return self.skew if abs(self.skew) > self.skew_error else 0.0


def read_probe(host: Host, answer: bytes, before: float, after: float) -> Probe:
    """Parse the probe's line; what a login shell prints before it (a banner) is passed over. Raises HostError."""
    said = answer.decode("utf-8", "replace").strip().splitlines()
    gate = _gate(host, said)
    for line in answer.decode("utf-8", "replace").splitlines():
        words = line.split()
        if words[:2] == ["tailon-probe", "1"] and len(words) == 6:
            break
    else:
        begun = any(line.startswith("tailon-probe ") for line in said)
        if begun or not said:  # a shell ran, and it or its `date` was ended, as by a host that is being switched off
            raise trouble("remote-error", host=host.name, detail="it did not answer the probe")
        raise trouble("no-shell", endpoint=host.name, detail=said[0][:200])
    _, _, clock, zone, tail, user = words
    if tail == "none":
        raise trouble("no-tail", host=host.name)
    theirs = float(clock) if _CLOCK.fullmatch(clock) else (before + after) / 2
    resolution = 0.01 if "." in clock else 1.0
    error = (after - before) / 2 + resolution
    middle = (before + after) / 2 - (0.0 if "." in clock else 0.5)
    return Probe(theirs - middle, error, _zone(zone), tail, _UNLIKELY.sub("?", user[: limits.PROBE_USER]), gate)


def _gate(host: Host, lines: list[str]) -> Gate | None:
    """The gate that answered. Raises HostError (cause `no-gate`) where there should be one."""
    at = next((n for n, line in enumerate(lines) if _GATE.fullmatch(line)), None)
    if host.ssh.gate and at is None:
        raise trouble("no-gate", host=host.name, detail=(lines or ["nothing"])[-1][:200])
    if at is None:
        return None
    roots = itertools.takewhile(lambda line: line.startswith("/"), lines[at + 1 :])
    return Gate(lines[at].split(" ")[2], tuple(itertools.islice(roots, limits.GATE_ROOTS)))


def _zone(text: str) -> tzinfo:
    """`+0130` as a fixed zone, as `date +%z` prints it."""
    match = _ZONE.fullmatch(text)
    if match is None:
        return UTC
    minutes = int(match[2]) * 60 + int(match[3])
    return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
