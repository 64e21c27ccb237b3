"""What a request is about, read off its path alone."""

from __future__ import annotations

_HEALTH = frozenset({"/livez", "/readyz", "/healthz", "/health"})


def route_of(path: str, root: str) -> str:
    """`path` without the relative root, on whole segments; a path outside of it as it is."""
    if root == "/" or not (path == root or path.startswith(root + "/")):
        return path
    return path[len(root) :] or "/"


def is_health(route: str) -> bool:
    """Whether it is for whoever watches over the program: answered to anybody, under any name."""
    return route in _HEALTH


def asks_for_text(route: str) -> bool:
    """Whether it is for log text or what is known of it: refusals there are for the audit log."""
    return route == "/ws" or route == "/api/v1" or route.startswith("/api/v1/")
