"""A token goes to the server that `--server` names, and nowhere that this one leads to."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from product import PATIENCE_S, command, environment

TOKEN = f"tagg_someone-{'x' * 32}"


@contextmanager
def server(location: str | None) -> Iterator[tuple[str, list[str]]]:
    """A server that leads elsewhere, or one that has nothing: its address, and the tokens that it was sent."""
    tokens: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tokens.append(str(self.headers.get("Authorization")))
            self.send_response(302 if location else 404)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = Thread(target=serving.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{serving.server_port}", tokens
        finally:
            serving.shutdown()
            thread.join()


@pytest.mark.parametrize("words", [("search", "x"), ("search", "x", "--count"), ("tail", "--no-follow")])
def test_a_token_is_sent_to_no_other_server(words: tuple[str, ...]) -> None:
    with server(None) as (elsewhere, stolen), server(f"{elsewhere}/login?next=secret") as (url, sent):
        done = subprocess.run(
            [*command(), *words, "--server", url],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env=environment(TAILON_AGG_TOKEN=TOKEN),
            stdin=subprocess.DEVNULL,
        )
    assert (done.returncode, done.stdout) == (69, "")
    assert sent == [f"Bearer {TOKEN}"]
    assert all(TOKEN not in each for each in stolen)
    if words[0] == "search":
        assert f"leads to '{elsewhere}/login'; name the server itself with --server" in done.stderr
        assert stolen == []
