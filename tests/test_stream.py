"""`GET /api/v1/stream` from outside: the installed program over real hosts."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fleet import Fleet, free_port
from product import Product, Record, lines_of, texts_of
from rig import HOSTS, Rig, rig_in

from aggregator.stream import positions

LINE_KEYS = {"type", "host", "source", "path", "position", "time", "level", "text"}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(tmp_path_factory.mktemp("stream")) as made:
        yield made


def numbered(count: int, start: int = 0) -> str:
    return "".join(f"line {number}\n" for number in range(start, start + count))


def stamp(seconds: float) -> str:
    """A stamp so many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- Records -----------------------------------------------------------------------------------------------------


def test_line_has_the_documented_keys_and_no_others_without_reason(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, "2026-11-23T10:00:00.123Z ERROR it broke\n")
    answer = rig.product.get("/api/v1/stream", source=source, follow=0)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    line, notice, end = rig.product.once(source=source)
    assert set(line) == LINE_KEYS
    assert line == {
        "type": "line",
        "host": "web-1",
        "source": source,
        "path": str(path),
        "position": line["position"],
        "time": "2026-11-23T10:00:00.123Z",
        "level": "error",
        "text": "2026-11-23T10:00:00.123Z ERROR it broke",
    }
    assert (notice["type"], notice["state"], notice["path"]) == ("notice", "live", str(path))
    assert end == {"type": "end", "reason": "complete"}


def test_line_without_stamp_says_so_and_has_the_time_it_was_read(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, "")
    with rig.product.stream(source=source) as view:
        view.wait_live()
        before = time.time()
        rig.write(source, "no stamp\n")
        view.wait_text("no stamp")
    (line,) = view.of("line")
    assert line["stamped"] is False
    assert line["level"] is None
    assert before - 1 < datetime.fromisoformat(line["time"]).timestamp() < time.time() + 1


def test_text_format_is_host_colon_text(rig: Rig) -> None:
    source = rig.one()
    for host in HOSTS[:2]:
        rig.write(source, f"hello from {host}\n", host)
    rig.write(source, "", "web-3")
    answer = rig.product.get("/api/v1/stream", source=source, follow=0, format="text")
    assert answer.headers["content-type"].startswith("text/plain")
    assert sorted(answer.text.splitlines()) == ["web-1: hello from web-1", "web-2: hello from web-2"]


def test_tick_comes_when_nothing_else_does(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, "x\n")
    with rig.product.stream(source=source) as view:
        view.wait_live()
        began = time.monotonic()
        view.wait(lambda: view.of("tick"), "a tick")
        assert 14 < time.monotonic() - began < 25
        assert abs(datetime.fromisoformat(view.of("tick")[0]["time"]).timestamp() - time.time()) < 2


# --- Backlog -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [0, 1, 7, 100, 1000])
def test_backlog_is_exactly_the_last_lines(rig: Rig, wanted: int) -> None:
    source = rig.some()
    rig.write(source, numbered(300))
    assert (
        texts_of(rig.product.once(source=source, lines=wanted)) == numbered(300).splitlines()[-wanted:][: wanted or 0]
    )


def test_backlog_is_a_hundred_lines_unless_asked(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, numbered(300))
    assert texts_of(rig.product.once(source=source)) == numbered(300).splitlines()[-100:]


@pytest.mark.parametrize("wanted", [64, 5000, 100_000])
def test_backlog_far_beyond_the_first_window_is_exact(rig: Rig, wanted: int) -> None:
    source = rig.some()
    text = "".join(f"{number} {'x' * (number % 600)}\n" for number in range(10_000))  # 3 MiB
    rig.write(source, text)
    assert texts_of(rig.product.once(source=source, lines=wanted)) == text.splitlines()[-wanted:]
    assert texts_of(rig.product.once(source=source, lines=wanted)) == text.splitlines()[-wanted:], "from the ring"


def test_backlog_is_counted_before_filters(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, "wanted 1\n" + numbered(5) + "wanted 2\n" + numbered(3) + "ERROR wanted 3\n")
    assert texts_of(rig.product.once(source=source, lines=5, grep="wanted")) == ["wanted 2", "ERROR wanted 3"]
    assert texts_of(rig.product.once(source=source, lines=3, exclude="line")) == ["ERROR wanted 3"]


def test_live_notice_comes_after_the_files_backlog_and_before_its_live_lines(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, numbered(20))
    with rig.product.stream(source=source) as view:
        view.wait_live()
        rig.write(source, "live\n")
        view.wait_text("live")
    kinds = [record["type"] for record in view.records]
    assert kinds == ["line"] * 20 + ["notice", "line"]


def test_seam_loses_and_doubles_nothing_while_a_writer_writes(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, numbered(2000))
    stop = threading.Event()

    def write() -> None:
        number = 2000
        with path.open("a", buffering=1) as out:
            while not stop.is_set():
                out.write(numbered(25, number))
                number += 25
                time.sleep(0.004)

    writer = threading.Thread(target=write)
    writer.start()
    views = []
    try:
        for _ in range(12):
            time.sleep(random.uniform(0, 0.15))  # joiners come at moments that nobody chose
            views.append(rig.product.stream(source=source, lines=random.choice([0, 1, 50, 1500])))
            if len(views) == 6:
                followers = [line for line in rig.fleet.hosts["web-1"].processes() if f"{source}.log" in line]
                tails = [line for line in followers if line.startswith("sh -c") or "follow" in line]
                assert tails
    finally:
        stop.set()
        writer.join()
    rig.write(source, "the end\n")
    everything = path.read_text().splitlines()
    for view in views:
        view.wait_text("the end")
        texts = view.texts()
        assert texts == everything[-len(texts) :], "a contiguous end of the file"
        assert [line["position"] for line in view.of("line")] == sorted(line["position"] for line in view.of("line"))
        assert view.of("gap") == []
        view.close()


def test_viewers_share_one_tail(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, numbered(10))

    def tails() -> int:
        return rig.fleet.hosts["web-1"].tails_of(path)  # those of other tests linger

    with rig.product.stream(source=source) as first:
        first.wait_live()
        assert tails() == 1
        views = [rig.product.stream(source=source, grep=f"{number}") for number in range(5)]
        for view in views:
            view.wait_live()
        assert tails() == 1
        for view in views:
            view.close()


# --- Positions ---------------------------------------------------------------------------------------------------


def test_position_is_the_same_live_from_backlog_and_for_others_and_sorts(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, numbered(5))
    with rig.product.stream(source=source) as view:
        view.wait_live()
        rig.write(source, numbered(5, 5))
        view.wait_text("line 9")
        live = {line["text"]: line["position"] for line in view.of("line")}
    for again in (rig.product.once(source=source), rig.product.once(hosts="web-1", source=source, grep="line")):
        assert {line["text"]: line["position"] for line in lines_of(again)} == live
    assert list(live.values()) == sorted(live.values())
    assert len(set(live.values())) == 10


def test_position_survives_a_restart_of_the_aggregator(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("web-1")
    (host.root / "a.log").write_text(numbered(200))
    inventory = fleet.inventory({"app": {"hosts": "@*", "path": f"{host.root}/a.log"}})
    with Product(inventory, tmp_path) as product:
        before = lines_of(product.once())
        product.kill()
        product.start()
        assert lines_of(product.once()) == before
        assert texts_of(product.once(after=before[-3]["position"])) == ["line 198", "line 199"]


# --- After -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("back", [1, 2, 50, 4000, 29_999, 30_000])
def test_after_starts_with_the_next_line(rig: Rig, back: int, long_file: tuple[str, list[Record]]) -> None:
    source, lines = long_file
    found = rig.product.once(source=source, after=lines[-back]["position"], lines=3)
    assert [line["position"] for line in lines_of(found)] == [
        line["position"] for line in lines[len(lines) - back + 1 :]
    ]
    assert not [record for record in found if record["type"] == "gap"]


@pytest.fixture(scope="module")
def long_file(rig: Rig) -> tuple[str, list[Record]]:
    """A file of 6 MiB, more than the ring holds, and its lines."""
    source = rig.some()
    rig.write(source, "".join(f"{number:06} {'y' * 190}\n" for number in range(30_000)))
    lines = lines_of(rig.product.once(source=source, lines=100_000))
    assert len(lines) == 30_000
    return source, lines


def test_after_goes_on_live(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, numbered(10))
    place = lines_of(rig.product.once(source=source))[-1]["position"]
    with rig.product.stream(source=source, after=place) as view:
        view.wait_live()
        assert view.texts() == []
        rig.write(source, "next\n")
        view.wait_text("next")
        assert view.texts() == ["next"]


def test_after_of_several_files_and_lines_for_the_others(rig: Rig) -> None:
    source = rig.one()
    for host in HOSTS:
        rig.write(source, numbered(10), host)
    lines = lines_of(rig.product.once(source=source))
    places = [line["position"] for line in lines if line["text"] == "line 7" and line["host"] != "web-3"]
    found = rig.product.once(source=source, after=places, lines=4)
    for host, count in (("web-1", 2), ("web-2", 2), ("web-3", 4)):
        assert [line["text"] for line in lines_of(found) if line["host"] == host] == numbered(10).splitlines()[-count:]


def test_after_a_line_that_is_gone_is_one_gap_then_what_there_is(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, numbered(10))
    place = lines_of(rig.product.once(source=source))[4]["position"]
    path.rename(path.with_suffix(".log.1"))
    rig.write(source, "new 0\nnew 1\n")
    with rig.product.stream(source=source, after=place, lines=1) as view:
        view.wait_text("new 1")
    gaps = view.of("gap")
    assert len(gaps) <= 1
    assert view.texts()[-2:] == ["new 0", "new 1"]


def test_after_beyond_the_end_of_a_file_that_shrank_is_a_gap_and_all_of_it(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, numbered(20))
    (line,) = lines_of(rig.product.once(source=source, lines=1))
    place = positions.decode(line["position"])
    beyond = positions.encode(replace(place, offset=place.offset + 5000))
    found = rig.product.once(source=source, after=beyond)
    (gap,) = [record for record in found if record["type"] == "gap"]
    assert (gap["from"], gap["lines"], gap["to"]) == (beyond, None, lines_of(found)[0]["position"])
    assert texts_of(found) == numbered(20).splitlines()


def test_after_in_a_file_that_is_another_is_one_gap_and_all_of_the_new_one(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, numbered(10))
    place = lines_of(rig.product.once(source=source))[4]["position"]
    other = rig.some()
    text = "".join(f"new {number} {'z' * 200}\n" for number in range(3000))
    path = rig.write(other, text)
    parts = positions.decode(place)
    moved = positions.encode(replace(parts, file=replace(parts.file, source=other, path=str(path))))
    found = rig.product.once(source=other, after=moved)
    assert [record["type"] for record in found][:2] == ["gap", "line"]
    assert [record["to"] for record in found if record["type"] == "gap"] == [lines_of(found)[0]["position"]]
    assert texts_of(found) == text.splitlines(), "also what was before the window of the tail"


def test_after_far_back_meets_the_live_lines_of_a_busy_writer(rig: Rig, long_file: tuple[str, list[Record]]) -> None:
    source, lines = long_file
    path = rig.path(source)
    stop = threading.Event()

    def write() -> None:
        number = 0
        with path.open("a", buffering=1) as out:
            while not stop.is_set():
                out.write("".join(f"busy {n} {'b' * 100}\n" for n in range(number, number + 5)))
                number += 5
                time.sleep(0.005)  # a thousand lines a second, so that three readers here are never slow viewers

    writer = threading.Thread(target=write)
    writer.start()
    places = (0, 12_345, 29_998)
    with contextlib.ExitStack() as open_views:
        try:
            afters = [lines[place]["position"] for place in places]
            views = [open_views.enter_context(rig.product.stream(source=source, after=after)) for after in afters]
            for view in views:
                view.wait(lambda view=view: view.last_text().startswith("busy"), "live lines")  # type: ignore[misc]
        finally:
            stop.set()
            writer.join()
        rig.write(source, "the end\n")
        everything = path.read_text().splitlines()
        for view, place in zip(views, places, strict=True):
            view.wait_text("the end")
            assert view.of("gap") == []
            assert view.texts() == everything[place + 1 :]


@pytest.mark.parametrize(
    "garbage", ["x", "", "a~b~c", "web-1~app~%%%~0123456789abcdef~000000000000", "~" * 20, "é" * 99]
)
def test_after_that_is_no_position_is_400(rig: Rig, garbage: str) -> None:
    answer = rig.product.get("/api/v1/stream", after=garbage)
    assert answer.status == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == ["after"]


def test_after_of_a_file_that_the_inventory_does_not_name_is_400(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, "x\n")
    (line,) = lines_of(rig.product.once(source=source))
    host, _, path, *rest = line["position"].split("~")
    for wrong in (
        ["nobody", source, path, *rest],
        [host, "nothing", path, *rest],
        [host, source, "L2V0Yy9wYXNzd2Q", *rest],
        ["web-2", source, path, *rest],
    ):
        answer = rig.product.get("/api/v1/stream", follow=0, after="~".join(wrong))
        assert answer.status == 400, wrong
        assert "passwd" not in answer.text


# --- Ends --------------------------------------------------------------------------------------------------------


def test_follow_0_ends_with_complete_after_each_files_backlog(rig: Rig) -> None:
    source = rig.one()
    for host in HOSTS:
        rig.write(source, numbered(500), host)
    records = rig.product.once(source=source, lines=400)
    assert records[-1] == {"type": "end", "reason": "complete"}
    for host in HOSTS:
        mine = [line["text"] for line in lines_of(records) if line["host"] == host]
        assert mine == numbered(500).splitlines()[-400:]


def test_follow_0_names_what_can_not_be_read_and_ends(rig: Rig) -> None:
    source = rig.one()
    rig.write(source, "there\n", "web-2")
    records = rig.product.once(source=source)
    assert texts_of(records) == ["there"]
    failed = {
        record["host"]: record for record in records if record["type"] == "notice" and record["state"] == "failed"
    }
    assert set(failed) == {"web-1", "web-3"}
    assert "no such file" in failed["web-1"]["detail"]
    assert failed["web-1"]["path"].endswith(f"{source}.log")


def test_file_that_was_missing_a_moment_ago_is_there_for_who_asks_then(rig: Rig) -> None:
    source = rig.some()
    assert "no such file" in rig.product.once(source=source)[0]["detail"]
    rig.write(source, "now\n")
    assert texts_of(rig.product.once(source=source)) == ["now"]


def test_follow_0_of_an_unreachable_host_is_a_notice_within_connect_timeout(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("web-1")
    (host.root / "a.log").write_text("here\n")
    closed = free_port()
    inventory = fleet.inventory(
        {"app": {"hosts": "@*", "path": f"{host.root}/a.log"}},
        hosts={
            "down-1": {"address": "127.0.0.1", "ssh": {"port": closed}},
            "hole-1": {"address": "192.0.2.1", "ssh": {"connect_timeout": "1s"}},
        },
    )
    with Product(inventory, tmp_path) as product:
        began = time.monotonic()
        records = product.once()
        assert time.monotonic() - began < 8
        assert texts_of(records) == ["here"]
        waiting = {r["host"]: r["detail"] for r in records if r["type"] == "notice" and r["state"] == "waiting"}
        assert set(waiting) >= {"down-1"}
        assert "refused" in waiting["down-1"]
        assert "hole-1" in {r["host"] for r in records if r["type"] == "notice"}
        assert records[-1] == {"type": "end", "reason": "complete"}


# --- Filters -----------------------------------------------------------------------------------------------------


def test_grep_repeated_must_all_match_and_exclude_repeated_hides_any(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, "a b\na c\na b c\nb\n")
    with (
        rig.product.stream(source=source, grep=["a", "b"]) as both,
        rig.product.stream(source=source, exclude=["c", "^b$"]) as neither,
    ):
        both.wait_live()
        neither.wait_live()
        rig.write(source, "live a b\nlive c\n")
        both.wait_text("live a b")
        neither.wait_text("live a b")
    assert both.texts() == ["a b", "a b c", "live a b"]
    assert neither.texts() == ["a b", "live a b"]


def test_level_is_that_and_above_and_lines_without_one_pass(rig: Rig) -> None:
    source = rig.some()
    rig.write(
        source, "".join(f"2026-11-23T10:00:0{n}Z {level} x\n" for n, level in enumerate(["INFO", "WARN", "ERROR"]))
    )
    rig.write(source, "2026-11-23T10:00:05Z no level here\n")
    found = lines_of(rig.product.once(source=source, level="warning"))
    assert [line["level"] for line in found] == ["warning", "error", None]


def test_spans_are_code_points(rig: Rig) -> None:
    source = rig.some()
    text = "😀é needle 𝒳 needle"
    rig.write(source, f"{text}\n")
    (line,) = lines_of(rig.product.once(source=source, grep="needle"))
    assert line["spans"] == [[3, 9], [12, 18]]
    assert [line["text"][start:end] for start, end in line["spans"]] == ["needle", "needle"]


# --- Faults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("grep", "(open"),
        ("exclude", "[z-a]"),
        ("level", "loud"),
        ("lines", "-1"),
        ("lines", "many"),
        ("lines", "1e9"),
        ("lines", "٣"),
        ("follow", "yes"),
        ("order", "size"),
        ("format", "xml"),
        ("hosts", "web-9"),
        ("hosts", "@nobody"),
        ("hosts", "web-[1-"),
        ("hosts", "db-*"),
        ("source", "nothing"),
        ("after", "here"),
    ],
)
def test_wrong_parameter_is_a_400_that_names_it(rig: Rig, parameter: str, value: str) -> None:
    answer = rig.product.get("/api/v1/stream", **{parameter: value})
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 400
    assert [fault["parameter"] for fault in problem["errors"]] == [parameter]
    assert problem["errors"][0]["detail"]


def test_all_wrong_parameters_are_named_at_once_with_fragment_and_column(rig: Rig) -> None:
    answer = rig.product.get("/api/v1/stream", grep=["fine", "bad[z-a]"], hosts="web-9", level="loud")
    faults = {fault["parameter"]: fault for fault in answer.json()["errors"]}
    assert set(faults) == {"grep", "hosts", "level"}
    assert "z-a" in faults["grep"]["detail"]
    assert faults["grep"]["column"] == 5


def test_hosts_repeated_are_a_union_and_sets_emptied_by_operators_are_fine(rig: Rig) -> None:
    source = rig.one()
    for host in HOSTS:
        rig.write(source, f"{host}\n", host)
    assert sorted(texts_of(rig.product.once(source=source, hosts=["web-1", "web-3"]))) == ["web-1", "web-3"]
    assert sorted(texts_of(rig.product.once(source=source, hosts="web-*!web-2"))) == ["web-1", "web-3"]
    assert [record["type"] for record in rig.product.once(source=source, hosts="web-1!web-1")] == ["end"]


# --- Order -------------------------------------------------------------------------------------------------------


def test_backlogs_of_hosts_leave_in_the_order_of_their_stamps(rig: Rig) -> None:
    source = rig.one()
    for place, host in enumerate(HOSTS):
        texts = [f"2026-11-23T10:{n // 60:02}:{n % 60:02}.{place}00Z {host} {n}\n" for n in range(300)]
        rig.write(source, "".join(texts), host)
    found = lines_of(rig.product.once(source=source, lines=250))
    times = [line["time"] for line in found]
    assert len(times) == 750
    assert times == sorted(times)
    assert not any("late" in line for line in found)


def test_live_lines_of_hosts_are_ordered_by_stamp_and_what_comes_later_is_late(rig: Rig) -> None:
    source = rig.one()
    for host in HOSTS:
        rig.write(source, "", host)
    with rig.product.stream(source=source) as view:
        view.wait_live(3)
        rig.write(source, f"{stamp(-1)} second\n", "web-1")
        rig.write(source, f"{stamp(-5)} first\n", "web-2")
        view.wait(lambda: len(view.of("line")) == 2, "two lines")
        rig.write(source, f"{stamp(-60)} third\n", "web-3")
        view.wait(lambda: len(view.of("line")) == 3, "three lines")
    lines = view.of("line")
    assert [line["text"].split()[1] for line in lines] == ["first", "second", "third"]
    assert [line.get("late", False) for line in lines] == [False, False, True]


def test_order_arrival_holds_nothing_back_and_marks_nothing_late(rig: Rig) -> None:
    source = rig.one()
    for host in HOSTS:
        rig.write(source, "", host)
    with rig.product.stream(source=source, order="arrival") as view:
        view.wait_live(3)
        rig.write(source, f"{stamp(-1)} came first\n", "web-1")
        view.wait(lambda: len(view.of("line")) == 1, "a line")
        rig.write(source, f"{stamp(-60)} came second\n", "web-2")
        view.wait(lambda: len(view.of("line")) == 2, "two lines")
    assert [line["text"].split(" ", 1)[1] for line in view.of("line")] == ["came first", "came second"]
    assert not any("late" in line for line in view.of("line"))


def test_order_within_a_file_is_the_files_also_where_stamps_go_back(rig: Rig) -> None:
    source = rig.one()
    texts = [f"2026-11-23T10:00:{second:02}Z x {second}" for second in (5, 1, 9, 3, 30, 2)]
    rig.write(source, "\n".join(texts) + "\n")
    rig.write(source, "2026-11-23T10:00:07Z other\n", "web-2")
    rig.write(source, "", "web-3")
    found = lines_of(rig.product.once(source=source))
    assert [line["text"] for line in found if line["host"] == "web-1"] == texts
    assert [line["text"] for line in found].index("2026-11-23T10:00:07Z other") == 2


def test_a_hosts_wrong_clock_is_taken_off_its_stamps_in_the_order(fleet: Fleet, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    fake = folder / "date"
    fake.write_text('#!/bin/sh\nexec /bin/date -d "+40 seconds" "$@"\n')
    fake.chmod(0o755)
    right = fleet.add("right-1")
    wrong = fleet.add("wrong-1", path=f"{folder}:{os.environ['PATH']}")
    for host in (right, wrong):
        (host.root / "a.log").touch()
    inventory = fleet.inventory({"app": {"hosts": "@*", "path": f"{right.root.parent}/${{host}}/a.log"}})
    with Product(inventory, tmp_path) as product, product.stream() as view:
        view.wait_live(2)
        (wrong.root / "a.log").write_text(f"{stamp(40 - 5)} first\n")
        (right.root / "a.log").write_text(f"{stamp(-3)} second\n")
        view.wait(lambda: len(view.of("line")) == 2, "two lines")
        assert [line["text"].split()[1] for line in view.of("line")] == ["first", "second"]
        skews = {host["name"]: host["clock_skew_s"] for host in product.get("/api/v1/hosts").json()}
        assert 39 < skews["wrong-1"] < 41
        assert abs(skews["right-1"]) < 1


# --- Many files --------------------------------------------------------------------------------------------------


def test_new_file_of_a_glob_appears_and_rotated_generations_are_none(rig: Rig) -> None:
    source = rig.many()
    folder = rig.path(source)
    for host in HOSTS[1:]:
        (rig.path(source, host) / "z.log").touch()
    (folder / "a.log").write_text("a\n")
    for name in ("a.log.1", "a.log.2.gz", "a-20261122.log", "a.log-20261123", "b.txt"):
        (folder / name).write_text(f"old {name}\n")
    with rig.product.stream(source=source) as view:
        view.wait_live(3)
        (folder / "new.log").write_text("new\n")
        view.wait_text("new")
    assert {Path(line["path"]).name for line in view.of("line")} <= {"a.log", "new.log", "a-20261122.log"}
    assert "old a.log.1" not in view.texts()


def test_date_and_label_variables_name_the_files(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("web-1")
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    (host.root / "shop").mkdir()
    (host.root / "shop" / f"{today}.log").write_text("today\n")
    inventory = fleet.inventory(
        {"app": {"hosts": "@*", "path": f"{host.root}/${{app}}/${{date}}.log", "timezone": "UTC"}},
        hosts={"web-1": {"labels": {"app": "shop"}}},
    )
    with Product(inventory, tmp_path) as product:
        (line,) = lines_of(product.once())
        assert (line["text"], line["path"]) == ("today", f"{host.root}/shop/{today}.log")
        (source,) = product.get("/api/v1/sources").json()
        assert (source["name"], source["kind"]) == ("app", "file")
        assert [(file["host"], file["path"]) for file in source["files"]] == [("web-1", line["path"])]


def test_turning_to_other_files_is_not_refused_for_those_that_linger(rig: Rig) -> None:
    for source in (rig.many(), rig.many()):
        for host in HOSTS:
            (rig.path(source, host) / "x.log").touch()
        for number in range(20):
            (rig.path(source) / f"{number}.log").write_text(f"{source} {number}\n")
        with rig.product.stream(source=source) as view:
            view.wait(lambda view=view: len(view.texts()) == 20, "all twenty files")  # type: ignore[misc]
        assert not [notice for notice in view.of("notice") if notice["state"] != "live"]


def test_a_file_that_is_born_under_a_viewer_s_eyes_is_shown_from_its_first_line(rig: Rig) -> None:
    many, one = rig.many(), rig.some()
    rig.path(many).joinpath("old.log").write_text("before\n")
    with rig.product.stream(source=[many, one], hosts="web-1", lines=0) as view:
        view.wait(lambda: len(view.live_paths()) == 1 and len(view.of("notice")) >= 2, "the old file and a missing one")
        texts = [f"line {number}" for number in range(200)]
        rig.write(one, "".join(f"one {text}\n" for text in texts))
        rig.path(many).joinpath("new.log").write_text("".join(f"new {text}\n" for text in texts))
        view.wait(lambda: len(view.texts()) == 400, "all lines of both new files", 30.0)
        assert [text for text in view.texts() if text.startswith("one")] == [f"one {text}" for text in texts]
        assert [text for text in view.texts() if text.startswith("new")] == [f"new {text}" for text in texts]
    assert len(texts_of(rig.product.once(source=many, hosts="web-1", lines=3))) == 4  # whoever comes later gets `lines`
