"""What a host says of itself when it is first reached: clock, zone, tools."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta, timezone, tzinfo

from aggregator.model import Host
from aggregator.remote.trouble import trouble


@dataclass(frozen=True, slots=True)
class Probe:
    """What a host answered: its clock minus ours (seconds, with the error of that), its zone, its kind of tail."""

    skew: float
    skew_error: float
    zone: tzinfo
    tail: str
    user: str

    @property
    def offset(self) -> float:
        """Seconds to take off the host's stamps; nothing when the difference is within the error of measuring."""
        return self.skew if abs(self.skew) > self.skew_error else 0.0


def read_probe(host: Host, answer: bytes, before: float, after: float) -> Probe:
    """Parse the probe's line; what a login shell prints before it (a banner) is passed over. Raises HostError."""
    for line in answer.decode("utf-8", "replace").splitlines():
        words = line.split()
        if words[:2] == ["tailon-probe", "1"] and len(words) == 6:
            break
    else:
        said = answer.decode("utf-8", "replace").strip().splitlines()
        raise trouble("no-shell", endpoint=host.name, detail=(said or ["no answer to the probe"])[0][:200])
    _, _, clock, zone, tail, user = words
    if tail == "none":
        raise trouble("no-tail", host=host.name)
    try:
        theirs = float(clock)
    except ValueError:
        theirs = (before + after) / 2
    resolution = 0.01 if "." in clock else 1.0
    error = (after - before) / 2 + resolution
    middle = (before + after) / 2 - (0.0 if "." in clock else 0.5)
    return Probe(theirs - middle, error, _zone(zone), tail, user)


def _zone(text: str) -> tzinfo:
    """`+0130` as a fixed zone, as `date +%z` prints it."""
    if len(text) == 5 and text[0] in "+-" and text[1:].isdigit():
        minutes = int(text[1:3]) * 60 + int(text[3:])
        return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
    return UTC
