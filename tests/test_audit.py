"""The audit log on a real disk: durable before it counts, and whole again after whatever happens to it."""

import asyncio
import json
import os
import resource
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from aggregator import limits
from aggregator.access import chain
from aggregator.access.audit import AuditLog
from aggregator.access.events import Event
from aggregator.access.ledger import Ledger
from aggregator.errors import AuditUnavailable, ConfigError
from aggregator.metrics import Metrics


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def records(path: Path) -> list[dict]:
    with path.open("rb") as lines:
        assert chain.verify(lines).bad is None
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@contextmanager
def full_disk(size: int):
    """The process may write files up to `size` bytes: a write over it is cut short, then fails (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class WatchedLedger(Ledger):
    """A ledger whose appends can be held up, as by a disk that hangs, and are written down."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.appends: list[tuple[float, int]] = []
        self.go = threading.Event()
        self.go.set()
        self.entered = threading.Event()

    def append(self, records: list[bytes]) -> list[int]:
        self.appends.append((time.monotonic(), len(records)))
        self.entered.set()
        self.go.wait()
        return super().append(records)


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the state changes in another thread
            await asyncio.sleep(0.01)


async def test_new_log_is_private_and_its_first_record_follows_64_zeros(path):
    async with await AuditLog.open(path) as log:
        assert (log.seq, log.torn, log.healthy) == (0, 0, True)
        assert await log.record(Event("start")) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (record,) = records(path)
    assert (record["seq"], record["event"], record["prev"]) == (1, "start", "0" * 64)


async def test_record_is_in_the_file_when_record_returns(path):
    async with await AuditLog.open(path) as log:
        for number in range(1, 4):
            assert await log.record(Event("open", "local")) == number == log.seq
            assert records(path)[-1]["seq"] == number


async def test_chain_goes_on_over_restarts(path):
    for _ in range(3):
        async with await AuditLog.open(path) as log:
            await log.record(Event("start"))
            log.note(Event("stop"))
    assert [record["event"] for record in records(path)] == ["start", "stop"] * 3


async def test_close_writes_what_was_only_noted(path):
    log = await AuditLog.open(path)
    for _ in range(100):
        log.note(Event("close"))
    await log.close()
    assert len(records(path)) == 100


async def test_record_after_close_is_refused(path):
    log = await AuditLog.open(path)
    await log.close()
    with pytest.raises(AuditUnavailable, match="is closed"):
        await log.record(Event("open"))


async def test_many_records_at_once_share_syncs_no_closer_than_the_interval(path, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_SYNC_INTERVAL", 0.1)
    ledger = WatchedLedger(path)
    async with AuditLog(ledger, Metrics()) as log:
        numbers = await asyncio.gather(*(log.record(Event("open", str(n))) for n in range(300)))
        await asyncio.gather(*(log.record(Event("open")) for _ in range(300)))
    assert sorted(numbers) == list(range(1, 301))
    assert len(records(path)) == 600
    starts = [at for at, _ in ledger.appends]
    assert len(starts) <= 4
    assert all(later - earlier >= limits.AUDIT_SYNC_INTERVAL * 0.99 for earlier, later in pairwise(starts))


async def test_first_record_after_a_quiet_time_does_not_wait_for_the_interval(path, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_SYNC_INTERVAL", 1.5)
    async with await AuditLog.open(path) as log:
        async with asyncio.timeout(1):
            await log.record(Event("start"))


async def test_loop_goes_on_while_the_disk_is_busy(path):
    ledger = WatchedLedger(path)
    async with AuditLog(ledger, Metrics()) as log:
        ledger.go.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(log.record(Event("open")))
            await until(ledger.entered.is_set)
            ledger.go.set()
    assert len(records(path)) == 1


async def test_hang_is_unavailable_and_heals_by_itself(path, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_WRITE_TIMEOUT", 0.2)
    ledger = WatchedLedger(path)
    async with AuditLog(ledger, Metrics()) as log:
        ledger.go.clear()
        with pytest.raises(AuditUnavailable, match=r"within 0\.2 s"):
            await log.record(Event("open", "first"), lambda seq: Event("close", detail={"open": seq}))
        await until(lambda: not log.healthy)
        with pytest.raises(AuditUnavailable, match="hangs"):  # at once: nobody waits for a disk known to hang
            await log.record(Event("open", "second"))
        log.note(Event("close", "third"))
        ledger.go.set()
        await until(lambda: log.healthy)
        await log.record(Event("open", "fourth"))
    written = [(record["event"], record["principal"]) for record in records(path)]
    assert written == [("open", "first"), ("close", "third"), ("close", None), ("open", "fourth")]
    assert records(path)[2]["detail"] == {"open": 1}, "what was too late is taken back"


async def test_record_whose_caller_gave_up_before_it_was_written_is_not_written(path, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_SYNC_INTERVAL", 0.3)
    ledger = WatchedLedger(path)
    async with AuditLog(ledger, Metrics()) as log:
        await log.record(Event("start"))
        task = asyncio.ensure_future(log.record(Event("open"), lambda seq: Event("close")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [record["event"] for record in records(path)] == ["start"]


async def test_cancelled_record_that_got_to_disk_is_taken_back(path):
    ledger = WatchedLedger(path)
    async with AuditLog(ledger, Metrics()) as log:
        ledger.go.clear()
        task = asyncio.ensure_future(log.record(Event("open"), lambda seq: Event("close", detail={"open": seq})))
        await until(ledger.entered.is_set)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        ledger.go.set()
    assert [record["event"] for record in records(path)] == ["open", "close"]


async def test_full_disk_is_unavailable_leaves_no_torn_record_and_heals_by_itself(path, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_RETRY", 0.05)
    async with await AuditLog.open(path) as log:
        await log.record(Event("start"))
        size = path.stat().st_size
        with full_disk(size + 100):
            with pytest.raises(AuditUnavailable, match="File too large"):
                await log.record(Event("open", "lost"))
            assert not log.healthy
            log.note(Event("close", "kept"))
            with pytest.raises(AuditUnavailable):
                await log.record(Event("open", "lost too"))
        await until(lambda: log.healthy)
        await until(lambda: log.seq == 2)
        await log.record(Event("open", "later"))
    assert [record["principal"] for record in records(path)] == [None, "kept", "later"]


async def test_log_heals_while_nobody_asks(path, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_RETRY", 0.05)
    async with await AuditLog.open(path) as log:
        with full_disk(10), pytest.raises(AuditUnavailable):
            await log.record(Event("open"))
        await until(lambda: log.healthy)
    assert path.read_bytes() == b""


async def test_deleted_or_foreign_changed_log_serves_nothing(path):
    async with await AuditLog.open(path) as log:
        await log.record(Event("start"))
        with path.open("ab") as other:
            other.write(b"{}\n")
        with pytest.raises(AuditUnavailable, match="changed by somebody else"):
            await log.record(Event("open"))
        path.unlink()
        with pytest.raises(AuditUnavailable, match="deleted"):
            await log.record(Event("open"))


async def test_too_many_waiting_records_are_refused_at_once(path, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_RECORDS", 2)
    ledger = WatchedLedger(path)
    async with AuditLog(ledger, Metrics()) as log:
        ledger.go.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(log.record(Event("open")))
            await until(ledger.entered.is_set)
            waiting = [tasks.create_task(log.record(Event("open"))) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(AuditUnavailable, match="too many"):
                await log.record(Event("open"))
            ledger.go.set()
        assert all(task.done() for task in waiting)


async def test_notes_over_their_bound_are_counted_as_lost(path, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_NOTES", 1)
    metrics, ledger = Metrics(), WatchedLedger(path)
    async with AuditLog(ledger, metrics) as log:
        ledger.go.clear()
        log.note(Event("close"))
        await until(ledger.entered.is_set)
        log.note(Event("close"))
        log.note(Event("close"))
        ledger.go.set()
    assert b"tailon_agg_audit_lost_total 1.0" in metrics.render(named=False)
    assert len(records(path)) == 2


async def test_oversized_record_is_refused_and_harms_nothing(path, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_RECORD_BYTES", 1000)
    async with await AuditLog.open(path) as log:
        with pytest.raises(AuditUnavailable, match="at most 1000 bytes"):
            await log.record(Event("open", "x" * 2000))
        await log.record(Event("open"))


async def test_torn_last_record_is_cut_off_and_told(path):
    async with await AuditLog.open(path) as log:
        await log.record(Event("start"))
        await log.record(Event("open"))
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for cut in (1, 40, len(whole) - second - 1):
        path.write_bytes(whole[:-cut])
        async with await AuditLog.open(path) as log:
            assert (log.torn, log.seq) == (len(whole) - second - cut, 1)
            assert await log.record(Event("start", detail="after a crash")) == 2
        assert len(records(path)) == 2


async def test_torn_first_record_is_cut_off(path):
    async with await AuditLog.open(path) as log:
        await log.record(Event("start"))
    whole = path.read_bytes()
    for size in (1, 10, 100):
        path.write_bytes(whole[:size])
        async with await AuditLog.open(path) as log:
            assert (log.torn, log.seq) == (size, 0)


@pytest.mark.parametrize("text", [b"no newline", b"a note\n", b"a note\nand another", b"\n", b"{}\n", b"\0" * 100])
async def test_file_that_is_no_audit_log_is_refused_and_left_as_it_is(path, text):
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"audit log .*audit\.jsonl"):
        await AuditLog.open(path)
    assert path.read_bytes() == text


async def test_log_whose_last_record_was_changed_is_refused(path):
    async with await AuditLog.open(path) as log:
        await log.record(Event("open", "alice"))
    path.write_bytes(path.read_bytes().replace(b"alice", b"mallo"))
    with pytest.raises(ConfigError, match=r"was changed.*audit verify.*move the file away"):
        await AuditLog.open(path)


async def test_opening_reads_only_the_end_of_a_long_log(path):
    async with await AuditLog.open(path) as log:
        await log.record(Event("open", paths=("/x" * 100_000,)))
        await log.record(Event("close", paths=("/y" * 100_000,)))
    text = bytearray(path.read_bytes())
    text[100] ^= 1
    path.write_bytes(text)
    async with await AuditLog.open(path) as log:
        assert log.seq == 2, "the whole chain is checked by `audit verify`, not at each start"


async def test_second_process_is_told_that_the_log_is_in_use(path):
    async with await AuditLog.open(path):
        code = "import pathlib, sys; from aggregator.access.ledger import Ledger; Ledger(pathlib.Path(sys.argv[1]))"
        other = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
        )
        assert other.returncode == 1
        assert "another tailon-agg writes it" in other.stderr
        with pytest.raises(ConfigError, match="another tailon-agg"):
            await AuditLog.open(path)
    async with await AuditLog.open(path):
        pass


def make_link(path: Path) -> None:
    path.with_suffix(".real").touch(0o600)
    path.symlink_to(path.with_suffix(".real"))


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


def make_open_to_others(path: Path) -> None:
    path.touch()
    path.chmod(0o666)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_link, "is a symbolic link"),
        (os.mkfifo, "is not a regular file"),
        (Path.mkdir, "is a folder"),
        (make_socket, "is a FIFO or a socket"),
        (make_open_to_others, "others may write it; run `chmod 600"),
    ],
)
async def test_what_is_no_private_regular_file_is_refused(path, make, words):
    make(path)
    with pytest.raises(ConfigError, match=words):
        await AuditLog.open(path)


async def test_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no folder .*/nowhere"):
        await AuditLog.open(tmp_path / "nowhere" / "audit.jsonl")


async def test_crash_after_record_returned_loses_nothing(path):
    code = """
import asyncio, os, pathlib, signal, sys
from aggregator.access.audit import AuditLog
from aggregator.access.events import Event

async def main():
    log = await AuditLog.open(pathlib.Path(sys.argv[1]))
    for _ in range(3):
        print(await log.record(Event("open")), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    child = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert child.stdout.split() == ["1", "2", "3"]
    assert [record["seq"] for record in records(path)] == [1, 2, 3]
