"""The folders that hold all logs of a host."""

from __future__ import annotations

from collections.abc import Iterable

from aggregator.inventory.globs import has_wildcard
from aggregator.inventory.paths import path_pattern
from aggregator.model import Host, Source


def roots_of(host: Host, sources: Iterable[Source]) -> list[str]:
    """Of each source on the host the folder of its log, or the last one before a wildcard; none lies below another."""
    mine = (source for source in sources if source.kind == "file" and host.name in source.hosts)
    folders = sorted({_folder(path_pattern(source, host)) for source in mine})
    roots: list[str] = []
    for folder in folders:
        if not any(is_below(folder, root) for root in roots):
            roots.append(folder)
    return roots


def is_below(path: str, root: str) -> bool:
    """Whether a path is a folder or lies below it, on whole segments."""
    return path == root or path.startswith(f"{root.rstrip('/')}/")


def _folder(pattern: str) -> str:
    kept: list[str] = []
    for segment in pattern.split("/")[:-1]:
        if has_wildcard(segment):
            break
        kept.append(segment)
    return "/".join(kept) or "/"
