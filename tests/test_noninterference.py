"""What the rules hide makes no difference: every answer is the same with it, without it, and while others watch it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet
from product import Product, Stream, target

from aggregator.access.tokens import hash_token

TOKENS = {name: f"tagg_{name}-{'x' * 32}" for name in ("narrow", "all")}
SINCE = {"since": "2026-11-23T09:00:00Z", "until": "2026-11-23T11:00:00Z"}
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("/api/v1/hosts", {}),
    ("/api/v1/sources", {}),
    ("/api/v1/stream", {"follow": 0}),
    ("/api/v1/stream", {"follow": 0, "source": "found", "grep": "canary|line"}),
    ("/api/v1/lines", {}),
    ("/api/v1/lines", {"format": "ndjson", **SINCE}),
    ("/api/v1/lines", {"grep": "line", **SINCE, "max_scan": 4000}),
    ("/api/v1/lines", {"grep": "canary", **SINCE}),
    ("/api/v1/histogram", SINCE),
    ("/api/v1/histogram", {**SINCE, "exact": 0}),
    ("/api/v1/histogram", {**SINCE, "format": "ndjson"}),
    ("/api/v1/histogram", {**SINCE, "grep": "line"}),
    ("/api/v1/download", {}),
]


class Place:
    """A pattern that finds `mine/app.log`, and `theirs/app.log`, which is hidden from `narrow`, where there is one."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.root = fleet.add("web-1").root / "logs"
        (self.root / "mine").mkdir(parents=True)
        (self.root / "mine" / "app.log").write_text("".join(_lines("line", 200)))
        everything = ["view", "search", "download"]
        inventory = fleet.inventory(
            {
                "found": {"hosts": "@*", "path": f"{self.root}/*/app.log"},
                "other": {"hosts": "@*", "path": f"{self.root}/theirs/app.log"},
            },
            access={
                "roles": {
                    "narrow": {"allow": [{"hosts": "@*", "paths": [f"{self.root}/mine/**"], "actions": everything}]},
                    "all": {"allow": [{"hosts": "@*", "paths": ["/**"], "actions": everything}]},
                },
                "tokens": {name: {"hash": hash_token(token), "roles": [name]} for name, token in TOKENS.items()},
            },
        )
        self.product = Product(inventory, folder)

    def stream(self, who: str) -> Stream:
        return Stream(self.product.port, target("/api/v1/stream", {}), _bearer(who))

    def answers(self) -> list[str]:
        """What `narrow` is told, without what is of the moment."""
        found = []
        for path, asked in ASKED:
            answer = self.product.get(path, _bearer("narrow"), **asked)
            text = re.sub(r'"(lag_s|clock_skew_s|time|until|cursor)":("[^"]*"|[-0-9.e]+|null)', r'"\1":0', answer.text)
            if "ndjson" in asked.values() or path.endswith("stream"):
                text = "\n".join(line for line in text.splitlines() if not _of_the_moment(line))
            found.append(f"{path} {json.dumps(asked)}: {answer.status} {text}")
        return found


def _of_the_moment(line: str) -> bool:
    record = json.loads(line)
    return record["type"] in ("progress", "counts", "total", "tick")


def _bearer(who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[who]}"}


def _lines(word: str, count: int) -> Iterator[str]:
    for number in range(count):
        yield f"2026-11-23T10:{number // 60 % 60:02d}:{number % 60:02d}Z ERROR {word} {number}\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Fleet(tmp_path) as fleet:
        place = Place(fleet, tmp_path)
        with place.product:
            yield place


def test_what_is_hidden_makes_no_difference(place: Place) -> None:
    with place.stream("narrow") as narrow:
        narrow.wait_live()
        without = place.answers()
        assert all(": 200 " in answer for answer in without), without
        theirs = place.root / "theirs"
        theirs.mkdir()
        (theirs / "app.log").write_text("".join(_lines("canary", 20_000)))
        (theirs / "app.log.1.gz").write_bytes(gzip.compress(b"canary\n" * 1000)[:-9])
        (place.root / "broken").mkdir()
        (place.root / "broken" / "app.log").mkdir()
        with place.stream("all") as everything:
            everything.wait(lambda: any("canary" in text for text in everything.texts()), "the hidden log")
            place.product.get("/api/v1/histogram", _bearer("all"), **SINCE)
            place.product.get("/api/v1/lines", _bearer("all"), grep="canary", **SINCE)
            for before, now in zip(without, place.answers(), strict=True):
                assert now == before
                assert "canary" not in now.partition(": 200 ")[2]
            with (theirs / "app.log").open("a") as log:
                log.write("2026-11-23T12:00:00Z canary, live\n")
            everything.wait_text("2026-11-23T12:00:00Z canary, live")
            with (place.root / "mine" / "app.log").open("a") as log:
                log.write("2026-11-23T12:00:01Z line, live\n")
            narrow.wait_text("2026-11-23T12:00:01Z line, live")
        told = json.dumps(narrow.records)
        assert [word for word in ("canary", "theirs", "broken") if word in told] == []
