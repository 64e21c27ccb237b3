"""What hosts may hold instead of a well-behaved log: each gets clear words or a harmless row, and the rest goes on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import Fleet
from product import Product, Record, lines_of, texts_of, wait_until
from rig import Rig, rig_in

from aggregator.limits import HEADER_TIMEOUT

MIB = 1 << 20


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(tmp_path_factory.mktemp("bad")) as made:
        yield made


def told(records: list[Record], state: str = "failed") -> list[str]:
    return [record["detail"] for record in records if record["type"] == "notice" and record["state"] == state]


# --- Things that are no logs --------------------------------------------------------------------------------------


def test_a_missing_file_says_so(rig: Rig) -> None:
    source = rig.some()
    (detail,) = told(rig.product.once(source=source))
    assert "no such file" in detail
    assert str(rig.path(source)) in detail


def test_a_folder_says_so(rig: Rig) -> None:
    source = rig.some()
    rig.path(source).mkdir()
    (detail,) = told(rig.product.once(source=source))
    assert "not a regular file" in detail
    assert "folder" in detail


def test_a_fifo_says_so_and_nobody_waits_for_its_writer(rig: Rig) -> None:
    source = rig.some()
    os.mkfifo(rig.path(source))
    began = time.monotonic()
    (detail,) = told(rig.product.once(source=source))
    assert "not a regular file" in detail
    assert time.monotonic() - began < HEADER_TIMEOUT / 2


def test_one_bad_file_does_not_touch_the_others_of_its_host(rig: Rig) -> None:
    bad, good = rig.some(), rig.some()
    rig.path(bad).mkdir()
    rig.write(good, "good\n")
    with rig.product.stream(source=[bad, good]) as view:
        view.wait(lambda: told(view.records), "the trouble")
        view.wait_text("good")
        rig.write(good, "better\n")
        view.wait_text("better")
    (host,) = [host for host in rig.product.get("/api/v1/hosts").json() if host["name"] == "web-1"]
    assert host["state"] == "live"


def test_a_file_that_comes_later_is_followed_from_its_start(rig: Rig) -> None:
    source = rig.some()
    with rig.product.stream(source=source, lines=0) as view:
        view.wait(lambda: told(view.records), "the trouble")
        rig.write(source, "first\n")
        view.wait(lambda: view.live_paths(), "the file")
        rig.write(source, "second\n")
        view.wait_text("second")
    assert view.texts() in (["first", "second"], ["second"])


# --- Bytes that are no text ---------------------------------------------------------------------------------------


HARD = [
    pytest.param(b"bad \xff\xfe utf-8\n", ["bad \ufffd\ufffd utf-8"], id="invalid UTF-8"),
    pytest.param(b"cut \xe2\x82\n\x82\xac ok\n", ["cut \ufffd", "\ufffd\ufffd ok"], id="a character cut by a newline"),
    pytest.param(b"\x1b[31mred\x1b[0m \x1b]0;title\x07\n", ["\x1b[31mred\x1b[0m \x1b]0;title\x07"], id="ANSI"),
    pytest.param(b"<script>alert(1)</script>&amp;\n", ["<script>alert(1)</script>&amp;"], id="HTML"),
    pytest.param(b"one\r\ntwo\r\n", ["one\r", "two\r"], id="CRLF"),
    pytest.param(b"a\0b\n\0\0\0\nlast\n", ["a\0b", "\0\0\0", "last"], id="NUL"),
    pytest.param(b"\n\n\nx\n\n", ["", "", "", "x", ""], id="empty lines"),
    pytest.param("a\u2028b\x85c\x0bd\x0ce\n".encode(), ["a\u2028b\x85c\x0bd\x0ce"], id="other line separators"),
    pytest.param(b"\xef\xbb\xbfbom\n", ["\ufeffbom"], id="byte order mark"),
    pytest.param("\U0001f600 e\u0301\n".encode(), ["\U0001f600 e\u0301"], id="astral and combining"),
    pytest.param(b"", [], id="empty file"),
]


@pytest.mark.parametrize(("data", "texts"), HARD)
def test_hard_bytes_are_rows_from_backlog_and_live(rig: Rig, data: bytes, texts: list[str]) -> None:
    source = rig.some()
    rig.write(source, data)
    with rig.product.stream(source=source) as view:
        view.wait_live()
        assert view.texts() == texts
        rig.write(source, data + b"behind\n")
        view.wait_text("behind")
    assert view.texts() == [*texts, *texts, "behind"]
    assert len({line["position"] for line in view.of("line")}) == len(view.texts())


def test_a_binary_file_is_harmless(rig: Rig) -> None:
    source = rig.some()
    data = bytes(range(256)) * 2000 + b"\n"
    rig.write(source, data)
    found = rig.product.once(source=source, lines=100)
    assert found[-1] == {"type": "end", "reason": "complete"}
    assert len(texts_of(found)) == 100
    rig.write(source, "text again\n")
    wait_until(lambda: texts_of(rig.product.once(source=source, lines=1)) == ["text again"], "the line after it")


def test_the_last_line_comes_when_it_has_its_newline(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, "whole\nhal")
    with rig.product.stream(source=source) as view:
        view.wait_live()
        assert view.texts() == ["whole"]
        rig.write(source, "f")
        rig.write(source, "\nnext\n")
        view.wait_text("next")
    assert view.texts() == ["whole", "half", "next"]


def test_a_line_of_100_mib_is_clipped_and_memory_is_bounded_on_both_ends(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, "before\n")
    with rig.product.stream(source=source) as view:
        view.wait_live()
        before = rig.product.rss()
        peak = [before, 0]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.02):
                peak[0] = max(peak[0], rig.product.rss())
                peak[1] = max(peak[1], _largest(str(path)))

        watcher = threading.Thread(target=watch)
        watcher.start()
        with path.open("ab") as out:
            for _ in range(100):
                out.write(b"x" * MIB)
            out.write(b"\nafter\n")
        view.wait(lambda: "after" in view.texts()[1:], "the line after it", 40)
        done.set()
        watcher.join()
    (line,) = [line for line in view.of("line") if line.get("clipped")]
    assert (len(line["text"]), line["length"]) == (65_536, 100 * MIB)
    assert view.texts() == ["before", "x" * 65_536, "after"]
    assert peak[0] - before < 48 * MIB
    assert peak[1] < 32 * MIB


def test_a_line_of_100_mib_in_the_backlog_is_clipped_or_said_to_be_too_far_back(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, "before\n")
    with path.open("ab") as out:
        for _ in range(100):
            out.write(b"y" * MIB)
        out.write(b"\nafter\n")
    before = rig.product.rss()
    began = time.monotonic()
    found = rig.product.once(source=source, lines=3)
    assert time.monotonic() - began < 15
    assert texts_of(found)[-1] == "after"
    assert rig.product.rss() - before < 64 * MIB
    first = [line for line in lines_of(found) if line.get("clipped")]
    assert first or told(found, "waiting")
    assert all((len(line["text"]), line["length"]) == (65_536, 100 * MIB) for line in first)


def _largest(path: str) -> int:
    """The memory of the largest host process that has a file open or named, bytes."""
    largest = 0
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if path in Path(f"/proc/{entry}/cmdline").read_text() or any(
                    os.readlink(f"/proc/{entry}/fd/{number}") == path for number in os.listdir(f"/proc/{entry}/fd")
                ):
                    fields = Path(f"/proc/{entry}/status").read_text().split("VmRSS:")[1].split()
                    if int(entry) != os.getpid():
                        largest = max(largest, int(fields[0]) * 1024)
            except (OSError, IndexError):
                continue
    return largest


# --- Files that change under the follower -------------------------------------------------------------------------


def test_renamed_and_made_anew_goes_on_without_loss(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, "old 1\n")
    with rig.product.stream(source=source) as view:
        view.wait_live()
        path.rename(path.with_suffix(".log.1"))
        with path.with_suffix(".log.1").open("a") as late:
            late.write("old 2, written after the rename\n")
        rig.write(source, "new 1\n")
        view.wait_text("new 1")
        rig.write(source, "new 2\n")
        view.wait_text("new 2")
    assert view.texts() == ["old 1", "old 2, written after the rename", "new 1", "new 2"]


def test_truncated_goes_on_with_what_is_written_then(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, "".join(f"old {number}\n" for number in range(100)))
    with rig.product.stream(source=source) as view:
        view.wait_live()
        os.truncate(path, 0)
        rig.write(source, "new 1\n")
        view.wait_text("new 1")
        rig.write(source, "new 2\n")
        view.wait_text("new 2")
    assert view.texts()[100:] == ["new 1", "new 2"]
    assert len({line["position"] for line in view.of("line")}) == 102


def test_deleted_waits_and_goes_on_with_the_next(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, "old\n")
    with rig.product.stream(source=source) as view:
        view.wait_live()
        path.unlink()
        rig.write(source, "new\n")
        view.wait_text("new")
    assert view.texts() == ["old", "new"]


# --- Hosts that go and come ---------------------------------------------------------------------------------------


def test_a_host_that_goes_and_comes_back_loses_and_doubles_nothing(fleet: Fleet, tmp_path: Path) -> None:
    gone, stays = fleet.add("gone-1"), fleet.add("stays-1")
    for host in (gone, stays):
        (host.root / "a.log").write_text("start\n")
    inventory = fleet.inventory({"app": {"hosts": "@*", "path": f"{gone.root.parent}/${{host}}/a.log"}})
    with Product(inventory, tmp_path) as product, product.stream() as view:
        view.wait_live(2)
        with (gone.root / "a.log").open("a") as out, (stays.root / "a.log").open("a") as other:
            out.write("1\n")
            out.flush()
            gone.stop()
            out.write("2\n")
            out.flush()
            view.wait(lambda: told(view.records, "waiting"), "the loss")
            other.write("still here\n")
            other.flush()
            view.wait_text("still here")
            states = {host["name"]: host["state"] for host in product.get("/api/v1/hosts").json()}
            assert states["stays-1"] == "live"
            assert states["gone-1"] in ("waiting", "connecting")
            with product.stream(hosts="gone-1") as joiner:
                joiner.wait(lambda: told(joiner.records, "waiting"), "a word to those who join meanwhile")
            out.write("3\n")
            out.flush()
            gone.start()
            view.wait_text("3")
        view.wait(lambda: [n for n in view.of("notice") if n["host"] == "gone-1"][-1]["state"] == "live", "live again")
        assert view.texts("gone-1") == ["start", "1", "2", "3"]
        assert not view.of("gap")
        assert {notice["host"] for notice in view.of("notice") if notice["state"] != "live"} == {"gone-1"}
        waiting = [notice["detail"] for notice in view.of("notice") if notice["state"] == "waiting"]
        assert all("connection" in detail for detail in waiting), waiting
