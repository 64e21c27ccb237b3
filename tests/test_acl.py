"""Logs that an ACL alone opens to the user, in each shell: the tests of BusyBox know no ACLs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from local import LocalTransport
from shells import SHELLS, machine

from aggregator.doctor.facts import Facts, read_facts
from aggregator.remote import commands

OTHER = 65534


@dataclass
class Stranger:
    """A user who may read `log` and its folder, which are root's, by ACLs only."""

    log: Path
    machine: LocalTransport

    def allow(self, rights: str, *paths: Path | str) -> None:
        subprocess.run(["setfacl", "-m", f"u:{OTHER}:{rights}", *paths], check=True)

    def answer(self, command: str) -> bytes:
        """What a command answers to her."""
        setpriv = [str(shutil.which("setpriv")), f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]
        path = {"PATH": f"{self.machine.path}:{os.environ['PATH']}"}
        words = [*setpriv, *self.machine.shell, "-c", command]
        return subprocess.check_output(words, env=path, stdin=subprocess.DEVNULL)


@pytest.fixture(params=SHELLS)
def stranger(request: pytest.FixtureRequest) -> Iterator[Stranger]:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "shut"
        folder.mkdir(mode=0o700)
        for end in ("", ".1"):
            (folder / f"app.log{end}").write_text(f"a line{end}\n")
            (folder / f"app.log{end}").chmod(0o600)
        yield Stranger(folder / "app.log", machine(request.param, Path(name)))


if os.getuid() == 0:  # else there is nobody else whose files could be looked at

    def test_what_an_acl_opens_is_listed_and_read(stranger: Stranger) -> None:
        log = stranger.log
        stranger.allow("rx", log.parent)
        stranger.allow("r", log, f"{log}.1")
        assert stranger.answer(commands.read(str(log), 2, 4)).endswith(b"\nline")
        assert b" ? " not in stranger.answer(commands.timeline(str(log), 9, 0, []))
        assert stranger.answer(commands.listing(f"{log}*", 9)).count(b"app.log") == 2
        assert b"not-readable" not in stranger.answer(commands.listing(f"{log.parent}/*.none", 9))
        facts = Facts()
        read_facts(stranger.answer(commands.doctor([str(log)], 9)), [str(log)], facts)
        assert facts.looks[str(log)].readable == [str(log)]
        assert facts.looks[str(log)].refusing == []

    def test_what_none_opens_is_said_to_be_closed(stranger: Stranger) -> None:
        log = stranger.log
        assert b"E not-readable folder" in stranger.answer(commands.read(str(log), 0, 4))
        assert b"E not-readable" in stranger.answer(commands.listing(f"{log}*", 9))
        stranger.allow("rx", log.parent)
        assert b"E not-readable file" in stranger.answer(commands.read(str(log), 0, 4))
        assert stranger.answer(commands.timeline(str(log), 9, 0, [])).count(b" ? ") == 2
