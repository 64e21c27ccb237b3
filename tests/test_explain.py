"""`tailon-agg explain`: the verdicts that the door would give, and the command lines that would run, without a host."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from aggregator import limits
from aggregator.access.tokens import hash_token
from aggregator.cli.main import run
from aggregator.errors import UsageError
from aggregator.remote import commands

ACCESS: dict[str, Any] = {
    "roles": {
        "auditor": {"allow": [{"hosts": "web-1", "paths": ["/logs/prod/**"], "actions": ["view"]}]},
        "searcher": {"allow": [{"hosts": "@*", "paths": ["/logs/staging/*"], "actions": ["view", "search"]}]},
    },
    "users": {"alice": {"password_hash": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaA", "roles": ["auditor"]}},
    "tokens": {"ci": {"hash": hash_token("tagg_x"), "roles": ["searcher"]}},
}
SOURCES = {
    "app": {"hosts": "@*", "path": "/logs/prod/app.log"},
    "all": {"hosts": "@*", "path": "/logs/*/*.log"},
    "day": {"hosts": "web-2", "path": "/logs/staging/${date}.log", "timezone": "UTC"},
    "sshd": {"hosts": "web-1", "journal": "ssh.service"},
}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return write(tmp_path, {"access": ACCESS})


def write(folder: Path, more: dict[str, Any]) -> Path:
    path = folder / "hosts.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "hosts": {"web-[1-2]": {}}, "sources": SOURCES, **more}))
    return path


def explained(
    capsys: pytest.CaptureFixture[str], inventory: Path, *words: str
) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    status = run(["explain", "--inventory", str(inventory), "--output", "json", *words])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return status, {(one["host"], one["source"]): one for one in found}


def lines_of(one: dict[str, Any]) -> dict[str, str]:
    return {command["name"]: command["command"] for command in one["commands"]}


def test_an_allowed_file_has_its_rule_and_the_lines_of_a_tail(
    capsys: pytest.CaptureFixture[str], inventory: Path
) -> None:
    status, found = explained(capsys, inventory, "web-1", "--source", "app", "--as", "alice")
    one = found["web-1", "app"]
    assert (status, one["verdict"], one["rule"]) == (0, "allowed", "access.roles.auditor.allow[0]")
    path = "/logs/prod/app.log"
    assert lines_of(one) == {
        "probe": commands.probe(),
        "follow": commands.follow(path, None, limits.TAIL_WINDOW, tail="gnu"),
        "timeline": commands.timeline(path, limits.GENERATIONS, 0, ()),
        "read": commands.read(path, 0, 1 << 20),
    }


def test_a_search_has_what_the_host_looks_for_and_no_pattern(
    capsys: pytest.CaptureFixture[str], inventory: Path
) -> None:
    status, found = explained(
        capsys, inventory, "--source", "day", "--grep", "(?i)order [0-9]+ failed", "--as", "token:ci"
    )
    one = found["web-2", "day"]
    assert (status, one["verdict"], one["action"]) == (0, "allowed", "search")
    assert set(lines_of(one)) == {"probe", "timeline", "blocks", "search", "read"}
    assert " grep i ' failed' " in lines_of(one)["search"]
    assert "[0-9]" not in json.dumps(one["commands"][-2:])


def test_an_action_that_is_missing_is_a_denial(capsys: pytest.CaptureFixture[str], inventory: Path) -> None:
    status, found = explained(capsys, inventory, "--source", "app", "--grep", "x", "--as", "alice")
    one = found["web-1", "app"]
    assert (status, one["verdict"], one["rule"]) == (77, "denied", "no rule allows it")
    assert "commands" not in one


def test_a_host_that_is_hidden_is_told_as_such(capsys: pytest.CaptureFixture[str], inventory: Path) -> None:
    status, found = explained(capsys, inventory, "web-2", "--source", "app", "--as", "alice")
    assert (status, found["web-2", "app"]["verdict"]) == (77, "hidden")


def test_everything_is_what_they_may_see(capsys: pytest.CaptureFixture[str], inventory: Path) -> None:
    status, found = explained(capsys, inventory, "--as", "alice")
    assert (status, set(found)) == (0, {("web-1", "app"), ("web-1", "all")})


def test_what_a_pattern_finds_is_decided_by_itself(capsys: pytest.CaptureFixture[str], inventory: Path) -> None:
    status, found = explained(capsys, inventory, "--source", "all", "--as", "alice")
    one = found["web-1", "all"]
    assert (status, one["verdict"], one["rule"]) == (0, "depends", "access.roles.auditor.allow[0]")
    listing = lines_of(one)["list"]
    answer = subprocess.run(["sh", "-c", listing], capture_output=True, text=True, check=True, timeout=20).stdout
    assert answer.split() == ["tailon-agg", "E", "no-file"]


def test_without_a_name_it_is_the_terminal_s_own_reading(capsys: pytest.CaptureFixture[str], inventory: Path) -> None:
    status, found = explained(capsys, inventory)
    assert status == 0
    assert {one["rule"] for one in found.values()} == {"local terminal"}
    assert "commands" not in found["web-1", "sshd"]


def test_text_names_who_it_is_for(capsys: pytest.CaptureFixture[str], inventory: Path) -> None:
    assert run(["explain", "--inventory", str(inventory), "--as", "alice", "web-1", "--source", "app"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(
        "as alice (roles: auditor)\n\nweb-1 app /logs/prod/app.log\n  view: allowed, by: access.roles"
    )
    assert commands.probe() in text


@pytest.mark.parametrize("words", [["--as", "bob"], ["web-9"], ["--source", "nothing"], ["--grep", "("]])
def test_what_is_not_there_is_an_error(inventory: Path, words: list[str]) -> None:
    with pytest.raises(UsageError):
        run(["explain", "--inventory", str(inventory), *words])


def test_without_rules_there_is_local_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    inventory = write(tmp_path, {})
    status, found = explained(capsys, inventory, "--as", "local", "--source", "app")
    assert (status, found["web-1", "app"]["rule"]) == (0, "no access section: loopback only")
    with pytest.raises(UsageError, match="everybody is 'local'"):
        run(["explain", "--inventory", str(inventory), "--as", "alice"])
