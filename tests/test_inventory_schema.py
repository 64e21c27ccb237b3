"""The schema, the example and the documentation name the same keys; the commands print what they should."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aggregator.cli import check, schema
from aggregator.inventory import load
from aggregator.inventory.schema import json_schema

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "inventory.example.yaml"


def sections(node: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, dict[str, Any]]]:
    """(path of the section, key, its schema) of every key; names that people give are `*`."""
    whole = json_schema()
    node = whole if node is None else node
    if "$ref" in node:
        node = whole["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    for key, inner in node.get("properties", {}).items():
        yield path, key, inner
        yield from sections(inner, (*path, key))
    if "items" in node:
        yield from sections(node["items"], path)
    if isinstance(node.get("additionalProperties"), dict):
        yield from sections(node["additionalProperties"], (*path, "*"))


def values(data: Any, path: tuple[str, ...]) -> list[Any]:
    """What stands at a path of keys, in every item of lists and every name of mappings."""
    if isinstance(data, list):
        return [value for item in data for value in values(item, path)]
    if not path:
        return [data]
    if not isinstance(data, dict):
        return []
    inner = data.values() if path[0] == "*" else [data[path[0]]] if path[0] in data else []
    return [value for item in inner for value in values(item, path[1:])]


def test_the_example_is_right_and_shows_every_key() -> None:
    assert len(load([EXAMPLE]).hosts) == 24
    data = yaml.safe_load(EXAMPLE.read_text())
    # A host's own SSH keys are those of `ssh:`, shown there once.
    ssh = set(data["ssh"])
    missing = [
        ".".join((*path, key))
        for path, key, _ in sections()
        if not any(key in value for value in values(data, path) if isinstance(value, dict))
        and not (path[:2] == ("hosts", "*") and key in ssh)
    ]
    assert missing == []


def test_every_key_has_a_description() -> None:
    assert [(path, key) for path, key, inner in sections() if not inner.get("description")] == []


@pytest.mark.parametrize("path", sorted({path for path, _, _ in sections()}), ids=".".join)
def test_the_documentation_describes_every_key_of(path: tuple[str, ...]) -> None:
    text = (ROOT / "docs" / "inventory.md").read_text()
    if path[:2] == ("hosts", "*") and path[-1] == "ssh":
        return  # the keys of `ssh`, described there
    heading = "## Top level" if not path else f"## `{'.'.join(path)}`"
    assert f"\n{heading}\n" in text
    section = text.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    ssh = {key for at, key, _ in sections() if at == ("ssh",)} if path == ("hosts", "*") else set()
    keys = {key for at, key, _ in sections() if at == path} - ssh
    assert [key for key in sorted(keys) if f"| `{key}` |" not in section] == []


def test_the_json_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert schema.run() == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert printed["additionalProperties"] is False
    assert printed["required"] == ["version"]
    assert "null" not in json.dumps(printed)


def test_check_prints_a_summary(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert check.run([Path("inventory.example.yaml")], None) == 0
    printed = capsys.readouterr()
    assert printed.out == "inventory.example.yaml: ok: 24 hosts, 2 groups, 4 sources\n"
    assert printed.err == ""


def test_check_prints_every_fault(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text("version: 1\nhosts: {a: {port: x, prot: 1}}\n")
    assert check.run([file], None) == 78
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        f"{file}:2:19: hosts.a.port: must be a whole number, without quotes",
        f"{file}:2:22: hosts.a.prot: unknown key (did you mean 'port'?)",
    ]
