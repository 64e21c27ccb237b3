"""The state of places: what a restarted aggregator, `kill -9` included, still knows of the logs that it followed."""

from __future__ import annotations

import asyncio
import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet, FleetHost
from product import Product, wait_until

from aggregator import limits
from aggregator.history.following.places import Places
from aggregator.history.generation.kept import Ended, Kept
from aggregator.model import File
from aggregator.stream.proof import Place, Proof

FILE = File("web-1", "app", "/var/log/app.log")
KEPT = Kept(
    Place("0123456789abcdef", 5, Proof.of(b"text\n"), "1:2:3.4"),
    1_700_000_000,
    (Ended(Place("fedcba9876543210", 7, Proof.of(b"before\n"), "1:3:3.1"), 1_600_000_000, True),),
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, FleetHost]]:
    with Fleet(tmp_path_factory.mktemp("places")) as fleet:
        yield fleet, fleet.add("web-1")


@pytest.fixture
def log(host: tuple[Fleet, FleetHost], request: pytest.FixtureRequest) -> Path:
    path = host[1].root / request.node.name / "app.log"
    path.parent.mkdir()
    append(path, "first\n")
    return path


@pytest.fixture
def product(host: tuple[Fleet, FleetHost], log: Path, tmp_path: Path) -> Iterator[Product]:
    with Product(host[0].inventory({"app": {"hosts": "web-1", "path": str(log)}}), tmp_path) as product:
        yield product


def append(path: Path, text: str) -> None:
    with path.open("a") as out:
        out.write(text)


def rotate(log: Path) -> Path:
    """The log has another name; the new one is empty."""
    log.rename(f"{log}.1")
    log.touch()
    return Path(f"{log}.1")


def kept(product: Product) -> list[dict[str, Any]]:
    path = product.state / "places.json"
    return json.loads(path.read_bytes())["logs"] if path.exists() else []


def kill_and_start(product: Product) -> None:
    product.kill()
    product.start()


def test_late_write_while_the_killed_aggregator_was_away_comes_once(product: Product, log: Path) -> None:
    with product.stream(source="app") as view:
        view.wait_text("first")
        old = rotate(log)
        append(log, "second\n")
        view.wait_text("second")
        wait_until(lambda: any(one["ended"] for one in kept(product)), "the closed generation to be kept")
        last = view.of("line")[-1]["position"]
        product.kill()
    append(old, "late\n")
    append(log, "third\n")
    product.start()
    with product.stream(source="app", after=last) as view:
        view.wait_text("late")
        assert sorted(view.texts()) == ["late", "third"]


def test_late_write_to_what_was_rotated_while_the_aggregator_was_away_comes_once(product: Product, log: Path) -> None:
    with product.stream(source="app") as view:
        view.wait_text("first")
        last = view.of("line")[-1]["position"]
        wait_until(lambda: kept(product), "the place to be kept")
        product.kill()
    append(log, "unread\n")
    old = rotate(log)
    append(log, "second\n")
    product.start()
    with product.stream(source="app", after=last) as view:
        view.wait_text("second")
        append(old, "late\n")
        view.wait_text("late")
        assert view.texts() == ["unread", "second", "late"]


def test_generations_that_begin_alike_are_told_apart_after_a_restart(product: Product, log: Path) -> None:
    """The last line that the viewer has stands at the same place in two generations."""
    with product.stream(source="app") as view:
        view.wait_text("first")
        append(log, "more\n" * 3)
        rotate(log)
        append(log, "first\n")
        view.wait(lambda: view.texts() == ["first", *["more"] * 3, "first"], "the banner of the second generation")
        last = view.of("line")[-1]["position"]
        wait_until(lambda: any(one["ended"] for one in kept(product)), "the closed generation to be kept")
        product.kill()
    append(log, "second\n")
    product.start()
    with product.stream(source="app", after=last) as view:
        view.wait_text("second")
        assert view.texts() == ["second"]


def test_the_file_is_private_and_holds_no_text(product: Product, log: Path) -> None:
    with product.stream(source="app") as view:
        append(log, "a secret of the house\n")
        view.wait_text("a secret of the house")
        wait_until(lambda: kept(product), "the place to be kept")
    path = product.state / "places.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"secret" not in path.read_bytes()


async def test_places_are_the_same_when_they_are_read_back(tmp_path: Path) -> None:
    places = Places(tmp_path / "places.json")
    places.watch(FILE, lambda: KEPT)
    await places.close()
    again = Places(tmp_path / "places.json")
    again.load()
    assert again.of(FILE) == KEPT
    assert again.of(File("web-2", "app", "/var/log/app.log")) is None


async def test_what_was_followed_long_ago_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def state() -> Kept:
        return KEPT

    places = Places(tmp_path / "places.json")
    places.watch(FILE, state)
    places.leave(FILE, state)
    assert places.of(FILE) == KEPT
    monkeypatch.setattr(limits, "PLACES_AGE", 0.0)
    assert places.of(FILE) is None
    await places.close()
    assert not kept_in(tmp_path / "places.json")


def kept_in(path: Path) -> list[Any]:
    logs: list[Any] = json.loads(path.read_bytes())["logs"] if path.exists() else []
    return logs


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"version":2,"logs":[]}', b'{"version":1,"logs":[{"host":"a"}]}', b"\x00" * 100, b'{"version":1}'],
)
def test_a_file_that_cannot_be_read_is_ignored_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "places.json"
    path.write_bytes(content)
    places = Places(path)
    with caplog.at_level(logging.WARNING):
        places.load()
    assert places.of(FILE) is None
    assert "is not used" in caplog.text


async def test_a_full_disk_is_told_once_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "gone" / "places.json"
    places = Places(path)
    places.watch(FILE, lambda: KEPT)
    with caplog.at_level(logging.WARNING):
        await places.close()
        await places.close()
    assert caplog.text.count("can't be written") == 1
    path.parent.mkdir()
    await places.close()
    assert path.exists()


async def test_nothing_is_written_while_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PLACES_INTERVAL", 0.01)
    path = tmp_path / "places.json"
    places = Places(path)
    places.watch(FILE, lambda: KEPT)
    task = asyncio.create_task(places.run())
    async with asyncio.timeout(10):
        while not path.exists():  # noqa: ASYNC110 - a file tells nothing
            await asyncio.sleep(0.01)
    written = path.stat().st_ino
    await asyncio.sleep(0.1)
    assert path.stat().st_ino == written
    task.cancel()
    await asyncio.wait([task])
