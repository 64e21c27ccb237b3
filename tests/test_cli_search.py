"""`tailon-agg search`: what an SRE types at a terminal, over three real hosts, against what the files hold."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fleet import Fleet
from product import Product, command, environment

HOSTS = ("web-1", "web-2", "web-3")
PATIENCE_S = 300  # longest wait for a command's end; usual is a second
MANY = 12_000  # lines of a log that takes two pages of a server's


class Terminal:
    """Where the command is typed; `lines` are those of a host's log, 600 of the last hour, a trace in every 100th."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self.folder = folder
        self.lines: dict[str, list[str]] = {}
        now = datetime.now(UTC).replace(microsecond=0)
        for name in HOSTS:
            lines = self.lines[name] = []
            for number in range(600):
                level = "ERROR" if number % 100 == 0 else "INFO"
                stamp = now - timedelta(seconds=6 * (600 - number))
                lines.append(f"{stamp:%Y-%m-%dT%H:%M:%SZ} {level} request {number} on {name}")
                if level == "ERROR":
                    lines.append("  at trace")
            (fleet.add(name).root / "app.log").write_text("".join(f"{line}\n" for line in lines))
        root = fleet.hosts["web-1"].root.parent
        self.many = [f"{now - timedelta(seconds=MANY - n):%Y-%m-%dT%H:%M:%SZ} entry {n}" for n in range(MANY)]
        (root / "web-1" / "many.log").write_text("".join(f"{line}\n" for line in self.many))
        self.inventory = fleet.inventory(
            {
                "app": {"hosts": "@*", "path": f"{root}/${{host}}/app.log"},
                "many": {"hosts": "web-1", "path": f"{root}/web-1/many.log"},
            }
        )

    def all_of(self, *words: str) -> list[str]:
        """All lines of the three logs with one of some words, in their order."""
        found = [
            (line if line.startswith("2") else lines[number - 1], host, line)
            for host, lines in self.lines.items()
            for number, line in enumerate(lines)
        ]
        found.sort(key=lambda one: (one[0][:20], one[1]))
        return [f"{host}: {line}" for _, host, line in found if any(word in line for word in words)]

    def run(self, *words: str, server: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words, server=server),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env=self.environ,
            cwd=self.folder,
        )

    def command(self, *words: str, server: str | None = None) -> list[str]:
        where = ["--server", server] if server else ["--inventory", str(self.inventory)]
        return [*command(), "search", *words, *where]

    @property
    def environ(self) -> dict[str, str]:
        return environment(XDG_STATE_HOME=str(self.folder))

    def answer(self, said: str, *words: str, server: str | None = None) -> tuple[int, str]:
        """What it does when it is called at a terminal and its question is answered: exit status and output."""
        ours, theirs = pty.openpty()
        with open(ours, "r+b", buffering=0) as screen, tempfile.TemporaryFile() as out:
            process = subprocess.Popen(
                self.command(*words, server=server),
                stdin=theirs,
                stdout=out,
                stderr=theirs,
                env=self.environ,
                cwd=self.folder,
            )
            os.close(theirs)
            with closing_in(process, PATIENCE_S):
                seen = b""
                while b"[y/N]" not in seen:
                    seen += screen.read(1024)
                screen.write(f"{said}\n".encode())
                with contextlib.suppress(OSError):  # that is how a terminal ends
                    while screen.read(1024):
                        pass
                status = process.wait(PATIENCE_S)
            out.seek(0)
            assert b"would be read" in seen
            return status, out.read().decode()


@contextlib.contextmanager
def closing_in(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """A process that does not end in time is ended: whoever reads what it says hears that."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    folder = tmp_path_factory.mktemp("search")
    with Fleet(folder) as fleet:
        yield Terminal(fleet, folder)


@pytest.fixture(scope="module")
def product(terminal: Terminal) -> Iterator[Product]:
    with Product(terminal.inventory, terminal.folder) as product:
        yield product


def test_it_prints_whole_records_oldest_first_and_what_was_read(terminal: Terminal) -> None:
    done = terminal.run("ERROR", "web-1", "--source", "app")
    assert done.returncode == 0, done.stderr
    expected = [line for line in terminal.lines["web-1"] if "ERROR" in line or "trace" in line]
    assert done.stdout.splitlines() == [f"web-1: {line}" for line in expected]
    assert "read " in done.stderr
    assert "on 1 host" in done.stderr


def test_the_newest_lines_of_all_hosts_come_merged(terminal: Terminal) -> None:
    done = terminal.run("trace", "--limit", "4", "--output", "json")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(record["host"], record["text"][-9:]) for record in records] == [
        ("web-2", " on web-2"),
        ("web-2", "  at trace"[-9:]),
        ("web-3", " on web-3"),
        ("web-3", "  at trace"[-9:]),
    ]
    assert records[1]["record"] == records[0]["position"]
    assert "the newest 4 lines" in done.stderr


def test_all_lines_come_oldest_first_or_newest_first(terminal: Terminal) -> None:
    expected = terminal.all_of("ERROR", "trace")
    done = terminal.run("ERROR", "--limit", "0")
    assert (done.returncode, done.stdout.splitlines()) == (0, expected), done.stderr
    assert "on 3 hosts" in done.stderr
    assert "the newest" not in done.stderr
    newest = terminal.run("ERROR", "--limit", "5", "--reverse")
    assert newest.stdout.splitlines() == expected[:-6:-1]
    assert "the newest 5 lines" in newest.stderr


def test_more_than_a_page_comes_from_the_hosts_and_from_a_server(terminal: Terminal, product: Product) -> None:
    expected = [f"web-1: {line}" for line in terminal.many]
    for server in (None, product.url):
        found = terminal.run("entry", "--limit", "11000", server=server).stdout.splitlines()
        assert found == expected[-11_000:]
    found = terminal.run("entry", "--limit", "0", "--output", "json", server=product.url).stdout.splitlines()
    assert [f"web-1: {json.loads(line)['text']}" for line in found] == expected
    words = terminal.command("entry", "--limit", "0", server=product.url)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == f"{expected[0]}\n"
        process.stdout.close()
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("since", [["--since", "-30m"], ["--since=-30m"]])
def test_since_may_stand_apart_and_selectors_behind_options(terminal: Terminal, since: list[str]) -> None:
    done = terminal.run("request", *since, "--count", "web-[1-2]")
    assert done.returncode == 0, done.stderr
    assert 300 <= int(done.stdout) <= 2 * 303  # half of two logs, less what the tests before took


def test_count_is_of_all_time_and_histogram_adds_up(terminal: Terminal) -> None:
    assert terminal.run("request", "--count").stdout == f"{3 * 606}\n"
    found = json.loads(terminal.run("ERROR", "--histogram", "--since", "-2h", "--output", "json").stdout)
    assert sum(bucket["count"] for bucket in found["buckets"]) == 3 * 12
    shown = terminal.run("ERROR", "--histogram", "--since", "-2h").stdout
    assert len(shown.splitlines()) == 24
    assert "█" in shown


def test_nothing_found_is_1_and_what_is_wrong_is_2_in_one_line(terminal: Terminal) -> None:
    assert terminal.run("there is no such text").returncode == 1
    for words in (["("], ["x", "web-9"], ["x", "--since", "soon"], ["x", "--max-scan", "much"]):
        done = terminal.run(*words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr


def test_more_than_may_be_read_is_said_and_not_read(terminal: Terminal) -> None:
    done = terminal.run("request", "--max-scan", "1K")
    assert done.returncode == 69
    assert "max_scan" in done.stderr or "--max-scan" in done.stderr


@pytest.mark.parametrize("words", [["--limit", "0"], ["--limit", "11000"], ["--reverse"], ["--count"]], ids=" ".join)
def test_at_a_terminal_it_asks_before_it_reads_more(terminal: Terminal, words: list[str]) -> None:
    status, text = terminal.answer("y", "request", "web-1", "--source", "app", "--max-scan", "1K", *words)
    whole = [f"web-1: {line}" for line in terminal.lines["web-1"]]
    expected = {"--count": [str(len(whole))], "--reverse": whole[::-1]}.get(words[0], whole)
    assert (status, text.splitlines()) == (0, expected)


def test_it_asks_for_a_server_too_and_no_is_no(terminal: Terminal, product: Product) -> None:
    asked = ["request", "web-1", "--source", "app", "--reverse", "--output", "json"]
    whole = terminal.run(*asked, server=product.url).stdout
    assert whole
    assert terminal.answer("y", *asked, "--max-scan", "1K", server=product.url) == (0, whole)
    assert terminal.answer("n", *asked, "--max-scan", "1K", server=product.url) == (69, "")


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_a_server_reads_nothing_of_a_host_where_it_would_be_too_much(product: Product, form: str) -> None:
    asked = {"grep": "request", "source": "app", "limit": 2, "format": form}
    for way in ("forward", "backward"):
        answer = product.get("/api/v1/lines", **asked, direction=way, max_scan=1024)
        end = json.loads(answer.body.splitlines()[-1])
        assert (end["complete"], end["cursor"], end["scanned_bytes"]) == (False, None, 0)
        assert {failure["host"]: failure["to_scan"] > 1024 for failure in end["failed"]} == dict.fromkeys(HOSTS, True)
        larger = max(failure["to_scan"] for failure in end["failed"])
        answer = product.get("/api/v1/lines", **asked, direction=way, max_scan=larger)
        assert json.loads(answer.body.splitlines()[-1])["complete"]


def test_a_server_gives_the_same_and_a_dead_host_is_named(terminal: Terminal, product: Product) -> None:
    own, theirs = terminal.run("ERROR"), terminal.run("ERROR", server=product.url)
    assert own.stdout == theirs.stdout
    assert terminal.run("ERROR", "--count", server=product.url).stdout == "36\n"
    assert terminal.run("ERROR", server="http://127.0.0.1:9").returncode == 69
    terminal.fleet.hosts["web-3"].stop()
    done = terminal.run("ERROR", "--limit", "2")
    assert done.returncode == 69
    assert "web-3: connection refused" in done.stderr
    assert done.stdout.count("web-2: ") == 2
