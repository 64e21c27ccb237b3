"""The documentation says what is there, and the tree names no machine and no registry."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from pathlib import Path

import pytest

from aggregator import errors
from aggregator.cli import main, options
from aggregator.inventory.schema import ServerSection

ROOT = Path(__file__).parent.parent
OPTIONS_PAGE = (ROOT / "docs" / "options.md").read_text()
INTERFACE = (ROOT / "docs" / "interface.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LOCKS = sorted(ROOT.glob("requirements*.lock"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
FOREIGN = ("npmjs" + ".org", "pythonhosted" + ".org", "pypi" + ".org/simple", "/work" + "/main", "/root" + "/.")


def rows(page: str) -> list[list[str]]:
    """The cells of all tables of a page; a bar inside a cell is written `\\|`."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [path for name in names.decode().split("\0") if name and (path := ROOT / name).is_file()]


def commands() -> dict[str, argparse.ArgumentParser]:
    action = next(a for a in main._parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("option", options.OPTIONS, ids=lambda option: option.name)
def test_options_have_their_row(option: options.Option) -> None:
    flags = [f"`{flag}`" for flag in option.flags[:-1]]
    cell = ", ".join([*flags, f"`{option.flags[-1]} {option.metavar}`"]).replace("|", "\\|")
    key = f"`{option.name}`" if option.name in ServerSection.model_fields else ""
    found = [row for row in rows(OPTIONS_PAGE) if row[0] == cell]
    assert [(row[1], row[2]) for row in found] == [(f"`{option.variable}`", key)]


def test_server_keys_have_their_row() -> None:
    keys = {row[2].strip("`") for row in rows(OPTIONS_PAGE) if len(row) == 5}
    assert keys >= ServerSection.model_fields.keys()


def test_commands_and_their_own_options_have_their_row() -> None:
    shared = {flag for option in options.OPTIONS for flag in option.flags}
    cells = " ".join(row[0] for row in rows(OPTIONS_PAGE))
    for name, parser in commands().items():
        assert f"tailon-agg {name}" in cells
        flags = {flag for action in parser._actions for flag in action.option_strings} - shared
        missing = [flag for flag in flags if not re.search(rf"(?<![\w-]){flag}(?![\w-])", cells)]
        assert not missing, f"of {name}"


def test_exit_codes_have_their_row() -> None:
    codes = {str(kind.exit_code) for kind in _subclasses(errors.TailonError)}
    assert {row[0] for row in rows(OPTIONS_PAGE)} >= codes


def _subclasses(kind: type[errors.TailonError]) -> set[type[errors.TailonError]]:
    return {kind}.union(*(_subclasses(below) for below in kind.__subclasses__()))


def test_status_names_each_command_that_is_not_there_yet() -> None:
    section = INTERFACE.partition("## 1. Command line")[2].partition("## 2.")[0]
    named = set(re.findall(r"^\| .*?`(?:tailon-agg )([a-z]+)[ `]", section, re.MULTILINE))
    assert named > {"check", "tail"}
    assert {name for name in named - commands().keys() if f"`{name}" not in status()} == set()
    assert {
        name for name in commands() if re.search(rf"`{name}[` ]", status().partition("no such command")[0])
    } == set()


def test_status_names_each_route_that_is_not_there_yet() -> None:
    section = INTERFACE.partition("## 4. HTTP")[2].partition("Records of `stream`")[0]
    named = set(re.findall(r"`(?:GET|POST) (/[\w/]*)", section))
    written = "".join(path.read_text() for path in (ROOT / "web").glob("*.py"))
    missing = {path for path in named if f'"{path}"' not in written}
    answered = next((line for line in status().splitlines() if line.endswith("| 404 |")), "")
    assert missing == {path for path in named if f"`{path}`" in answered}


def status() -> str:
    return INTERFACE.partition("## Status of version")[2].partition("\nWords:")[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    for found in LINK.finditer(page.read_text()):
        target, _, anchor = (found[1] or found[2]).partition("#")
        if target.startswith(("http:", "https:")):
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), found[0]
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)
            assert anchor in map(slug, headings), found[0]


def test_the_threat_model_names_tests_that_there_are() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", (ROOT / "docs" / "security.md").read_text())
    assert len(named) > 40
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not re.search(rf"^(?:async )?def {test}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE)
    ]
    assert missing == []


def test_tree_names_no_registry_and_no_path_of_a_machine() -> None:
    found = []
    for path in tracked():
        data = path.read_bytes()
        found += [f"{path.relative_to(ROOT)}: {word}" for word in FOREIGN if word.encode() in data]
    assert found == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_python_locks_carry_hashes(lock: Path) -> None:
    text = lock.read_text().replace("\\\n", " ")
    required = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert required
    assert [line for line in required if "==" not in line or "--hash=sha256:" not in line] == []


def test_npm_lock_carries_hashes_and_no_address() -> None:
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "integrity" not in entry or "resolved" in entry] == []


def test_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs").glob("*.png")}
    assert sizes.keys() == {"screenshot.png", "screenshot-dark.png"}
    assert max(sizes.values()) <= 300 << 10
