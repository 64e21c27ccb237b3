"""Levels: each format's case folder, other programs' ways of writing them, and what is no level."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.stream.levels import LEVELS, at_least, level_of

CASES = sorted(folder for folder in (Path(__file__).parent / "data" / "stamps").iterdir() if folder.is_dir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tells_the_levels_of_a_file(case: Path) -> None:
    lines = (case / "input.log").read_text("utf-8").split("\n")[:-1]
    wanted = [want.split("\t")[1] for want in (case / "want.tsv").read_text("utf-8").splitlines()]
    assert [(line, level_of(line) or "-") for line in lines] == list(zip(lines, wanted, strict=True))


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-11-23T10:00:00.123456Z 0 [Warning] [MY-010068] [Server] MySQL", "warning"),
        ("2026-11-23T10:00:00.123456Z 0 [Note] MySQL", "notice"),
        ("[2026-11-23T10:00:00Z ERROR shop::orders] env_logger", "error"),
        ("2026-11-23T10:00:00.123456Z  WARN shop::orders: tracing", "warning"),
        ("2026-11-23T10:00:00.123Z\tinfo\tcaller/x.go:1\tzap", "info"),
        ("2026-11-23T10:00:00.123456789Z stderr F ERROR CRI", "error"),
        ("[2026-11-23T10:00:00.123456+00:00] app.ERROR: Monolog [] []", "error"),
        ("I, [2026-11-23T10:00:00.123456 #1234]  INFO -- : Ruby", "info"),
        ("2026-11-23T10:00:00Z info: winston", "info"),
        ("2026-11-23 10:00:00,123 [http-nio-8080-exec-1] WARN com.foo.Bar - Tomcat", "warning"),
        ("[2026-11-23 10:00:00,123][WARN ][o.e.c.DiskThresholdMonitor] [node-1] padded", "warning"),
        ("2026-11-23 10:00:00 shop ERROR after one name", "error"),
        ("2026-11-23 10:00:00 SEVERE [main] com.foo.Bar java.util.logging", "error"),
        ("Nov 23 10:00:00 web-1 app[123]: error: after a colon", "error"),
        ('Nov 23 10:00:00 web-1 app[123]: {"level":"error","msg":"x"}', "error"),
        ("Nov 23 10:00:00 web-1 kernel: [    1.23] EMERG: x", "critical"),
    ],
)
def test_tells_levels_where_programs_write_them(line: str, level: str) -> None:
    assert level_of(line) == level


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-23 10:00:00 no error found",
        "2026-11-23 10:00:00 error while connecting",
        "2026-11-23 10:00:00 all good, no ERROR found",
        "2026-11-23 10:00:00 could not parse error: foo",
        "2026-11-23 10:00:00 the old and long debug: story",
        '2026-11-23 10:00:00 said "this is an ERROR indeed"',
        "Nov 23 10:00:00 web-1 app[123]: message with ERROR",
        "10.1.2.3 asked for /error",
        "TypeError: x is not a function",
        "Caused by: java.lang.Error: foo",
        "2026-11-23 10:00:00 INFORMATIONAL-ish",
        "x=1 msg=\"level=error\"",
    ],
)  # fmt: skip
def test_a_word_of_a_message_is_no_level(line: str) -> None:
    assert level_of(line) is None


@pytest.mark.parametrize(
    ("number", "level"),
    [(0, "critical"), (3, "error"), (7, "debug"), (8, None), (10, "trace"), (35, "info"), (60, "critical"), (99, None)],
)
def test_numbers_are_syslogs_or_bunyans(number: int, level: str | None) -> None:
    assert level_of(f'{{"level":{number}}}') == level


@pytest.mark.parametrize("severity", range(8))
def test_a_syslog_priority_is_facility_and_severity(severity: int) -> None:
    wanted = ("critical", "critical", "critical", "error", "warning", "notice", "info", "debug")[severity]
    assert {level_of(f"<{facility * 8 + severity}>1 - - - - - - x") for facility in range(24)} == {wanted}


@pytest.mark.parametrize("word", ["Warn", "WARN", "warn", "W", "warning"])
def test_a_value_may_be_written_in_any_case(word: str) -> None:
    assert level_of(f'{{"level":"{word}"}}') == level_of(f"a=1 level={word}") == "warning"


def test_a_threshold_passes_itself_what_is_worse_and_what_has_none() -> None:
    assert [level for level in LEVELS if at_least(level, "warning")] == ["warning", "error", "critical"]
    assert at_least(None, "critical")


@given(st.text(max_size=300))
def test_any_text_has_a_level_or_none(text: str) -> None:
    assert level_of(text) in (*LEVELS, None)
