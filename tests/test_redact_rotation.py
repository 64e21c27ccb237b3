"""A private key that rotation cut in two stays hidden on every way out, also on hosts with BusyBox only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet
from product import Answer, Product, Stream, target
from secretcorpus import body_of, pem

HOSTS = {"web-1": "OpenSSH and GNU", "web-2": "Dropbear and BusyBox"}
KEY = pem(7)
CUT = 12  # lines of the key before the rotation
CANARIES = [line[:40] for line in body_of(KEY)]


class Place:
    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.roots = {name: fleet.hosts[name].root for name in HOSTS}
        for root in self.roots.values():
            (root / "app.log.1").write_text("".join(_old(stamped=False)))
            (root / "app.log").write_text("".join(_new(stamped=False)))
            (root / "stamped.log.1").write_text("".join(_old(stamped=True)))
            (root / "stamped.log").write_text("".join(_new(stamped=True)))
        root = self.roots["web-1"].parent
        sources = {name: {"hosts": "@*", "path": f"{root}/${{host}}/{name}.log"} for name in ("app", "stamped")}
        self.product = Product(fleet.inventory(sources), folder)

    def get(self, path: str, **asked: Any) -> Answer:
        answer = self.product.get(path, **asked)
        assert answer.status == 200, answer.text
        assert [canary for canary in CANARIES if canary in answer.text] == [], (path, asked)
        return answer


def _key(hour: str, lines: list[str], *, stamped: bool) -> Iterator[str]:
    for line in lines:
        yield f"2026-11-23T{hour}:59:59Z {line}\n" if stamped else f"{line}\n"


def _old(*, stamped: bool) -> Iterator[str]:
    for number in range(200):
        yield f"2026-11-23T09:{number // 60:02d}:{number % 60:02d}Z INFO request {number}\n"
    yield "2026-11-23T09:59:58Z ERROR with a key\n"
    yield from _key("09", KEY[:CUT], stamped=stamped)


def _new(*, stamped: bool) -> Iterator[str]:
    yield from _key("09", KEY[CUT:], stamped=stamped)
    for number in range(200):
        yield f"2026-11-23T10:{number // 60:02d}:{number % 60:02d}Z INFO request {number}\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("rotated")
    with Fleet(folder) as fleet:
        fleet.add("web-1")
        fleet.add("web-2", server="dropbear", shell="busybox ash", path=fleet.busybox())
        place = Place(fleet, folder)
        with place.product:
            yield place


@pytest.mark.parametrize(("host", "source"), [("web-1", "stamped"), ("web-2", "app")])
def test_a_key_that_rotation_cut_in_two_stays_hidden(place: Place, host: str, source: str) -> None:
    of = {"hosts": host, "source": source}
    whole = place.get("/api/v1/lines", **of, limit=1000).json()["lines"]
    hidden = [line["position"] for line in whole if "private-key" in line["text"]]
    assert len(hidden) >= len(KEY) - 2
    for lines in (205, 215):
        place.get("/api/v1/stream", **of, follow=0, lines=lines)
    for limit in (205, 215):
        place.get("/api/v1/lines", **of, limit=limit)
    place.get("/api/v1/lines", **of, since="2026-11-23T09:59:59Z", limit=1000)
    place.get("/api/v1/lines", **of, since="2026-11-23T09:59:59Z", direction="forward", limit=5)
    place.get("/api/v1/lines", **of, grep="[A-Za-z]{20}", limit=1000)
    place.get("/api/v1/lines", **of, grep=CANARIES[20][:12], limit=1000)
    place.get("/api/v1/download", **of)
    for position in hidden[CUT - 1 : CUT + 2]:
        for size in (0, 30):
            place.get("/api/v1/context", position=position, before=size, after=size)
        place.get("/api/v1/lines", **{"from": position, "to": whole[-1]["position"], "limit": 40})
        place.get("/api/v1/stream", **of, after=position, follow=0)
    cursor: dict[str, Any] = {}
    for _ in count():
        page = place.get(
            "/api/v1/lines", **of, since="2026-11-23T09:59:50Z", until="2026-11-23T10:00:10Z", limit=11, **cursor
        ).json()
        if not page["cursor"]:
            break
        cursor = {"cursor": page["cursor"]}


@pytest.mark.parametrize("host", HOSTS)
def test_a_key_that_is_cut_in_two_while_it_is_followed_stays_hidden(place: Place, host: str) -> None:
    log = place.roots[host] / "app.log"
    asked = {"hosts": host, "source": "app", "lines": 0}
    with Stream(place.product.port, target("/api/v1/stream", asked)) as stream:
        stream.wait_live()
        with log.open("a") as file:
            file.write("2026-11-23T11:00:00Z INFO a key comes\n" + "".join(_key("11", KEY[:CUT], stamped=False)))
        stream.wait_text("2026-11-23T11:00:00Z INFO a key comes")
        log.rename(log.with_name("app.log.2"))
        log.write_text("".join(_key("11", KEY[CUT:], stamped=False)) + "2026-11-23T11:00:01Z INFO after it\n")
        stream.wait_text("2026-11-23T11:00:01Z INFO after it")
        told = json.dumps(stream.records)
        assert [canary for canary in CANARIES if canary in told] == []
        assert told.count("private-key") >= len(KEY) - 2
