"""The error tree. Each error says what happened, to what, and what to do, and knows how it is shown.

TailonError                     exit 70, HTTP 500   something we did not foresee
├── UsageError                  exit  2, HTTP 400   a parameter, selector, pattern or position is wrong
├── ConfigError                 exit 78, HTTP 500   the inventory or an option can't be used
├── HostError                   exit 69, HTTP 502   a host can't be reached or read (carries a Trouble)
├── Unauthorized                exit 77, HTTP 401   nobody knows who asks
├── Denied                      exit 77, HTTP 403   the rules don't allow it
├── Gone                        exit  1, HTTP 410   the line that was asked for is no longer there
├── TooMany                     exit 69, HTTP 429   a named limit was reached
└── AuditUnavailable            exit 70, HTTP 503   what can't be recorded is not done
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class TailonError(Exception):
    """Base of all errors that a person may see."""

    exit_code = 70
    status = 500
    title = "internal error"


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong parameter: its name as the user wrote it, what is wrong, and the column (from 1) where known."""

    parameter: str
    detail: str
    column: int | None = None

    def __str__(self) -> str:
        where = f" (column {self.column})" if self.column is not None else ""
        return f"{self.parameter}: {self.detail}{where}"


class UsageError(TailonError):
    """A parameter, selector, pattern or position that can't be used; all faults at once."""

    exit_code = 2
    status = 400
    title = "bad request"

    def __init__(self, faults: Sequence[Fault] | Fault) -> None:
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a configuration file; line and column count from 1, as editors do."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One error of an inventory: where it stands, its path of keys (`hosts.web-1.port`) and a sentence."""

    mark: Mark | None
    path: str
    detail: str

    def __str__(self) -> str:
        return ": ".join(str(part) for part in (self.mark, self.path, self.detail) if part)


class ConfigError(TailonError):
    """An inventory or option that can't be used; all faults at once, one a line."""

    exit_code = 78
    title = "bad configuration"

    def __init__(self, faults: Sequence[ConfigFault] | str) -> None:
        self.faults = (ConfigFault(None, "", faults),) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class HostError(TailonError):
    """A host that can't be reached or a file that can't be read there.

    `cause` is a key of the table in `aggregator.remote.trouble`; `retry` says whether trying again by itself can
    help (state `waiting`) or a person is needed (state `failed`). `facts` are what whoever mends it wants to know
    beside the words, by name (`known_hosts_line`, `user`).
    """

    exit_code = 69
    status = 502
    title = "host unavailable"

    def __init__(
        self, cause: str, words: str, step: str = "", *, retry: bool = False, facts: Mapping[str, str] | None = None
    ) -> None:
        self.cause = cause
        self.words = words
        self.step = step
        self.retry = retry
        self.facts: Mapping[str, str] = facts or {}
        super().__init__(f"{words}; {step}" if step else words)


class ServerError(TailonError):
    """The tailon-agg that a terminal asked can't be reached, or refuses."""

    exit_code = 69
    status = 502
    title = "server unavailable"


class Unauthorized(TailonError):
    """Nobody knows who asks: no login, no token, or one that is wrong or over."""

    exit_code = 77
    status = 401
    title = "who are you?"


class Denied(TailonError):
    """The rules don't allow it; `rule` is the one that decided."""

    exit_code = 77
    status = 403
    title = "denied"

    def __init__(self, detail: str, rule: str) -> None:
        self.rule = rule
        super().__init__(detail)


class Gone(TailonError):
    """The line that was asked for is no longer on its host."""

    exit_code = 1
    status = 410
    title = "gone"


class TooMany(TailonError):
    """A limit of `aggregator.limits` was reached."""

    exit_code = 69
    status = 429
    title = "too many"


class AuditUnavailable(TailonError):
    """The audit log can't be written, so no log text may leave."""

    status = 503
    title = "audit log unavailable"
