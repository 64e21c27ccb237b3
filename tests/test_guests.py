"""Searches as guests on a host: one heavy one at a time, the next ones wait and say so; what went another way is
noted. One real SSH server, whose grep does as it is told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet
from product import Product, Stream, command, environment, target, wait_until

from aggregator import limits

GREP = """#!/bin/sh
case $1 in
-aFb)
  if [ -e {orders}/fail ]; then exit 2; fi
  if [ -e {orders}/wait ]; then : >{orders}/waits; fi
  while [ -e {orders}/wait ]; do sleep 0.1; done
  ;;
esac
exec /usr/bin/grep "$@"
"""
LINE = f"2026-03-01T12:00:00Z INFO {'x' * 1000}\n"


class Place:
    """A host with a log that takes a heavy search, one that does not, and one that its grep is asked about. Its needle
    stands in the middle of each."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.orders = folder / "orders"
        self.orders.mkdir()
        tools = folder / "tools"
        tools.mkdir()
        (tools / "grep").write_text(GREP.format(orders=self.orders))
        (tools / "grep").chmod(0o755)
        root = fleet.add("web-1", path=f"{tools}:/usr/bin:/bin").root
        sizes = {"large": limits.HEAVY_SCAN, "small": limits.SIFT_LEAST // 2, "some": 4 * limits.SIFT_LEAST}
        for name, size in sizes.items():
            half = LINE * (size // len(LINE) // 2 + 1)
            (root / f"{name}.log").write_text(f"{half}{LINE.replace('xxx', 'a needle', 1)}{half}")
        sources = {name: {"hosts": "@*", "path": f"{root}/{name}.log"} for name in sizes}
        self.inventory = fleet.inventory(sources)
        self.product = Product(self.inventory, folder)

    def order(self, name: str, *, on: bool = True) -> None:
        """Have grep wait, or fail."""
        (self.orders / name).touch() if on else (self.orders / name).unlink()

    def search(self, source: str) -> Stream:
        asked = {"format": "ndjson", "source": source, "grep": "needle"}
        return Stream(self.product.port, target("/api/v1/lines", asked))

    def page(self, path: str = "/api/v1/lines", **parameters: Any) -> dict[str, Any]:
        answer = self.product.get(path, source="some", grep="needle", **parameters)
        assert answer.status == 200, answer.text
        found: dict[str, Any] = json.loads(answer.body.splitlines()[-1])
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("guests")
    with Fleet(folder) as fleet:
        place = Place(fleet, folder)
        with place.product:
            yield place


def stages(search: Stream) -> list[str]:
    """What it has said of its host, in the order of saying."""
    return [record["stage"] for record in search.of("progress")]


def test_heavy_searches_wait_for_their_turn_and_say_so_and_others_do_not(place: Place) -> None:
    place.order("wait")
    with place.search("large") as first:
        wait_until((place.orders / "waits").exists, "the first search to have its turn")
        with place.search("large") as second, place.search("large") as third:
            for waiting in (second, third):
                waiting.wait(lambda: "waiting-turn" in stages(waiting), "it to wait")  # noqa: B023 - waited for here
                assert "reading" not in stages(waiting)[stages(waiting).index("waiting-turn") :]
            with place.search("small") as light:
                light.wait(light.ended.is_set, "the light search's end")
                assert light.records[-1]["complete"]
                assert len(light.texts()) == 1
            (place.orders / "waits").unlink()
            first.close()
            wait_until((place.orders / "waits").exists, "another one to have its turn")
            place.order("wait", on=False)
            for waiting in (second, third):
                waiting.wait(waiting.ended.is_set, "its end")
                assert waiting.records[-1]["complete"]
                assert len(waiting.texts()) == 1
                assert stages(waiting)[-1] == "done"
    assert "waiting-turn" not in stages(first)


def test_what_went_another_way_is_noted_and_nothing_is_missing(place: Place) -> None:
    assert place.page()["notes"] == []
    place.order("fail")
    try:
        page, end, counts = place.page(), place.page(format="ndjson"), place.page("/api/v1/histogram", format="ndjson")
        words = [*command(), "search", "needle", "--source", "some", "--inventory", str(place.inventory)]
        kept = environment(XDG_STATE_HOME=str(place.orders.parent))
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=kept, check=True)
    finally:
        place.order("fail", on=False)
    [note] = page["notes"]
    assert note["host"] == "web-1"
    assert note["detail"].startswith("grep on web-1 failed on ")
    assert end["notes"] == page["notes"]
    assert (page["complete"], page["failed"], len(page["lines"])) == (True, [], 1)
    assert (end["complete"], counts["complete"]) == (True, True)
    assert f"tailon-agg: web-1: {note['detail']}\n" in done.stderr
    assert done.stdout.count("a needle") == 1
