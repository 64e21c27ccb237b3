"""The order of numbered generations: logrotate's, unless what the files say together speaks for counting upwards."""

from __future__ import annotations

import pytest

from aggregator.history.generation.files import Generation, ordered


def one(number: int, mtime: int, birth: str = "0.0") -> Generation:
    return Generation("0" * 16, f"/log.{number}", f"1:{number}:{birth}", 10, mtime, "plain", False)


@pytest.mark.parametrize(
    ("found", "order"),
    [
        ([one(1, 20), one(2, 10)], [2, 1]),
        ([one(1, 10), one(2, 20), one(3, 30)], [1, 2, 3]),  # log4j counts upwards
        ([one(1, 10), one(2, 20)], [2, 1]),  # one late write is no evidence
        ([one(1, 10, "5.1"), one(2, 20, "6.1")], [1, 2]),
        ([one(1, 10, "6.1"), one(2, 20, "5.1")], [2, 1]),  # a late write to an older file
        ([one(1, 20, "5.1"), one(2, 10, "6.1")], [2, 1]),  # copied to another disk, in the order of their names
        ([one(1, 10, "5.1"), one(2, 10, "6.1")], [2, 1]),
    ],
)
def test_generations_are_in_the_order_in_which_they_were_written(found: list[Generation], order: list[int]) -> None:
    assert [int(each.name[-1]) for each in ordered(found)] == order
