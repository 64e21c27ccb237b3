"""`tailon-agg gate`: the script and the line of authorized_keys that it prints, and what the doctor says of gates."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml
from fleet import Fleet
from test_cli_doctor import doctor

from aggregator.cli import main
from aggregator.errors import ConfigError, UsageError
from aggregator.remote import commands
from aggregator.remote.gate import gate_digest, gate_script

SHELLS = (["dash"], ["bash", "--posix"], ["bash"], ["busybox", "ash"])


def test_the_script_is_short_and_clean_and_any_shell_can_read_it(tmp_path: Path) -> None:
    script = tmp_path / "gate"
    script.write_text(gate_script())
    lines = gate_script().splitlines()
    assert lines[0] == "#!/bin/sh"
    assert len(lines) <= 200
    assert max(map(len, lines)) <= 120
    assert gate_digest() in lines[1]
    for shell in SHELLS:
        subprocess.run([*shell, "-n", str(script)], check=True)
    checked = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True)
    assert checked.stdout == ""


def test_the_command_prints_the_script_without_any_inventory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["gate"]) == 0
    assert capsys.readouterr().out == gate_script()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    made = asyncssh.generate_private_key("ssh-ed25519", comment="me@here")
    path = tmp_path / "id"
    made.write_private_key(path)
    made.write_public_key(tmp_path / "id.pub")
    return path


def inventory(folder: Path, key: Path | None, **more: Any) -> Path:
    data: dict[str, Any] = {
        "version": 1,
        "ssh": {"identity_files": [str(key or folder / "none")]},
        "hosts": {
            "web-1": {"address": "127.0.0.1"},
            "old-1": {"address": "127.0.0.1", "ssh": {"server": "dropbear"}},
            "far-1": {"address": "127.0.0.1", "jump": "web-1"},
            "no-1": {"address": "127.0.0.1"},
        },
        "sources": {
            "nginx": {"hosts": "web-1,old-1,far-1", "path": "/var/log/nginx/*.log"},
            "deep": {"hosts": "web-1", "path": "/var/log/nginx/sites/a.log"},
            "day": {"hosts": "web-1", "path": "/logs/${host}/${date:%Y/%m}/app.log"},
            **more,
        },
    }
    path = folder / "hosts.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def line_for(capsys: pytest.CaptureFixture[str], path: Path, host: str, *words: str) -> tuple[str, str]:
    assert main.run(["gate", "--authorized-keys", host, *words, "--inventory", str(path)]) == 0
    said = capsys.readouterr()
    return said.out, said.err


def test_the_line_names_the_folders_of_the_sources_and_where_the_key_comes_from(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, key: Path
) -> None:
    public = (tmp_path / "id.pub").read_text().strip()
    out, err = line_for(capsys, inventory(tmp_path, key), "web-1")
    gate = "/usr/local/bin/tailon-agg-gate /logs/web-1 /var/log/nginx"
    assert (out, err) == (f'restrict,from="127.0.0.1",command="{gate}" {public}\n', "")
    out, _ = line_for(capsys, inventory(tmp_path, key), "web-1", "--from", "10.0.0.0/8,!10.0.0.1")
    assert out.startswith('restrict,from="10.0.0.0/8,!10.0.0.1",command="')


def test_dropbear_gets_no_from_and_behind_a_jump_host_it_is_left_out_and_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, key: Path
) -> None:
    out, err = line_for(capsys, inventory(tmp_path, key), "old-1")
    assert out.startswith('restrict,command="/usr/local/bin/tailon-agg-gate /var/log/nginx" ssh-ed25519 ')
    assert err == ""
    out, err = line_for(capsys, inventory(tmp_path, key), "far-1")
    assert out.startswith('restrict,command="')
    assert "add from=" in err


def test_a_folder_with_odd_names_is_one_word_to_the_shell_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, key: Path
) -> None:
    odd = {"hosts": "no-1", "path": '/logs/a "b" $$c/app.log'}
    out, _ = line_for(capsys, inventory(tmp_path, key, odd=odd), "no-1")
    option = out[out.index('command="') + 9 : out.rindex('" ssh-ed25519')]
    words = subprocess.check_output(
        ["sh", "-c", f'set -- {option.replace(chr(92) + chr(34), chr(34))}; printf "%s|" "$@"']
    )
    assert words.decode() == '/usr/local/bin/tailon-agg-gate|/logs/a "b" $c|'


def test_the_private_key_alone_is_enough(capsys: pytest.CaptureFixture[str], tmp_path: Path, key: Path) -> None:
    public = (tmp_path / "id.pub").read_text().split()[:2]
    (tmp_path / "id.pub").unlink()
    out, _ = line_for(capsys, inventory(tmp_path, key), "old-1")
    assert out.split('" ')[1].split()[:2] == public


@pytest.mark.parametrize(
    ("host", "has_key", "error", "words"),
    [
        ("web-9", True, UsageError, "there is no host 'web-9'"),
        ("no-1", True, ConfigError, "no-1 has no source with a path"),
        ("web-1", False, ConfigError, "name one under ssh.identity_files"),
    ],
)
def test_what_can_not_be_printed_is_said(
    tmp_path: Path, key: Path, host: str, has_key: bool, error: type[Exception], words: str
) -> None:
    path = inventory(tmp_path, key if has_key else None)
    with pytest.raises(error, match=words):
        main.run(["gate", "--authorized-keys", host, "--inventory", str(path)])


def test_the_doctor_tells_gated_from_ungated_and_what_a_gate_keeps_away(fleet: Fleet, tmp_path: Path) -> None:
    def root(name: str, *folders: str) -> list[Path]:
        return [fleet.folder / "roots" / name / folder for folder in folders]

    fleet.add("good", gate=root("good", "logs"))
    fleet.add("bare")
    fleet.add("short", gate=root("short", "other"))
    fleet.add("wide", gate=root("wide", "logs", "more"))
    fleet.add("box", server="dropbear", shell="busybox ash", path=fleet.busybox(), gate=root("box", "logs"))
    older = tmp_path / "older-gate"
    older.write_text(gate_script().replace(gate_digest(), "0123456789ab"))
    older.chmod(0o755)
    fleet.add("older", options={"ForceCommand": f"{older} {root('older', 'logs')[0]}"})
    for host in fleet.hosts.values():
        for folder in ("logs", "other", "more"):
            (host.root / folder).mkdir()
        (host.root / "logs" / "app.log").write_text("a line\n")
    path = f"{fleet.folder}/roots/${{host}}/logs/app.log"
    gated = {name: {"ssh": {"gate": True}} for name in ("good", "short", "wide", "box", "older")}
    inventory = fleet.inventory({"app": {"hosts": "@*", "path": path}}, hosts=gated)
    done = doctor(inventory, tmp_path, "--output", "json")
    reports = {report["host"]: report for report in json.loads(done.stdout)}
    rows = {
        name: [(check["state"], check["detail"]) for check in report["checks"] if check["name"] == "gate"]
        for name, report in reports.items()
    }
    assert {name: report["state"] for name, report in reports.items()} == {
        **dict.fromkeys(("good", "bare", "wide", "box"), "ok"),
        "older": "warn",
        "short": "fail",
    }
    assert rows["good"] == [("ok", f"gated: the key reads below {root('good', 'logs')[0]} and does nothing else")]
    assert rows["box"][0][1].startswith("gated: ")
    assert rows["bare"][0][1].startswith("ungated: ")
    assert rows["wide"] == [("ok", f"gated; no source is below {root('wide', 'more')[0]}, which the key may read too")]
    assert rows["older"][0] == (
        "warn",
        f"gated, by another version of the script (0123456789ab; this one's is {gate_digest()})",
    )
    (state, words), *_ = rows["short"]
    assert (state, "lets nobody read" in words, str(root("short", "other")[0]) in words) == ("fail", True, True)


if os.getuid() == 0:  # nobody else can make a machine of root's own folders

    @pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
    def test_without_proc_only_files_that_nobody_else_can_exchange_are_read(tmp_path: Path, shell: list[str]) -> None:
        script = tmp_path / "gate"
        script.write_text(gate_script().replace("/proc", "/nowhere"))
        made = "mkdir -p logs/sub logs/open && echo text | tee logs/a.log logs/sub/b.log logs/open/c.log >/dev/null"
        links = "chmod 1777 logs/open && ln -s a.log logs/link.log"
        read = {
            name: commands.read(f"/mnt/logs/{name}", 0, 100).request
            for name in ("a.log", "sub/b.log", "open/c.log", "link.log")
        }
        asked = "".join(
            f"SSH_ORIGINAL_COMMAND={shlex.quote(request)} {shlex.join(shell)} {script} /mnt/logs >{tmp_path}/{number}\n"
            for number, request in enumerate(read.values())
        )
        machine = f"mount -t tmpfs none /mnt && chmod 755 /mnt && cd /mnt && {made} && {links}\n{asked}"
        subprocess.run(["unshare", "-m", "sh", "-c", machine], check=True, timeout=60)
        said = {name: (tmp_path / str(number)).read_text() for number, name in enumerate(read)}
        assert {name for name, answer in said.items() if answer.endswith("text\n")} == {"a.log", "sub/b.log"}
        assert "E outside-gate -" in said["open/c.log"]
        assert "E outside-gate -" in said["link.log"]
