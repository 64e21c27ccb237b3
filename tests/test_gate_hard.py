"""The gate in a thief's hands: whatever is asked, and whatever is put in its way, nothing from outside comes out.

A canary lies outside of the folders that are allowed; inotify(7) tells when it is opened or read.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncssh
import pytest
from fleet import LOOPBACK, Fleet
from fleethost import wait_for
from gatecage import Cage, Events
from gatefuzz import judge, raced_requests
from gaterequests import fuzzed
from product import PATIENCE_S

from aggregator.remote import commands

SEED = 6
STRAIGHT = [*(("dash", 17_000, seed) for seed in range(5)), ("busybox", 12_000, 5), ("bash", 3_000, 6)]
RACES = {"dash": 1200, "busybox": 500, "bash": 300}
OVER_SSH = 2000
ODD = [bytes([byte]) for byte in range(1, 256) if byte not in b"/\n"]


@pytest.fixture
def cage(tmp_path: Path) -> Iterator[Cage]:
    with Cage(tmp_path) as cage:
        yield cage


@pytest.mark.timeout(480)
@pytest.mark.parametrize(("shell", "count", "seed"), STRAIGHT)
def test_of_many_requests_none_tells_what_lies_outside(cage: Cage, shell: str, count: int, seed: int) -> None:
    rng = random.Random(seed)
    said = cage.straight(shell, [fuzzed(rng, cage.paths) for _ in range(count)])
    assert judge(cage, said) == []
    assert sum(one.refused for one in said) > 0.8 * len(said)
    assert any(b"\nH " in one.output for one in said)
    odd = [one for one in said if one.refused and b"E gate-refused " not in one.output]
    assert odd == []


@pytest.mark.timeout(480)
@pytest.mark.parametrize("shell", RACES)
def test_what_is_swapped_in_meanwhile_is_neither_read_nor_waited_for(cage: Cage, shell: str) -> None:
    with cage.swapping(SEED) as path:
        said = cage.straight(shell, raced_requests(path, RACES[shell], random.Random(SEED)))
    assert judge(cage, said, raced=True) == []
    text = b"".join(one.output for one in said)
    assert text.count(b"of the log") > 5
    assert text.count(b"E gate-refused folder") > 5
    assert b"E outside-gate" in text


def hard_paths(cage: Cage) -> list[bytes]:
    """Names that lead out, nowhere, or to what is no file."""
    root, outside = os.fsencode(cage.root), os.fsencode(cage.outside)
    links = {
        "to-canary": cage.canaries[0],
        "to-link": cage.root / "to-canary",
        "relative": Path("../outside/app.log"),
        "dangling": cage.root / "none",
        "dangling-outside": cage.outside / "none",
        "loop": cage.root / "loop",
        "loop-1": cage.root / "loop-2",
        "loop-2": cage.root / "loop-1",
        "to-fifo": cage.root / "fifo",
        "to-folder": cage.outside,
        "to-top": Path("/"),
        "up": Path(".."),
        "stdin": Path("/dev/stdin"),
        "fd-3": Path("/proc/self/fd/3"),
        "cwd": Path("/proc/self/cwd"),
        "process": Path("/proc/self/environ"),
        "zero": Path("/dev/zero"),
        "sibling": Path("../logs/app.log"),
    }
    for name, target in links.items():
        (cage.root / name).symlink_to(target)
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(cage.root)
        listener.bind("socket")
        os.chdir("/")
    paths = [root + b"/" + name.encode() for name in (*links, "fifo", "socket", "sub", "sub/", "", "none", "none/none")]
    paths += [root + b"/to-folder/app.log", root + b"/up/outside/app.log", root + b"/to-top" + outside + b"/app.log"]
    paths += [root + b"/" + b"a" * 255, root + b"/" + b"a" * 256, root + b"/a" * 2000, root + b"/" * 5000 + b"none"]
    paths += [b"/a" * 5000, b"/" * 9000, root + b"/sub/../../outside/app.log", root + b"/..", root + b"/.", root]
    paths += [root + b"s/app.log", root + b"*", root[:-1] + b"?s/app.log", b"/", b"//", b"/.", b"relative", b"-e"]
    paths += [b"/proc/self/environ", b"/proc/self/fd/0", b"/proc/self/root" + outside + b"/app.log", b"/proc/kmsg"]
    paths += [b"/dev/zero", b"/dev/tty", b"/dev/fd/0", b"/dev/full", b"/etc/passwd", outside + b"/app.log"]
    paths += [root + b"/\x00app.log", root + b"/app.log\n", b"\n", outside + b"/app.log\n" + root + b"/app.log"]
    return paths


@pytest.mark.parametrize("shell", ["dash", "busybox"])
def test_hard_names_lead_nowhere(cage: Cage, shell: str) -> None:
    octal = [b"".join(b"\\0%03o" % byte for byte in path) or b"\\" for path in hard_paths(cage)]
    forms = (
        b"read %s 0 9999 plain",
        b"read %s 0 9 gz",
        b"read %s 7 9 xz",
        b"timeline %s 9 0 \\",
        b"list %s 99",
        b"blocks %s 0 9",
    )
    forms += (b"search %s 0 e plain grep \\ a 2 9 524288 60", b"search %s 0 e plain stream \\ a 2 9 524288 60")
    requests = [b"v1 " + form % path for path in octal for form in forms]
    requests += [b"v1 follow %s 0 0 gnu" % path for path in octal]
    said = cage.straight(shell, requests)
    assert len(said) >= 500
    assert judge(cage, said) == []
    assert not [one for one in said if b"\nH " in one.output]
    assert not [one for one in said if b"outside" in one.output and b"E outside-gate" not in one.output]


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_names_with_any_byte_are_files_like_others(cage: Cage, shell: str) -> None:
    odd = ODD if shell == "dash" else ODD[:128:3]
    paths = [os.fsencode(cage.root) + b"/odd" + byte + b".log" for byte in odd]
    for number, path in enumerate(paths):
        Path(os.fsdecode(path)).write_text(f"the odd one {number}.")
    requests = [commands.read(os.fsdecode(path), 0, 99).request.encode() for path in paths]
    said = cage.straight(shell, requests)
    assert [one.request for n, one in enumerate(said) if not one.output.endswith(f"the odd one {n}.".encode())] == []


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_folders_are_meant_as_they_really_are_and_as_whole_names(cage: Cage, shell: str) -> None:
    way = cage.folder / "way"
    way.symlink_to(cage.root)
    log, sibling = commands.read(str(cage.log), 0, 9), commands.read(str(cage.canaries[2]), 0, 9)
    asked = [one.request.encode() for one in (log, sibling, commands.read(str(way / "app.log"), 0, 9))]
    for roots in ([way], [Path("/nowhere"), way], [Path(f"{cage.root}/")]):
        one, other, through = cage.straight(shell, asked, roots)
        assert one.output.endswith(b"\nof the lo")
        assert b"E gate-refused folder" in other.output
        assert f"P {cage.log}\n".encode() in through.output
    (one,) = cage.straight(shell, asked[:1], [Path("/nowhere")])
    assert b"E gate-refused no-folder" in one.output
    assert judge(cage, []) == []


def test_a_folder_whose_name_ends_in_a_newline_is_another_one(cage: Cage) -> None:
    other = cage.folder / "log\n"
    other.mkdir()
    (other / "app.log").write_text(cage.secret)
    (cage.root / "way").symlink_to(other)
    requests = [commands.read(f"{cage.root}/way/app.log", 0, 99), commands.listing(f"{cage.root}/way/*", 9)]
    said = cage.straight("dash", [one.request.encode() for one in requests])
    assert all(b"E gate-refused folder" in one.output for one in said)


def test_a_deleted_file_s_name_gives_nothing(cage: Cage) -> None:
    gone = cage.outside / "app.log (deleted)"
    gone.write_text(cage.secret)
    (cage.root / "gone").symlink_to(gone)
    (said,) = cage.straight("dash", [commands.read(f"{cage.root}/gone", 0, 99).request.encode()])
    assert b"E gate-refused folder" in said.output


@pytest.mark.parametrize("shell", ["dash", "busybox"])
def test_of_what_a_followed_name_leads_to_meanwhile_nothing_is_told(cage: Cage, shell: str) -> None:
    script = cage.folder / "script"
    script.write_text(cage.script(shell))
    kind = {"dash": "gnu", "busybox": "busybox"}[shell]
    request = commands.follow(str(cage.log), 0, 0, tail=kind).request
    words = [*(["busybox", "ash"] if shell == "busybox" else ["dash"]), str(script), str(cage.root)]
    said = cage.folder / "said"
    with said.open("wb") as out:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            env={"PATH": cage.path(shell), "SSH_ORIGINAL_COMMAND": request},
            start_new_session=True,
        )
    assert process.stdin
    try:
        wait_for(lambda: b"of the log\n" * 500 in said.read_bytes(), "the log", PATIENCE_S)
        aside = cage.folder / "aside"
        aside.symlink_to(cage.canaries[0])
        aside.rename(cage.log)
        wait_for(lambda: b"\nM 5500\n" in said.read_bytes(), "the word that no name leads to the log", PATIENCE_S)
        process.stdin.close()
        process.wait(PATIENCE_S)
    finally:
        process.stdin.close()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert b"\nR " not in said.read_bytes()
    assert not cage.named(said.read_bytes())
    assert cage.seen_outside() == Events(0, 0)


def test_requests_of_great_length_are_refused_soon(cage: Cage) -> None:
    path = commands.encode(str(cage.log))
    asked = [
        f"v1 blocks {path} {'0 ' * 25_000}",
        f"v1 read {commands.encode('/a' * 6000)} 0 9 plain",
        "v1 " + "a" * 70_000,
    ]
    said = cage.straight("dash", [one.encode() for one in asked])
    assert judge(cage, said) == []
    assert [one.refused for one in said] == [True] * 3


@pytest.mark.timeout(480)
async def test_requests_over_ssh_tell_nothing_either(tmp_path: Path) -> None:
    with Cage(tmp_path) as cage, Fleet(tmp_path) as fleet:
        host = fleet.add("web-1", gate=[cage.root])
        rng = random.Random(SEED)
        requests = iter([fuzzed(rng, cage.paths) for _ in range(OVER_SSH)])
        heard: list[bytes] = []

        async def ask(connection: asyncssh.SSHClientConnection) -> None:
            for request in requests:
                async with connection.create_process(request, encoding=None, stdin=asyncssh.DEVNULL) as process:
                    output, _ = await process.communicate()
                    assert isinstance(output, bytes)
                    heard.append(output)

        async with (
            asyncssh.connect(
                LOOPBACK,
                host.port,
                username=fleet.user,
                client_keys=[str(fleet.identity)],
                known_hosts=str(fleet.known_hosts),
                config=None,
                agent_path=None,
            ) as connection,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(4):
                tasks.create_task(ask(connection))
        assert len(heard) == OVER_SSH
        assert not [one for one in heard if cage.leaked(one)]
        assert not [one for one in heard if not one.startswith(b"\ntailon-agg\n")]
        assert cage.seen_outside() == Events(0, 0)
