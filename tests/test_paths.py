"""Paths of sources: variables, dates, wildcards, and names that are generations of others."""

from __future__ import annotations

import fnmatch
import re
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.inventory import paths
from aggregator.model import Host, Source, SshOptions

HOST = Host("web-1", "10.0.0.1", SshOptions(), {"env": "prod", "app.name": "shop", "up": ".."})
NIGHT = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)


def source(path: str, zone: str | None = None) -> Source:
    return Source("s", "file", frozenset({"web-1"}), path, timezone=zone)


@pytest.mark.parametrize(
    ("path", "expanded"),
    [
        ("/var/log/syslog", "/var/log/syslog"),
        ("/l/${host}/${env}-${app.name}.log", "/l/web-1/prod-shop.log"),
        ("/l/${date}.log", "/l/2026-11-23.log"),
        ("/l/${date:%Y/%m/%d}/x-${date:%H}.log", "/l/2026/11/23/x-23.log"),
        ("/l/$${env}$$", "/l/${env}$"),
        ("/l/*.${env}", "/l/*.prod"),
        ("/l/a b'\"\\é", "/l/a b'\"\\é"),
    ],
)
def test_variables_are_replaced(path: str, expanded: str) -> None:
    assert paths.expand(source(path), HOST, NIGHT) == expanded


def test_dates_are_in_the_sources_zone_else_in_the_hosts() -> None:
    berlin, host_zone = source("/${date}", "Europe/Berlin"), NIGHT.astimezone(timezone(timedelta(hours=9)))
    assert paths.expand(berlin, HOST, NIGHT) == "/2026-11-24"
    assert paths.expand(berlin, HOST, host_zone) == "/2026-11-24"
    assert paths.expand(source("/${date}"), HOST, NIGHT) == "/2026-11-23"
    assert paths.expand(source("/${date}"), HOST, host_zone) == "/2026-11-24"


def test_a_journals_path_is_as_it_stands() -> None:
    journal = Source("s", "journal", frozenset(), "journal:ssh.service")
    assert paths.expand(journal, HOST, NIGHT) == "journal:ssh.service"
    assert not paths.uses_date(journal)


def test_only_paths_with_dates_change_with_the_date() -> None:
    assert paths.uses_date(source("/${date:%Y}/x"))
    assert not paths.uses_date(source("/${env}/$${date}"))


@pytest.mark.parametrize("path", ["/l/${nope}", "/l/${up}/x"])
def test_a_label_that_is_missing_or_leads_elsewhere_is_an_error(path: str) -> None:
    with pytest.raises(ValueError, match=r"no label 'nope'|must not hold '\.\.'"):
        paths.expand(source(path), HOST, NIGHT)


def test_a_time_without_a_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        paths.expand(source("/${date}"), HOST, datetime(2026, 11, 23))


@pytest.mark.parametrize(
    "path",
    [
        *("", "x", "./x", "~/x", "/", "/a/", "/a//b", "/a/./b", "/a/../b", "/..", "/a\nb", "/a\0", "/" + "é" * 3000),
        *("/$", "/$x", "/${x", "/${}", "/${a b}", "/a[", "/[z-a]"),
        *("/${date:}", "/${date:x}", "/${date:%}", "/${date:%c}", "/${date:%-d}", "/${date:%Y%}", "/${date:%Y*}"),
        *("/${date:/../%Y}", "/${date:%Y/}"),
    ],
)
def test_wrong_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"\w{3}"):
        paths.parse(path)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/a/b", "/a/b", True),
        ("/a/b", "/a/bc", False),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a/.b", True),
        ("/a/*", "/a/b/c", False),
        ("/a/*", "/a/", True),
        ("/a/**", "/a/b/c", True),
        ("/a/**", "/ab/c", False),
        ("/a/**", "/a", False),
        ("/a/**/c", "/a/c", True),
        ("/a/**/c", "/a/b/b/c", True),
        ("/a/**/c", "/ac", False),
        ("/a/**.log", "/a/b/c.log", True),
        ("/**", "/a/b", True),
        ("**", "journal:x", True),
        ("journal:*", "journal:x.service", True),
        ("/a?", "/ab", True),
        ("/a?b", "/a/b", False),
        ("/[a-c]", "/b", True),
        ("/[!a-c]", "/b", False),
        ("/[!a-c]", "/d", True),
        ("/a[!x]b", "/a/b", False),
        ("/a[+-9]b", "/a/b", False),
        ("/a[+-9]b", "/a5b", True),
        ("/[]]", "/]", True),
        ("/[[]", "/[", True),
        ("/[a-]", "/-", True),
        ("/é?", "/éü", True),
        ("/a.b", "/axb", False),
        ("/a*", "/a\udcff", True),
        ("/a\n*", "/a\nb", True),
        ("/A", "/a", False),
    ],
)
def test_wildcards_stay_within_segments_unless_doubled(pattern: str, path: str, expected: bool) -> None:
    assert paths.matches(pattern, path) is expected


def test_no_pattern_takes_long() -> None:
    before = time.process_time()
    assert not paths.matches("/" + "*a" * 500, "/" + "a" * 2000 + "b")
    assert not paths.matches("/" + "**/a" * 500, "/a" * 1000 + "/b")
    assert time.process_time() - before < 2


@given(st.text(alphabet="ab*?.[]!-", max_size=8), st.text(alphabet="ab.-!", max_size=8))
def test_within_a_segment_patterns_are_the_shells(pattern: str, name: str) -> None:
    if "**" in pattern or "[!]" in pattern or "[]" in pattern:
        return  # more than the shell's, or read differently by Python's fnmatch
    try:
        found = paths.matches(pattern, name)
    except ValueError:
        return
    if re.search(r"\[[^]]*[a-b.!-]-[a-b.!-]", pattern):
        return  # ranges: Python's fnmatch drops empty parts of them where we refuse
    assert found == fnmatch.fnmatchcase(name, pattern)


@pytest.mark.parametrize(("path", "expected"), [("/a/b", False), ("/a/*", True), ("/a?", True), ("/[a]", True)])
def test_wildcards_are_found(path: str, expected: bool) -> None:
    assert paths.has_wildcard(path) is expected


NAMES = {"a.log", "b.log", "b.log.1", "d.log-20261123"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.log", False),
        ("a.log.1", True),
        ("a.log.2.gz", True),
        ("a.log.10.zst", True),
        ("a.log-20261123", True),
        ("a.log-20261123.gz", True),
        ("a.log-2026112310", True),
        ("a.log-20261123-1763856000", True),
        ("a.log.2026-11-23", True),
        ("a.log.gz", True),
        ("a.log.xz", True),
        ("a.log.bz2", True),
        ("b.log.1", True),
        ("b.log.1.gz", True),
        ("c.log.1", False),
        ("d.log-20261123", False),
        ("d.log-20261123.gz", True),
        ("a.log-20261399", False),
        ("a.log.old", False),
        ("a.log.12345", False),
        ("a.log-1", False),
        ("b.log", False),
    ],
)
def test_rotated_names_are_generations_of_another_match(name: str, expected: bool) -> None:
    assert paths.is_generation(name, NAMES | {name}) is expected
