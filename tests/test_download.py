"""`/api/v1/download`, `/api/v1/histogram` and lines as they are found, over real sshd."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet
from product import Product, wait_until
from rig import HOSTS, Rig, rig_in

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(tmp_path_factory.mktemp("download")) as made:
        yield made


def stamp(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture(scope="module")
def source(rig: Rig) -> str:
    """Ten lines on each host, one a second, every third an error with a line of its own."""
    name = rig.one()
    for number, host in enumerate(HOSTS):
        for n in range(10):
            error = n % 3 == 0
            line = f"{stamp(n + number / 10)} {'ERROR' if error else 'INFO'} {host} {n}\n"
            rig.write(name, line + ("  because\n" if error else ""), host)
    return name


def lines(rig: Rig, source: str, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rig.product.get("/api/v1/lines", source=source, **parameters).json()["lines"]
    return found


@pytest.mark.parametrize(
    "query", [{}, {"grep": "because"}, {"since": stamp(2), "until": stamp(5)}, {"limit": 3, "exclude": "INFO"}]
)
def test_a_download_is_the_text_of_the_lines_and_nothing_else(rig: Rig, source: str, query: dict[str, Any]) -> None:
    answer = rig.product.get("/api/v1/download", source=source, **query)
    assert answer.text == "".join(f"{line['text']}\n" for line in lines(rig, source, **query))
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="logs-')


def test_a_download_is_recorded(rig: Rig, source: str) -> None:
    rig.product.get("/api/v1/download", source=source, grep="nothing like it")

    def records() -> list[dict[str, Any]]:
        found = [record for record in rig.product.audited() if record["command"] == "/api/v1/download"]
        return [record for record in found if (record["filter"] or {}).get("grep") == ["nothing like it"]]

    wait_until(lambda: len(records()) == 2, "both records")
    assert [record["event"] for record in records()] == ["download", "close"]


def test_a_host_that_can_not_be_read_is_named_in_a_header(fleet: Fleet, tmp_path: Path) -> None:
    good, bad = fleet.add("good"), fleet.add("bad")
    for host in (good, bad):
        (host.root / "app.log").write_text(f"{stamp(0)} {host.name}\n")
    inventory = fleet.inventory({"app": {"hosts": "@*", "path": f"{good.root.parent}/${{host}}/app.log"}})
    bad.stop()
    with Product(inventory, tmp_path, "--no-allow-download") as product:
        refused = product.get("/api/v1/download")
        assert (refused.status, refused.json()["rule"]) == (403, "--no-allow-download")
    with Product(inventory, tmp_path) as product:
        answer = product.get("/api/v1/download")
        assert answer.text == f"{stamp(0)} good\n"
        assert answer.headers["x-failed-hosts"] == "bad"


def test_a_histogram_counts_the_lines_that_are_given_for_the_same_query(rig: Rig, source: str) -> None:
    for query in ({}, {"grep": "because"}, {"level": "error"}, {"exclude": "web-2"}):
        span = {"since": stamp(1), "until": stamp(9)}
        answer = rig.product.get("/api/v1/histogram", source=source, buckets=4, **span, **query).json()
        found = lines(rig, source, **span, **query)
        assert [bucket["start"] for bucket in answer["buckets"]] == [stamp(n) for n in (1, 3, 5, 7)]
        assert answer["until"] == stamp(9)
        for bucket, start, end in zip(answer["buckets"], (1, 3, 5, 7), (3, 5, 7, 9), strict=True):
            inside = [line for line in found if stamp(start) <= line["time"] < stamp(end)]
            assert bucket["count"] == len(inside) == sum(bucket["by_level"].values())
            assert bucket["by_host"] == {
                host: count for host in HOSTS if (count := sum(line["host"] == host for line in inside))
            }
        assert (answer["exact"], answer["complete"], answer["failed"]) == (True, True, [])


def test_an_estimate_comes_from_few_looks(rig: Rig, source: str) -> None:
    answer = rig.product.get(
        "/api/v1/histogram", source=source, since=stamp(0), until=stamp(10), buckets=2, exact=0
    ).json()
    assert answer["exact"] is False
    assert 30 <= sum(bucket["count"] for bucket in answer["buckets"]) <= 60


def records(answer: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.splitlines()]


def test_lines_come_as_records_with_progress_and_an_end(rig: Rig, source: str) -> None:
    for way in ("backward", "forward"):
        answer = rig.product.get("/api/v1/lines", source=source, format="ndjson", direction=way, limit=20)
        found = records(answer.body)
        given = [record for record in found if record["type"] == "line"]
        page = rig.product.get("/api/v1/lines", source=source, direction=way, limit=20).json()
        expected = page["lines"][::-1] if way == "backward" else page["lines"]
        if not any(line.get("late") for line in given):  # else a host was slow for once
            assert [line["position"] for line in given] == [line["position"] for line in expected]
        end = found[-1]
        assert (end["type"], end["reason"], end["complete"], end["failed"]) == ("end", "complete", True, [])
        rest = rig.product.get("/api/v1/lines", source=source, cursor=end["cursor"]).json()
        assert len(rest["lines"]) == 42 - 20
        assert {record["host"] for record in found if record["type"] == "progress"} == set(HOSTS)


def test_what_would_be_too_much_is_not_read_and_is_told(rig: Rig, source: str) -> None:
    page = rig.product.get("/api/v1/lines", source=source, grep="because", max_scan=10).json()
    assert (page["lines"], page["complete"], page["scanned_bytes"]) == ([], False, 0)
    for failure in page["failed"]:
        size = rig.path(source, failure["host"]).stat().st_size
        assert failure["to_scan"] == size
        assert f"max_scan={size}" in failure["detail"]
    assert len(lines(rig, source, grep="because", max_scan=10_000)) == 24


@pytest.mark.parametrize(
    ("parameter", "value"), [("buckets", "0"), ("buckets", "5000"), ("exact", "2"), ("max_scan", "x"), ("since", "x")]
)
def test_a_wrong_parameter_of_a_histogram_is_400(rig: Rig, parameter: str, value: str) -> None:
    answer = rig.product.get("/api/v1/histogram", **{parameter: value})
    assert answer.status == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [parameter]
