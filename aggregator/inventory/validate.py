"""Nodes against the schema: all that is wrong, each at its place, and what is left when it is taken out.

What is left goes on to be checked against itself, so that an unknown key does not hide an unknown host.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from aggregator.errors import ConfigFault
from aggregator.inventory import words
from aggregator.inventory.node import Path, Place, Table, places, plain, unsound
from aggregator.inventory.schema import InventorySection

_KEY = "[key]"
"""What pydantic appends to the place of a wrong key of a mapping with free keys."""

_STAND_INS: Mapping[str, Any] = {
    "version": 1,
    "hosts": "*",
    "paths": ["/x"],
    "actions": ["view"],
    "allow": [],
    "roles": [],
    "password_hash": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo",
    "hash": f"sha256:{'0' * 64}",
    "user_header": "X-User",
    "name": "name",
    "file": "file",
    "pattern": "pattern",
}
"""For each key that must be given, a value to go on with where it is missing or was taken out."""


class Faults:
    """Collects faults by place; each text once at each place (a range of hosts has its faults once)."""

    def __init__(self, tree: Table) -> None:
        self.found: dict[ConfigFault, None] = {}
        self.places: Mapping[Path, Place] = dict(places(tree))
        self._reported = frozenset(unsound(tree))

    def add(self, path: Path, detail: str, *, at_key: bool = False) -> None:
        """Report what is wrong with the value at `path` (or its key); a path that isn't there counts as its parent."""
        place = self.places.get(path)
        while place is None:
            path, at_key = path[:-1], True
            place = self.places.get(path)
        if place.mark not in self._reported or at_key:
            fault = ConfigFault(place.key if at_key else place.mark, place.written, detail)
            self.found.setdefault(fault)

    def folder(self, path: Path) -> FilePath:
        """The folder of the file whose value won at `path`."""
        place = self.places.get(path)
        return FilePath(place.mark.file).parent.absolute() if place else FilePath.cwd()

    def near(self, path: Path, file: str) -> str:
        """A file that the value at `path` names: as it stands if absolute or `~`, else beside its inventory file."""
        return file if file.startswith(("/", "~")) else str(self.folder(path) / file)


def validate(tree: Table, faults: Faults) -> tuple[InventorySection, frozenset[str]]:
    """The inventory's sections without what is wrong, and the names of groups that were taken out."""
    data: dict[str, Any] = plain(tree)
    section, errors = _try(data)
    for error in errors:
        _report(error["loc"], words.sentence(error), error["type"], faults)
    raw_groups = data.get("groups")
    groups = frozenset(raw_groups) if isinstance(raw_groups, dict) else frozenset()
    while section is None:
        for error in errors:
            _mend(data, error)
        section, errors = _try(data)
    return section, groups - frozenset(section.groups)


def _try(data: dict[str, Any]) -> tuple[InventorySection | None, list[ErrorDetails]]:
    try:
        return InventorySection.model_validate(data), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _report(place: Path, detail: str, kind: str, faults: Faults) -> None:
    if kind == "missing" or place[-1:] == (_KEY,):
        faults.add(place[:-1], detail, at_key=True)
    else:
        faults.add(place, detail, at_key=kind == "extra_forbidden")


def _mend(data: dict[str, Any], error: ErrorDetails) -> None:
    """Take out what is wrong, or give what is missing; a number where text is wanted is taken as text."""
    place = error["loc"]
    key = place[-1]
    if key == _KEY:
        _remove(data, place[:-1])
    elif error["type"] == "missing":
        _set(data, place, _STAND_INS[str(key)])
    elif error["type"] == "string_type" and isinstance(error["input"], int | float):
        _set(data, place, str(error["input"]))
    else:
        _remove(data, place)


def _remove(data: dict[str, Any], place: Path) -> None:
    """Take out what is at `place`; of a list all of it, so that the places of the others stay right."""
    holder = _holder(data, place)
    if isinstance(holder, dict):
        holder.pop(place[-1], None)
    elif isinstance(holder, list):
        _remove(data, place[:-1])


def _set(data: dict[str, Any], place: Path, value: Any) -> None:
    holder = _holder(data, place)
    if holder is not None:
        holder[place[-1]] = value


def _holder(data: dict[str, Any], place: Path) -> Any:
    """The mapping or list that holds the value at `place`; None if that was taken out already."""
    holder: Any = data
    for step in place[:-1]:
        there = step < len(holder) if isinstance(holder, list) and isinstance(step, int) else step in holder
        if not there:
            return None
        holder = holder[step]
    return holder
