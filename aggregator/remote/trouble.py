"""What can go wrong with a host, in words, with the next step: one table.

`retry` tells `waiting` (will be tried again by itself) from `failed` (needs a person).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from aggregator.errors import HostError


@dataclass(frozen=True, slots=True)
class Trouble:
    """A cause: its words and its next step, both with `{placeholders}`."""

    words: str
    step: str
    retry: bool


TABLE: dict[str, Trouble] = {
    "unknown-host-key": Trouble(
        "the host key of {endpoint} is not in known_hosts (it offered {fingerprint})",
        "compare the fingerprint on the host itself, then add its key to {known_hosts}",
        False,
    ),
    "changed-host-key": Trouble(
        "the host key of {endpoint} has changed (known_hosts has another; it offered {fingerprint})",
        "find out why before anything else: a rebuilt host, or someone in between; then replace the line",
        False,
    ),
    "revoked-host-key": Trouble(
        "the host key of {endpoint} is marked as revoked in known_hosts",
        "give the host a new key, and find out why this one was revoked",
        False,
    ),
    "bad-host-certificate": Trouble(
        "the host certificate of {endpoint} can't be accepted: {detail}",
        "have it renewed by the authority that known_hosts names, for the name or address that is used here",
        False,
    ),
    "permission-denied": Trouble(
        "permission denied for {user}@{endpoint}",
        "add the aggregator's public key to ~{user}/.ssh/authorized_keys there, or name the right user and key",
        False,
    ),
    "bad-identity": Trouble(
        "the key or ssh_config for {endpoint} can't be used: {detail}",
        "mend the file, or name another under ssh:",
        False,
    ),
    "refused": Trouble(
        "connection refused by {endpoint}",
        "see whether sshd runs there and listens on this port",
        True,
    ),
    "timeout": Trouble(
        "no answer from {endpoint} within {seconds:g} s",
        "see whether the host is up and a firewall lets this machine through",
        True,
    ),
    "name-not-found": Trouble(
        "the name {address} was not found",
        "check the spelling, or give the host an address:",
        True,
    ),
    "unreachable": Trouble("{endpoint} can't be reached: {detail}", "check the network between here and there", True),
    "jump-failed": Trouble(
        "the jump host {jump} failed: {detail}",
        "mend the way to the jump host first",
        True,
    ),
    "too-many-sessions": Trouble(
        "{endpoint} takes no more sessions",
        "raise MaxSessions in its sshd_config, or watch fewer files of it",
        True,
    ),
    "too-many-files": Trouble(
        "more files than the {limit} that can be followed on one host at once",
        "watch fewer files of this host, or narrow the path",
        False,
    ),
    "protocol": Trouble("{endpoint} does not speak SSH as expected: {detail}", "check address and port", True),
    "lost": Trouble("the connection to {endpoint} was lost", "nothing to do: it is dialled again by itself", True),
    "no-shell": Trouble(
        "{endpoint} ran no shell: {detail}",
        "the user needs a shell that runs `sh -c`; /bin/sh is enough",
        False,
    ),
    "no-tail": Trouble(
        "there is no tail on {host}",
        "install coreutils or BusyBox there, or put them in the user's PATH",
        False,
    ),
    "no-file": Trouble(
        "no such file: {path}",
        "check the path in the inventory; it is looked for again by itself",
        False,
    ),
    "not-readable": Trouble(
        "{path} is not readable for {user}",
        "group adm or an ACL: setfacl -m {acl} (and x on the folders above)",
        False,
    ),
    "not-regular": Trouble(
        "{path} is not a regular file ({detail})",
        "name a log file, or a pattern such as {path}/*.log for a folder",
        False,
    ),
    "not-allowed": Trouble(
        "{path} may not be shown: the rules don't allow what is really behind that name",
        "ask whoever keeps the rules; the audit log says what it is",
        False,
    ),
    "no-gate": Trouble(
        "no gate answers on {host} (ssh.gate is true): {detail}",
        "install the script that `tailon-agg gate` prints, with the line of `tailon-agg gate --authorized-keys {host}`",
        False,
    ),
    "gated": Trouble(
        "a gate limits the key on {host}, and the inventory does not say so",
        "say ssh.gate: true for this host",
        False,
    ),
    "gate-refused": Trouble(
        "the gate on {host} refuses what is asked of it ({detail})",
        "`tailon-agg gate` prints the script of this version, and `--authorized-keys {host}` its folders",
        False,
    ),
    "outside-gate": Trouble(
        "{path} is not below a folder that the gate on {host} lets the key read",
        "add its folder to command= in authorized_keys there: tailon-agg gate --authorized-keys {host}",
        False,
    ),
    "no-match": Trouble(
        "no file matches {path}",
        "check the pattern in the inventory; it is looked for again by itself",
        False,
    ),
    "no-decompressor": Trouble(
        "{path} is compressed, and there is no {detail} on {host}",
        "install it there, or leave the newest rotated file uncompressed (logrotate: delaycompress)",
        False,
    ),
    "damaged": Trouble(
        "{path} can't be decompressed to its end",
        "see whether it is still being written; else it is damaged, and what is missing of it is lost",
        False,
    ),
    "unpacked": Trouble(
        "{path} is compressed to less than a {ratio}th of its text, as no log is",
        "look at it on the host; narrow the time so that it is not needed",
        False,
    ),
    "scan-time": Trouble(
        "the search of {path} took more than {seconds:g} s of processor time on {host}",
        "narrow the time",
        False,
    ),
    "remote-error": Trouble(
        "the command on {host} failed: {detail}", "run `tailon-agg check` and look at the host", True
    ),
    "journal": Trouble("{path} is a systemd journal", "journals can't be followed by this version yet", False),
}


def trouble(cause: str, **facts: object) -> HostError:
    """The HostError of a cause; it keeps all facts. Raises KeyError when one that its words need is missing."""
    row = TABLE[cause]
    kept = {name: str(value) for name, value in facts.items()}
    return HostError(cause, row.words.format(**facts), row.step.format(**facts), retry=row.retry, facts=kept)


def not_readable(path: str, user: str, *, folder: str | None) -> HostError:
    """The HostError of a file that `user` may not read; `folder` is the one that she may not enter or list, if any."""
    acl = shlex.join([f"u:{user}:rx", folder]) if folder else shlex.join([f"u:{user}:r", path])
    return trouble("not-readable", path=path, user=user, acl=acl)
