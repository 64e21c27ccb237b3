"""Chaos: real SSH servers, real files, faults at random, and an exact comparison with what was written.

python tests/chaos.py --minutes 20 --seed 7          # long; tests/test_chaos.py runs the same for seconds

Each round is a host, a log on it, the product and a viewer. Prints one line a round and the sums at the end; exits 1
when anything was lost, came twice, was torn, out of order or missing without a gap, or when a process stayed behind.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import processes
from faults import TcpProxy
from fleet import Fleet
from fleethost import FleetHost
from logwriter import Content, LogWriter, numbered
from product import Product, Stream, wait_until
from verdict import Verdict, judge

LOOK_S = {"gnu": 0.3, "bash": 0.3, "busybox": 2.0}  # until the host has looked at the file
SEEN_S = 60.0  # at most, until a viewer has a line of what is to be truncated: a host may have to be dialled again
CAUGHT_UP = 0.6  # of the outages are waited out before the next thing happens
CATCH_UP_S = 15.0  # at most: a back-off may be longer
SETTLE_S = 90.0  # until all that was written has come: back-off is at most half of it, look-backs the rest
ORPHANS_S = 60.0  # until no process of ours is left on a host
KINDS = ("gnu", "bash", "busybox")  # the first one has dash only: in the second dash hands over to bash
TRUNCATED_S = 0.3  # quiet after a truncation: GNU tail looks every 0.05 s, and can't see a file that has outgrown it


@dataclass
class Tally(Verdict):
    """What a round was: counts, all of them sums over rounds too."""

    kills: int = 0
    rotations: int = 0
    destroyed: int = 0  # generations
    orphans: int = 0

    @property
    def good(self) -> bool:
        return super().good and self.orphans == 0

    def __str__(self) -> str:
        return " ".join(f"{one.name}={getattr(self, one.name)}" for one in fields(self))


class Proxy:
    """A TcpProxy with an event loop of its own thread."""

    def __init__(self, port: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._proxy = self._do(TcpProxy(port).__aenter__())

    @property
    def port(self) -> int:
        return self._proxy.port

    def call(self, name: str) -> None:
        """`cut`, `stall`, `resume`, `blackhole`."""

        async def call() -> None:
            getattr(self._proxy, name)()

        self._do(call())

    def close(self) -> None:
        self._do(self._proxy.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(20)


class Viewer:
    """A viewer that comes back with `after` when the product was killed, as the page does."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._before: list[dict[str, Any]] = []
        self.resumed: list[str] = []
        self._stream: Stream = product.stream(source="app", lines=100, order="arrival")

    def come_back(self, late: set[str]) -> None:
        """`late` lines are of older generations: whoever comes back with one gets the newer ones again."""
        self._stream.close()
        self._before = self.records
        after = self._newest(late)
        self.resumed.append(after)
        self._stream = self._product.stream(source="app", order="arrival", after=after)

    def close(self) -> None:
        self._stream.close()

    @property
    def records(self) -> list[dict[str, Any]]:
        return self._before + list(self._stream.records)

    def wait_live(self) -> None:
        self._stream.wait_live()

    def has(self, text: str) -> bool:
        """Whether a line has come, among the last ones."""
        return any(record.get("text") == text for record in self._stream.records[-50:])

    def has_any(self, texts: set[str]) -> bool:
        """Whether any of these lines has come."""
        return any(record.get("text") in texts for record in reversed(self._stream.records))

    @property
    def has_lines(self) -> bool:
        return any(record["type"] == "line" for record in self.records)

    def _newest(self, late: set[str]) -> str:
        """The last line of the generation that came last."""
        newest: dict[str, str] = {}
        for record in self.records:
            if record["type"] == "line" and record["text"] not in late:
                generation = record["position"].rsplit("~", 2)[0]
                newest[generation] = record["position"]
        return list(newest.values())[-1]


class Round:
    """One host with one log: writes, rotates, breaks things for a while, then compares."""

    def __init__(
        self, folder: Path, seed: int, kind: str, seconds: float, *, kills_product: bool = True, gated: bool = False
    ) -> None:
        self.random = random.Random(seed)
        self.gated = gated
        self.kind = kind
        self.seconds = seconds
        self.tally = Tally()
        self.kills_product = kills_product
        self._folder = folder
        self._destroys = self.random.random() < 0.5
        self._banner = self.random.random() < 0.3
        self._seed = seed
        self._story: list[tuple[float, str]] = []  # what was done when

    def run(self) -> Tally:
        with Fleet(self._folder) as fleet:
            self.host = self._host(fleet)
            self.proxy = Proxy(self.host.port)
            self.host.reached_at = self.proxy.port
            keep = self.random.choice((4, 6)) if self._destroys else 99
            log = LogWriter(self.host.root / "app.log", self._seed, banner=self._banner, keep=keep)
            self._log = log
            inventory = fleet.inventory({"app": {"hosts": "@*", "path": str(log.path)}})
            self.product = Product(inventory, self._folder)
            try:
                with self.product:
                    self.viewer = Viewer(self.product)
                    self.viewer.wait_live()
                    self._disturb(log)
                    self._settle(log)
                    self.viewer.close()
                self.tally.orphans = self._orphans()
            finally:
                log.close()
                self.proxy.close()
        return self.tally

    def evidence(self, to: Path) -> None:
        """What a bad round was made of: what was done when, what was written, what came, the files and own logs."""
        shutil.copytree(self._folder, to, dirs_exist_ok=True, ignore_dangling_symlinks=True, copy_function=_copy)
        contents = [vars(content) | {"number": number} for number, content in enumerate(self._log.contents)]
        told = {"story": self._story, "contents": contents, "records": self.viewer.records}
        (to / "round.json").write_text(json.dumps(told, default=sorted, indent=1))

    def _note(self, action: Callable[..., None]) -> None:
        names = [name for name in action.__code__.co_names if name not in ("random", "_outage", "randint")]
        self._story.append((time.monotonic(), " ".join(names) or action.__name__))

    def _host(self, fleet: Fleet) -> FleetHost:
        options = {"MaxStartups": "100"}
        gate = [fleet.folder / "roots" / "web-1"] if self.gated else None
        match self.kind:
            case "busybox":
                box = fleet.busybox()
                return fleet.add("web-1", server="dropbear", shell="busybox ash", path=box, gate=gate)
            case "bash":
                return fleet.add("web-1", shell="bash", options=options, gate=gate)
            case _:
                return fleet.add("web-1", shell="dash", path=fleet.without_bash(), options=options, gate=gate)

    def _disturb(self, log: LogWriter) -> None:
        actions: list[tuple[float, Callable[[], None]]] = [
            (200, lambda: log.write(self.random.randint(1, 40))),
            (10, lambda: log.write(self.random.randint(100, 1000))),
            (30, log.write_piece),
            (15, log.write_empty),
            (20, log.write_late),
            (12, lambda: log.rename(self._compressor())),
            (6, lambda: self._copytruncate(log)),
            (2, lambda: self._without_name(log)),
            (4, lambda: self._outage(log, self._cut)),
            (2, lambda: self._outage(log, self._kill_sessions)),
            (2, lambda: self._outage(log, self._kill_commands)),
            (1, lambda: self._outage(log, self._stall)),
            (1, lambda: self._outage(log, self._restart)),
        ]
        if self.kills_product:
            actions.append((1, lambda: self._outage(log, self._kill_product)))
        if self._destroys:
            actions += [(2, lambda: self._truncate(log)), (2, lambda: self._delete(log))]
        weights = [weight for weight, _ in actions]
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            action = self.random.choices([action for _, action in actions], weights)[0]
            self._note(action)
            action()
            time.sleep(self.random.random() * 0.05)
        log.end_piece()
        log.write(1)

    def _settle(self, log: LogWriter) -> None:
        """Wait until nothing is lost any more, then a moment for what should not come."""
        end = time.monotonic() + SETTLE_S
        while self._verdict(log).lost and time.monotonic() < end:
            time.sleep(0.2)
        time.sleep(1.0)
        self.tally.rotations = log.rotations
        self.tally.destroyed = log.destroyed
        self.tally.add(self._verdict(log))

    def _verdict(self, log: LogWriter) -> Verdict:
        return judge(log, self.viewer.records, self.viewer.resumed)

    def _orphans(self) -> int:
        """Processes of ours that stay on the host after the product was killed."""
        try:
            wait_until(lambda: not self.host.processes(), "the host's processes to end", ORPHANS_S)
        except AssertionError:
            return len(self.host.processes())
        return 0

    def _compressor(self) -> str | None:
        known = ("gz", "xz", "bz2") if self.kind == "busybox" else ("gz", "xz", "bz2", "zst")
        return self.random.choice((None, None, *known))

    def _copytruncate(self, log: LogWriter) -> None:
        log.end_piece()
        self._be_seen(log.content)
        log.copytruncate(self._compressor())
        time.sleep(TRUNCATED_S)

    def _be_seen(self, content: Content) -> None:
        """Let what is written be looked at before it is truncated: a file of which nothing but a banner was read, and
        that begins like that again, tells nobody what it held between two looks."""
        if content.begun < math.inf:
            time.sleep(max(0.0, content.begun + LOOK_S[self.kind] - time.monotonic()))
            texts = {text for text in content.lines if numbered(text)}
            end = time.monotonic() + SEEN_S
            while not self.viewer.has_any(texts) and time.monotonic() < end:
                time.sleep(0.02)

    def _without_name(self, log: LogWriter) -> None:
        log.rename(create=False)
        time.sleep(self.random.random())
        log.create()

    def _truncate(self, log: LogWriter) -> None:
        log.truncate()
        time.sleep(TRUNCATED_S)

    def _delete(self, log: LogWriter) -> None:
        log.delete()
        time.sleep(self.random.random() * 0.2)
        log.create()

    # Faults: what happens to the log meanwhile is `_outage`'s

    def _outage(self, log: LogWriter, fault: Callable[[Callable[[], None]], None]) -> None:
        if fault == self._kill_product and not self._is_settled(log):
            return

        def meanwhile() -> None:
            for _ in range(self.random.choice((0, 1, 1, 3, 6))):
                log.write(self.random.randint(1, 30))
                if self.random.random() < 0.4:
                    log.rename(self._compressor())

        for _ in range(1 if fault == self._kill_product else self.random.choice((1, 1, 2, 3))):
            self.tally.kills += 1
            self._story.append((time.monotonic(), fault.__name__))
            fault(meanwhile)
            time.sleep(self.random.random() * 0.2)
        if self.random.random() < CAUGHT_UP:
            self._catch_up(log)

    def _is_settled(self, log: LogWriter) -> bool:
        """Whether all has come, and the product has written down that it follows this log."""
        return self.product.places.exists() and self.viewer.has_lines and not self._verdict(log).lost

    def _catch_up(self, log: LogWriter) -> None:
        """Wait until the viewer has what is there, so that the next outage begins from a known place."""
        log.end_piece()
        log.write()
        newest = log.content.lines[-1]
        end = time.monotonic() + CATCH_UP_S
        while not self.viewer.has(newest) and time.monotonic() < end:
            time.sleep(0.02)

    def _cut(self, meanwhile: Callable[[], None]) -> None:
        self.proxy.call("cut")
        meanwhile()

    def _stall(self, meanwhile: Callable[[], None]) -> None:
        self.proxy.call("stall")
        meanwhile()
        time.sleep(self.random.random())
        if self.random.random() < 0.5:
            self.proxy.call("cut")
        self.proxy.call("resume")

    def _kill_sessions(self, meanwhile: Callable[[], None]) -> None:
        self.host.kill_connections()
        meanwhile()

    def _kill_commands(self, meanwhile: Callable[[], None]) -> None:
        """Some of the remote processes, by the out-of-memory killer."""
        running = processes.with_environment(b"SSH_CONNECTION=", f" 127.0.0.1 {self.host.port}".encode())
        for pid in running:
            if self.random.random() < 0.5:
                processes.kill(pid)
        meanwhile()

    def _restart(self, meanwhile: Callable[[], None]) -> None:
        self.host.stop()
        meanwhile()
        self.host.start()
        assert self.host.port

    def _kill_product(self, meanwhile: Callable[[], None]) -> None:
        os.kill(self.product.pid, signal.SIGKILL)
        assert self.product.process
        self.product.process.wait()
        meanwhile()
        self.product.start()
        self.viewer.come_back({text for content in self._log.contents for text in content.late_lines})


def _copy(one: str, other: str) -> None:
    """Regular files only: a fleet's folder has sockets."""
    if os.path.isfile(one):
        shutil.copy(one, other)


def run(
    seed: int,
    kind: str,
    seconds: float,
    *,
    kills_product: bool = True,
    gated: bool = False,
    evidence: Path | None = None,
) -> Tally:
    """One round in a folder of its own; of a bad one, what it was made of is left in `evidence`."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        one = Round(Path(folder), seed, kind, seconds, kills_product=kills_product, gated=gated)
        tally = one.run()
        if evidence and not tally.good:
            one.evidence(evidence / str(seed))
        return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--kind", choices=KINDS, help="only this kind of host")
    parser.add_argument("--round", type=float, default=40.0, help="seconds of disturbance in a round")
    parser.add_argument("--no-product-kills", action="store_true")
    parser.add_argument("--gated", action="store_true", help="the host's gate stands before it")
    parser.add_argument("--evidence", type=Path, help="a folder for what bad rounds were made of")
    options = parser.parse_args()
    total, rounds, bad = Tally(), Counter[str](), 0
    end = time.monotonic() + options.minutes * 60
    seed = options.seed
    while time.monotonic() < end:
        kind = options.kind or KINDS[seed % len(KINDS)]
        how = {"kills_product": not options.no_product_kills, "gated": options.gated}
        tally = run(seed, kind, options.round, **how, evidence=options.evidence)
        print(f"seed={seed} host={kind} {tally}{'' if tally.good else ' BAD'}", flush=True)
        total.add(tally)
        rounds[kind] += 1
        bad += not tally.good
        seed += 1
    print(f"rounds={dict(rounds)} bad={bad} {total}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
