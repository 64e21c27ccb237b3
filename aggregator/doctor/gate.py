"""Whether a host's own gate limits what the aggregator's key can do there."""

from __future__ import annotations

from aggregator.doctor.check import Check
from aggregator.model import Host


def judge_gate(host: Host) -> Check:
    """The check of a host's gate."""
    if host.ssh.gate:
        detail = "ssh.gate is set, but this version does not speak the gate's language"
        return Check("gate", "warn", detail, "take `gate: true` out of the inventory until it does")
    return Check("gate", "ok", "ungated: that nothing but reading is done is this program's word, not the host's")
