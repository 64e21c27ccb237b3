"""`tailon-agg tail` from outside: what it prints, what it obeys, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from fleet import Fleet
from product import PATIENCE_S, Product, Record, command, environment, wait_until

HOSTS = ("web-1", "web-2", "db-1")


class Terminal:
    """Three hosts, an inventory, and the command in a folder of its own."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self.folder = folder
        for name in HOSTS:
            fleet.add(name)
        roots = fleet.hosts["web-1"].root.parent
        self.inventory = fleet.inventory(
            {
                "app": {"hosts": "@*", "path": f"{roots}/${{host}}/app.log"},
                "nginx": {"hosts": "@web", "path": f"{roots}/${{host}}/nginx.log"},
            },
            groups={"web": "web-*"},
        )
        for name in HOSTS:
            self.write(f"{name} app\n", name)
            self.write(f"{name} nginx\n", name, "nginx")

    def write(self, text: str | bytes, host: str = "web-1", source: str = "app") -> None:
        with (self.fleet.hosts[host].root / f"{source}.log").open("ab") as out:
            out.write(text.encode() if isinstance(text, str) else text)

    def environ(self, **changes: str) -> dict[str, str]:
        variables = {"TAILON_AGG_INVENTORY": str(self.inventory), "XDG_STATE_HOME": str(self.folder / "state")}
        return environment(**{**variables, **changes})

    def tail(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """The command with `--no-follow`, to its end."""
        return subprocess.run(
            [*command(), "tail", "--no-follow", *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env=self.environ(**changes),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
        )

    @contextlib.contextmanager
    def following(self, *arguments: str, stdout: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            [*command(), "tail", *arguments],
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=self.environ(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    folder = tmp_path_factory.mktemp("terminal")
    with Fleet(folder) as fleet:
        yield Terminal(fleet, folder)


def records(done: subprocess.CompletedProcess[str]) -> list[Record]:
    return [json.loads(line) for line in done.stdout.splitlines()]


# --- What it prints -----------------------------------------------------------------------------------------------


def test_text_is_host_colon_text_without_colour_where_there_is_no_terminal(terminal: Terminal) -> None:
    done = terminal.tail()
    assert (done.returncode, done.stderr) == (0, "")
    lines = sorted(done.stdout.splitlines())
    assert lines == sorted([*(f"{h}: {h} app" for h in HOSTS), "web-1: web-1 nginx", "web-2: web-2 nginx"])


def test_json_is_the_streams_records(terminal: Terminal) -> None:
    done = terminal.tail("--output", "json", "web-1", "--source", "app")
    line, notice, end = records(done)
    assert (line["type"], line["host"], line["source"], line["text"]) == ("line", "web-1", "app", "web-1 app")
    assert (notice["type"], notice["state"]) == ("notice", "live")
    assert end == {"type": "end", "reason": "complete"}


def test_json_and_the_server_give_the_same_positions(terminal: Terminal, tmp_path: Path) -> None:
    with Product(terminal.inventory, tmp_path) as product:
        served = [record for record in product.once(source="nginx") if record["type"] == "line"]
    found = [record for record in records(terminal.tail("--output", "json", "--source", "nginx")) if "text" in record]
    assert sorted(r["position"] for r in found) == sorted(r["position"] for r in served)


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["@web", "--source", "app"], {"web-1 app", "web-2 app"}),
        (["web-1", "db-1", "--source", "app"], {"web-1 app", "db-1 app"}),
        (["@*!@web"], {"db-1 app"}),
        (["--grep", "nginx", "--grep", "-1"], {"web-1 nginx"}),
        (["--exclude", "nginx", "--exclude", "^web"], {"db-1 app"}),
        (["-n", "0"], set()),
        (["--lines=1", "web-2", "--source=nginx"], {"web-2 nginx"}),
    ],
)
def test_selectors_and_filters(terminal: Terminal, arguments: list[str], texts: set[str]) -> None:
    done = terminal.tail("--output", "json", *arguments)
    assert done.returncode == 0
    assert {record["text"] for record in records(done) if record["type"] == "line"} == texts


def test_ten_lines_unless_asked_and_after_goes_on(terminal: Terminal) -> None:
    terminal.write("".join(f"more {number}\n" for number in range(30)), "db-1")
    lines = [r for r in records(terminal.tail("--output", "json", "db-1")) if r["type"] == "line"]
    assert [line["text"] for line in lines] == [f"more {number}" for number in range(20, 30)]
    done = terminal.tail("db-1", "--after", lines[7]["position"])
    assert done.stdout == "db-1: more 28\ndb-1: more 29\n"


def test_colour_obeys_force_color_and_no_color(terminal: Terminal) -> None:
    plain = terminal.tail("web-1", "--source", "nginx").stdout
    forced = terminal.tail("web-1", "--source", "nginx", FORCE_COLOR="1").stdout
    assert "\x1b[" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", forced) == plain
    assert forced != plain
    assert terminal.tail("web-1", "--source", "nginx", FORCE_COLOR="1", NO_COLOR="1").stdout == plain


def test_control_characters_are_shown_and_not_obeyed(terminal: Terminal) -> None:
    evil = b"a\x1b[2J\x1b]0;x\x07 b\x08 c\rd \xc2\x9b31m e\x00 \xe2\x80\xae gnp.exe\t tab\n"
    terminal.write(evil, "web-2", "nginx")
    for changes in ({}, {"FORCE_COLOR": "1"}):
        done = terminal.tail("web-2", "--source", "nginx", "-n", "1", "--grep", "exe", **changes)
        shown = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown), repr(shown)
        assert "gnp.exe\t tab" in shown
    done = terminal.tail("web-2", "--source", "nginx", "-n1", "--output", "json")
    (line,) = [record for record in records(done) if record["type"] == "line"]
    assert line["text"] == evil.decode().rstrip("\n")


def test_troubles_are_asides_and_the_rest_goes_on(terminal: Terminal, tmp_path: Path) -> None:
    whole = yaml.safe_load(terminal.inventory.read_text())
    whole["sources"]["app"]["path"] = f"{terminal.fleet.hosts['web-1'].root}/app.log"
    whole["sources"]["none"] = {"hosts": "web-1", "path": "/nowhere/at/all.log"}
    inventory = tmp_path / "other.yaml"
    inventory.write_text(yaml.safe_dump(whole))
    done = terminal.tail("web-1", "-n1", TAILON_AGG_INVENTORY=str(inventory))
    assert done.returncode == 0
    assert "web-1: web-1 app\n" in done.stdout
    assert "no such file: /nowhere/at/all.log" in done.stdout + done.stderr


# --- How it ends --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_int_and_term_end_it_with_0(terminal: Terminal, number: int) -> None:
    with terminal.following("web-1", "--source", "nginx") as process:
        assert process.stdout
        assert process.stdout.readline() == b"web-1: web-1 nginx\n"
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0
        assert process.stderr
        assert process.stderr.read() == b""
    wait_until(lambda: not terminal.fleet.hosts["web-1"].processes(), "the host to be left")


def test_it_follows(terminal: Terminal) -> None:
    with terminal.following("db-1", "-n", "0", "--output", "json") as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["state"] == "live"
        terminal.write("live now\n", "db-1")
        assert json.loads(process.stdout.readline())["text"] == "live now"


def test_broken_pipe_ends_it_quietly(terminal: Terminal) -> None:
    script = f"{command()[0]} tail web-1 web-2 | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {script}; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        env=terminal.environ(),
        timeout=PATIENCE_S,
        cwd=terminal.folder,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[1:] == ["0"]


def test_a_terminal_that_hangs_up_ends_it(terminal: Terminal) -> None:
    ours, theirs = pty.openpty()
    with terminal.following("web-1", "--source", "nginx", stdout=theirs) as process:
        os.close(theirs)
        assert b"\x1b[" in os.read(ours, 1000)
        os.close(ours)
        terminal.write("nobody reads this\n", "web-1", "nginx")
        assert process.wait(PATIENCE_S) == 0


def test_a_full_disk_is_said_in_words(terminal: Terminal) -> None:
    with open("/dev/full", "wb") as full, terminal.following("web-1", stdout=full.fileno()) as process:
        assert process.wait(PATIENCE_S) == 70
        assert process.stderr
        said = process.stderr.read().decode()
        assert "No space left on device" in said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["web-9"], "web-9"),
        (["@nobody"], "@nobody"),
        (["db-*x"], "db-*x"),
        (["--source", "nothing"], "nothing"),
        (["--grep", "(open"], "missing )"),
        (["--level", "loud"], "loud"),
        (["-n", "many"], "many"),
        (["--after", "here"], "position"),
        (["--output", "xml"], "xml"),
    ],
)
def test_wrong_use_is_2_with_words(terminal: Terminal, arguments: list[str], words: str) -> None:
    done = terminal.tail(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_inventory_that_is_not_there_is_78(terminal: Terminal) -> None:
    done = terminal.tail("--inventory", "missing.yaml")
    assert done.returncode == 78
    assert "missing.yaml" in done.stderr


# --- Its audit log and state --------------------------------------------------------------------------------------


def test_it_runs_beside_a_server_and_other_terminals_with_an_audit_log_of_its_own(terminal: Terminal) -> None:
    with terminal.following("web-1", "--source", "nginx") as process:
        assert process.stdout
        process.stdout.readline()
        assert terminal.tail("web-1").returncode == 0
    state = terminal.folder / "state" / "tailon-agg"
    logs = sorted(path.relative_to(state).as_posix() for path in state.rglob("audit.jsonl"))
    assert logs[:2] == ["cli-2/audit.jsonl", "cli/audit.jsonl"]
    events = [json.loads(line) for line in (state / "cli-2" / "audit.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events[-4:]] == ["start", "open", "close", "stop"]
    opened = events[-3]
    assert opened["principal"].startswith("local:")
    assert (opened["via"], opened["command"], opened["address"]) == ("cli", "tail", None)
