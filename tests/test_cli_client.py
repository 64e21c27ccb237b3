"""`tailon-agg tail --server URL`: the same lines as with the engine of one's own, and its errors in the same words."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import Fleet
from product import PATIENCE_S, Product, command, environment


@pytest.fixture
def product(fleet: Fleet, tmp_path: Path) -> Iterator[Product]:
    for name in ("web-1", "web-2"):
        (fleet.add(name).root / "app.log").write_text(f"{name} one\n{name} two\n")
    path = f"{fleet.hosts['web-1'].root.parent}/${{host}}/app.log"
    with Product(fleet.inventory({"app": {"hosts": "@*", "path": path}}), tmp_path) as product:
        yield product


def tail(product: Product, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command(), "tail", "--server", product.url, *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(),
        stdin=subprocess.DEVNULL,
    )


def test_it_prints_what_the_server_shows(product: Product) -> None:
    done = tail(product, "--no-follow", "web-1", "-n", "1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "web-1: web-1 two\n", "")


def test_json_is_the_servers_records(product: Product) -> None:
    done = tail(product, "--no-follow", "--output", "json", "--grep", "two$", "--exclude", "web-2")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["text"] for record in records if record["type"] == "line"] == ["web-1 two"]
    assert records[-1] == {"type": "end", "reason": "complete"}


def test_the_servers_refusals_are_said_in_its_words(product: Product) -> None:
    done = tail(product, "--no-follow", "web-9", "--grep", "a(b")
    assert done.returncode == 2
    assert "hosts: unknown host 'web-9'" in done.stderr
    assert "grep: " in done.stderr


def test_interrupted_it_ends_with_0_and_says_nothing(product: Product) -> None:
    with subprocess.Popen(
        [*command(), "tail", "--server", product.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        stdin=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("web-")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (0, "")


def test_a_server_that_is_not_there_is_one_sentence(free_port: int) -> None:
    done = subprocess.run(
        [*command(), "tail", "--server", f"http://127.0.0.1:{free_port}", "--no-follow"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(),
    )
    assert done.returncode == 69
    assert done.stderr.count("\n") == 1
    assert "can't be reached" in done.stderr


@pytest.mark.parametrize("url", ["logs.example.org", "ftp://x", "http://"])
def test_what_is_no_address_is_a_usage_error(url: str) -> None:
    done = subprocess.run(
        [*command(), "tail", "--server", url], capture_output=True, text=True, timeout=PATIENCE_S, env=environment()
    )
    assert (done.returncode, done.stderr.startswith("tailon-agg: --server: ")) == (2, True)
