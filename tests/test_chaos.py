"""Short rounds of tests/chaos.py; `make chaos MINUTES=…` runs it for long."""

from __future__ import annotations

import chaos
import pytest


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("kind", "seed"), [("gnu", 9001), ("bash", 9002), ("busybox", 9003)])
def test_nothing_is_lost_or_comes_twice_whatever_happens(kind: str, seed: int) -> None:
    tally = chaos.run(seed, kind, 12.0)
    print(f"seed={seed} host={kind} {tally}")
    assert tally.good, f"seed={seed} host={kind} {tally}"
