"""Checkpoints sign the chain; a log that has grown goes on in a new file without a break."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator import limits
from aggregator.access import chain
from aggregator.access.checkpoint import Signer
from aggregator.access.events import Event
from aggregator.access.ledger import Ledger
from aggregator.cli.audit import verify
from aggregator.errors import ConfigError

MEMBERS = b'"time":"2026-11-23T10:00:00.000Z","event":"reload","detail":null'


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.at(tmp_path / "audit.key")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_key_is_made_once_private_and_used_again(tmp_path: Path, signer: Signer) -> None:
    assert (tmp_path / "audit.key").stat().st_mode & 0o777 == 0o600
    assert Signer.at(tmp_path / "audit.key").key == signer.key
    (tmp_path / "audit.key").write_text("rubbish")
    with pytest.raises(ConfigError, match="audit\\.key"):
        Signer.at(tmp_path / "audit.key")


def test_the_chain_is_signed_now_and_then_and_at_the_next_start(
    path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(limits, "AUDIT_CHECKPOINT_RECORDS", 3)
    ledger = Ledger(path, signer)
    for _ in range(4):
        ledger.append([MEMBERS])
    ledger.close()
    ledger = Ledger(path, signer)
    ledger.append([MEMBERS])
    ledger.close()
    events = [record["event"] for record in records(path)]
    assert events == ["reload", "reload", "reload", "checkpoint", "reload", "reload", "checkpoint"]
    assert verify([path], signer.key) == 0
    assert f"signed up to seq 6 by {signer.key}" in capsys.readouterr().out


def test_a_log_written_anew_is_found_by_its_missing_or_foreign_signature(
    path: Path, tmp_path: Path, signer: Signer, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Signer.at(tmp_path / "other.key")
    for _ in range(2):
        ledger = Ledger(path, other)
        ledger.append([MEMBERS])
        ledger.close()
    assert verify([path], signer.key) == 1
    assert "is a checkpoint by another key" in capsys.readouterr().err
    line, last = chain.seal(MEMBERS, chain.GENESIS)
    detail = {"seq": 1, "hash": last.hash, "key": signer.key, "signature": "AAAA"}
    forged, _ = chain.seal(Event("checkpoint", detail=detail).members(datetime.now(UTC)), last)
    path.write_bytes(line + forged)
    assert verify([path], signer.key) == 1
    assert "signature is wrong" in capsys.readouterr().err


def test_a_large_log_goes_on_in_a_new_file_without_a_break(
    path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(limits, "AUDIT_FILE_BYTES", 500)
    ledger = Ledger(path, signer)
    for _ in range(12):
        ledger.append([MEMBERS])
    ledger.close()
    files = sorted(path.parent.glob("audit.jsonl*"))
    assert len(files) > 3
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    assert verify(files) == 0
    assert verify([path]) == 0
    assert "from seq" in capsys.readouterr().out
    assert verify([*files[:2], *files[3:]]) == 1  # one of the middle is missing
    again = Ledger(path, signer)
    again.append([MEMBERS])
    again.close()
    assert verify(sorted(path.parent.glob("audit.jsonl*"))) == 0


def test_a_crash_amid_a_rotation_harms_nothing(path: Path, signer: Signer) -> None:
    ledger = Ledger(path, signer)
    ledger.append([MEMBERS])
    ledger.close()
    path.with_name("audit.jsonl.new").write_bytes(b"half")
    path.with_name("audit.jsonl.000000000001").hardlink_to(path)
    ledger = Ledger(path, signer)
    ledger.append([MEMBERS])
    ledger.close()
    assert sorted(file.name for file in path.parent.glob("audit.jsonl*")) == ["audit.jsonl"]
    assert verify([path]) == 0
