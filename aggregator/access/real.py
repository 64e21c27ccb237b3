"""Rules on what an opened file really is: its real path must be allowed as its name is."""

from __future__ import annotations

from dataclasses import replace

from aggregator.access.policy import Action, Policy, Verdict
from aggregator.inventory.globs import is_generation
from aggregator.model import File, Principal
from aggregator.remote.real import Real


def decide_real(policy: Policy, principal: Principal, action: Action, file: File, real: Real) -> Verdict:
    """The verdict on what a file of a log really is. Where its host can't tell, only a rule for all paths allows it."""
    if real.path is None:
        return policy.decide_any(principal, action, file.host)
    verdict = None
    for path in _tested(file.path, real.name, real.path):
        verdict = policy.decide(principal, action, replace(file, path=path))
        if verdict.allowed:
            break
    return verdict or policy.decide(principal, action, file)


def _tested(log: str, name: str, real: str) -> list[str]:
    """The paths of which one must be allowed: none where it is a generation of the log in its own folder. A generation
    elsewhere is what the log itself would be there, as generations inherit."""
    if real == log or is_generation(real, {log}):
        return []  # it was renamed since it was opened
    suffix = name.removeprefix(log)
    if suffix and real.endswith(suffix):
        return [real.removesuffix(suffix), real]
    return [real]
