"""What the doctor makes of answers, without SSH: in three shells, from hostile hosts, of hosts that hang."""

from __future__ import annotations

from pathlib import Path

import pytest
from local import LocalTransport
from shells import SHELLS, machine

from aggregator import limits
from aggregator.cli.diagnosis import table
from aggregator.doctor.check import Check, Report
from aggregator.doctor.facts import Facts, Rights, read_facts
from aggregator.doctor.rights import mend
from aggregator.doctor.ward import visit
from aggregator.inventory import Inventory
from aggregator.model import Host, Source, SshOptions


def inventory(*paths: Path | str) -> Inventory:
    names = frozenset({"a"})
    sources = {f"s{number}": Source(f"s{number}", "file", names, str(path)) for number, path in enumerate(paths)}
    return Inventory({"a": Host("a", "a", SshOptions(), {})}, {}, sources)


async def looked(transport: LocalTransport, *paths: Path | str) -> dict[str, Check]:
    """The checks of one host by their names."""
    reports: list[Report] = []
    await visit(inventory(*paths), ["a"], transport, reports.append)
    await transport.end()
    return {check.name: check for check in reports[0].checks}


@pytest.mark.parametrize("shell", SHELLS)
async def test_every_shell_tells_the_same(shell: str, tmp_path: Path) -> None:
    logs = tmp_path / "lo gs [x]"
    (logs / "deep").mkdir(parents=True)
    for name in ("it's.log", "it's.log.1", "it's.log.2.gz", "b.log", "deep/c.log", "new\nline.log"):
        (logs / name).write_text("")
    (tmp_path / "link").symlink_to(logs)
    quoted = str(logs).replace("[", "[[]")
    checks = await looked(
        machine(shell, tmp_path),
        *(
            f"{quoted}/*.log",
            f"{quoted}/**/*.log",
            f"{quoted}/*/*.log",
            "/dev/null",
            tmp_path,
            f"{quoted}/none.log",
            f"{tmp_path}/link/**/c.log",
        ),
    )
    assert checks["source:s0"].detail == f"2 files match {quoted}/*.log, all readable"
    assert checks["source:s1"].detail == f"3 files match {quoted}/**/*.log, all readable"
    assert checks["source:s2"].detail == f"{logs}/deep/c.log: readable"
    assert "a device, FIFO or socket" in checks["source:s3"].detail
    assert "it is a folder" in checks["source:s4"].detail
    assert checks["source:s5"].state == "warn"
    assert checks["source:s6"].detail == f"{tmp_path}/link/deep/c.log: readable"
    assert checks["tools"].detail.startswith("BusyBox" if shell == "busybox" else "GNU")
    assert checks["compressed"].detail == ".gz: can be read"


async def test_host_that_hangs_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a network file system does whose server is gone; what came before it counts."""
    monkeypatch.setattr(limits, "COMMAND_TIMEOUT", 1.0)
    transport = machine("dash", tmp_path)
    hanging = tmp_path / "path-dash" / "find"
    hanging.write_text("#!/bin/sh\n[ $1 = --version ] || exec sleep 3\n")
    hanging.chmod(0o755)
    (tmp_path / "app.log").write_text("")
    checks = await looked(transport, tmp_path / "app.log", "/var/**/x.log", tmp_path / "b.log")
    assert checks["source:s0"].state == "ok"
    assert checks["source:s1"].detail == "the look at /var/**/x.log did not come to its end in time"
    assert checks["source:s2"].detail == f"{tmp_path}/b.log was not looked at: what came before took too long"


def test_hostile_answers_make_no_command() -> None:
    pattern = "/var/log/app.log"
    facts = Facts()
    answer = (
        b"T\nT tail\nG 99\nF r /etc/shadow\nG 1\nF\nF r\nF r relative\nF r /a\x1b[2J\nX - - -\nX d r g -R\n"
        b"A d r g \xff\nN ../../x\nA -rw-r----- root adm; /var/log/app.log\nB -rw-r----- o $(id) /x;y\nZ\nF r /late"
    )
    read_facts(answer, [pattern], facts)
    look = facts.looks[pattern]
    assert (look.readable, look.refusing, look.missing) == ([], [], None)
    assert mend(look.closed[0], "r", "nobody", facts)[1] == "setfacl -m u:nobody:r /var/log/app.log"
    assert look.rotated == Rights("-rw-r-----", "o", "$(id)", "/x;y")
    assert mend(look.rotated, "r", "nobody", facts)[1] == "setfacl -m u:nobody:r '/x;y'"
    assert mend(look.rotated, "r", "x; reboot", facts)[1] == ""


@pytest.mark.parametrize(
    ("mode", "group", "need", "helps"),
    [
        ("-rw-r-----", "adm", "r", "usermod -aG adm u"),
        ("-rw-rw----", "adm", "r", "setfacl"),  # who may only read must not be given more
        ("-rw-r-----", "root", "r", "setfacl"),
        ("-rw-------", "adm", "r", "setfacl"),
        ("-rw-r-----+", "adm", "r", "setfacl"),  # the mode shows the mask of its ACL
        ("drwxr-x---", "adm", "rx", "usermod -aG adm u"),
        ("drwxr-s---", "adm", "rx", "usermod -aG adm u"),
        ("drwx--x---", "adm", "rx", "setfacl"),
        ("drwx--x---", "adm", "x", "usermod -aG adm u"),
    ],
)
def test_least_right_that_helps(mode: str, group: str, need: str, helps: str) -> None:
    rights = Rights(mode, "root", group, "/var/log/x")
    assert mend(rights, need, "u", Facts())[1].startswith(helps)  # type: ignore[arg-type]
    assert mend(rights, need, "u", Facts(groups=(group,)))[1].startswith("setfacl")  # type: ignore[arg-type]


def test_equal_troubles_of_many_hosts_are_one_row() -> None:
    hosts = {
        name: Host(name, f"10.0.0.{number}", SshOptions(), {}) for number, name in enumerate(("web-1", "web-10", "db"))
    }
    reports = [
        Report(name, (Check("connection", "fail", f"connection refused by {host.address}:22", f"see {host.address}"),))
        for name, host in hosts.items()
    ]
    shown = table(reports, hosts, width=80, colour=False)
    assert shown.splitlines()[0] == "db,web-[1,10]: fail"
    assert "connection refused by HOST\n" in shown
    alone = table(reports[:1], hosts, width=80, colour=False)
    assert "connection refused by 10.0.0.0:22\n" in alone


def test_name_that_is_a_word_stays_a_word() -> None:
    hosts = {name: Host(name, name, SshOptions(), {}) for name in ("a", "is")}
    reports = [Report(name, (Check("shell", "fail", f"a file is on {name}"),)) for name in hosts]
    assert "a file is on HOST\n" in table(reports, hosts, width=80, colour=False)


def test_what_hosts_say_can_not_move_the_cursor() -> None:
    hosts = {"a": Host("a", "a", SshOptions(), {})}
    report = Report("a", (Check("shell", "fail", "\x1b[2Jx", "\x1b[3J", "echo \x1b[4J"),))
    assert "\x1b" not in table([report], hosts, width=80, colour=False)
