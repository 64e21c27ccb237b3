"""`tailon-agg demo`: the view over an embedded fleet, from a state folder that goes with it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from aggregator.cli.options import Settings
from aggregator.cli.serve import serve
from aggregator.demo.fleet import DemoFleet
from aggregator.inventory import Inventory, load


async def demo(settings: Settings, hosts: int | None, rate: float | None) -> None:
    """Run the fleet and serve until TERM or INT. Raises UsageError, ConfigError."""
    with tempfile.TemporaryDirectory(prefix="tailon-agg-demo-state-") as folder:
        settings = replace(settings, state_dir=settings.state_dir or Path(folder))
        async with DemoFleet(8 if hosts is None else hosts, 40.0 if rate is None else rate) as fleet:

            def read() -> Inventory:
                return load([fleet.inventory_path])

            await serve(settings, read(), {}, read)
