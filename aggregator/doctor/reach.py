"""How far the way to a host leads: the trouble of a dial as checks, one for each step of the way."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from aggregator.doctor.check import Check
from aggregator.errors import HostError
from aggregator.model import Host

STEPS = ("address", "connection", "host-key", "login", "shell")

_STEP_OF = {
    "name-not-found": "address",
    "unknown-host-key": "host-key",
    "changed-host-key": "host-key",
    "revoked-host-key": "host-key",
    "bad-host-certificate": "host-key",
    "permission-denied": "login",
    "bad-identity": "login",
    "no-shell": "shell",
    "remote-error": "shell",
    "no-tail": "tools",
    "no-gate": "gate",
    "gated": "gate",
    "gate-refused": "gate",
}  # every other cause is one of the connection
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)


def refused(host: Host, error: HostError) -> tuple[Check, ...]:
    """The checks of a host that could not be reached: what went well before, and what did not."""
    name = _STEP_OF.get(error.cause, "connection")
    before = STEPS[: STEPS.index(name)] if name in STEPS else STEPS
    return *(passed(step, host) for step in before), _failed(name, host, error)


def passed(step: str, host: Host, user: str | None = None) -> Check:
    """The check of a step that went well."""
    words = {
        "address": host.address,
        "connection": f"it answers{f' through {host.jump}' if host.jump else ''}",
        "host-key": "known",
        "login": f"as {user}" if user else "let in",
        "shell": "a gate" if host.ssh.gate else "runs `sh -c`",
    }
    return Check(step, "ok", words[step])


def _failed(name: str, host: Host, error: HostError) -> Check:
    inner = error
    while inner.cause == "jump-failed" and isinstance(inner.__cause__, HostError):
        inner = inner.__cause__
    facts = inner.facts
    detail, step, command, here = error.words, inner.step, "", False
    match inner.cause:
        case "unknown-host-key" | "changed-host-key" if facts.get("known_hosts_line") and facts["known_hosts_file"]:
            command, here = _make_known(inner), True
            step = f"{_FIND_OUT if inner.cause == 'changed-host-key' else ''}{_compare(inner, host)}"
        case "permission-denied":
            detail += f"; {_keys(facts.get('keys', ''), facts.get('agent', ''))}"
            command = _let_in(facts.get("user", ""), facts.get("public_key", ""), host)
            step = "let one of these keys in" if facts.get("keys") else "name a key under ssh.identity_files"
            if facts.get("too_many"):
                detail += "; the server gave up before it had seen all of them (MaxAuthTries)"
                step = "name the one key that is let in, alone, under ssh.identity_files"
        case "no-shell" if host.ssh.user and _USER.fullmatch(host.ssh.user):
            command = f"usermod -s /bin/sh {host.ssh.user}"
        case "protocol" if "before a login" in inner.words:
            step += "; sshd also does so to whom it has seen fail too often (PerSourcePenalties, MaxStartups, fail2ban)"
        case "name-not-found":
            command, here = f"getent hosts {shlex.quote(facts.get('address', host.address))}", True
    if inner is not error and not here:
        command = ""  # it is for the jump host, which has a row of its own where it is one of the inventory
    return Check(name, "fail", detail, step, command, "here" if here else "host")


_FIND_OUT = "find out why before anything else: a rebuilt host, or someone in between; "
_KINDS = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}  # of a host key, as its file is named; else ecdsa


def _compare(error: HostError, host: Host) -> str:
    """How whoever looks at the host itself sees its fingerprint."""
    fingerprint = error.facts["fingerprint"]
    if fingerprint.startswith("a certificate"):
        return "ask whoever keeps that authority for its fingerprint; only if it is the same:"
    kind = _KINDS.get(fingerprint.split(" ")[0], "ecdsa")
    show = f"ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub"
    if host.ssh.server == "dropbear":
        show = f"dropbearkey -y -f /etc/dropbear/dropbear_{kind}_host_key"
    return f"compare it with what the host says on its own console (`{show}`); only if it is the same:"


def _make_known(error: HostError) -> str:
    """What puts the offered key into known_hosts; an old one goes first."""
    target = shlex.quote(str(Path(error.facts["known_hosts_file"]).expanduser()))
    add = f"echo {shlex.quote(error.facts['known_hosts_line'])} >> {target}"
    if error.cause == "unknown-host-key":
        return add
    return f"ssh-keygen -f {target} -R {shlex.quote(error.facts['place'])} && {add}"


def _keys(named: str, agent: str) -> str:
    """Which keys were offered."""
    if not named:
        return "the keys of the agent were tried" if agent else "there was no key to try"
    return f"tried {named}{' and those of the agent' if agent else ''}"


def _let_in(user: str, public_key: str, host: Host) -> str:
    """What lets a key in, with nothing but commands allowed to it (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""
    if not public_key or _USER.fullmatch(user) is None:
        return ""
    restrict = "" if host.ssh.server == "dropbear" else "restrict "
    return f"echo {shlex.quote(f'{restrict}{public_key} tailon-agg')} >> ~{user}/.ssh/authorized_keys"
