"""Fixtures that any test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import Fleet
from fleet import free_port as find_free_port
from hypothesis import HealthCheck, settings

# Whole files go to workers in this order (`--dist loadfile --no-loadscope-reorder`): the longest first, so that none
# of them runs alone at the end. What is not named comes after, by name.
LONGEST_FIRST = (
    *("test_gate_hard.py", "test_link.py", "test_serve.py", "test_cli_tail.py", "test_page_list.py", "test_assets.py"),
    *("test_chaos.py",),
    *("test_stream.py", "test_viewers.py", "test_past.py", "test_history_faults.py", "test_follow_model.py"),
    *("test_blackhole.py", "test_page_access.py", "test_scan.py", "test_hostile_host.py", "test_page_context.py"),
    *("test_page_product.py", "test_places.py", "test_hostile_user.py", "test_cli_audit.py", "test_search.py"),
    *("test_cli_doctor.py", "test_hostile_log.py", "test_real_path.py", "test_bad_input.py", "test_hostile_web.py"),
    *("test_corpus.py", "test_audit_mutations.py", "test_follow.py", "test_page_past.py", "test_forged.py"),
    *("test_page_redact.py", "test_cli_search.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file stays."""
    place = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


# No deadlines for one example: other workers may hold it up, and the whole test has its own.
settings.register_profile("beside others", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beside others")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Real SSH servers, as many as the test adds; they have ended when the test has."""
    with Fleet(tmp_path) as hosts:
        yield hosts


@pytest.fixture
def free_port() -> int:
    """A loopback TCP port that nobody listens on."""
    return find_free_port()
