"""The product as its users have it: a process of its own, spoken to over HTTP and signals only.

with Product(fleet.inventory({...}), tmp_path) as product:
    records = product.once(lines=10)            # a stream with follow=0, all of it
    with product.stream(source="app") as view:  # a stream that goes on; records come in by themselves
        view.wait(lambda: len(view.texts()) == 5, "five lines")
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from fleethost import condition_met

LOOPBACK = "127.0.0.1"
PATIENCE_S = 40.0  # longest wait for anything that the product should do by itself; usual is well below a second
STEP_S = 0.01
Record = dict[str, Any]


def command() -> list[str]:
    """How the installed program is called."""
    return [str(Path(sys.executable).with_name("tailon-agg"))]


def environment(**changes: str) -> dict[str, str]:
    """This process' environment without what would change the program, and with `changes`."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("TAILON_AGG", "XDG_", "STATE_DIRECTORY"))
    }
    kept.pop("NO_COLOR", None)
    kept.pop("FORCE_COLOR", None)
    return {**kept, **changes}


def wait_until(condition: Callable[[], object], what: Callable[[], str] | str, seconds: float = PATIENCE_S) -> None:
    """Return as soon as `condition()` is true; AssertionError naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not condition_met(condition, STEP_S):
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s for {what if isinstance(what, str) else what()}")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer that has ended."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Product:
    """`tailon-agg` with a state folder and audit log below `folder`; without `bind`, on a port of its own choice."""

    def __init__(
        self,
        inventory: Path | None,
        folder: Path,
        *arguments: str,
        bind: Sequence[str] = (f"{LOOPBACK}:0",),
        environ: Mapping[str, str] | None = None,
        own_log: bool = True,
    ) -> None:
        self.state = folder / "state"
        self.audit = folder / "audit.jsonl" if own_log else self.state / "audit.jsonl"
        self._log = folder / "stderr"
        self._arguments = [
            *(("--inventory", str(inventory)) if inventory else ()),
            *(word for place in bind for word in ("--bind", place)),
            *("--state-dir", str(self.state)),
            *(("--audit-log", str(self.audit)) if own_log else ()),
            *arguments,
        ]
        self._environ = environment(**(environ or {}))
        self._folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Product:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if error is None:
            assert "Traceback" not in self.stderr, self.stderr

    def start(self) -> None:
        """Start it, and wait until it says that it listens."""
        self.spawn()
        wait_until(lambda: self.listening or self._exited, lambda: f"the product to listen: {self.stderr}")
        assert self.listening, f"the product ended at once: {self.stderr}"

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it without waiting."""
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command(), *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environ,
                cwd=self._folder,
            )
        return self.process

    def refused(self) -> tuple[int, str]:
        """Start it where it should not serve: exit status and stderr."""
        process = self.spawn()
        status = process.wait(PATIENCE_S)
        return status, self.stderr

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal; its exit status."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def signal(self, number: int) -> None:
        assert self.process
        self.process.send_signal(number)

    def kill(self) -> None:
        """As by a machine that loses its power."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def _exited(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def places(self) -> Path:
        """Where it writes down how far it has read which log."""
        return self.state / "places.json"

    @property
    def stderr(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def listening(self) -> list[str]:
        """Where it says that it listens: `http://HOST:PORT`, `unix:PATH`."""
        return re.findall(r"listening on (https?://[^\s\"]+|unix:[^\s\"]+)", self.stderr)

    @property
    def url(self) -> str:
        return self.listening[0]

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def rss(self) -> int:
        """Bytes of memory in use."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024

    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path: str, headers: Mapping[str, str] | None = None, **parameters: Any) -> Answer:
        """A whole answer; parameters may be lists."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", target(path, parameters), headers=dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()

    def stream(self, **parameters: Any) -> Stream:
        """`/api/v1/stream`, read by a thread of its own."""
        return Stream(self.port, target("/api/v1/stream", parameters))

    def once(self, **parameters: Any) -> list[Record]:
        """All records of a stream with `follow=0`."""
        answer = self.get("/api/v1/stream", follow=0, **parameters)
        assert answer.status == 200, answer.text
        return [json.loads(line) for line in answer.body.splitlines()]

    def metric(self, name: str) -> float:
        """The value of a metric, as `/metrics` writes it; 0 where it is not there."""
        for line in self.get("/metrics").text.splitlines():
            if line.rpartition(" ")[0] == name:
                return float(line.rpartition(" ")[2])
        return 0.0

    def audited(self) -> list[Record]:
        """The records of the audit log."""
        return [json.loads(line) for line in self.audit.read_bytes().splitlines()]


class Stream:
    """A stream that is being read. `records` grows; `ended` is set when the answer has ended."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str] | None = None) -> None:
        self.records: list[Record] = []
        self.ended = threading.Event()
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
        self._connection.request("GET", path, headers=dict(headers or {}))
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, self._answer.read().decode()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Go away, as a closed browser tab does."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(2)
        self._thread.join(PATIENCE_S)
        self._answer.close()
        self._connection.close()

    def of(self, kind: str) -> list[Record]:
        """The records of a type so far."""
        return [record for record in self.records if record["type"] == kind]

    def texts(self, host: str | None = None) -> list[str]:
        """The texts of the lines so far."""
        return [line["text"] for line in self.of("line") if host in (None, line["host"])]

    def wait(self, condition: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
        """Wait for something that this stream should bring."""
        wait_until(condition, lambda: f"{what}; the last records: {self.records[-5:]}", seconds)

    def wait_live(self, files: int = 1) -> None:
        """Wait until so many files have said that their backlog is out."""
        self.wait(lambda: len(self.live_paths()) >= files, f"{files} live files")

    def live_paths(self) -> set[tuple[str, str]]:
        notices = [record for record in self.of("notice") if record["state"] == "live" and "path" in record]
        return {(record["host"], record["path"]) for record in notices}

    def last_text(self) -> str:
        """The text of the newest record, "" where it is no line."""
        return str(self.records[-1].get("text", "")) if self.records else ""

    def wait_text(self, text: str) -> None:
        """Wait for a line with this text."""
        looked_at = 0

        def came() -> bool:  # each record is looked at once: there may be tens of thousands
            nonlocal looked_at
            start, looked_at = looked_at, len(self.records)
            return any(record.get("text") == text for record in self.records[start:looked_at])

        self.wait(came, f"the line {text!r}")

    def _read(self) -> None:
        try:
            while line := self._answer.readline():
                self.records.append(json.loads(line))
        except (OSError, http.client.HTTPException, ValueError):
            pass  # closed by us, or cut: `records` shows how far it came
        finally:
            self.ended.set()


def target(path: str, parameters: Mapping[str, Any]) -> str:
    """A path with its query."""
    return f"{path}?{urlencode(parameters, doseq=True)}" if parameters else path


def lines_of(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record["type"] == "line"]


def texts_of(records: Sequence[Record]) -> list[str]:
    return [record["text"] for record in lines_of(records)]
