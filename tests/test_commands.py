"""What runs on hosts: the same answer from every shell and set of tools, whatever the path is called."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fleet import Fleet, wait_for
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import HostError
from aggregator.inventory import load
from aggregator.metrics import Metrics
from aggregator.remote import commands
from aggregator.remote.answer import after_mark
from aggregator.remote.header import read_header
from aggregator.remote.link import Link
from aggregator.remote.pool import Links
from aggregator.remote.ssh import SshTransport

SHELLS = {"dash": "dash", "bash": "bash", "busybox": "busybox ash", "tcsh": "tcsh -f", "fish": "fish --no-config"}
NAMES = [
    "plain.log",
    "with space.log",
    'it\'s "quoted".log',
    "wow!.log",
    "!!.log",
    "back\\slash.log",
    "\\n\\0041.log",
    "tab\tand $HOME `id` $(id).log",
    "ünïcödé-日志-🦊.log",
    "-n",
    "--help",
    "star*[a]?.log",
    "{a,b}~;&|<>#%^=.log",
    "line\nbreak.log",
    "trailing newline\n",
]


@asynccontextmanager
async def link_to(fleet: Fleet, name: str = "a") -> AsyncIterator[Link]:
    inventory = load([fleet.inventory({})])
    async with asyncio.TaskGroup() as tasks:
        pool = Links(SshTransport(), tasks, Metrics(), lambda _: None)
        link = pool.link(inventory.hosts[name])
        async with link.hold():
            yield link


async def read(link: Link, path: Path | str, start: int, length: int, kind: str = "plain") -> bytes:
    async with link.channel("command", lambda _: commands.read(str(path), start, length, kind), wait=False) as channel:
        _, data, _ = await read_header(channel, path=str(path), host="a", user="me")
        while True:
            more, errors = await channel.read()
            if not more and not errors:
                return data
            data += more


async def follow(link: Link, path: Path, start: int | None, wanted: int) -> bytes:
    def command(probe: object) -> str:
        return commands.follow(str(path), start, 1000, tail=link.known_probe().tail)

    async with link.channel("follow", command, wait=False) as channel:
        _, data, _ = await read_header(channel, path=str(path), host="a", user="me")
        while len(data) < wanted:
            more, errors = await channel.read()
            assert more or errors, "the follower ended"
            data += more
        return data


@pytest.mark.parametrize("shell", SHELLS)
async def test_any_path_is_read_followed_and_found(fleet: Fleet, shell: str) -> None:
    host = fleet.add("a", shell=SHELLS[shell], path=fleet.busybox() if shell == "busybox" else None)
    async with link_to(fleet) as link:
        for number, name in enumerate(NAMES):
            folder = host.root / f"{number}"
            folder.mkdir()
            log = folder / name
            log.write_bytes(f"first of {number}\nsecond\n".encode())
            assert await read(link, log, 0, 10_000) == log.read_bytes()
            assert await read(link, log, 6, 4) == log.read_bytes()[6:10]
            assert await follow(link, log, None, 10) == log.read_bytes()
            answer = await link.run(commands.listing(f"{folder}/*", 10), 100_000)
            assert answer.decode().splitlines() == ([str(log)] if "\n" not in name and "\t" not in name else [])
    assert link.known_probe().tail == ("busybox" if shell == "busybox" else "gnu")


@pytest.mark.parametrize("shell", SHELLS)
async def test_follower_gives_new_lines_and_ends_with_its_channel(fleet: Fleet, shell: str) -> None:
    host = fleet.add("a", shell=SHELLS[shell], path=fleet.busybox() if shell == "busybox" else None)
    log = host.root / "it's a log!.log"
    log.write_text("one\n")
    async with link_to(fleet) as link:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(follow(link, log, 0, 8))
            await asyncio.to_thread(wait_for, lambda: any("tail" in line for line in host.processes()), "tail to run")
            with log.open("a") as out:
                out.write("two\n")
        assert task.result() == b"one\ntwo\n"
        await asyncio.to_thread(wait_for, lambda: not host.processes(), "the follower to end")


@pytest.mark.parametrize("shell", SHELLS)
async def test_literal_path_is_not_a_pattern(fleet: Fleet, shell: str) -> None:
    host = fleet.add("a", shell=SHELLS[shell], path=fleet.busybox() if shell == "busybox" else None)
    (host.root / "b.log").write_text("another\n")
    async with link_to(fleet) as link:
        for name in ("*.log", "?.log", "[b].log", "$(echo b).log"):
            with pytest.raises(HostError) as caught:
                await read(link, host.root / name, 0, 10)
            assert caught.value.cause == "no-file"


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2", "zst"])
async def test_compressed_file_without_its_tool_is_said(fleet: Fleet, tmp_path: Path, kind: str) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("date", "id", "sh", "head", "od", "tr", "stat", "tail"):
        (tools / tool).symlink_to(f"/usr/bin/{tool}")
    host = fleet.add("a", path=tools)
    (host.root / "old").write_text("x")
    async with link_to(fleet) as link:
        with pytest.raises(HostError) as caught:
            await read(link, host.root / "old", 0, 10, kind)
    assert caught.value.cause == "no-decompressor"
    assert "is compressed, and there is no" in str(caught.value)


@pytest.mark.parametrize(
    "noise", ["Welcome!\\nWelcome!\\n", "no newline", "H 1 2 3 4\\nE no-file -\\n", "/etc/passwd\\n"]
)
async def test_words_of_a_login_shell_are_passed_over(fleet: Fleet, noise: str) -> None:
    host = fleet.add(
        "a", options={"ForceCommand": f'printf "{noise}"; printf "{noise}" >&2; exec sh -c "$SSH_ORIGINAL_COMMAND"'}
    )
    log = host.root / "app.log"
    log.write_text("one\n")
    async with link_to(fleet) as link:
        assert await read(link, log, 0, 100) == b"one\n"
        assert await follow(link, log, 0, 4) == b"one\n"
        assert await link.run(commands.listing(f"{host.root}/*.log", 10), 1000) == f"{log}\n".encode()
        assert await link.run(commands.listing(f"{host.root}/**", 10), 1000) == f"{log}\n".encode()


async def test_login_shell_that_never_ends_talking_is_given_up(fleet: Fleet) -> None:
    fleet.add("a", options={"ForceCommand": "yes"})
    async with link_to(fleet) as link:
        with pytest.raises(HostError) as caught:
            await link.reached()
    assert caught.value.cause == "no-shell"


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40))
def test_quoted_argument_arrives_unchanged(text: str) -> None:
    script = 'f=$(printf "%b" "$1"; printf x); printf %s "${f%x}"'
    for shell in (["dash"], ["bash"], ["busybox", "ash"]):
        line = f"{' '.join(shell)} -c '{script}' name {commands.quote(text)}"
        done = subprocess.run([*shell, "-c", line], capture_output=True, timeout=10)
        assert done.stdout.decode() == text


@pytest.mark.parametrize("shell", [["tcsh", "-f"], ["fish", "--no-config"]])
@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_quoted_argument_arrives_unchanged_through_other_login_shells(shell: list[str], text: str) -> None:
    line = f"exec sh -c 'printf %b \"$1\"; printf x' name {commands.quote(text)}"
    done = subprocess.run([*shell, "-c", line], capture_output=True, timeout=20)
    assert done.stdout.decode() == text + "x"


def test_nul_can_not_be_quoted() -> None:
    with pytest.raises(ValueError, match="NUL"):
        commands.quote("a\0b")


@pytest.mark.parametrize("names", commands.PARTS.values())
def test_scripts_hold_nothing_that_login_shells_read_differently(names: tuple[str, ...]) -> None:
    line = commands.script(*names)
    assert not re.search(r"['\n]|\\\\|!(?! )", line)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_answer_is_what_comes_after_the_first_mark(noise: bytes, answer: bytes) -> None:
    if commands.MARK not in noise:
        assert after_mark(noise + b"\n" + commands.MARK + answer) == answer
        assert after_mark(noise) is None
