"""Whether two path patterns may match the same path."""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"/\*\*(?=/)|\*\*+|\*|\?|\[!?\]?[^\]/]*\]|.", re.DOTALL)


@lru_cache(maxsize=4096)
def may_meet(one: str, other: str) -> bool:
    """Whether some path matches both patterns (aggregator.inventory.globs). A set like `[a-z]` counts as `?`, and
    `/**` may also stand for no slash: so True may be wrong, False never is."""
    left, right = _read(one), _read(other)
    waiting, seen = [(0, 0)], {(0, 0)}
    while waiting:
        at = waiting.pop()
        if at == (len(left), len(right)):
            return True
        for step in _steps(left, right, *at):
            if step not in seen:
                seen.add(step)
                waiting.append(step)
    return False


def _read(pattern: str) -> list[str]:
    return ["**" if "**" in part else part for part in _TOKEN.findall(pattern)]


def _steps(left: list[str], right: list[str], i: int, j: int) -> list[tuple[int, int]]:
    """How both patterns may go on together: past a star, or over a character that both take."""
    first = left[i] if i < len(left) else ""
    second = right[j] if j < len(right) else ""
    steps = []
    if first[:1] == "*":
        steps.append((i + 1, j))
        if second and _takes(first, second):
            steps.append((i, j + 1))
    if second[:1] == "*":
        steps.append((i, j + 1))
        if first and _takes(second, first):
            steps.append((i + 1, j))
    if first and second and _takes(first, second) and _takes(second, first):
        steps.append((i + 1, j + 1))
    return steps


def _takes(one: str, other: str) -> bool:
    """Whether a part of a pattern may stand for a character that another one stands for."""
    if "**" in (one, other):
        return True
    if _is_open(one):
        return other != "/"
    return other == one or (_is_open(other) and one != "/")


def _is_open(part: str) -> bool:
    """Whether a part stands for more than one character, none of them a slash."""
    return len(part) > 1 or part in "*?"
