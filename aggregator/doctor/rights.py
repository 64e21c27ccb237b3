"""What lets a user read a file or a folder, and nothing more than that."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Literal

from aggregator.doctor.facts import Facts, Rights

Need = Literal["r", "x", "rx"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
_PRIVATE = frozenset({"root", "wheel", "sudo", "shadow", "disk", "docker"})  # who is in them may far more than read


def mend(rights: Rights, need: Need, user: str, facts: Facts, more: Sequence[str] = ()) -> tuple[str, str]:
    """The next step in words and as a command for root on the host: the group that may already, else an ACL (acl(5)).
    `more` are other paths that have the same trouble.

    A group outlasts rotation. logrotate(8) drops a file's ACL where its `create` names a mode, unless the folder has
    the same as its default, which is then one for all new files there: that is not ours to decide.
    """
    if _NAME.fullmatch(user) is None:  # what a host says of itself must not become a command
        return f"give {user} the right {need} on {rights.path}", ""
    if _group_may(rights, need) and rights.group not in facts.groups:
        join = f"addgroup {user} {rights.group}" if facts.busybox else f"usermod -aG {rights.group} {user}"
        return f"the group {rights.group} may: put {user} into it; it counts from the next login on", join
    step = f"an ACL lets {user} in{' (setfacl is in the package acl)' if facts.missing('setfacl') else ''}"
    if need == "r":
        folder = rights.path.rsplit("/", 1)[0] or "/"
        step += f", until the next rotation; for all new files there: setfacl -d -m u:{user}:r {shlex.quote(folder)}"
    return step, f"setfacl -m u:{user}:{need} {shlex.join([rights.path, *more])}"


def _group_may(rights: Rights, need: Need) -> bool:
    """Whether the group has what is needed, and nobody becomes more by being in it than a reader. With an ACL (`+`) the
    mode shows its mask, not what the group may."""
    bits, group = rights.mode[4:7], rights.group
    if rights.mode.endswith("+") or group in _PRIVATE or _NAME.fullmatch(group) is None or "w" in bits:
        return False
    return all(bit in bits.replace("s", "x") for bit in need)
