"""Reads of the past that run when their right is taken away end at once, and those of others go on."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleet import Fleet
from product import LOOPBACK, Product, target, wait_until

from aggregator.access.tokens import hash_token

TOKENS = {name: f"tagg_{name}-{'x' * 32}" for name in ("out", "in")}
LINE = f"2026-11-23T10:00:00Z INFO {'a long line ' * 80}\n"
FIRST = LINE.replace("a long", "the first", 1)
COUNT = 60_000  # lines: far more than sockets hold of an answer that nobody reads


class Place:
    """One host with a large log, and two who may read it."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.host = fleet.add("web-1")
        log = self.host.root / "app.log"
        log.write_text(FIRST + LINE * COUNT)
        allow = [{"hosts": "@*", "paths": [str(log)], "actions": ["view", "search", "download"]}]
        self.access: dict[str, Any] = {
            "roles": {"reader": {"allow": allow}},
            "tokens": {name: {"hash": hash_token(token), "roles": ["reader"]} for name, token in TOKENS.items()},
        }
        self.path = fleet.inventory({"app": {"hosts": "@*", "path": str(log)}}, access=self.access)
        self.product = Product(self.path, folder)

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Somebody's token is taken away."""
        whole = self.path.read_text()
        data = yaml.safe_load(whole)
        del data["access"]["tokens"][name]
        self.path.write_text(yaml.safe_dump(data))
        self.product.signal(signal.SIGHUP)
        try:
            yield
        finally:
            self.path.write_text(whole)
            self.product.signal(signal.SIGHUP)
            wait_until(lambda: self.product.get("/api/v1/hosts", bearer(name)).status == 200, "the old rules")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The host does not answer for a while."""
        sessions = self.host._sessions()
        for pid in sessions:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in sessions:
                os.kill(pid, signal.SIGCONT)

    def closed(self, command: str) -> list[str]:
        """How reads have ended."""
        found = self.product.audited()
        return [one["detail"]["end"] for one in found if (one["event"], one["command"]) == ("close", command)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("revoke")
    with Fleet(folder) as fleet:
        place = Place(fleet, folder)
        with place.product:
            yield place


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[name]}"}


@contextmanager
def asked(place: Place, name: str, path: str, **parameters: Any) -> Iterator[http.client.HTTPResponse]:
    """An answer of which the beginning was read."""
    connection = http.client.HTTPConnection(LOOPBACK, place.product.port, timeout=30)
    connection.request("GET", target(path, parameters), headers=bearer(name))
    with closing(connection), connection.getresponse() as answer:
        assert answer.status == 200
        assert len(answer.read(len(FIRST))) == len(FIRST)
        yield answer


def test_a_download_is_cut_off_when_its_right_is_taken_away_and_others_go_on(place: Place) -> None:
    path = "/api/v1/download"
    with asked(place, "out", path) as answer, asked(place, "in", path) as other, place.without("out"):
        wait_until(lambda: place.closed(path) == ["revoked"], "the end of the read", 5.0)
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            answer.read()
        assert len(other.read()) == len(LINE) * COUNT
    wait_until(lambda: place.closed(path) == ["revoked", "complete"], "the other's end")


def test_lines_as_they_are_found_end_with_the_reason(place: Place) -> None:
    path = "/api/v1/lines"
    asking = asked(place, "out", path, grep="the first|never", format="ndjson", direction="forward", limit=10)
    with asking as answer, place.stopped(), place.without("out"):
        records = answer.read().splitlines()
    end = json.loads(records[-1])
    assert (end["type"], end["reason"], end["complete"], end["cursor"]) == ("end", "revoked", False, None)
    wait_until(lambda: place.closed(path) == ["revoked"], "the end of the read")


def test_counts_that_grow_end_with_the_reason_and_without_counts(place: Place) -> None:
    path = "/api/v1/histogram"
    asking = asked(place, "out", path, since="2026-11-23T00:00:00Z", format="ndjson")
    with place.stopped(), asking as answer, place.without("out"):
        records = answer.read().splitlines()
    end = json.loads(records[-1])
    assert (end["type"], end["reason"], end["complete"], end["buckets"]) == ("end", "revoked", False, [])
    wait_until(lambda: place.closed(path) == ["revoked"], "the end of the read")


def test_a_histogram_is_not_given_out(place: Place) -> None:
    """What is counted needs the right to its end."""
    found: list[int] = []
    asking = threading.Thread(
        target=lambda: found.append(
            place.product.get("/api/v1/histogram", bearer("out"), since="2026-11-23T00:00:00Z").status
        )
    )
    with place.stopped():
        before = len(place.product.audited())
        asking.start()
        wait_until(lambda: len(place.product.audited()) > before, "the reading to begin")
        with place.without("out"):
            asking.join(5.0)
            assert found == [403]
