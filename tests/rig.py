"""Three real hosts and one product over them, for many tests: each takes sources of its own, so that none sees others.

Source `one-7` is the file `one-7.log` on each host, `many-3` the files `many-3/*.log`, `some-3` is only on web-1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleet import Fleet
from product import Product

HOSTS = ("web-1", "web-2", "web-3")
SOURCES = 60


class Rig:
    """The hosts and the product. `fleet` may be added to by nobody."""

    def __init__(self, fleet: Fleet, product: Product) -> None:
        self.fleet = fleet
        self.product = product
        self._numbers = itertools.count()

    def one(self) -> str:
        """A source of one file on each host, that no test has used; the files are not there yet."""
        return f"one-{next(self._numbers)}"

    def some(self) -> str:
        """A source of one file, on web-1."""
        return f"some-{next(self._numbers)}"

    def many(self) -> str:
        """A source of a folder of files on each host; the folders are there and empty."""
        name = f"many-{next(self._numbers)}"
        for host in HOSTS:
            (self.fleet.hosts[host].root / name).mkdir()
        return name

    def path(self, source: str, host: str = "web-1") -> Path:
        """The file of a source on a host, or its folder."""
        root = self.fleet.hosts[host].root
        return root / source if source.startswith("many") else root / f"{source}.log"

    def write(self, source: str, text: str | bytes, host: str = "web-1") -> Path:
        """Append to a source's file."""
        path = self.path(source, host)
        with path.open("ab") as out:
            out.write(text if isinstance(text, bytes) else text.encode())
        return path


@contextmanager
def rig_in(folder: Path) -> Iterator[Rig]:
    with Fleet(folder) as fleet:
        for name in HOSTS:
            fleet.add(name)
        roots = fleet.hosts["web-1"].root.parent
        sources: dict[str, dict[str, str]] = {}
        for number in range(SOURCES):
            sources[f"one-{number}"] = {"hosts": "@*", "path": f"{roots}/${{host}}/one-{number}.log"}
            sources[f"some-{number}"] = {"hosts": "web-1", "path": f"{roots}/${{host}}/some-{number}.log"}
            sources[f"many-{number}"] = {"hosts": "@*", "path": f"{roots}/${{host}}/many-{number}/*.log"}
        with Product(fleet.inventory(sources), folder) as product:
            yield Rig(fleet, product)
