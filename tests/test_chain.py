"""The audit log's chain: what it looks like, and that nothing in it can be changed unseen."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.access import chain
from aggregator.access.events import Event, EventName, Filter

WHEN = datetime(2026, 11, 23, 10, 0, 0, 123456, UTC)
KEYS = ["seq", "time", "event", "principal", "via", "address", "hosts", "sources", "paths", "command", "filter"]
KEYS += ["reason", "verdict", "rule", "detail", "prev", "hash"]


def lines_of(*events: Event) -> list[bytes]:
    lines, last = [], chain.GENESIS
    for event in events:
        line, last = chain.seal(event.members(WHEN), last)
        lines.append(line)
    return lines


LOG = lines_of(
    Event("start", detail="listening on http://127.0.0.1:8080"),
    Event("open", "local", "web", "127.0.0.1", ("web-1",), ("nginx",), ("/var/log/ü.log",), "ws", Filter(("a", "b"))),
    Event("close", "local", detail={"open": 2, "end": "complete", "lines": 3}),
    Event("stop"),
)


def test_record_has_its_members_in_order_on_one_line():
    record = json.loads(LOG[1])
    assert list(record) == KEYS
    assert record["time"] == "2026-11-23T10:00:00.123Z"
    assert record["filter"] == {"grep": ["a", "b"], "exclude": [], "level": None}
    assert record["hosts"] == ["web-1"]
    assert b" " not in LOG[1]


def test_hash_is_sha256_over_prev_and_the_bytes_before_the_hash_member():
    prev = "0" * 64
    for line in LOG:
        record = json.loads(line)
        body = line[: line.rindex(b',"hash":')]
        assert record["prev"] == prev
        assert record["hash"] == sha256(prev.encode() + body).hexdigest()
        prev = record["hash"]


def test_an_empty_filter_is_null():
    assert json.loads(LOG[0])["filter"] is None


def test_detail_may_hold_a_member_named_hash():
    lines = lines_of(Event("close", detail={"a": 1, "hash": "00"}), Event("stop"))
    assert chain.verify(lines).bad is None


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_makes_one_good_record_of_printable_ascii(text):
    (line,) = lines_of(Event("refuse", text, paths=(text,), filter=Filter((text,)), detail={"k": [text]}))
    assert chain.verify([line]).bad is None
    assert all(0x20 <= byte <= 0x7F for byte in line[:-1])
    assert len(line.decode().splitlines()) == 1
    shown = json.loads(line)["principal"]
    assert shown == text or "\\ud" in shown


def test_good_log_verifies_from_its_start_and_from_a_later_link():
    whole = chain.verify(LOG)
    assert (whole.records, whole.last.seq, whole.bad) == (4, 4, None)
    _, second = chain.read(LOG[1])
    assert chain.verify(LOG[2:], second).last == whole.last


@given(st.data())
def test_any_changed_byte_is_found(data):
    text = bytearray(b"".join(LOG))
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    bad = chain.verify(BytesIO(text)).bad
    assert bad is not None
    assert bad.line <= bytes(text[: at + 1]).count(b"\n") + 1


@given(st.data())
def test_any_removed_or_added_bytes_are_found(data):
    text = b"".join(LOG)
    at = data.draw(st.integers(0, len(text) - 1))
    if data.draw(st.booleans()):
        until = data.draw(st.integers(at + 1, len(text)))
        changed = text[:at] + text[until:]
    else:
        changed = text[:at] + data.draw(st.binary(min_size=1, max_size=8)) + text[at:]
    found = chain.verify(BytesIO(changed))
    # A tail cut off at a record's end is the one thing that a chain alone can't show.
    assert found.bad is not None or text.startswith(changed) or changed == text


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (lambda log: log[1:], 1, "seq 2 where 1 belongs"),
        (lambda log: [log[0], *log[2:]], 2, "seq 3 where 2 belongs"),
        (lambda log: [log[0], log[0], *log[1:]], 2, "seq 1 where 2 belongs"),
        (lambda log: [log[0], log[1].replace(b"web-1", b"web-2"), *log[2:]], 2, "was changed"),
        (lambda log: [*log[:3], log[3][:-1]], 4, "torn"),
        (lambda log: [log[0], b"\n", *log[1:]], 2, "no audit record"),
        (lambda log: [log[0], *lines_of(Event("start", detail="x"), Event("stop"))[1:]], 2, "does not follow"),
    ],
)
def test_first_bad_record_is_named_with_what_is_wrong(change, line, words):
    bad = chain.verify(change(LOG)).bad
    assert bad is not None
    assert (bad.line, bad.seq) == (line, line)
    assert words in bad.detail


def test_lines_are_read_in_bounded_pieces(monkeypatch):
    monkeypatch.setattr(chain, "LINE_BYTES", 1000)
    assert list(chain.lines_of(BytesIO(b"".join(LOG)))) == LOG
    pieces = list(chain.lines_of(BytesIO(LOG[0] + b"x" * 2500)))
    assert [len(piece) for piece in pieces[1:]] == [1000, 1000, 500]
    bad = chain.verify(pieces).bad
    assert bad is not None
    assert (bad.line, bad.detail) == (2, "is torn: it has no newline at its end")


def test_a_key_that_stands_twice_is_found():
    body = b'{"seq":1,"seq":1,"prev":"' + b"0" * 64 + b'"'
    line = body + b',"hash":"' + sha256(b"0" * 64 + body).hexdigest().encode() + b'"}\n'
    bad = chain.verify([line]).bad
    assert bad is not None
    assert "twice" in bad.detail


def test_detail_that_is_no_json_is_an_error_of_the_caller():
    with pytest.raises(TypeError):
        Event("close", detail={"a": object()}).members(WHEN)
    with pytest.raises(ValueError, match="JSON"):
        Event("close", detail={"a": float("nan")}).members(WHEN)


def test_docs_name_every_member_and_event():
    text = (Path(__file__).parent.parent / "docs" / "audit.md").read_text()
    for name in [*KEYS, *get_args(EventName)]:
        assert f"| `{name}` |" in text, name


def test_script_of_the_docs_checks_a_log(tmp_path):
    text = (Path(__file__).parent.parent / "docs" / "audit.md").read_text()
    script = text.split("<<'END'\n")[1].split("END\n")[0]
    log = tmp_path / "audit.jsonl"
    for content, wrong in [(b"".join(LOG), ""), (b"".join(LOG).replace(b"web-1", b"web-2"), "seq 2 was changed")]:
        log.write_bytes(content)
        run = subprocess.run([sys.executable, "-", log], input=script, capture_output=True, text=True, check=False)
        assert run.returncode == bool(wrong)
        assert wrong in run.stderr
