"""Whether two path patterns may match the same path: never no where some path does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.inventory.globmeet import may_meet
from aggregator.inventory.globs import matches


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("/logs/prod/**", "/logs/prod/app.log", True),
        ("/logs/*/prod/**", "/logs/web-1/staging/app.log", False),
        ("/logs/*/prod/**", "/logs/web-1/*/app.log", True),
        ("/logs/*.log", "/logs/deep/app.log", False),
        ("/logs/**", "/var/*.log", False),
        ("/logs/a*", "/logs/*b", True),
        ("/logs/a*", "/logs/b*", False),
        ("/logs/[ab].log", "/logs/?.log", True),
        ("/a/**/b", "/a/b", True),
        ("/a", "/a/b", False),
        ("**", "/anything", True),
    ],
)
def test_patterns_meet_or_do_not(one: str, other: str, meet: bool) -> None:
    assert may_meet(one, other) is meet
    assert may_meet(other, one) is meet


PATTERNS = st.lists(st.sampled_from(["/", "a", "b", "*", "?", "**", "[ab]", "/**/", "/*"]), max_size=6).map("".join)


@given(PATTERNS, PATTERNS, st.lists(st.sampled_from("/ab"), max_size=6).map("".join))
def test_two_patterns_that_match_one_path_meet(one: str, other: str, path: str) -> None:
    if matches(one, path) and matches(other, path):
        assert may_meet(one, other)
