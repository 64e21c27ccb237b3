"""What was found out about a host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]
Place = Literal["here", "host"]
WORST: tuple[State, ...] = ("fail", "warn", "ok")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: `step` says what to do, `command` does it, here or (as root) on the host."""

    name: str
    state: State
    detail: str
    step: str = ""
    command: str = ""
    on: Place = "host"

    @property
    def fix(self) -> str | None:
        """The next step: a command where there is one."""
        return self.command or self.step or None


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of a host, in the order in which it is reached; what comes after a failure there was not looked at."""

    host: str
    checks: tuple[Check, ...]

    @property
    def state(self) -> State:
        return worst(self.checks)


def worst(checks: Sequence[Check]) -> State:
    """The state of several checks together."""
    return min((check.state for check in checks), key=WORST.index, default="ok")
