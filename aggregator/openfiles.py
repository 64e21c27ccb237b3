"""How many files the process may have open."""

from __future__ import annotations

import resource

from aggregator import limits


def allow_open_files() -> None:
    """Many systems start a process with 1,024; connections, viewers and a demo's logs may be more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = limits.OPEN_FILES if hard == resource.RLIM_INFINITY else min(limits.OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
