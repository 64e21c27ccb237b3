"""What a machine has: tools, the kind of following that they allow, its clock."""

from __future__ import annotations

from collections.abc import Iterator

from aggregator import limits
from aggregator.doctor.check import Check
from aggregator.doctor.facts import Facts
from aggregator.remote.probe import Probe

_FOLLOWING = ("tail", "head", "od", "stat", "date", "ls", "cat", "dd", "tr", "sleep")
_KINDS = {"gnu": "GNU", "busybox": "BusyBox", "other": "other"}
_PACKERS = {"gz": "gzip", "xz": "xz", "zst": "zstd", "bz2": "bzip2"}
_OURS = ("gzip", "xz", "bzip2")  # what is decompressed here where a host can't


def judge_tools(facts: Facts) -> Iterator[Check]:
    """What must be there for following, and should be for searching and for rules."""
    if lacking := facts.missing(*_FOLLOWING):
        step = "install coreutils or BusyBox there, or put them in the user's PATH"
        yield Check("tools", "fail", f"there is no {', '.join(lacking)}", step)
        return
    if facts.missing("grep"):
        yield Check("tools", "warn", "there is no grep: searches bring all bytes here", "install grep there")
    if facts.missing("real"):
        detail = "no /proc or no readlink: what an opened file really is can't be told, so only a rule for /** shows it"
        yield Check("tools", "warn", detail, "install readlink (coreutils) there, and mount /proc")
    if not facts.missing("grep", "real"):
        yield Check("tools", "ok", ", ".join(_named(facts)))


def _named(facts: Facts) -> Iterator[str]:
    for kind, name in _KINDS.items():
        tools = [tool for tool in (*_FOLLOWING, "grep") if facts.tools.get(tool) == kind]
        if tools:
            yield f"{name} {' '.join(tools)}"


def judge_following(probe: Probe) -> Check:
    """How lines are noticed, and how late that may be."""
    how = {"gnu": "GNU tail", "busybox": "BusyBox: a loop"}.get(probe.tail, "its own tail")
    return Check("following", "ok", f"{how}, a look every {probe.poll:g} s")


def judge_clock(probe: Probe, facts: Facts) -> Check:
    """The host's clock against ours; half a round trip is the error of that."""
    sure = max(0.0, abs(probe.skew) - probe.skew_error)
    if sure <= limits.CLOCK_WARN:
        return Check("clock", "ok", f"{probe.offset:+.2f} s" if probe.offset else "right")
    way = "ahead of" if probe.skew > 0 else "behind"
    detail = f"{abs(probe.skew):,.1f} s {way} this machine's; its lines are merged by stamps corrected by that"
    step = "have it set by NTP (or this machine's, if that is the wrong one)"
    command = "" if facts.busybox else "timedatectl set-ntp true"
    return Check("clock", "fail" if sure > limits.CLOCK_FAIL else "warn", detail, step, command)


def judge_packed(facts: Facts) -> Iterator[Check]:
    """Rotated files that are compressed, against what decompresses them."""
    packed = sorted(set().union(*(look.packed for look in facts.looks.values())) & _PACKERS.keys())
    if not packed:
        return
    lacking = facts.missing(*(_PACKERS[kind] for kind in packed))
    for tool in lacking:
        if tool in _OURS:
            detail = f"there are files of {tool}, but no {tool}: they are brought here whole and decompressed here"
        else:
            detail = f"there are files of {tool}, but no {tool}: they can't be read, so history ends there"
        yield Check("compressed", "warn", detail, f"install {tool} there", "")
    if not lacking:
        yield Check("compressed", "ok", f"{', '.join(f'.{kind}' for kind in packed)}: can be read")
