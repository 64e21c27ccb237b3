"""Secrets do not leave: each built-in kind, own patterns, and secrets over lines, records and batches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.inventory.settings import Redact, RedactPattern
from aggregator.stream.redact import Redaction, Redactor, check
from aggregator.stream.secrets import is_card

BUILTIN = Redactor(Redact())
BODY = [
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7",
    "k3Qx+/abcdefghijklmnopqrstuvwxyz0123456789ABCD",
    "Zg==",
]
KEY = ["-----BEGIN RSA PRIVATE KEY-----", *BODY, "-----END RSA PRIVATE KEY-----"]


def redact(text: str, redactor: Redactor = BUILTIN) -> str:
    return Redaction(redactor).lines([text], [True])[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdefgh.12345678-x", "Authorization: Bearer [redacted:bearer]"),
        ('{"authorization":"Bearer abcdefgh12345678"}', '{"authorization":"Bearer [redacted:bearer]"}'),
        ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic [redacted:bearer]"),
        ("key AKIAIOSFODNN7EXAMPLE used", "key [redacted:cloud-key] used"),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "aws_secret_access_key = [redacted:cloud-key]",
        ),
        ("push with ghp_" + "a1B2" * 9, "push with [redacted:cloud-key]"),
        ("token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end", "token=[redacted:jwt] end"),
        ("card 4111 1111 1111 1111 declined", "card [redacted:card] declined"),
        ("card=5555555555554444.", "card=[redacted:card]."),
        ("to postgres://shop:s3cret@db-1:5432/shop", "to postgres://shop:[redacted:url-password]@db-1:5432/shop"),
        ("GET /login?user=a&password=hunter2 200", "GET /login?user=a&password=[redacted:url-password] 200"),
        (
            '"key":"-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n"',
            '"key":"[redacted:private-key]\\n"',
        ),
    ],
)
def test_a_built_in_secret_is_replaced_by_its_name(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T10:00:00Z INFO GET /cart 200 12ms trace=1234567890123456",
        "card 4111 1111 1111 1112 has a wrong digit",
        "epoch 1700000000000000000 ns",
        "the bearer of this",
        "https://example.org/a@b",
        "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("number", ["4222222222222", "378282246310005", "6011111111111117", "30569309025904"])
def test_card_numbers_of_other_lengths_are_known(number: str) -> None:
    assert is_card(number)


def test_own_patterns_are_replaced_by_their_names_without_the_built_in_ones() -> None:
    redactor = Redactor(Redact(False, (RedactPattern("ticket", "TKT-[0-9]+"),)))
    assert redact("TKT-12 and AKIAIOSFODNN7EXAMPLE", redactor) == "[redacted:ticket] and AKIAIOSFODNN7EXAMPLE"


def test_an_own_pattern_may_cross_the_lines_of_a_record_and_batches() -> None:
    redaction = Redaction(Redactor(Redact(False, (RedactPattern("block", r"(?s)<<.*?>>"),))))
    assert redaction.lines(["a <<one", "two>> b", "c"], [True, False, True]) == [
        "a [redacted:block]",
        "[redacted:block] b",
        "c",
    ]
    redaction.lines(["x <<"], [True])
    assert redaction.lines(["secret>> y"], [False]) == ["[redacted:block] y"]


@pytest.mark.parametrize("stamp", ["", "2026-11-23T10:00:00Z app: "])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_private_key_is_taken_out_over_lines_records_and_batches(stamp: str, size: int) -> None:
    redaction = Redaction(BUILTIN)
    texts = [f"{stamp}{line}" for line in [*KEY, "done with it all"]]
    shown: list[str] = []
    for at in range(0, len(texts), size):
        part = texts[at : at + size]
        shown += redaction.lines(part, [bool(stamp) or at + i == 0 for i in range(len(part))])
    assert shown[-1] == texts[-1]
    assert not any(body in line for body in BODY for line in shown)


def test_a_key_without_an_end_does_not_hide_what_follows_for_ever() -> None:
    redaction = Redaction(BUILTIN)
    redaction.lines(["-----BEGIN PRIVATE KEY-----"], [True])
    for _ in range(20):
        shown = redaction.lines(["2026-11-23 it is fine."], [True])
    assert shown == ["2026-11-23 it is fine."]


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\n")), st.booleans())))
def test_lines_stay_as_many_as_they_were(lines: list[tuple[str, bool]]) -> None:
    shown = Redaction(BUILTIN).lines([text for text, _ in lines], [begin for _, begin in lines])
    assert len(shown) == len(lines)


def test_own_patterns_that_are_wrong_or_hide_everything_are_faults() -> None:
    rules = Redact(True, (RedactPattern("a", "("), RedactPattern("b", "x*"), RedactPattern("c", "x+")))
    assert [fault.parameter for fault in check(rules)] == ["redact.patterns[0]", "redact.patterns[1]"]
