"""How long a host is left alone after a failed attempt."""

from __future__ import annotations

import random

from aggregator import limits
from aggregator.errors import HostError

_LEAST = 0.1  # seconds; full jitter may come arbitrarily near to zero, which looks like no pause at all


def pause_after(error: HostError, failures: int) -> float:
    """Seconds after the `failures`-th failure in a row, with full jitter; longer where a person is needed, because
    OpenSSH from 9.8 on bans who tries to log in again and again (sshd_config(5), PerSourcePenalties)."""
    if not error.retry:
        pause = min(limits.FAILED_CAP, limits.FAILED_RETRY * 2.0 ** min(failures - 1, 10))
        return pause * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret
    most = min(limits.BACKOFF_CAP, limits.BACKOFF_BASE * 2.0 ** min(failures, 10))
    return random.uniform(_LEAST, most)  # noqa: S311
