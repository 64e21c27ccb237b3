"""Secrets do not leave: each built-in kind, own patterns, and secrets over lines, records, batches and clipped ends."""

from __future__ import annotations

from datetime import UTC
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from secretcorpus import FILE, LINES, batches, body_of, pem

from aggregator import limits
from aggregator.errors import ConfigError
from aggregator.inventory import load
from aggregator.inventory.settings import Redact, RedactPattern
from aggregator.model import Batch
from aggregator.stream.filters import Filter
from aggregator.stream.reader import LineReader
from aggregator.stream.redact import Redaction
from aggregator.stream.redactor import Redactor, redactor_of
from aggregator.stream.secrets import is_card

BUILTIN = Redactor(Redact())
KEY = pem()
WRAPPINGS = ["{}", "2026-11-23T10:00:00Z app: {}", '{{"log":"{}\\n","stream":"stdout","time":"2026-11-23T10:00:00Z"}}']


def own(*patterns: str, builtin: bool = False) -> Redactor:
    return Redactor(Redact(builtin, tuple(RedactPattern(f"own{n}", text) for n, text in enumerate(patterns))))


def read(parts: list[Batch], redactor: Redactor = BUILTIN) -> list[str]:
    """The texts of batches as they are shown."""
    reader = LineReader(FILE, UTC, redaction=Redaction(redactor))
    return [line.record.text for part in parts for line in reader.read(part, at=1.79e9)]


def redact(text: str, redactor: Redactor = BUILTIN) -> str:
    return read(batches([text], []), redactor)[0]


@pytest.mark.parametrize("name", LINES)
def test_a_built_in_secret_is_replaced_and_the_rest_of_its_line_stays(name: str) -> None:
    form, secret = LINES[name]
    before, after = form.split("{}")
    shown = redact(form.format(secret))
    assert shown.startswith(f"{before}[redacted:")
    assert shown.endswith(f"]{after}")
    assert secret not in shown


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T10:00:00Z INFO GET /cart 200 12ms trace=1234567890123456",
        "card 4111 1111 1111 1112 has a wrong digit",
        "epoch 1700000000000000000 ns",
        "the bearer of this",
        "https://example.org/a@b",
        "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "started",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_line_tells_that_something_was_taken_out_and_keeps_its_address_time_and_level() -> None:
    texts = ["2026-11-23T10:00:00Z ERROR Bearer abcdefgh12345678", "2026-11-23T10:00:01Z INFO fine"]
    raw = LineReader(FILE, UTC).read(batches(texts, [])[0])
    shown = LineReader(FILE, UTC, redaction=Redaction(BUILTIN)).read(batches(texts, [])[0])
    assert [line.record.redacted for line in shown] == [True, False]
    for one, other in zip(raw, shown, strict=True):
        assert (one.key, one.size, one.record.position) == (other.key, other.size, other.record.position)
        assert (one.record.time, one.record.level) == (other.record.time, other.record.level)


@pytest.mark.parametrize("number", ["4222222222222", "378282246310005", "6011111111111117", "30569309025904"])
def test_card_numbers_of_other_lengths_are_known(number: str) -> None:
    assert is_card(number)


def test_a_key_in_one_line_with_escaped_newlines_is_taken_out() -> None:
    text = '{"key":"' + "\\n".join(KEY) + '\\n","level":"info"}'
    assert redact(text) == '{"key":"[redacted:private-key]\\n","level":"info"}'


def test_own_patterns_are_replaced_by_their_names_without_the_built_in_ones() -> None:
    redactor = Redactor(Redact(False, (RedactPattern("ticket", "TKT-[0-9]+"),)))
    assert redact("TKT-12 and AKIAIOSFODNN7EXAMPLE", redactor) == "[redacted:ticket] and AKIAIOSFODNN7EXAMPLE"
    assert redactor_of(Redact(False)) is None


def test_a_group_of_an_own_pattern_is_what_is_taken_out() -> None:
    assert redact("user=alice id=7", own("user=(\\w+)")) == "user=[redacted:own0] id=7"


def test_an_own_pattern_s_anchors_are_those_of_lines() -> None:
    texts = ["2026-11-23T10:00:00Z a", "key: one", "2026-11-23T10:00:01Z key: two", "key: three"]
    assert read(batches(texts, []), own("^key: (\\w+)$")) == [
        texts[0],
        "key: [redacted:own0]",
        texts[2],
        "key: [redacted:own0]",
    ]


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_an_own_pattern_crosses_the_lines_of_its_record_and_batches_but_not_records(cut: int) -> None:
    texts = ["2026-11-23T10:00:00Z a <<one", " two>> b", "2026-11-23T10:00:01Z c <<", "2026-11-23T10:00:02Z >> d"]
    shown = read(batches(texts, [cut]), own("(?s)<<.*?>>"))
    if cut <= len(texts[0]) + 1:
        assert shown[0] == "2026-11-23T10:00:00Z a [redacted:own0]"
    assert shown[1:] == ["[redacted:own0] b", *texts[2:]]


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@given(st.lists(st.integers(0, 4000), max_size=12), st.integers(2, 12), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_a_private_key_is_taken_out_over_lines_records_and_batches(
    wrapping: str, cuts: list[int], lines: int, noise: int
) -> None:
    key = pem(2, lines)
    texts = [wrapping.format(line) for line in [*["fine"] * noise, *key, "done with it"]]
    shown = read(batches(texts, cuts))
    assert shown[-1] == texts[-1]
    assert shown[:noise] == texts[:noise]
    assert not [body for body in body_of(key) if any(body in line for line in shown)]


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("first", range(1, 27))
def test_a_read_that_begins_inside_a_key_shows_nothing_of_it(wrapping: str, first: int) -> None:
    texts = [wrapping.format(line) for line in [*KEY, "done with it"]]
    starts = [0, *accumulate(len(text) + 1 for text in texts)]
    (whole,) = batches(texts, [])
    part = Batch(FILE, whole.generation, starts[first], whole.end, whole.text[starts[first] :])
    assert Redaction(BUILTIN).wonders(part, records=False), "what is before it matters"
    shown = read([part])
    assert not [body for body in body_of(KEY) if any(body in line for line in shown)]
    assert shown[-1] == texts[-1]


def test_ordinary_lines_do_not_make_a_reader_wonder_what_was_before() -> None:
    texts = [f"10.0.0.1 - GET /cart/{n} 200 trace=4b825dc642cb6eb9a060e54bf8d69288fbee4904" for n in range(9)]
    (whole,) = batches(texts, [])
    start = len(texts[0]) + 1
    part = Batch(FILE, whole.generation, start, whole.end, whole.text[start:])
    assert not Redaction(BUILTIN).wonders(part, records=True)


def test_late_lines_of_an_older_generation_do_not_hide_that_a_key_goes_on() -> None:
    redaction = Redaction(BUILTIN)
    redaction.find(Batch(FILE, "a" * 16, 0, 10, b"fine text\n"))
    key = "".join(f"{line}\n" for line in KEY[:5]).encode()
    redaction.find(Batch(FILE, "b" * 16, 0, len(key), key))
    late = b"late it is\n" * 9
    assert not redaction.find(Batch(FILE, "a" * 16, 10, 10 + len(late), late))
    rest = "".join(f"{line}\n" for line in KEY[5:]).encode()
    found = redaction.find(Batch(FILE, "b" * 16, len(key), len(key) + len(rest), rest))
    assert list(found) == list(range(len(KEY) - 6)), "all but its END"


def test_a_key_without_an_end_does_not_hide_what_follows_for_ever() -> None:
    texts = ["-----BEGIN PRIVATE KEY-----", *["2026-11-23 it is fine."] * 20]
    assert read(batches(texts, []))[-1] == texts[-1]


@pytest.mark.parametrize("name", LINES)
@given(st.integers(-60, 60))
@settings(max_examples=25, deadline=None)
@example(0)
def test_a_secret_that_crosses_the_end_of_what_is_delivered_is_taken_out(name: str, shift: int) -> None:
    form, secret = LINES[name]
    before, after = form.split("{}")
    text = "x " * ((limits.LINE_BYTES + shift - len(before)) // 2) + f" {before}{secret}{after}" + " y" * 3000
    (batch,) = batches([text, "next"], [3, 70_000])[:1]
    shown = read([batch])[0]
    start = text.index(secret)
    cut = secret[: max(0, limits.LINE_BYTES - start)]
    assert cut not in shown if len(cut) > 3 else True
    assert len(shown) < limits.LINE_BYTES + 40


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n")), min_size=1), st.lists(st.integers(0, 99))
)
def test_lines_stay_as_many_as_they_were(lines: list[str], cuts: list[int]) -> None:
    assert len(read(batches(lines, cuts))) == len(lines)


@given(
    st.lists(st.sampled_from([form.format(secret) for form, secret in LINES.values()] + ["fine", "it is"]), min_size=1),
    st.lists(st.integers(0, 2000), max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_batches_do_not_change_what_is_shown(texts: list[str], cuts: list[int]) -> None:
    assert read(batches(texts, cuts)) == [redact(text) for text in texts]


def test_own_patterns_that_are_wrong_or_stand_everywhere_are_faults_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    rules = [
        '{name: a, pattern: "("}',
        '{name: b, pattern: "x*"}',
        "{name: f, pattern: '\\Ax'}",
        '{name: "c d", pattern: x}',
        '{name: e, pattern: "x+"}',
    ]
    path.write_text("version: 1\nhosts: {a: {}}\nredact:\n  patterns:\n" + "".join(f"    - {rule}\n" for rule in rules))
    with pytest.raises(ConfigError) as error:
        load([path])
    assert [(fault.mark.line, fault.path) for fault in error.value.faults if fault.mark] == [
        (5, "redact.patterns[0].pattern"),
        (6, "redact.patterns[1].pattern"),
        (7, "redact.patterns[2].pattern"),
        (8, "redact.patterns[3].name"),
    ]


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("declined", "declined"),
        ("card", None),
        ("redacted", None),
        ("private-key", None),
        (r"\[redacted:card\] declined", " declined"),
        (r"card\] declined", " declined"),
        (r"\] INFO", " INFO"),
        (r"user \[", "user "),
        ("(?i)CARD", None),
        ("(?i)dECLINED", "dECLINED"),
        ("TKT-", "TKT-"),
    ],
)
def test_hosts_look_for_no_text_that_a_replacement_may_be_part_of(pattern: str, literal: str | None) -> None:
    prefilter = Filter.compile([pattern], [], None).prefilter(BUILTIN)
    assert (prefilter.literal.text if prefilter else None) == literal


@given(
    st.text("[redacted:jwtcard] x", max_size=12),
    st.lists(st.sampled_from(["[redacted:card]", "[redacted:jwt]", " x", "d] ["])),
)
def test_what_hosts_look_for_is_in_the_line_as_written_where_the_text_is_in_it_as_shown(
    text: str, parts: list[str]
) -> None:
    shown = "".join(parts)
    if text and text in shown:
        part = BUILTIN.outside(text, fold=False)
        written = shown.replace("[redacted:card]", "\0").replace("[redacted:jwt]", "\1")
        assert part in written
