"""What `check` says about wrong inventories: folders of YAML beside the faults that they must give."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import ConfigError
from aggregator.inventory import load

CASES = sorted(path for path in (Path(__file__).parent / "data" / "inventory").iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_fault_is_told_at_its_place(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case)
    with pytest.raises(ConfigError) as caught:
        load([Path(path.name) for path in sorted(case.glob("*.yaml"))])
    assert str(caught.value) + "\n" == Path("want.txt").read_text()
    assert caught.value.exit_code == 78


def fault_of(text: str | bytes, folder: Path) -> str:
    """The faults of an inventory, each without the folder."""
    file = folder / "hosts.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        load([file])
    return str(caught.value).replace(f"{folder}/", "")


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    assert "larger than 4 MiB" in fault_of(b"#" * (10 << 20), tmp_path)


@pytest.mark.parametrize("opening", ["[", "{", "{a: ", "- ", "? ", "a: [", "&a ["])
def test_deep_nesting_is_refused_without_harm(opening: str, tmp_path: Path) -> None:
    fault = fault_of(opening * 50_000, tmp_path)
    assert "nested deeper than 32 levels" in fault or "not YAML" in fault or "is empty" in fault


def test_many_wide_values_are_refused(tmp_path: Path) -> None:
    assert "more than 300,000 values" in fault_of("version: 1\nx: [" + "1," * 2_000_000 + "]", tmp_path)


def test_a_binary_file_is_named_as_such(tmp_path: Path) -> None:
    assert fault_of(b"\x7fELF\0\0", tmp_path) == (
        "hosts.yaml:1:1: is a binary file or not UTF-8; an inventory is YAML in UTF-8"
    )


def test_text_in_another_encoding_has_its_place(tmp_path: Path) -> None:
    assert fault_of(b"version: 1\n# caf\xe9\n", tmp_path).startswith("hosts.yaml:2:6: not UTF-8 text")


def test_utf_16_is_told_to_be_no_utf_8(tmp_path: Path) -> None:
    assert "not UTF-8" in fault_of("version: 1\n".encode("utf-16"), tmp_path)


def test_control_characters_have_their_place(tmp_path: Path) -> None:
    fault = fault_of("version: 1\n# a\x1b[31m\n", tmp_path)
    assert fault == "hosts.yaml:2:4: the character U+001B can't be part of YAML"


def test_columns_count_characters_not_bytes(tmp_path: Path) -> None:
    assert fault_of('version: 1\nserver: {"ü": 1}\n', tmp_path).startswith("hosts.yaml:2:10: server.ü: unknown key")


def test_keys_with_control_characters_stay_on_one_line(tmp_path: Path) -> None:
    fault = fault_of('version: 1\n"a\\n\\e[31m": 1\n', tmp_path)
    assert fault.startswith(r"hosts.yaml:2:1: a\n\x1b[31m: unknown key")


def test_a_huge_number_is_refused_before_it_is_read(tmp_path: Path) -> None:
    assert "of that size" in fault_of(f"version: {'9' * 10_000}\n", tmp_path)


def test_faults_of_a_range_are_told_once(tmp_path: Path) -> None:
    fault = fault_of('version: 1\nhosts: {"web-[1-5000]": {port: x}}\n', tmp_path)
    assert fault == "hosts.yaml:2:32: hosts.web-[1-5000].port: must be a whole number, without quotes"


def test_a_long_row_of_groups_is_refused_without_harm(tmp_path: Path) -> None:
    groups = "".join(f'  g{number}: "@g{number + 1}"\n' for number in range(2_000))
    fault = fault_of(f"version: 1\nhosts: {{a: {{}}}}\ngroups:\n{groups}  g2000: a\n", tmp_path)
    assert "more than 50 groups refer to each other in a row" in fault


def test_one_unreadable_file_does_not_hide_the_faults_of_another(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\nversion: 1\n")
    with pytest.raises(ConfigError) as caught:
        load([tmp_path / "a.yaml", tmp_path / "b.yaml"])
    assert [fault.detail for fault in caught.value.faults] == [
        "this key is here twice; the first is at 1:1",
        "can't be read: No such file or directory",
    ]


SNIPPETS = st.sampled_from(
    [
        *("version: 1", "\n", "\n  ", "\n    ", ": ", ":", ", ", "- ", "{", "}", "[", "]", '"', "'", "|", "#", "~"),
        *("web-[1-3]", "a", "*", "@a", "1", "null", "yes", "&x ", "*x", "!!str ", "<<", "hosts", "groups", "sources"),
        *("access", "roles", "allow", "paths", "ssh", "port", "labels", "jump", "path", "journal", "users", "redact"),
    ]
)


@given(st.lists(SNIPPETS, max_size=30))
def test_any_text_is_an_inventory_or_a_fault(snippets: list[str]) -> None:
    with NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("version: 1\n" + "".join(snippets))
        file.flush()
        with suppress(ConfigError):
            load([Path(file.name)])


KEYS = [
    *("hosts", "groups", "sources", "access", "audit", "redact", "server", "ssh", "a", "web-1", "web-[1-3]", "x y"),
    *("labels", "jump", "port", "config", "path", "journal", "roles", "allow", "paths", "actions", "users", "tokens"),
    *("proxy", "hash", "expires", "trusted", "group_roles", "secret_header", "patterns", "name", "file", "bind", "env"),
]
VALUES = st.recursive(
    st.sampled_from(["a", "web-1", "@a", "/x", "*", 1, 1.5, True, "x y", "127.0.0.1:1", "10s"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(KEYS[:8]), VALUES, max_size=4))
def test_any_data_is_an_inventory_or_faults_with_places(data: dict[str, object]) -> None:
    with NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump({"version": 1, **data}, file)
        file.flush()
        try:
            load([Path(file.name)])
        except ConfigError as error:
            found = error.faults
        else:
            found = ()
    assert all(fault.mark and fault.detail for fault in found)
