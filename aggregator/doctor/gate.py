"""Whether a host's own gate limits what the aggregator's key can do there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aggregator.doctor.check import Check
from aggregator.inventory.roots import is_below
from aggregator.model import Host
from aggregator.remote.gate import gate_digest
from aggregator.remote.probe import Gate

_PLACE = "/usr/local/bin/tailon-agg-gate"
_PRINT = f"print it with `tailon-agg gate`, and let it be {_PLACE} there"


def judge_gate(host: Host, gate: Gate | None, folders: Sequence[str], refused: Sequence[str]) -> Iterator[Check]:
    """The checks of a host's gate: its version, and its folders against those of the host's sources; `refused` are the
    paths that it lets nobody read."""
    if gate is None:
        words = "ungated: that nothing but reading is done is this program's word, not the host's"
        yield Check("gate", "ok", words, f"`tailon-agg gate --authorized-keys {host.name}` prints the line for it")
        return
    if gate.digest != gate_digest():
        detail = f"gated, by another version of the script ({gate.digest}; this one's is {gate_digest()})"
        yield Check("gate", "warn", detail, _PRINT)
    if refused:
        detail = f"the gate lets nobody read {', '.join(refused)}; its folders are {', '.join(gate.roots) or 'none'}"
        command = f"tailon-agg gate --authorized-keys {host.name}"
        yield Check("gate", "fail", detail[:500], "put this line into authorized_keys there", command, "here")
    elif unused := [root for root in gate.roots if not any(_meet(root, folder) for folder in folders)]:
        detail = f"gated; no source is below {', '.join(unused)}, which the key may read too"
        yield Check("gate", "ok", detail[:500])
    elif gate.digest == gate_digest():
        yield Check("gate", "ok", f"gated: the key reads below {', '.join(gate.roots)} and does nothing else"[:500])


def _meet(root: str, folder: str) -> bool:
    return is_below(folder, root) or is_below(root, folder)
