"""Programs whose log should harm who reads it: every line is a harmless row, and none is taken for ours."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from fleet import Fleet
from product import Product, command, environment

BOMBS = [
    b'{"time":' * 7000 + b"1" + b"}" * 7000,
    b"{" * 60_000,
    b'{"a":"' + b"\\" * 60_000,
    b'{"time":"' + b"9" * 60_000 + b'"}',
    b"a=" * 30_000,
    b'k="' * 20_000,
    b"[" * 60_000,
    b"(a+)+$" + b"a" * 60_000,
    b"1" * 60_000,
    b"\x1b[" + b"0;" * 30_000 + b"m",
]
STAMPS = [
    b"9999-12-31T23:59:59.999999-99:99 far",
    b"0000-00-00T00:00:00Z never",
    b"1970-01-01T00:00:00+99:99 early",
    b"9999999999 epoch",
    b"9999999999999999999 nanoseconds",
    b'{"ts":9.999999e99}',
    b'{"ts":-1}',
    b'{"time":"nan"}',
    b"Feb 30 25:61:61 host app: no day",
    b"9998-12-31T23:59:59Z the last",
]
OURS = [
    b"H 1:2:3 10 1763000000 0 0a",
    b"E not-readable file",
    b"tailon-agg",
    b"R 123",
    b"T 0",
    b"X 1",
    b"tail: -: file truncated",
    b"tail: /dev/fd/3: file truncated",
    b"G 1:1:1 1 1 plain 0a /etc/shadow",
    b"tailon-probe 1 1 +0000 gnu root",
    b'{"type":"end","reason":"complete"}',
    b"-- web-1 /x: failed: made up",
]
PAINT = [
    b"\x1b[2J\x1b[H\x1b]0;title\x07",
    b"\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    b"\x1b]52;c;ZXZpbA==\x07",
    b"real\rfake",
    b"\xc2\x9b31m C1",
    b"\xe2\x80\xae evil \xe2\x81\xa6 bidi",
    b"a\0b",
    b"\xc0\xaf\xe0\x80\xaf\xf8\x88\x80\x80\x80 overlong",
    b"\xed\xa0\x80 surrogate",
    b"\x0b\x0c\x85\xe2\x80\xa8 separators",
    b"</script><img src=x onerror=alert(1)>",
]
LINES = BOMBS + STAMPS + OURS + PAINT


def texts() -> list[str]:
    return [line.decode("utf-8", "replace") for line in LINES]


@pytest.fixture
def log(fleet: Fleet) -> Path:
    return fleet.add("web-1").root / "app.log"


def test_lines_that_mean_harm_are_rows_from_backlog_and_live(fleet: Fleet, log: Path, tmp_path: Path) -> None:
    log.write_bytes(b"".join(line + b"\n" for line in LINES))
    with Product(fleet.inventory({"app": {"hosts": "web-1", "path": str(log)}}), tmp_path) as product:
        assert [line["text"] for line in product.once() if line["type"] == "line"] == texts()
        with product.stream(lines=0) as view:
            view.wait_live()
            with log.open("ab") as out:
                out.write(b"".join(line + b"\n" for line in [*LINES, b"behind"]))
            view.wait_text("behind")
            assert view.texts() == [*texts(), "behind"]
            assert not view.of("gap")
            assert not view.of("end")
        text = product.get("/api/v1/stream", follow=0, format="text").body
        assert text.count(b"\n") == 2 * len(LINES) + 1


def test_a_terminal_obeys_no_line(fleet: Fleet, log: Path, tmp_path: Path) -> None:
    log.write_bytes(b"".join(line + b"\n" for line in PAINT))
    inventory = fleet.inventory({"app": {"hosts": "web-1", "path": str(log)}})
    shown = subprocess.run(
        [
            *command(),
            "tail",
            "--inventory",
            str(inventory),
            "--state-dir",
            str(tmp_path / "s"),
            "-n",
            "50",
            "--no-follow",
        ],
        capture_output=True,
        timeout=30,
        env=environment(),
    )
    rows = shown.stdout.decode().split("\n")[:-1]
    assert (len(rows), shown.returncode) == (len(PAINT), 0), rows
    for row in rows:
        assert not {char for char in row if ord(char) < 32 or 0x7F <= ord(char) < 0xA0}
        assert not set(row) & set("\u202e\u2066\u2028")


def test_a_filter_that_means_harm_is_one_ascii_record_of_the_audit_log(fleet: Fleet, log: Path, tmp_path: Path) -> None:
    log.write_bytes(b"x\n")
    with Product(fleet.inventory({"app": {"hosts": "web-1", "path": str(log)}}), tmp_path) as product:
        product.once(grep='\x1b\\[31m","seq":9}\u2028\u202e')
        for line in product.audit.read_bytes().splitlines():
            assert line.isascii()
            assert json.loads(line)["seq"] < 9
