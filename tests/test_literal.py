"""stream.literal: what it says is required is in every match, or it says nothing."""

from __future__ import annotations

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.stream.literal import Literal, required_literal


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("timeout", "timeout"),
        (r"status=5\d\d", "status=5"),
        (r"\[error\] .*refused", "[error] "),
        ("(upstream|backend) timed out", " timed out"),
        ("ab+cd", "ab"),
        ("ab?cde", "cde"),
        ("a{2}bc", "bc"),
        ("x(?:ident)+y", "ident"),
        ("x(ident)?long", "long"),
        ("[[:digit:]]foo", "foo"),
        ("[]a]bar", "bar"),
        ("^start", "start"),
        ("grüße", "grüße"),
        (r"10\.0\.0\.1", "10.0.0.1"),
    ],
)
def test_the_longest_required_text_is_found(pattern: str, text: str) -> None:
    assert required_literal(pattern) == Literal(text)


@pytest.mark.parametrize(
    "pattern",
    ["a|b", ".*", "", "(a|b)", "a*", "(?:abc)?", r"\Qa.b\E", r"\x41bc", r"\pLabc", "(?s)abc", "a{,3}", "abc{"],
)
def test_where_nothing_is_sure_nothing_is_said(pattern: str) -> None:
    assert required_literal(pattern) is None


def test_without_case_only_ascii_without_k_and_s_counts() -> None:
    assert required_literal("(?i)disk full") == Literal(" full", fold=True)
    assert required_literal("(?i)ks") is None
    assert required_literal("(?i)größe-limit") == Literal("e-limit", fold=True)


letters = st.sampled_from("abckKsS .-ſK1é")
atoms = st.one_of(
    letters.map(lambda char: char if char != "." else r"\."),
    st.sampled_from([".", r"\d", "[ab]", "[^a]", "[[:alpha:]]", "^", "$", r"\b"]),
)
quantifiers = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0,1}", "{1,}", "+?"])
pieces = st.builds(lambda atom, quantifier: atom + quantifier, atoms, quantifiers)
sequences = st.recursive(
    st.lists(pieces, max_size=5).map("".join),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("|".join),
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, quantifiers).map(lambda pair: f"({pair[0]}){pair[1]}"),
        inner.map(lambda text: f"(?:{text})"),
    ),
    max_leaves=6,
)


@settings(max_examples=1500)
@given(pattern=sequences, fold=st.booleans(), texts=st.lists(st.text("abcABCkKsS .-ſK1é", max_size=12), max_size=8))
def test_every_matching_text_contains_it(pattern: str, fold: bool, texts: list[str]) -> None:
    pattern = f"(?i){pattern}" if fold else pattern
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        return
    literal = required_literal(pattern)
    if literal is None:
        return
    for text in [*texts, *(part + literal.text for part in texts)]:
        if compiled.search(text):
            assert (literal.text.lower() in text.lower()) if literal.fold else (literal.text in text)


@settings(max_examples=500)
@given(st.text(max_size=40))
def test_any_text_is_read_without_an_error(pattern: str) -> None:
    required_literal(pattern)


@settings(max_examples=300)
@given(pattern=sequences, fold=st.booleans(), line=st.binary(max_size=12), around=st.binary(max_size=4))
def test_every_line_that_matches_as_delivered_has_its_bytes(
    pattern: str, fold: bool, line: bytes, around: bytes
) -> None:
    """Bytes that are not UTF-8 are replaced before a pattern decides; a host looks at them as they are."""
    pattern = f"(?i){pattern}" if fold else pattern
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        return
    literal = required_literal(pattern)
    if literal is None:
        return
    wanted = literal.text.encode()
    for raw in (line, around + wanted + line, line + wanted.upper() + around, wanted[:-1] + line):
        if compiled.search(raw.decode("utf-8", "replace")):
            assert (wanted.lower() in raw.lower()) if literal.fold else (wanted in raw)
