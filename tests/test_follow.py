"""Following one log through rotation, truncation and outages, over the true remote scripts: one behaviour a test."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import processes
import pytest
from fleet import link_without_bash
from follows import Got, following
from local import LocalTransport, killed_once
from logwriter import LogWriter, compare

from aggregator import limits
from aggregator.history.following.gaps import first_of
from aggregator.stream.lines import generation_of

BUSYBOX = "/usr/bin/busybox"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that tests need not sit out."""
    monkeypatch.setattr(limits, "BACKOFF_BASE", 0.1)
    monkeypatch.setattr(limits, "BACKOFF_CAP", 0.2)
    monkeypatch.setattr(limits, "LOCATE_PAUSE", 0.05)
    monkeypatch.setattr(limits, "FAILED_FILE_RETRY", 0.5)
    monkeypatch.setattr(limits, "LOOK_BACKS", (0.3, 0.3, 0.5, 0.5, 1.0, 2.0, 5.0))


@pytest.fixture
def applets(tmp_path: Path) -> Path:
    """The PATH of a BusyBox machine."""
    folder = tmp_path / "applets"
    folder.mkdir()
    for name in ("sh", "ash", "stat", "tail", "head", "dd", "cat", "od", "tr", "ls", "sleep", "md5sum", "date", "id"):
        (folder / name).symlink_to(BUSYBOX)
    for name in ("gzip", "xz", "bzip2"):
        (folder / name).symlink_to(BUSYBOX)
    return folder


@pytest.fixture(scope="module")
def without_bash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dash") / "without-bash"
    link_without_bash(folder)
    return folder


@pytest.fixture(params=["dash", "bash", "busybox"])
def host(request: pytest.FixtureRequest, applets: Path, without_bash: Path) -> LocalTransport:
    match request.param:
        case "busybox":
            return LocalTransport((BUSYBOX, "ash"), str(applets))
        case "bash":
            return LocalTransport(("bash",))
        case _:
            return LocalTransport((str(without_bash / "dash"),), str(without_bash))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogWriter]:
    writer = LogWriter(tmp_path / "a.log")
    yield writer
    writer.close()


async def everything(log: LogWriter, got: Got) -> None:
    """Wait for all that was written, and see that nothing else came."""
    await got.until(lambda: compare(log, got.texts).lost == 0)
    difference = compare(log, got.texts)
    assert difference.good, difference


def keep_an_older_one(log: LogWriter) -> None:
    """Rotation deletes the oldest first: where this one is, what is newer can't have been deleted."""
    older = log.path.with_name("a.log.9")
    older.write_text("long ago\n")
    os.utime(older, (1, 1))


async def test_lines_come_in_pieces_and_whole(host: LocalTransport, log: LogWriter) -> None:
    log.write(3)
    async with following(log.path, host) as got:
        await got.until_live()
        log.write_piece()
        log.write(5)
        log.write_empty()
        log.write_piece()
        log.end_piece()
        await everything(log, got)
        assert got.gaps == []


async def test_rename_while_connected(host: LocalTransport, log: LogWriter) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(5)
        log.rename()
        log.write(5)
        await everything(log, got)
        await got.until(lambda: got.rotations == 1)
        assert got.gaps == []


async def test_late_write_to_the_renamed_file(host: LocalTransport, log: LogWriter) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(5)
        log.rename()
        log.write(5)
        await everything(log, got)
        log.write_late(2)
        await everything(log, got)


async def test_late_write_to_a_file_that_was_renamed_empty(host: LocalTransport, log: LogWriter) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        log.rename()
        log.write(5)
        await everything(log, got)
        log.write_late(2)
        await everything(log, got)


async def test_copy_with_the_number_of_a_deleted_empty_file_does_not_come_twice(log: LogWriter, applets: Path) -> None:
    """BusyBox's stat tells no birth; file systems give a number out again at once."""
    async with following(log.path, LocalTransport((BUSYBOX, "ash"), str(applets))) as got:
        await got.until_live()
        log.rename()
        log.write(30)
        await everything(log, got)
        log.path.with_name("a.log.1").unlink()
        log.copytruncate()
        log.write(3)
        await everything(log, got)


async def test_copytruncate_while_connected(host: LocalTransport, log: LogWriter) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(20)
        await everything(log, got)
        log.write(5)
        log.copytruncate()
        log.write(1, length=0)
        await everything(log, got)
        assert got.gaps == []


async def test_copytruncate_of_a_file_that_outgrows_its_old_size_between_two_looks(
    applets: Path, log: LogWriter
) -> None:
    async with following(log.path, LocalTransport((BUSYBOX, "ash"), str(applets))) as got:
        await got.until_live()
        log.write(5)
        await everything(log, got)
        await asyncio.sleep(0.2)  # the host proves what it has read only after it has sent it
        log.copytruncate()
        log.write(50)
        await everything(log, got)
        assert got.gaps == []


async def test_several_rotations_in_one_outage(host: LocalTransport, log: LogWriter) -> None:
    log.write(3)
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(3)
        await everything_but_backlog(log, got)
        host.down()
        for how in (None, "gz", None, "xz"):
            log.write(4)
            log.rename(how)
        log.copytruncate("bz2")
        log.write(4)
        host.up()
        await everything(log, got)
        assert got.gaps == []


async def everything_but_backlog(log: LogWriter, got: Got) -> None:
    await got.until_text(log.content.lines[-1])


async def test_our_own_generation_is_compressed_in_an_outage(host: LocalTransport, log: LogWriter) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(30)
        await everything(log, got)
        host.down()
        log.write(30)
        log.rename()
        log.compress(1, "gz")
        log.write(3)
        host.up()
        await everything(log, got)
        assert got.gaps == []


async def test_generation_that_was_rotated_away_is_one_gap(host: LocalTransport, tmp_path: Path) -> None:
    log = LogWriter(tmp_path / "a.log", keep=2)
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(10)
        await everything(log, got)
        host.down()
        log.write(1)
        for _ in range(5):
            log.rename()
            log.write(10)
        host.up()
        await everything(log, got)
        assert [gap.reason for gap in got.gaps] == ["rotated-away"]
        assert got.gaps[0].start
        assert got.gaps[0].start.offset > 0
        assert got.gaps[0].end
        assert got.gaps[0].end.generation == got.batches[-3].generation or got.gaps[0].end.offset == 0
    log.close()


async def test_gap_then_lost_connection_and_what_is_left_still_comes(host: LocalTransport, tmp_path: Path) -> None:
    """The generation of our place is gone, and the connection goes while the first one after it is asked for."""
    log = LogWriter(tmp_path / "a.log", keep=2)
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(10)
        await everything(log, got)
        host.down()
        for _ in range(5):
            log.write(10)
            log.rename()
        log.write(10)
        host.trip("tailon-agg-read")
        host.up()
        await everything(log, got)
        assert not host.tripping
        assert len(got.gaps) == 1
    log.close()


async def test_outage_right_after_a_rotation_in_which_all_goes_is_a_gap(host: LocalTransport, tmp_path: Path) -> None:
    """All of the old file was read, but not what came and went between it and what is left."""
    log = LogWriter(tmp_path / "a.log", keep=2)
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(10)
        await everything(log, got)
        host.trip("tailon-agg-timeline", again=True)
        log.rename()
        async with asyncio.timeout(20):
            await host.tripped.wait()
        for _ in range(5):
            log.write(10)
            log.rename()
        log.write(10)
        host.up()
        await everything(log, got)
        assert len(got.gaps) == 1
    log.close()


async def test_outage_right_after_a_rotation_in_which_copies_of_the_next_file_go_is_a_gap(tmp_path: Path) -> None:
    """The next file is there, but it was copied and truncated so often that its first lines are gone."""
    host = LocalTransport(("dash",))
    log = LogWriter(tmp_path / "a.log", keep=2)
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(10)
        await everything(log, got)
        host.trip("tailon-agg-timeline", again=True)
        log.rename()
        async with asyncio.timeout(20):
            await host.tripped.wait()
        for _ in range(4):
            log.write(10)
            log.copytruncate()
        log.write(10)
        host.up()
        await everything(log, got)
        assert len(got.gaps) == 1
    log.close()


async def test_generation_that_was_all_read_and_is_gone_is_no_gap(tmp_path: Path) -> None:
    host = LocalTransport(("dash",))  # BusyBox can't tell a file from one that has its number again
    log = LogWriter(tmp_path / "a.log", keep=1)
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(10)
        await everything(log, got)
        host.trip("tailon-agg-timeline", again=True)
        log.rename()
        async with asyncio.timeout(20):
            await host.tripped.wait()
        log.write(10)
        log.rename()
        log.write(10)
        host.up()
        await everything(log, got)
        assert got.gaps == []
    log.close()


async def test_gap_names_the_first_missing_line_and_the_next_one(host: LocalTransport, tmp_path: Path) -> None:
    log = LogWriter(tmp_path / "a.log", keep=2)
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(10)
        await everything(log, got)
        last = got.batches[-1]
        host.down()
        for _ in range(5):
            log.write(10)
            log.rename()
        log.write(10)
        host.up()
        await everything(log, got)
        (gap,) = got.gaps
        assert gap.start
        assert (gap.start.generation, gap.start.offset) == (last.generation, last.end)
        following_it = got.batches[got.batches.index(last) + 1]
        assert gap.end == first_of(following_it)
    log.close()


async def test_gap_without_a_line_after_it_is_told_all_the_same(
    host: LocalTransport, log: LogWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "GAP_PATIENCE", 0.2)
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(10)
        await everything(log, got)
        log.truncate()
        await got.until(lambda: got.gaps)
        assert got.gaps[0].end is None
        log.write(1)
        await everything(log, got)
        assert len(got.gaps) == 1


async def test_name_that_was_missing_when_two_generations_came(host: LocalTransport, log: LogWriter) -> None:
    """Nothing of the log was there; then it came, and was rotated before anybody looked."""
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(10)
        await everything(log, got)
        host.down()
        log.delete()
        host.up()
        await got.until(lambda: len([error for error in got.troubles if error.cause == "no-file"]) >= 1)
        host.down()
        log.create()
        log.write(10)
        log.rename()
        log.write(10)
        host.up()
        await everything(log, got)
    log.close()


async def test_truncation_in_place_is_one_gap(host: LocalTransport, log: LogWriter) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(10)
        await everything(log, got)
        log.truncate()
        log.write(2, length=0)
        await everything(log, got)
        assert [gap.reason for gap in got.gaps] == ["truncated"]


async def test_deleted_and_made_anew_after_all_was_read_is_no_gap(log: LogWriter) -> None:
    host = LocalTransport(("dash",))  # BusyBox can't tell a file from one that has its number again
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(10)
        await everything(log, got)
        log.delete()
        log.create()
        log.write(10)
        await everything(log, got)
        assert got.gaps == []


@pytest.mark.parametrize("victim", ["the first", "the reader"])
async def test_one_that_the_out_of_memory_killer_takes_leaves_none_behind(
    host: LocalTransport, log: LogWriter, monkeypatch: pytest.MonkeyPatch, victim: str
) -> None:
    """The file is opened again."""
    monkeypatch.setattr(limits, "HEARTBEAT", 0.2)
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(5)
        await everything(log, got)
        main = host.channels[-1].process
        assert main
        family = {main.pid, *processes.descendants(main.pid)}
        processes.kill(main.pid if victim == "the first" else reader_of(main.pid))
        log.rename()
        log.write(5)
        await everything(log, got)
        async with asyncio.timeout(20):
            while any(not processes.state(pid).startswith("Z") for pid in family):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)


def reader_of(main: int) -> int:
    """The process that reads the file: tail, or on a BusyBox host the only other one."""
    family = processes.descendants(main)
    return next((pid for pid in family if processes.arguments(pid)[:1] == ["tail"]), min(family))


async def test_late_write_to_an_older_generation_does_not_make_it_the_newest(
    host: LocalTransport, log: LogWriter
) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(5)
        await everything(log, got)
        host.down()
        for _ in range(2):
            log.rename()
            log.write(5)
        later = time.time() + 5
        os.utime(f"{log.path}.2", (later, later))
        host.up()
        await everything(log, got)
        assert got.gaps == []


async def test_new_file_that_is_copied_and_truncated_before_it_is_opened(host: LocalTransport, log: LogWriter) -> None:
    """It was empty when it was listed."""

    def rotate() -> None:
        log.write(5)
        log.copytruncate()
        log.write(5)

    keep_an_older_one(log)
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(5)
        await everything(log, got)
        host.before("tailon-agg-follow", rotate)
        log.rename()
        await got.until(lambda: not host.tripping)
        await everything(log, got)
        assert got.gaps == []


@pytest.mark.parametrize(
    ("tool", "used", "how"),
    [
        *(("od", "*-N 2048*", None), ("stat", "*%n*", None)),
        *(("od", "*-tx1", "gz"), ("gzip", "-dc", "gz"), ("head", "-c 2048", "gz")),
    ],
)
@pytest.mark.parametrize("turn", [1, 2])
async def test_listing_with_a_killed_tool_hides_no_generation(
    log: LogWriter, tmp_path: Path, tool: str, used: str, how: str | None, turn: int
) -> None:
    log.write(50)
    host = killed_once(tmp_path, tool, used, turn)
    async with following(log.path, host) as got:
        await everything(log, got)
        host.down()
        for _ in range(4):
            log.write(50)
            log.rename(how)
        log.write(50)
        host.up()
        await everything(log, got)
        assert got.gaps == []
    assert (tmp_path / "uses").read_text()


async def test_host_that_goes_while_a_name_is_missing_is_told(
    host: LocalTransport, log: LogWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look at a missing name is not told, as it may be being rotated; all other trouble is."""
    monkeypatch.setattr(limits, "NAME_PAUSES", (0.05, 60.0))
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(5)
        await everything(log, got)
        log.rename(create=False)
        host.cut()
        host.trip("tailon-agg-timeline", after=2, again=True)
        await got.until(lambda: any(trouble.cause == "lost" for trouble in got.troubles[1:]))
        assert not any(trouble.cause == "no-file" for trouble in got.troubles)


async def test_first_look_with_a_killed_tool_gives_no_wrong_address(
    log: LogWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TAIL_WINDOW", 4096)
    log.write(200)
    async with following(log.path, killed_once(tmp_path, "od", "*-N 1024*", 1)) as got:
        await got.until_text(log.content.lines[-1])
        first = generation_of(f"{log.content.lines[0]}\n".encode())
        assert {batch.generation for batch in got.batches} == {first}


async def test_file_that_is_truncated_between_its_header_and_its_first_bytes(tmp_path: Path) -> None:
    """The header tells one generation, the bytes after it are another's."""
    path, once, applets = tmp_path / "a.log", tmp_path / "once", tmp_path / "applets"
    path.write_text("old 1\nold 2\n")
    once.touch()
    applets.mkdir()
    (applets / "tail").write_text(
        f'#!/bin/sh\ncase "$*" in *-f) if [ -e {once} ]; then rm {once}; : >{path}; echo "new 1" >>{path}; fi;; esac\n'
        f'exec {shutil.which("tail")} "$@"\n'
    )
    (applets / "tail").chmod(0o755)
    async with following(path, LocalTransport(("dash",), f"{applets}:{os.environ['PATH']}")) as got:
        await got.until_text("new 1")
        assert got.texts == [None, "new 1"]  # what was old and is gone is a gap
        assert got.batches[0].generation == generation_of(b"new 1\n")


@pytest.mark.parametrize("shell", ["bash", "busybox"])
async def test_banner_file_that_is_copied_and_truncated_between_its_header_and_its_first_bytes(
    applets: Path, tmp_path: Path, shell: str
) -> None:
    """What comes has the same first line as what the header told of, but is shorter."""
    path, once = tmp_path / "a.log", tmp_path / "once"
    path.write_text("banner\nfirst\n")
    tools = applets if shell == "busybox" else tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    name, real = ("dd", f"{BUSYBOX} dd") if shell == "busybox" else ("tail", str(shutil.which("tail")))
    (tools / name).unlink(missing_ok=True)
    (tools / name).write_text(
        f"#!/bin/sh\nif [ -e {once} ]; then /bin/rm {once}; /bin/mv {path}.1 {path}.2; /bin/cp {path} {path}.1\n"
        f': >{path}; printf "banner\\nnew\\n" >>{path}; fi\nexec {real} "$@"\n'
    )
    (tools / name).chmod(0o755)
    host = LocalTransport(
        *(((BUSYBOX, "ash"), str(tools)) if shell == "busybox" else (("bash",), f"{tools}:{os.environ['PATH']}"))
    )
    async with following(path, host) as got:
        await got.until_text("first")
        once.touch()
        path.rename(f"{path}.1")
        path.write_text("banner\nold 1\nold 2\n")
        await got.until_text("new")
        assert not once.exists()
        assert got.texts == ["banner", "first", "banner", "old 1", "old 2", "banner", "new"]


async def test_cut_in_mid_line_reads_the_line_again(host: LocalTransport, log: LogWriter) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(2)
        log.write_piece()
        await got.until(lambda: len(got.lines) == 2)
        host.cut()
        await got.until_live(2)
        log.end_piece()
        await everything(log, got)


async def test_generations_that_begin_alike_are_told_apart(host: LocalTransport, tmp_path: Path) -> None:
    log = LogWriter(tmp_path / "a.log", banner=True)
    keep_an_older_one(log)
    async with following(log.path, host) as got:
        await got.until_live()
        await got.until(lambda: len(got.lines) == 1)
        host.down()
        log.write(5)
        log.rename()
        log.write(5)
        log.rename()
        log.write(5)
        host.up()
        await everything(log, got)
        assert got.gaps == []
    log.close()


async def test_generations_that_begin_alike_and_may_have_gone_are_behind_a_gap(
    host: LocalTransport, tmp_path: Path
) -> None:
    """Only the banner was read; then all went, and what is there now begins with the same one."""
    log = LogWriter(tmp_path / "a.log", banner=True, keep=2)
    async with following(log.path, host) as got:
        await got.until_live()
        await got.until(lambda: len(got.lines) == 1)
        host.down()
        for _ in range(6):
            log.write(5)
            log.rename()
        log.write(5)
        host.up()
        await everything(log, got)
        assert len(got.gaps) == 1
    log.close()


async def test_file_that_was_empty_when_it_was_copied_and_truncated_in_an_outage(
    host: LocalTransport, log: LogWriter
) -> None:
    keep_an_older_one(log)
    async with following(log.path, host) as got:
        await got.until_live()
        host.down()
        log.write(5)
        log.copytruncate()
        log.write(5)
        host.up()
        await everything(log, got)
        assert got.gaps == []


async def test_file_that_comes_later(host: LocalTransport, tmp_path: Path) -> None:
    path = tmp_path / "later.log"
    async with following(path, host) as got:
        await got.until(lambda: [error.cause for error in got.troubles[:1]] == ["no-file"])
        log = LogWriter(path)
        log.write(5)
        await everything(log, got)
    log.close()


async def test_name_that_is_missing_for_a_while(host: LocalTransport, log: LogWriter) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(5)
        await everything(log, got)
        host.down()
        log.rename(create=False)
        host.up()
        await got.until(lambda: any(error.cause == "no-file" for error in got.troubles))
        log.write_late(2)
        await everything(log, got)
        log.create()
        log.write(5)
        await everything(log, got)
        assert got.gaps == []


async def test_last_line_without_newline_of_a_renamed_file(host: LocalTransport, log: LogWriter) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(2)
        with log.path.open("a") as out:
            out.write("its writer was killed")
        log.rename()
        log.write(2)
        await got.until_text("its writer was killed")
        assert got.lines.count("its writer was killed") == 1


@pytest.mark.parametrize("word", ["tail: x: file truncated", "tail: standard input: file truncated"])
async def test_log_that_holds_the_words_of_a_truncation(host: LocalTransport, log: LogWriter, word: str) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(2)
        with log.path.open("a") as out:
            out.write(f"{word}\n")
        log.content.lines.append(word)
        log.write(2)
        await everything(log, got)
        assert got.gaps == []


async def test_copy_of_a_log_that_is_not_truncated_yet_is_no_other_generation(
    host: LocalTransport, log: LogWriter
) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(20)
        await everything(log, got)
        shutil.copyfile(log.path, f"{log.path}.1")
        host.cut()
        log.write(5)
        await everything(log, got)


async def test_missing_decompressor_is_a_trouble_and_a_gap(applets: Path, log: LogWriter) -> None:
    (applets / "xz").unlink()
    host = LocalTransport((BUSYBOX, "ash"), str(applets))
    async with following(log.path, host) as got:
        await got.until_live()
        log.write(20)
        await everything(log, got)
        host.down()
        log.write(5)
        log.rename()
        log.compress(1, "xz")
        log.write(5)
        missing = len(got.lines)
        host.up()
        await got.until_text(log.content.lines[-1])
        assert len(got.gaps) == 1
        assert any(error.cause == "no-decompressor" for error in got.troubles)
        assert len(got.lines) == missing + 5


async def test_slow_viewers_hold_reading_up_and_lose_nothing(host: LocalTransport, log: LogWriter) -> None:
    async with following(log.path, host) as got:
        await got.until_live()
        got.blocked = True
        log.write(2000)
        log.rename()
        log.write(10)
        await asyncio.sleep(0)
        got.blocked = False
        got.opened_again()
        await everything(log, got)


async def test_new_line_leaves_a_gnu_host_within_50_ms_mostly(log: LogWriter) -> None:
    async with following(log.path, LocalTransport(("dash",))) as got:
        await got.until_live()
        waits = []
        for _ in range(10):
            before = asyncio.get_running_loop().time()
            log.write(1)
            await got.until_text(log.content.lines[-1])
            waits.append(asyncio.get_running_loop().time() - before)
        assert sorted(waits)[5] < 0.06


def grow(path: Path) -> None:
    with path.open("a") as out:
        out.write("grown\n")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def calm(host: LocalTransport) -> bool:
    """Whether the loop looks in the way that costs no process: it has opened the file once more for that."""
    main = host.channels[-1].process
    return main is not None and any(os.path.exists(f"/proc/{pid}/fd/7") for pid in processes.descendants(main.pid))


async def test_busybox_files_that_were_calm_for_a_while_grow_and_are_cut(applets: Path, tmp_path: Path) -> None:
    async def one(path: Path, change: Callable[[Path], None]) -> None:
        host = LocalTransport((BUSYBOX, "ash"), str(applets))
        async with following(path, host) as got:
            await got.until_live()
            async with asyncio.timeout(20):
                while not calm(host):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
            change(path)
            await got.until(lambda: "grown" in got.lines if change is grow else got.gaps)

    contents = {"empty": b"", "short": b"a\nb\n", "long": b"\n" * 5000, "zeros": b"\0" * 99 + b"\n"}
    async with asyncio.TaskGroup() as tasks:
        for name, content in contents.items():
            for change in (grow, cut) if content else (grow,):
                path = tmp_path / f"{name}-{change.__name__}"
                path.write_bytes(content)
                tasks.create_task(one(path, change))


async def test_new_line_leaves_a_busybox_host_within_1_5_s(applets: Path, log: LogWriter) -> None:
    async with following(log.path, LocalTransport((BUSYBOX, "ash"), str(applets))) as got:
        await got.until_live()
        taken = []
        for _ in range(5):
            before = asyncio.get_running_loop().time()
            log.write(1)
            await got.until_text(log.content.lines[-1])
            taken.append(asyncio.get_running_loop().time() - before)
    assert sorted(taken)[1] < 1.5  # not all of them: other tests may have held up this machine
