"""Fixtures that any test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import Fleet
from fleet import free_port as find_free_port


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Real SSH servers, as many as the test adds; they have ended when the test has."""
    with Fleet(tmp_path) as hosts:
        yield hosts


@pytest.fixture
def free_port() -> int:
    """A loopback TCP port that nobody listens on."""
    return find_free_port()
