"""Filters: what passes, where it matched, and how wrong patterns are explained."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import Fault, UsageError
from aggregator.limits import LINE_BYTES, PATTERN_CHARS, PATTERNS, SPANS
from aggregator.stream.filters import Filter


def grep(*patterns: str) -> Filter:
    return Filter.compile(patterns, (), None)


def faults(*patterns: str) -> tuple[Fault, ...]:
    with pytest.raises(UsageError) as raised:
        grep(*patterns)
    return raised.value.faults


def test_all_of_grep_must_match() -> None:
    assert grep("a", "b").passes("ab", None)
    assert not grep("a", "b").passes("a", None)


def test_any_exclude_hides() -> None:
    hidden = Filter.compile(["a"], ["x", "y"], None)
    assert [text for text in ("a", "ax", "ya", "b") if hidden.passes(text, None)] == ["a"]


def test_level_is_a_threshold_that_lines_without_one_pass() -> None:
    serious = Filter.compile([], [], "warning")
    assert [level for level in ("info", "warning", "critical", None) if serious.passes("x", level)] == [
        "warning", "critical", None,
    ]  # fmt: skip


def test_case_counts_unless_the_pattern_says_otherwise() -> None:
    assert not grep("error").passes("ERROR", None)
    assert grep("(?i)érror").passes("ÉRROR", None)


def test_a_line_is_matched_as_text_and_by_itself() -> None:
    assert grep("^.$").passes("é", None)
    assert grep("^�$").passes("�", None)
    assert not grep("a$").passes("a\r", None)


def test_spans_are_in_code_points() -> None:
    assert grep("é+", "b").spans("aéé😀b") == [(1, 3), (4, 5)]


def test_spans_that_overlap_or_touch_are_one() -> None:
    assert grep("ab", "bc", "d", "f").spans("abcdef") == [(0, 4), (5, 6)]


def test_empty_matches_have_no_span() -> None:
    assert grep("x*").passes("aaa", None)
    assert grep("x*", "").spans("aax") == [(2, 3)]


def test_exclude_has_no_spans() -> None:
    assert Filter.compile([], ["a"], None).spans("a") == []


def test_half_a_character_has_no_span_of_its_own() -> None:
    assert all(0 <= start < end <= 3 for start, end in grep(r"\C", "a").spans("éaé"))


def test_spans_are_bounded() -> None:
    assert len(grep("a").spans("a-" * (LINE_BYTES // 2))) == SPANS


@pytest.mark.parametrize(
    ("pattern", "detail", "column"),
    [
        ("é a(b", "missing ): é a(b", 1),
        ("foo[z-a]", "invalid character class range: z-a", 5),
        (r"é\q", r"invalid escape sequence: \q", 2),
        ("foo*bar**", "bad repetition operator: **", 8),
        ("a{2000}", "invalid repetition size: {2000}", 2),
        ("x(?=a)", "invalid perl operator: (?=", 2),
        ("a{2000}b{2000}", "invalid repetition size: {2000}", None),
        ("a\0b", "the pattern holds a NUL, which no line does; lines are matched one by one", 2),
        ("a\nb", "the pattern holds a newline, which no line does; lines are matched one by one", 2),
        ("a\udc80", "the pattern is not valid UTF-8", 2),
        ("a" * (PATTERN_CHARS + 1), "the pattern has 1025 characters; at most 1024 are taken", None),
        (".{1000}.{1000}", "the pattern is too large; fewer or smaller repetitions would help", None),
    ],
)
def test_a_wrong_pattern_is_explained(pattern: str, detail: str, column: int | None) -> None:
    assert faults(pattern) == (Fault("grep", detail, column),)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(UsageError) as raised:
        Filter.compile(["a", "("], ["[", "b"], "loud")
    assert [fault.parameter for fault in raised.value.faults] == ["grep", "exclude", "level"]
    assert "trace, debug, info" in raised.value.faults[-1].detail


def test_the_number_of_patterns_is_bounded() -> None:
    assert grep(*["a"] * PATTERNS).passes("a", None)
    assert faults(*["a"] * (PATTERNS + 1))[0].detail == "17 patterns; at most 16 are taken"


def test_wrong_patterns_are_not_logged_by_the_library(capfd: pytest.CaptureFixture[str]) -> None:
    faults("(")
    assert capfd.readouterr() == ("", "")


def test_equal_views_have_equal_keys() -> None:
    first = Filter.compile(["a", "b"], ["c"], "info")
    assert first.key == Filter.compile(["b", "a", "a"], ["c"], "info").key
    assert hash(first.key) == hash(Filter.compile(["b", "a"], ["c"], "info").key)
    assert first.key != Filter.compile(["a", "b"], ["c"], None).key
    assert first.key != Filter.compile(["a", "b", "c"], [], "info").key
    assert first == Filter.compile(["a", "b"], ["c"], "info")


ALPHABET = "ab0-é😀 "
LITERALS = st.text(ALPHABET, min_size=1, max_size=4).map(re.escape)
CLASSES = st.sampled_from(["[ab]", "[^a]", "[0-9]", "[é-ü]", "."])
PATTERN = st.lists(st.one_of(LITERALS, CLASSES), min_size=1, max_size=3).map("".join)
ALTERNATIVES = st.lists(PATTERN, min_size=1, max_size=3).map("|".join)
LINE = st.text(ALPHABET + "�\x1b", max_size=20)


@given(st.lists(ALTERNATIVES, max_size=2), st.lists(ALTERNATIVES, max_size=2), LINE)
def test_decides_as_pythons_engine_does(wanted: list[str], hidden: list[str], line: str) -> None:
    expected = all(re.search(p, line) for p in wanted) and not any(re.search(p, line) for p in hidden)
    assert Filter.compile(wanted, hidden, None).passes(line, None) == expected


@given(ALTERNATIVES, LINE)
def test_spans_are_what_pythons_engine_finds(pattern: str, line: str) -> None:
    matched = {place for match in re.finditer(pattern, line) for place in range(*match.span())}
    spans = grep(pattern).spans(line)
    assert {place for span in spans for place in range(*span)} == matched
    assert all(end < start for (_, end), (start, _) in pairwise(spans))


@given(st.text(max_size=20))
def test_a_pattern_compiles_or_is_explained(pattern: str) -> None:
    try:
        grep(pattern)
    except UsageError as error:
        explained = [fault.detail for fault in error.faults]
        assert all(explained)


@given(ALTERNATIVES, st.text(max_size=40))
def test_any_line_can_be_decided(pattern: str, line: str) -> None:
    made = grep(pattern)
    spans = made.spans(line)
    assert made.passes(line, None) or not spans
    assert all(0 <= start < end <= len(line) for start, end in spans)
