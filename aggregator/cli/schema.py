"""`tailon-agg schema`: the JSON Schema of the inventory, for editors."""

from __future__ import annotations

import json

from aggregator.inventory.schema import json_schema


def run() -> int:
    """Print the schema on stdout; return the exit status."""
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
