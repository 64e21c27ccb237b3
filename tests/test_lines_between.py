"""`/api/v1/lines?from=…&to=…`: what a gap names, from the generations that hold it, over real sshd."""

from __future__ import annotations

import gzip
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
