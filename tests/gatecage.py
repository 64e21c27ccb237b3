"""The gate in a cage: a root with logs, a canary outside of it that tells when it is opened or read, and a quick way
to ask: one shell answers many requests, each in a child of its own."""

from __future__ import annotations

import ctypes
import itertools
import os
import random
import re
import secrets
import shutil
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from aggregator.remote.gate import gate_script

KINDS = ("dash", "bash", "busybox")
MOST_S = 400.0  # for all requests of one shell
STEP_S = 0.02  # between two looks at what was answered: each costs as much as an answer
_LIBC = ctypes.CDLL(None, use_errno=True)
_ACCESS, _OPEN, _ISDIR = 0x1, 0x20, 0x40000000  # inotify(7)
_AT_FDCWD, _EXCHANGE = -100, 2  # renameat2(2)
# What a shell answers of each request: a child with a process number of its own, which `$$` is for a script that is
# started. Nothing is logged, as that would cost more than all the rest.
_DRIVER = """
logger() {{ :; }}
gate() {{
{script}
}}
ask() {{
  ( cd -P /proc/self; me=${{PWD##*/}}; SSH_ORIGINAL_COMMAND=$1; shift; gate "$@" ) </dev/null
  printf "\\n{mark} %s\\n" "$?"
}}
"""


@dataclass(frozen=True)
class Said:
    """What came of a request: both outputs, the exit status, and how long it took at most (seconds)."""

    request: bytes
    output: bytes
    status: int
    seconds: float

    @property
    def refused(self) -> bool:
        return self.status == 77


@dataclass(frozen=True)
class Events:
    """How often something outside was opened, and read."""

    opened: int
    read: int


class Cage:
    """`root` may be read, `outside` not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.root, self.outside = self.folder / "log", self.folder / "outside"
        self.secret = f"canary-{secrets.token_hex(12)}"
        for place in (self.root / "sub", self.outside, self.folder / "logs"):
            place.mkdir(parents=True)
        self.canaries = [self.outside / "app.log", self.outside / "app.log.1", self.folder / "logs" / "app.log"]
        for canary in self.canaries:
            canary.write_text(f"{self.secret}\n" * 3)
        self.log = self.root / "app.log"
        self.log.write_text("of the log\n" * 500)
        (self.root / "app.log.1").write_text("of the log, older\n" * 5)
        (self.root / "sub" / "b.log").write_text("below\n")
        (self.root / "sly.log").symlink_to(self.canaries[0])
        (self.root / "sly").symlink_to(self.outside)
        os.mkfifo(self.root / "fifo")
        self.gate = self.folder / "gate"
        self.gate.write_text(gate_script())
        self.gate.chmod(0o755)
        self.paths = [
            *map(str, [self.log, self.root, self.root / "sub" / "b.log", self.root / "fifo", self.root / "sly.log"]),
            *map(str, [self.root / "sly" / "app.log", self.root / "none" / "app.log", *self.canaries]),
            *("/", "/proc/self/environ", "/etc/passwd", f"{self.root}/../outside/app.log", f"{self.root}//app.log"),
            *(f"{self.root}/.[.]/outside/app.log", f"{self.root}/*/app.log", "relative", f"{self.root}/\udcff"),
        ]
        self._notes = _LIBC.inotify_init1(os.O_NONBLOCK)
        assert self._notes >= 0

    def __enter__(self) -> Self:
        for place in (self.outside, self.folder / "logs"):
            assert _LIBC.inotify_add_watch(self._notes, os.fsencode(place), _ACCESS | _OPEN) >= 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._notes)

    def leaked(self, output: bytes) -> bool:
        """Whether the canary's text is there, also in hexadecimal, in which headers have first bytes."""
        text = self.secret.encode()
        return text in output or text.hex().encode() in output

    def named(self, output: bytes) -> bool:
        """Whether the inode of something outside is there, as headers and listings have it."""
        found = [canary.stat() for canary in self.canaries]
        return any(f"{one.st_dev}:{one.st_ino}:".encode() in output for one in found)

    def seen_outside(self) -> Events:
        """What has happened to the files outside since this was last asked."""
        opened = read = 0
        while True:
            try:
                data = os.read(self._notes, 1 << 16)
            except BlockingIOError:
                return Events(opened, read)
            at = 0
            while at < len(data):
                _, mask, _, length = struct.unpack_from("iIII", data, at)
                at += 16 + length
                if not mask & _ISDIR:
                    opened += bool(mask & _OPEN)
                    read += bool(mask & _ACCESS)

    def path(self, kind: str) -> str:
        """The PATH of a machine of a kind."""
        if kind != "busybox":
            return "/usr/bin:/bin"
        folder = self.folder / "busybox"
        if not folder.exists():
            binary = shutil.which("busybox")
            assert binary
            folder.mkdir()
            for applet in {"busybox", *subprocess.check_output([binary, "--list"], text=True).split()}:
                (folder / applet).symlink_to(binary)
        return str(folder)

    def script(self, kind: str) -> str:
        return self.gate.read_text().replace("PATH=/usr/bin:/bin;", f"PATH={self.path(kind)};")

    def straight(self, kind: str, requests: Sequence[bytes], roots: Sequence[Path] = ()) -> list[Said]:
        """Answers to requests, straight from the script. Raises AssertionError when a shell takes longer than
        MOST_S for all of them."""
        mark = f"mark-{secrets.token_hex(8)}"
        script = self.script(kind).replace("$$", "$me").replace('"$0"', f'"{self.gate}"')
        driver = self.folder / f"driver-{kind}"
        quoted = " ".join(_quote(os.fsencode(root)).decode() for root in roots or [self.root])
        asked = b"".join(b"ask %s %s\n" % (_quote(request), quoted.encode()) for request in requests)
        driver.write_bytes(_DRIVER.format(script=script, mark=mark).encode() + asked)
        shell = ["busybox", "ash"] if kind == "busybox" else [kind]
        return self._run([*shell, str(driver)], requests, f"\n{mark} ".encode())

    def _run(self, command: list[str], requests: Sequence[bytes], mark: bytes) -> list[Said]:
        environment = {"PATH": "/usr/bin:/bin", "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22", "LOGNAME": "logs"}
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        assert process.stdout
        watch = threading.Timer(MOST_S, os.killpg, (process.pid, signal.SIGKILL))
        watch.start()
        said: list[Said] = []
        text, then = b"", time.monotonic()
        try:
            while len(said) < len(requests):
                time.sleep(STEP_S)
                data = os.read(process.stdout.fileno(), 1 << 16)
                assert data, f"the shell ended at {requests[len(said)]!r}: {text[-500:]!r}"
                text += data
                now = time.monotonic()
                while (at := text.find(mark)) >= 0 and (end := text.find(b"\n", at + len(mark))) >= 0:
                    status = int(text[at + len(mark) : end])
                    said.append(Said(requests[len(said)], text[:at], status, now - then))
                    text, then = text[end + 1 :], now
        finally:
            watch.cancel()
            process.stdout.close()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # also what still waits beside an opening
            process.wait()
        return said

    @contextmanager
    def swapping(self, seed: int) -> Iterator[Path]:
        """A log whose name, or whose folder's name, is another thing at any moment: the log, a link to the canary, a
        FIFO, a folder, nothing that is there."""
        top = self.root / f"swapped-{seed}"
        place, aside = top / "app", self.folder / f"aside-{seed}"
        place.mkdir(parents=True)
        aside.mkdir()
        path = place / "app.log"
        path.write_text("of the log\n")
        (aside / "link").symlink_to(self.canaries[0])
        (aside / "dangling").symlink_to(aside / "none")
        (aside / "sibling").symlink_to(self.canaries[2])
        os.mkfifo(aside / "fifo")
        (aside / "folder").mkdir()
        (aside / "way").symlink_to(self.outside)
        names = [(path, aside / name) for name in ("link", "dangling", "sibling", "fifo", "folder")]
        names += [(place, aside / "way")] * 3
        ended = threading.Event()
        swapper = threading.Thread(target=_swap, args=(names, random.Random(seed), ended))
        swapper.start()
        try:
            yield path
        finally:
            ended.set()
            swapper.join()


def _swap(names: Sequence[tuple[Path, Path]], rng: random.Random, ended: threading.Event) -> None:
    """Exchange two names and, a moment later, once more; renameat2(2) leaves no moment at which one is not there."""
    for turn in itertools.count():
        one, other = map(os.fsencode, rng.choice(names))
        for _ in range(2):
            assert _LIBC.renameat2(_AT_FDCWD, one, _AT_FDCWD, other, _EXCHANGE) == 0, os.strerror(ctypes.get_errno())
            time.sleep(rng.random() * (0.003 if turn % 8 else 0.0))
        if ended.is_set():
            return


def _quote(data: bytes) -> bytes:
    """For a shell, whatever it is."""
    return b"'" + re.sub(rb"'", rb"'\\''", data) + b"'"
