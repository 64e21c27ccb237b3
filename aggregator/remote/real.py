"""What an opened file really is: where its descriptor leads, whatever its name says; and who must agree to that.

A name is only a name: whoever may write a log's folder can put a symbolic link there. So the host tells where the
opened descriptor leads (`open.sh`), and whoever reads for somebody says so with `judged_by` before it opens anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_DELETED = " (deleted)"  # proc(5): a file that has no name any more


@dataclass(frozen=True, slots=True)
class Real:
    """A file that was opened as `name`, which leads to another `path`; None where the host can't tell."""

    name: str
    path: str | None


Judge = Callable[[str, Real | None], None]
"""Asked with the host's name before a byte of any file is read. Raises HostError (cause `not-allowed`)."""

_judge: ContextVar[Judge | None] = ContextVar("judge", default=None)


def real_of(name: str, path: str | None) -> Real | None:
    """What an opened file really is; None where its name is no other than that."""
    plain = None if path is None else path.removesuffix(_DELETED)
    return None if plain == name else Real(name, plain)


def judge_by(judge: Judge) -> None:
    """Ask `judge` for what this task, and those that it starts, open from now on."""
    _judge.set(judge)


@contextmanager
def judged_by(judge: Judge) -> Iterator[None]:
    """Ask `judge` for what is opened inside."""
    before = _judge.set(judge)
    try:
        yield
    finally:
        _judge.reset(before)


def judge(host: str, name: str, path: str | None) -> None:
    """Ask whether what was opened under a name may be read. Raises HostError (cause `not-allowed`)."""
    if asked := _judge.get():
        asked(host, real_of(name, path))
