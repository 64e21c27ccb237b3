"""`/api/v1/lines?from=…&to=…` and `/api/v1/context`: from the generations that hold them, over real sshd."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from fleet import Fleet
from product import Product, lines_of, texts_of, wait_until


@pytest.fixture
def log(fleet: Fleet) -> Path:
    path = fleet.add("web-1").root / "app.log"
    path.write_text("".join(f"line {number}\n" for number in range(1, 11)))
    return path


@pytest.fixture
def product(fleet: Fleet, log: Path, tmp_path: Path) -> Product:
    return Product(fleet.inventory({"app": {"hosts": "@*", "path": str(log)}}), tmp_path)


def positions(product: Product) -> list[str]:
    return [record["position"] for record in lines_of(product.once(lines=100))]


def test_it_gives_the_lines_from_the_first_position_up_to_the_second(product: Product) -> None:
    with product:
        at = positions(product)
        page = product.get("/api/v1/lines", **{"from": at[2], "to": at[5]}).json()
        assert [line["text"] for line in page["lines"]] == ["line 3", "line 4", "line 5"]
        assert [line["position"] for line in page["lines"]] == at[2:5]
        assert (page["cursor"], page["complete"], page["failed"]) == (None, True, [])
        assert page["scanned_bytes"] == len("line 3\n") * 3


def test_a_page_that_is_full_goes_on_at_its_cursor(product: Product) -> None:
    with product:
        at = positions(product)
        first = product.get("/api/v1/lines", **{"from": at[0], "to": at[9], "limit": 4}).json()
        rest = product.get("/api/v1/lines", **{"from": at[0], "to": at[9], "cursor": first["cursor"]}).json()
        texts = [line["text"] for line in first["lines"] + rest["lines"]]
        assert (len(first["lines"]), texts) == (4, [f"line {number}" for number in range(1, 10)])


def test_it_reads_through_rotated_and_compressed_generations(product: Product, log: Path) -> None:
    with product:
        start = positions(product)[7]
        for number in (1, 2):
            packed = log.with_name(f"app.log.{3 - number}.gz")
            packed.write_bytes(gzip.compress(log.read_bytes()))
            log.write_text(f"generation {number}\n{'x' * number}\nend {number}\n")
            last = f"end {number}"
            wait_until(lambda: texts_of(product.once(lines=1)) == [last], last)  # noqa: B023 - waited for here
        end = positions(product)[-1]
        page = product.get("/api/v1/lines", **{"from": start, "to": end}).json()
        texts = [line["text"] for line in page["lines"]]
        assert texts == ["line 8", "line 9", "line 10", "generation 1", "x", "end 1", "generation 2", "xx"]


def test_lines_that_are_gone_are_410_and_nothing_else_is_shown_for_them(product: Product, log: Path) -> None:
    with product:
        at = positions(product)
        log.write_text("another\nfile\n")
        answer = product.get("/api/v1/lines", **{"from": at[0], "to": at[3]})
        assert (answer.status, answer.json()["status"]) == (410, 410)


def test_what_can_not_be_a_position_is_400_and_named(product: Product) -> None:
    with product:
        at = positions(product)
        cases = {
            "from": {"from": "rubbish", "to": at[0]},
            "to": {"from": at[3], "to": at[1]},
            "limit": {"from": at[0], "to": at[1], "limit": "many"},
        }
        for parameter, query in cases.items():
            answer = product.get("/api/v1/lines", **query)
            assert answer.status == 400
            assert [fault["parameter"] for fault in answer.json()["errors"]] == [parameter]


def test_the_reading_is_in_the_audit_log(product: Product) -> None:
    with product:
        at = positions(product)
        product.get("/api/v1/lines", **{"from": at[0], "to": at[3]})
        product.stop()
        records = [record for record in product.audited() if record["command"] == "/api/v1/lines"]
        assert [record["event"] for record in records] == ["open", "close"]
        assert records[1]["detail"]["lines"] == 3


# --- Context ------------------------------------------------------------------------------------------------------


def context(product: Product, position: str, **parameters: int) -> list[str]:
    page = product.get("/api/v1/context", position=position, **parameters).json()
    return [line["text"] for line in page["lines"]]


def test_context_is_a_line_and_its_neighbours(product: Product) -> None:
    with product:
        at = positions(product)
        assert context(product, at[4], before=2, after=1) == ["line 3", "line 4", "line 5", "line 6"]
        assert context(product, at[0], before=5, after=0) == ["line 1"]
        assert context(product, at[9], before=1, after=5) == ["line 9", "line 10"]


def test_context_goes_on_into_the_generations_before_and_after(product: Product, log: Path) -> None:
    with product:
        last = positions(product)[-1]
        log.with_name("app.log.2.gz").write_bytes(gzip.compress(b"older 1\nolder 2\n"))
        log.rename(log.with_name("app.log.1"))
        os.utime(log.with_name("app.log.2.gz"), (1, 1))
        log.write_text("newer 1\nnewer 2\n")
        texts = context(product, last, before=11, after=1)
        assert texts == ["older 1", "older 2", *(f"line {n}" for n in range(1, 11)), "newer 1"][-13:]


def test_context_holds_the_last_line_of_a_rotated_file_that_never_got_its_newline(product: Product, log: Path) -> None:
    with product:
        log.with_name("app.log.1").write_text("older 1\nolder 2")
        os.utime(log.with_name("app.log.1"), (1, 1))
        assert context(product, positions(product)[0], before=2, after=0) == ["older 1", "older 2", "line 1"]


def test_context_of_a_line_that_is_gone_is_410(product: Product, log: Path) -> None:
    with product:
        at = positions(product)
        log.write_text("another\n")
        assert product.get("/api/v1/context", position=at[3]).status == 410


def test_context_is_recorded_as_such(product: Product) -> None:
    with product:
        at = positions(product)
        context(product, at[3], before=1, after=1)
        product.stop()
        records = [record for record in product.audited() if record["command"] == "/api/v1/context"]
        assert [record["event"] for record in records] == ["context", "close"]


@pytest.mark.parametrize("query", [{}, {"position": "x"}, {"before": "-1"}, {"after": "100000"}])
def test_a_wrong_context_is_400(product: Product, query: dict[str, str]) -> None:
    with product:
        whole = {"position": positions(product)[0], **query} if query else {}
        answer = product.get("/api/v1/context", **whole)
        assert answer.status == 400
        assert [fault["parameter"] for fault in answer.json()["errors"]] == list(query) or not query
