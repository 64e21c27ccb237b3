"""The audit log's file: one writer, append only, every append on disk before it counts. All calls block."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from aggregator import limits
from aggregator.access import chain
from aggregator.access.checkpoint import Signer
from aggregator.errors import ConfigError

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
Copy = Callable[[list[bytes]], None]
"""Told of records (lines) in their order, once they are on disk; must not wait."""

_FIRST = b'{"seq":1,"time":"'


class Ledger:
    """Holds the file open and locked (flock) until `close`.

    `last` is the end of the chain on disk; `torn` is how many bytes of a half-written record were cut off on opening.
    """

    def __init__(self, path: Path, signer: Signer | None = None, copy: Copy | None = None) -> None:
        """Open or create (0600) the log at `path` and find its last record. With a signer, checkpoints are written,
        and a file that has grown large is put aside. `copy` is told of what is on disk. Raises ConfigError."""
        self.path = path
        self._signer = signer
        self._copy = copy
        self._unsigned = 0  # records since the last checkpoint
        self._signed = time.monotonic()
        _finish_rotation(path)
        self._file = _open(path)
        try:
            self._size = os.fstat(self._file).st_size
            self.torn = self._cut_torn_end()
            self.last = self._find_last()
        except OSError as error:
            os.close(self._file)
            raise ConfigError(f"audit log {path}: {_words(error)}") from None
        except BaseException:
            os.close(self._file)
            raise
        self._dirty = False
        if self.last.seq:  # what an earlier process left unsigned at its end
            self._unsigned = limits.AUDIT_CHECKPOINT_RECORDS

    def append(self, records: list[bytes]) -> list[int]:
        """Write records (their members, see `chain.seal`) and wait until they are on disk; returns their numbers.

        All or none: raises OSError, and then nothing of them counts, and what was written of them is cut off before
        the next append.
        """
        self._mend()
        if self._signer and self._size > limits.AUDIT_FILE_BYTES:
            self._rotate(self._signer)
        lines, last, numbers = [], self.last, []
        for members in records:
            line, last = chain.seal(members, last)
            lines.append(line)
            numbers.append(last.seq)
        unsigned = self._unsigned + len(records)
        if self._signer and self._is_due(unsigned):
            line, last = chain.seal(self._signer.checkpoint(last), last)
            lines.append(line)
            unsigned = 0
        self._put(b"".join(lines))
        self._tell(lines)
        self.last = last
        self._note_signed(unsigned)
        return numbers

    def probe(self) -> None:
        """Find out whether writing works (again), without a record; raises OSError if not."""
        self._mend()
        self._dirty = True
        self._write(b" " * 4096)
        os.fdatasync(self._file)
        self._mend()

    def close(self) -> None:
        """Give the file and its lock back; cuts off what a failed append left."""
        try:
            if self._dirty:
                self._mend()
        finally:
            os.close(self._file)

    def _put(self, data: bytes) -> None:
        self._dirty = True
        self._write(data)
        os.fdatasync(self._file)
        self._dirty = False
        self._size += len(data)

    def _tell(self, lines: list[bytes]) -> None:
        if self._copy:
            self._copy(lines)

    def _is_due(self, unsigned: int) -> bool:
        old = time.monotonic() - self._signed > limits.AUDIT_CHECKPOINT
        return unsigned >= limits.AUDIT_CHECKPOINT_RECORDS or old

    def _note_signed(self, unsigned: int) -> None:
        self._unsigned = unsigned
        if unsigned == 0:
            self._signed = time.monotonic()

    def _rotate(self, signer: Signer) -> None:
        """Put the file aside under the number of its last record, and go on in a new one, which begins with a
        checkpoint and is on disk before it takes the name. Raises OSError, and then all is as it was."""
        aside = self.path.with_name(f"{self.path.name}.{self.last.seq:012d}")
        new = _new(self.path)
        new.unlink(missing_ok=True)
        file = os.open(new, _FLAGS | os.O_EXCL, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            line, last = chain.seal(signer.checkpoint(self.last, aside.name), self.last)
            os.write(file, line)
            os.fsync(file)
            os.link(self.path, aside)
            os.rename(new, self.path)
            _sync_folder(self.path.parent)
        except BaseException:
            os.close(file)
            raise
        os.close(self._file)
        self._file, self._size, self.last = file, len(line), last
        self._tell([line])
        self._note_signed(0)

    def _mend(self) -> None:
        if self._dirty:
            os.ftruncate(self._file, self._size)
            self._dirty = False
        now = os.fstat(self._file)
        if now.st_nlink == 0:
            raise OSError(errno.ESTALE, "was deleted while it was in use; restart to begin a new one")
        if now.st_size != self._size:
            raise OSError(errno.ESTALE, "was changed by somebody else while it was in use")

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def _cut_torn_end(self) -> int:
        if self._size == 0:
            return 0
        end = self._line_start(self._size)
        torn = self._size - end
        # Only what surely is ours may be cut: after a good record, or the beginning of a first one.
        if torn and end:
            self._read_record(end)
        elif torn and not self._is_first(torn):
            self._refuse("it is no audit log; give another file")
        if torn:
            os.ftruncate(self._file, end)
            os.fdatasync(self._file)
            self._size = end
        return torn

    def _is_first(self, size: int) -> bool:
        head = os.pread(self._file, len(_FIRST), 0)
        return _FIRST.startswith(head) if size < len(_FIRST) else head == _FIRST

    def _find_last(self) -> chain.Link:
        return self._read_record(self._size) if self._size else chain.GENESIS

    def _read_record(self, end: int) -> chain.Link:
        """The record whose newline is the last byte before `end`."""
        start = self._line_start(end - 1)
        try:
            _, link = chain.read(os.pread(self._file, end - start, start))
        except chain.Broken as error:
            self._refuse(f"its last record {error}; run `tailon-agg audit verify {self.path}`, then move the file away")
        return link

    def _line_start(self, end: int) -> int:
        """The offset after the last newline before `end`."""
        at = end
        while at > 0:
            if end - at > chain.LINE_BYTES:
                self._refuse(f"its last {chain.LINE_BYTES} bytes hold no newline; give another file")
            begin = max(0, at - limits.AUDIT_TAIL_BLOCK)
            found = os.pread(self._file, at - begin, begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            at = begin
        return 0

    def _refuse(self, why: str) -> NoReturn:
        raise ConfigError(f"audit log {self.path}: {why}")


def _new(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _finish_rotation(path: Path) -> None:
    """Take away what a crash left of a rotation: a file that has not taken the name, and the old one's other name."""
    try:
        _new(path).unlink(missing_ok=True)
        for aside in path.parent.glob(f"{glob.escape(path.name)}.[0-9]*"):
            if path.exists() and aside.samefile(path):
                aside.unlink()
    except OSError as error:
        raise ConfigError(f"audit log {path}: {_words(error)}") from None


def _open(path: Path) -> int:
    try:
        existed = path.exists()
        file = os.open(path, _FLAGS, 0o600)
    except OSError as error:
        raise ConfigError(f"audit log {path}: {_words(error)}") from None
    try:
        _examine(file, path)
        if not existed:
            _sync_folder(path.parent)
    except BaseException:
        os.close(file)
        raise
    return file


def _examine(file: int, path: Path) -> None:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"audit log {path}: is not a regular file; give another one")
    if status.st_mode & 0o022:
        raise ConfigError(f"audit log {path}: others may write it; run `chmod 600 {path}`")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(
            f"audit log {path}: another tailon-agg writes it; stop that one, or give --audit-log another file"
        ) from None


def _sync_folder(folder: Path) -> None:
    """Put a new file's name on disk too (fsync(2): the file alone does not)."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _words(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "is a symbolic link; give the file itself"
    if error.errno == errno.EISDIR:
        return "is a folder; give a file"
    if error.errno == errno.ENXIO:
        return "is a FIFO or a socket; give a regular file"
    if error.errno == errno.ENOENT:
        return f"there is no folder {os.path.dirname(error.filename) or '.'}; make it, or give another file"
    return f"can't be used: {os.strerror(error.errno or 0).lower()}"
