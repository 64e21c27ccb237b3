"""`audit verify`, `audit show`, `passwd`, `token`: what a security officer types."""

from __future__ import annotations

import random
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from aggregator.access import chain
from aggregator.access.audit import AuditLog
from aggregator.access.door import Door
from aggregator.access.policy import LoopbackPolicy
from aggregator.access.request import Request
from aggregator.cli.audit import Wanted, show, verify
from aggregator.model import File, Principal
from aggregator.stream.runs import Run

FILE = File("web-1", "app", "/logs/app.log")
OTHER = File("web-2", "app", "/logs/app.log")
GENERATION = "0123456789abcdef"
LINE = "web-1~app~L2xvZ3MvYXBwLmxvZw~0123456789abcdef~00000000000a~00000000"
AFTER = "web-1~app~L2xvZ3MvYXBwLmxvZw~0123456789abcdef~000000000014~00000000"


@pytest.fixture
async def log(tmp_path: Path) -> Path:
    """Alice saw the bytes 0 to 20 of a log on web-1, Bob a log on web-2."""
    path = tmp_path / "audit.jsonl"
    async with await AuditLog.open(path) as audit:
        door = Door(LoopbackPolicy(), audit)
        for name, file in (("local:alice", FILE), ("local:bob", OTHER)):
            request = Request("view", "stream", (file.host,), (file.source,), (file,))
            async with await door.open(Principal(name, "cli"), request) as opening:
                opening.delivered([Run(file, GENERATION, 0, 20, ["x" * 9, "y" * 9])], 2, 20)
                opening.end("complete")
    return path


def test_a_whole_log_is_ok(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify([log]) == 0
    assert capsys.readouterr().out.startswith("ok: 4 records, seq 4, hash ")


def test_a_chain_goes_on_over_files(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_bytes(b"".join(lines[:2]))
    second.write_bytes(b"".join(lines[2:]))
    assert verify([first, second]) == 0
    assert verify([second]) == 1
    assert "2:1: seq 1: has seq 3 where 1 belongs" in capsys.readouterr().err


def test_any_change_is_found_and_the_first_bad_record_named(log: Path) -> None:
    """Bytes flipped, lines removed, doubled and swapped: none is taken for good; an end cut off at a record can't be
    seen by a file alone."""
    data = log.read_bytes()
    lines = data.splitlines(keepends=True)
    chooser = random.Random(1)
    for _ in range(20_000):
        mutated = bytearray(data)
        match chooser.randrange(3):
            case 0:
                at = chooser.randrange(len(data))
                mutated[at] ^= 1 << chooser.randrange(8)
            case 1:
                at = chooser.randrange(len(data) - 1)
                del mutated[at : at + chooser.randrange(1, 50)]
            case _:
                at = chooser.randrange(len(data))
                mutated[at:at] = bytes([chooser.randrange(256)])
        if bytes(mutated) in (data, *(b"".join(lines[:count]) for count in range(len(lines)))):
            continue
        assert chain.verify(bytes(mutated).splitlines(keepends=True)).bad is not None
    for moved in ([1, 0, 2, 3], [0, 2, 3], [0, 1, 1, 2, 3]):
        assert chain.verify([lines[index] for index in moved]).bad is not None


def test_who_saw_a_line_is_answered(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show([log], Wanted(line=LINE), "text") == 0
    shown = capsys.readouterr().out
    assert "close local:alice" in shown
    assert "bob" not in shown
    assert show([log], Wanted(line=AFTER), "text") == 0
    assert capsys.readouterr().out == ""


def test_records_are_chosen_by_host_principal_and_time(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show([log], Wanted(host="web-2"), "json")
    assert capsys.readouterr().out.encode() == b"".join(log.read_bytes().splitlines(keepends=True)[2:])
    show([log], Wanted(principal="local:alice", since="-1h"), "text")
    assert capsys.readouterr().out.count("local:alice") == 2
    show([log], Wanted(since="2999-01-01"), "text")
    assert capsys.readouterr().out == ""


def test_show_names_a_broken_record_and_shows_the_others(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.write_bytes(log.read_bytes().replace(b'"hosts":["web-2"]', b'"hosts":["web-9"]', 1))
    assert show([log], Wanted(), "json") == 1
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 3
    assert "audit.jsonl:3: was changed" in captured.err


def run(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    code = "from aggregator.cli.main import main; main()"
    return subprocess.run([sys.executable, "-c", code, *words], input=given, capture_output=True, text=True, timeout=60)


def test_the_commands_run_and_their_errors_are_one_line(log: Path) -> None:
    assert run("audit", "verify", str(log)).returncode == 0
    missing = run("audit", "verify", str(log.parent / "none"))
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert run("audit", "show", str(log), "--line", "rubbish").returncode == 2
    assert run("audit", "show", str(log), "--since", "soon").returncode == 2


def test_passwd_and_token_print_what_the_inventory_takes() -> None:
    made = run("passwd", given="correct horse\n")
    assert PasswordHasher().verify(made.stdout.strip(), "correct horse")
    token, digest = run("token").stdout.split()
    assert digest == f"sha256:{sha256(token.encode()).hexdigest()}"
    assert run("passwd", given="\n").returncode == 2
