"""Histories that are read through gates, with dash and with BusyBox: what a plain reading of the files gives."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from test_past_oracle import Rig, example, rig_in


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEET_GATED", "1")
        with rig_in(tmp_path_factory.mktemp("gated")) as rig:
            assert all(host.gated for host in rig.fleet.hosts.values())
            yield rig


@pytest.mark.parametrize("seed", range(6))
def test_answers_through_gates_are_what_the_files_hold(gated: Rig, seed: int) -> None:
    for line in example(gated, random.Random(seed)):
        print(line)
