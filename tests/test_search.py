"""`/api/v1/lines` by selector and time, over real sshd: records decide, files merge by time, pages join seamlessly."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet
from product import Product, wait_until
from rig import Rig, rig_in

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(tmp_path_factory.mktemp("search")) as made:
        yield made


def stamp(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log(*lines: tuple[float, str] | str) -> str:
    """Lines of a log: (seconds after START, text), or a text without a stamp."""
    return "".join(f"{line}\n" if isinstance(line, str) else f"{stamp(line[0])} {line[1]}\n" for line in lines)


def page(rig: Rig, source: str, **parameters: Any) -> dict[str, Any]:
    answer = rig.product.get("/api/v1/lines", source=source, **parameters)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["failed"] == []
    return found


def texts(page: dict[str, Any]) -> list[str]:
    """What the lines say behind their stamps."""
    return [line["text"].split(" ", 1)[-1] if line.get("stamped", True) else line["text"] for line in page["lines"]]


def pages(rig: Rig, source: str, **parameters: Any) -> list[list[str]]:
    """All pages, in the order in which they come."""
    found: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        one = page(rig, source, **parameters, **cursor)
        found.append(texts(one))
        if one["cursor"] is None:
            return found
        cursor = {"cursor": one["cursor"]}


def test_files_of_several_hosts_are_merged_by_their_stamps(rig: Rig) -> None:
    source = rig.one()
    for number, host in enumerate(("web-1", "web-2", "web-3")):
        rig.write(source, log(*((seconds * 3 + number, f"{host} {seconds}") for seconds in range(4))), host)
    found = page(rig, source)
    assert texts(found) == [f"web-{n} {seconds}" for seconds in range(4) for n in (1, 2, 3)]
    assert (found["cursor"], found["complete"]) == (None, True)


def test_since_is_included_and_until_is_not(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, log((0, "a"), (1, "b"), (2, "c"), (3, "d")))
    assert texts(page(rig, source, since=stamp(1), until=stamp(3))) == ["b", "c"]
    assert texts(page(rig, source, since=stamp(1.001))) == ["c", "d"]


def test_the_newest_lines_come_first_in_pages_and_last_in_each(rig: Rig) -> None:
    source = rig.one()
    for host in ("web-1", "web-2", "web-3"):
        rig.write(source, log(*((n, f"{host} {n}") for n in range(6))), host)
    whole = texts(page(rig, source))
    for size in (1, 7, 18):
        newest_first = pages(rig, source, limit=size)
        assert [len(one) for one in newest_first[:-2]] == [size] * len(newest_first[:-2])
        assert [text for one in reversed(newest_first) for text in one] == whole
        assert [text for one in pages(rig, source, limit=size, direction="forward") for text in one] == whole


def test_a_hit_in_any_line_of_a_record_gives_all_of_them(rig: Rig) -> None:
    source = rig.some()
    trace = log((0, "before"), (1, "ERROR boom"), "  at here", "  at needle", "  at there", (2, "after"))
    rig.write(source, trace)
    found = page(rig, source, grep="needle")
    assert texts(found) == ["ERROR boom", "  at here", "  at needle", "  at there"]
    head = found["lines"][0]
    assert [line.get("record") for line in found["lines"]] == [None, *[head["position"]] * 3]
    assert {line["level"] for line in found["lines"]} == {"error"}
    assert {line["time"] for line in found["lines"]} == {stamp(1)}
    assert texts(page(rig, source, exclude="needle")) == ["before", "after"]
    assert texts(page(rig, source, grep=["boom", "needle"], level="error"))[0] == "ERROR boom"
    assert texts(page(rig, source, grep=["needle", "after"])) == []


def test_a_record_that_is_split_between_pages_goes_on_in_the_next(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, log((0, "a"), (1, "b"), *(f"  {n}" for n in range(5)), (2, "c")))
    whole = texts(page(rig, source))
    for way in ("forward", "backward"):
        found = pages(rig, source, limit=3, direction=way)
        assert [text for one in (found if way == "forward" else reversed(found)) for text in one] == whole


def test_lines_before_the_first_stamp_count_with_the_next_stamped_one(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, log("banner", "needle", (5, "first"), (6, "second")))
    found = page(rig, source, since=stamp(5), until=stamp(6), grep="needle")
    assert [line["text"] for line in found["lines"]][:2] == ["banner", "needle"]
    assert [line["time"] for line in found["lines"]] == [stamp(5)] * 3
    assert len(page(rig, source, direction="forward", limit=3)["lines"]) == 3


def test_a_log_without_stamps_is_of_the_time_it_was_written(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, "one\ntwo\nthree\n")
    os.utime(path, (START.timestamp(), START.timestamp()))
    assert texts(page(rig, source, since=stamp(-1), until=stamp(1), grep="two")) == ["two"]
    assert texts(page(rig, source, since=stamp(1))) == []
    assert [text for one in pages(rig, source, limit=2, direction="forward") for text in one] == ["one", "two", "three"]


def test_pages_back_go_on_behind_a_last_line_that_never_got_its_newline(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, "three\nfour\n")
    older = path.with_name(path.name + ".1")
    older.write_text("one\ntwo")
    os.utime(older, (START.timestamp(), START.timestamp()))
    found = pages(rig, source, limit=1, since=stamp(0))
    assert [text for one in reversed(found) for text in one] == ["one", "two", "three", "four"]


def test_rotated_and_compressed_generations_are_one_log(rig: Rig) -> None:
    source = rig.some()
    path = rig.path(source)
    path.with_name(path.name + ".2.gz").write_bytes(gzip.compress(log((0, "a"), (1, "b ERROR")).encode()))
    path.with_name(path.name + ".1").write_text(log("  of b", (2, "c")))
    rig.write(source, log((3, "d"), (4, "e")))
    now = path.stat().st_mtime
    for age, name in enumerate((".1", ".2.gz"), 1):
        os.utime(path.with_name(path.name + name), (now - age, now - age))
    whole = ["a", "b ERROR", "  of b", "c", "d", "e"]
    assert texts(page(rig, source)) == whole
    for way in ("forward", "backward"):
        found = pages(rig, source, limit=1, direction=way)
        assert [text for one in (found if way == "forward" else reversed(found)) for text in one] == whole
    assert texts(page(rig, source, grep="of b")) == ["b ERROR", "  of b"]


def test_pages_stay_in_step_while_a_log_is_rotated(rig: Rig) -> None:
    source = rig.some()
    path = rig.write(source, log(*((n, str(n)) for n in range(9))))
    first = page(rig, source, limit=4)
    path.rename(path.with_name(path.name + ".1"))
    rig.write(source, log((9, "9")))
    second = page(rig, source, limit=9, cursor=first["cursor"])
    assert texts(second) + texts(first) == [str(n) for n in range(9)]


def test_a_stamp_that_goes_back_stays_in_its_place(rig: Rig) -> None:
    source = rig.one()
    rig.write(source, log((0, "a"), (5, "b"), (2, "c"), (6, "d")), "web-1")
    rig.write(source, log((3, "x"), (5.5, "y")), "web-2")
    rig.write(source, log((9, "z")), "web-3")
    whole = ["a", "x", "b", "c", "y", "d", "z"]
    assert texts(page(rig, source)) == whole == texts(page(rig, source, direction="forward"))


def test_long_logs_are_read_back_in_parts(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, log(*((n / 10, f"{n} {'x' * 80}") for n in range(9000))))
    newest = page(rig, source, limit=5)
    assert [text.split()[0] for text in texts(newest)] == ["8995", "8996", "8997", "8998", "8999"]
    assert newest["scanned_bytes"] < 200_000
    rare = page(rig, source, grep="^[^ ]+ 17 ")
    assert [text.split()[0] for text in texts(rare)] == ["17"]


def test_a_host_that_can_not_be_reached_is_named_and_the_others_answer(fleet: Fleet, tmp_path: Path) -> None:
    good, bad = fleet.add("good"), fleet.add("bad")
    for host in (good, bad):
        (host.root / "app.log").write_text(log((0, host.name)))
    inventory = fleet.inventory({"app": {"hosts": "@*", "path": f"{good.root.parent}/${{host}}/app.log"}})
    bad.stop()
    with Product(inventory, tmp_path) as product:
        found = product.get("/api/v1/lines").json()
        assert texts(found) == ["good"]
        assert found["complete"] is False
        assert [failure["host"] for failure in found["failed"]] == ["bad"]


def test_it_is_recorded_as_a_search_where_it_is_one(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, log((0, "a"), (1, "b")))
    page(rig, source, grep="a", level="info")
    page(rig, source)

    def recorded() -> list[dict[str, Any]]:
        return [record for record in rig.product.audited() if record["sources"] == [source]]

    wait_until(lambda: len(recorded()) == 4, "four records")
    records = recorded()
    assert [record["event"] for record in records if record["event"] != "close"] == ["search", "open"]
    assert records[0]["filter"] == {"grep": ["a"], "exclude": [], "level": "info"}
    assert [record["detail"]["lines"] for record in records if record["event"] == "close"] == [1, 2]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("since", "yesterday"),
        ("until", "2026-01-01 10:00"),
        ("limit", "-1"),
        ("limit", "10001"),
        ("direction", "sideways"),
        ("cursor", "AAAA"),
        ("grep", "("),
        ("level", "loud"),
        ("hosts", "nowhere"),
    ],
)
def test_a_wrong_parameter_is_400_and_named(rig: Rig, parameter: str, value: str) -> None:
    answer = rig.product.get("/api/v1/lines", **{"source": "one-1", parameter: value})
    assert answer.status == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [parameter]


def test_a_cursor_goes_with_its_own_filters_only(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, log((0, "a"), (1, "b")))
    cursor = page(rig, source, limit=1)["cursor"]
    for other in ({"grep": "a"}, {"direction": "forward"}):
        answer = rig.product.get("/api/v1/lines", source=source, cursor=cursor, **other)
        assert [fault["parameter"] for fault in answer.json()["errors"]] == ["cursor"]
