"""Whether a host's sshd takes as many sessions as its files need."""

from __future__ import annotations

from aggregator import limits
from aggregator.doctor.check import Check

_BESIDE = limits.COMMANDS_PER_CONNECTION + limits.SCANS_PER_CONNECTION


def wanted(files: int) -> int:
    """Sessions that one connection is asked for."""
    return min(files, limits.FOLLOWS_PER_CONNECTION) + _BESIDE


def judge_channels(files: int, taken: int) -> Check:
    """So many files to follow, against so many sessions that a connection takes at once (sshd_config(5), MaxSessions)
    and the four connections that a host gets."""
    most = limits.CONNECTIONS_PER_HOST * min(limits.FOLLOWS_PER_CONNECTION, taken)
    if taken < wanted(files):
        most = min(most, limits.CONNECTIONS_PER_HOST * taken - 1)
        detail = f"a connection takes {taken} sessions, {wanted(files)} are needed; {_can(files, max(most, 0))}"
        command = "echo MaxSessions 10 > /etc/ssh/sshd_config.d/00-tailon-agg.conf && systemctl reload ssh"
        return Check("channels", "warn" if files <= most else "fail", detail, "raise MaxSessions there", command)
    if files > limits.FOLLOWS_PER_HOST:
        detail = _can(files, limits.FOLLOWS_PER_HOST)
        return Check("channels", "warn", detail, "narrow the paths, or watch fewer sources at once")
    return Check("channels", "ok", f"{files} of {limits.FOLLOWS_PER_HOST} files")


def _can(files: int, most: int) -> str:
    return f"{min(files, most)} of its {files:,} file{'s' * (files != 1)} can be followed at once"
