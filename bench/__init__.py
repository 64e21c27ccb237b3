"""Measurements of the running product, side by side with what one would run instead: `python -m bench`.

Hosts are real sshd processes on loopback (tests/fleet.py), the product is a process of its own, and what it is
compared with is measured in the same run on the same hosts.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # where the fleet of real hosts lives
