"""The log files of the demo's hosts: appended to, rotated, bounded. All of it blocks; call it off the loop."""

from __future__ import annotations

import gzip
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from aggregator import limits
from aggregator.demo.cluster import Cluster
from aggregator.demo.line import Line

Key = tuple[str, str]  # host, log


class LogFile:
    """One log with its old generations: `.1` as it was, older ones compressed, as logrotate's delaycompress does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._renamed = False
        path.parent.mkdir(parents=True, exist_ok=True)
        self._open()

    def write(self, data: bytes) -> None:
        """Append. The first write after a rotation still goes to the renamed file, as with real programs."""
        self.size += os.write(self._descriptor, data)
        if self._renamed:
            self.close()
            self._open()

    def rotate(self) -> None:
        """Rename the file and let go the oldest generation."""
        if self._renamed:
            return  # the program has not opened the new one yet
        self._generation(limits.DEMO_GENERATIONS).unlink(missing_ok=True)
        for number in range(limits.DEMO_GENERATIONS - 1, 1, -1):
            if self._generation(number).exists():
                self._generation(number).rename(self._generation(number + 1))
        if self._generation(1).exists():
            _compress(self._generation(1), self._generation(2))
        self.path.rename(self._generation(1))
        self._renamed = True

    def close(self) -> None:
        os.close(self._descriptor)

    def _open(self) -> None:
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self.size = os.fstat(self._descriptor).st_size
        self._renamed = False

    def _generation(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}{'.gz' if number > 1 else ''}")


class LogFiles:
    """All logs of a cluster, below `folder/HOST/`."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._files = {(host, log): LogFile(folder / host / path) for host, log, path in cluster.files()}
        # plain: the file, `.1` and one that is being compressed; the compressed ones are a tenth of it
        self._file_bytes = min(limits.DEMO_FILE, limits.DEMO_DISK // (3 * len(self._files)))
        self._turn = 0

    def write(self, lines: Iterable[Line]) -> None:
        """Append lines, one write a file; rotates what has become too large."""
        texts: dict[Key, list[str]] = defaultdict(list)
        for line in lines:
            texts[line.host, line.log].append(line.text)
        for key, parts in texts.items():
            file = self._files[key]
            file.write("\n".join((*parts, "")).encode())
            if file.size > self._file_bytes:
                file.rotate()

    def rotate_one(self) -> None:
        """Rotate the next file in turn."""
        files = list(self._files.values())
        files[self._turn % len(files)].rotate()
        self._turn += 1

    def close(self) -> None:
        for file in self._files.values():
            file.close()


def _compress(source: Path, target: Path) -> None:
    with source.open("rb") as plain, gzip.open(target, "wb", compresslevel=6) as packed:
        shutil.copyfileobj(plain, packed)
    source.unlink()
