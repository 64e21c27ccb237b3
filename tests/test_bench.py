"""The benchmarks' own arithmetic, and the page that they write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import report, usage
from bench.__main__ import BENCHES, main
from bench.result import Row, percentile


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (51.0, 100.0, 7.0)


def test_a_table_shows_ours_the_other_and_their_ratio() -> None:
    text = report.table("Title", "tail", [Row("what", "ms", 30.0, 20.0), Row("more", "MiB", 0.25)])
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert cells[0] == ["what", "tailon-agg", "tail", "ratio", "unit"]
    assert cells[2:] == [["what", "30.0", "20.0", "1.50", "ms"], ["more", "0.25", "", "", "MiB"]]


def test_figures_replace_those_between_the_markers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    monkeypatch.setattr(report, "PAGE", page)
    report.write({"one": "new\n"}, 0.5)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"new\n\n{report.END}\nafter\n") or text.endswith(f"new\n{report.END}\nafter\n")
    assert "old" not in text


def test_page_holds_the_figures_of_every_benchmark() -> None:
    text = report.PAGE.read_text()
    figures = text.partition(report.BEGIN)[2].partition(report.END)[0]
    assert [title for title, _, _ in BENCHES.values() if f"### {title}" not in figures] == []
    assert "`make bench`" in figures


def test_usage_of_this_process() -> None:
    pid = os.getpid()
    before = usage.cpu_s(pid)
    sum(range(1_000_000))
    assert usage.cpu_s(pid) > before > 0
    assert 1 < usage.pss_mib([pid]) <= usage.rss_mib(pid) + 1
    assert usage.cpu_s(2**22 + 1) == 0.0


def test_unknown_benchmark_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed"]) == 2
    assert "no such benchmark: speed; there are: latency" in capsys.readouterr().err
