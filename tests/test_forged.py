"""Positions and cursors that somebody made up show no more than those that were given out: no part of a line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet
from product import Answer, Product

from aggregator.access.tokens import hash_token
from aggregator.history.search import cursor
from aggregator.model import Position
from aggregator.stream import positions
from aggregator.stream.lines import generation_of

TOKENS = {name: f"tagg_{name}-{'x' * 32}" for name in ("reader", "all", "viewer")}
CARD = "4111111111111111"
SECRET = f"2026-11-23T10:00:00Z WARN pay with {CARD} now, then more"  # of the hour that the line ends with, too
INSIDE = SECRET.index(CARD) + 3
SIZE = len(f"{SECRET}10\n")


class Place:
    """A log with a line with a secret far before its end, and one in its compressed generation."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        host = fleet.add("web-1")
        self.log = host.root / "app.log"
        (host.root / "app.log.1.gz").write_bytes(gzip.compress("".join(_lines("09", 300)).encode()))
        self.log.write_text("".join(_lines("10", 30_000)))
        allow = [{"hosts": "@*", "paths": [f"{host.root}/**"], "actions": ["view", "search", "download"]}]
        (host.root / "found" / "1").mkdir(parents=True)
        (host.root / "found" / "1" / "app.log").write_text("one\ntwo\n")
        everywhere = [{**allow[0], "paths": ["/**"]}]
        looking = [{**allow[0], "actions": ["view"]}]
        tokens = {name: {"hash": hash_token(token), "roles": [name]} for name, token in TOKENS.items()}
        inventory = fleet.inventory(
            {
                "app": {"hosts": "@*", "path": str(self.log)},
                "found": {"hosts": "@*", "path": f"{host.root}/found/*/app.log"},
            },
            access={
                "roles": {"reader": {"allow": allow}, "all": {"allow": everywhere}, "viewer": {"allow": looking}},
                "tokens": tokens,
            },
        )
        self.product = Product(inventory, folder)

    def get(self, path: str, who: str = "reader", **parameters: Any) -> Answer:
        return self.product.get(path, {"Authorization": f"Bearer {TOKENS[who]}"}, **parameters)

    def secret(self, hour: str) -> Position:
        """Where the line with the secret is."""
        range_ = {"since": f"2026-11-23T{hour}:00:00Z", "until": f"2026-11-23T{hour}:00:01Z"}
        (line,) = self.get("/api/v1/lines", source="app", grep="pay with", **range_).json()["lines"]
        return positions.decode(line["position"])


def _lines(hour: str, count: int) -> Iterator[str]:
    yield f"2026-11-23T{hour}:00:00Z INFO begins\n"
    yield f"{SECRET.replace('T10', f'T{hour}')}{hour}\n"
    for number in range(count):
        yield f"2026-11-23T{hour}:{1 + number // 600:02d}:{number // 10 % 60:02d}Z INFO request {number}\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("forged")
    with Fleet(folder) as fleet:
        place = Place(fleet, folder)
        with place.product:
            yield place


@pytest.mark.parametrize("hour", ["10", "09"])
@pytest.mark.parametrize("inside", [1, INSIDE, len(SECRET) - 2])
def test_a_read_that_begins_inside_a_line_shows_nothing_of_that(place: Place, hour: str, inside: int) -> None:
    secret = place.secret(hour)
    forged = positions.encode(replace(secret, offset=secret.offset + inside, checksum=None))
    begin = positions.encode(replace(secret, offset=0, checksum=None))
    end = positions.encode(replace(secret, offset=secret.offset + SIZE + 80, checksum=None))
    for answer in (
        place.get("/api/v1/lines", **{"from": forged, "to": end}),
        place.get("/api/v1/lines", **{"from": begin, "to": end, "cursor": forged}),
        place.get("/api/v1/stream", source="app", after=forged, follow=0, grep="then|request [0-9]$"),
    ):
        assert answer.status == 200
        assert (CARD[3:] in answer.text, f"more{hour}" in answer.text, "request 1" in answer.text) == (
            False,
            False,
            True,
        )
    ends = place.get("/api/v1/lines", **{"from": begin, "to": forged})
    assert [line["text"][-6:] for line in ends.json()["lines"]] == ["begins"]


@pytest.mark.parametrize("hour", ["10", "09"])
def test_no_checksum_of_a_part_of_a_line_can_be_tried(place: Place, hour: str) -> None:
    secret = place.secret(hour)
    after = positions.encode(replace(secret, offset=secret.offset + SIZE + 80, checksum=None))
    for inside in (INSIDE, len(SECRET) - 1):
        right = zlib.crc32(f"{SECRET}{hour}"[inside:].encode())
        told = []
        for checksum in (right, right ^ 1):
            forged = positions.encode(replace(secret, offset=secret.offset + inside, checksum=checksum))
            answers = [
                place.get("/api/v1/context", position=forged),
                place.get("/api/v1/lines", **{"from": forged, "to": after}),
                place.get("/api/v1/stream", source="app", after=forged, follow=0, grep="then|request [0-9]$"),
            ]
            assert [answer.status for answer in answers] == [410, 410, 200]
            told.append([answer.text.replace(forged, "") for answer in answers])
        assert told[0] == told[1]


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("hour", ["10", "09"])
def test_a_cursor_inside_a_line_shows_nothing_of_that(place: Place, hour: str, direction: str) -> None:
    secret = place.secret(hour)
    asked = {"source": "app", "limit": 2, "direction": direction}
    for more in ({}, {"grep": "pay|more|request [0-9]$"}, {"grep": "more"}, {"grep": "request"}):
        page = place.get("/api/v1/lines", **asked, **more).json()
        given = cursor.decode(page["cursor"]) if page["cursor"] else None
        if given is None:
            continue
        ((name, mark),) = given.marks.items()
        for inside in (1, INSIDE, len(SECRET) - 2):
            at = cursor.Place(secret.generation, secret.offset + inside)
            for loose in (True, False):
                forged = replace(
                    given, frontier=None, marks={name: replace(mark, place=at, skip=0, loose=loose, done=False)}
                )
                answer = place.get("/api/v1/lines", **asked, **more, cursor=cursor.encode(forged))
                assert CARD[:8] not in answer.text
                assert CARD[3:] not in answer.text
                texts = [line["text"] for line in answer.json()["lines"]] if answer.status == 200 else []
                assert [text for text in texts if not text.startswith("2026-11-23T")] == []


def test_a_path_of_a_position_is_one_that_the_inventory_can_name(place: Place) -> None:
    (line,) = place.get("/api/v1/lines", "all", source="found", limit=1).json()["lines"]
    given = positions.decode(line["position"])
    folder = given.file.path.removesuffix("/1/app.log")
    head = place.log.read_bytes().partition(b"\n")[0]
    generation = generation_of(head + b"\n")
    assert generation
    for path in (f"{folder}/../app.log", f"{folder}/./../app.log", f"{folder}//app.log", f"{folder}/1/../1/app.log"):
        file = replace(given.file, path=path)
        made_up = positions.encode(Position(file, generation, 0, zlib.crc32(head)))
        for answer in (
            place.get("/api/v1/context", "all", position=made_up),
            place.get("/api/v1/lines", "all", **{"from": made_up, "to": made_up}),
            place.get("/api/v1/stream", "all", source="found", after=made_up, follow=0),
        ):
            assert answer.status == 400, (path, answer.text)
            assert "names no file of the inventory" in answer.text


def test_a_range_of_time_in_a_cursor_is_a_search(place: Place) -> None:
    asked = {"source": "app", "limit": 2}
    given = cursor.decode(place.get("/api/v1/lines", "viewer", **asked).json()["cursor"])
    assert place.get("/api/v1/lines", "viewer", **asked, cursor=cursor.encode(given)).status == 200
    since = int(datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp() * 1e6)
    for made_up in (replace(given, since=since), replace(given, since=since, ranged=True)):
        answer = place.get("/api/v1/lines", "viewer", **asked, cursor=cursor.encode(made_up))
        assert answer.status == 403, answer.text


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_numbers_out_of_all_bounds_are_an_answer_too(place: Place, direction: str) -> None:
    asked = {"source": "app", "limit": 2, "direction": direction}
    given = cursor.decode(place.get("/api/v1/lines", **asked).json()["cursor"])
    ((name, mark),) = given.marks.items()
    most, least = 2**63 - 1, -(2**63)
    at = cursor.Place(place.secret("10").generation, 2**48 - 1)
    for made_up in (
        replace(given, until=most),
        replace(given, until=least),
        replace(given, since=least),
        replace(given, since=most, until=least),
        replace(given, frontier=most),
        replace(given, frontier=least, overtaken=True),
        replace(given, marks={name: replace(mark, place=at)}),
        replace(given, marks={name: replace(mark, key=most)}),
        replace(given, marks={name: replace(mark, key=least, loose=True)}),
        replace(given, marks={name: replace(mark, skip=2**32 - 1)}),
        replace(given, marks={name: replace(mark, place=None, skip=7)}),
        replace(given, marks={name: replace(mark, done=True), b"x" * 8: mark}),
    ):
        answer = place.get("/api/v1/lines", **asked, cursor=cursor.encode(made_up))
        assert answer.status in (200, 400, 410), (made_up, answer.text)
        ndjson = place.get("/api/v1/lines", **asked, cursor=cursor.encode(made_up), format="ndjson")
        assert ndjson.status in (200, 400, 410), (made_up, ndjson.text)
    far = positions.encode(replace(place.secret("10"), offset=2**48 - 1))
    assert place.get("/api/v1/context", position=far).status == 410
    assert place.get("/api/v1/lines", **{"from": far, "to": far}).status == 410
    assert place.get("/api/v1/stream", source="app", after=far, follow=0, lines=1).status == 200
    assert "Traceback" not in place.product.stderr
