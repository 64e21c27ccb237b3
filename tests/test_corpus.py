"""What means harm, wherever a name or a text can be given: nothing of it is run, read or made."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from corpus import OPTIONS, PATTERNS, SHELL
from fleet import Fleet
from product import Product

from aggregator.access.chain import verify
from aggregator.errors import ConfigError
from aggregator.inventory import load
from aggregator.remote import commands

SECRET = "the text of a file that nobody may read"
SHELLS = {"dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "ash"]}


class Trap:
    """A folder with a secret in it, and the name of a file that must not come to be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = folder / "secret"
        self.secret.write_text(SECRET)
        self.canary = folder / "canary"

    def armed(self, text: str) -> str:
        return text.replace("CANARY", str(self.canary)).replace("SECRET", str(self.secret))

    def check(self, said: bytes | str, what: str) -> None:
        text = said if isinstance(said, str) else said.decode("utf-8", "replace")
        assert not self.canary.exists(), f"made by {what!r}"
        assert SECRET not in text, f"read by {what!r}"


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


def run(shell: list[str], command: str, folder: Path) -> bytes:
    done = subprocess.run(
        [*shell, "-c", command], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, cwd=folder
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_no_name_and_no_text_is_more_than_that_on_a_host(trap: Trap, shell: str) -> None:
    log = trap.folder / "app.log"
    log.write_text("one line\n")
    for text in SHELL:
        armed = trap.armed(text)
        path = f"{trap.folder}/{armed}"
        for command in (
            commands.read(path, 0, 100),
            commands.timeline(path, 8, 0, ("1/2/3",)),
            commands.listing(f"{path}*", 8),
            commands.search(str(log), 0, None, "plain", "grep", armed),
        ):
            trap.check(run(SHELLS[shell], command, trap.folder), text)


def test_files_with_such_names_are_read_as_what_they_are(trap: Trap) -> None:
    folder = trap.folder / "logs"
    folder.mkdir()
    for number, text in enumerate(SHELL):
        name = trap.armed(text).replace("/", "_")[:200]
        path = folder / f"{number}{name}"
        path.write_text(f"log {number}\n")
        answer = run(["sh"], commands.read(str(path), 0, 100), folder)
        assert answer.endswith(f"log {number}\n".encode()), text
    listed = (
        run(["sh"], commands.listing(f"{folder}/*", 100), folder).decode("utf-8", "surrogateescape").splitlines()[2:]
    )
    names = {os.path.basename(line) for line in listed}
    assert names == {path.name for path in folder.iterdir() if not any(ord(char) < 32 for char in path.name)}
    trap.check(b"", "a listing")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Product, Trap]]:
    folder = tmp_path_factory.mktemp("corpus")
    with Fleet(folder) as fleet:
        log = fleet.add("web-1").root / "app.log"
        log.write_text("2026-11-23T10:00:00Z one line\n" * 100)
        with Product(fleet.inventory({"app": {"hosts": "@*", "path": str(log)}}), folder) as product:
            yield product, Trap(folder)


@pytest.mark.parametrize("parameter", ["grep", "hosts", "source", "since", "position", "cursor", "level"])
def test_no_parameter_is_more_than_a_text(product: tuple[Product, Trap], parameter: str) -> None:
    running, trap = product
    path = "/api/v1/context" if parameter == "position" else "/api/v1/lines"
    for text in PATTERNS:
        armed = trap.armed(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        answer = running.get(path, **{parameter: armed})
        assert answer.status in (200, 400), (text, answer.text)
        assert not any(byte < 0x20 for byte in answer.body), text
        trap.check(answer.text.replace(str(trap.secret), ""), text)


def test_after_all_that_the_audit_log_is_whole_and_ascii(product: tuple[Product, Trap]) -> None:
    running, _ = product
    text = running.audit.read_bytes()
    assert verify(text.splitlines(keepends=True)).bad is None
    assert text.isascii()
    assert not any(byte < 0x20 for byte in text.replace(b"\n", b""))


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (place, text)
        for place in ("name", "address", "user", "jump")
        for text in OPTIONS
        if place != "user" or text.isascii()  # an account may have a name of any letters
    ],
)
def test_no_host_is_an_option(trap: Trap, place: str, text: str) -> None:
    armed = trap.armed(text)
    host: dict[str, Any] = {} if place == "name" else {place: armed}
    path = trap.folder / "hosts.yaml"
    path.write_text(
        yaml.safe_dump({"version": 1, "hosts": {armed if place == "name" else "web-1": host}, "sources": {}})
    )
    with pytest.raises(ConfigError) as refused:
        load([path])
    assert "\x1b" not in str(refused.value)
    trap.check(b"", text)
