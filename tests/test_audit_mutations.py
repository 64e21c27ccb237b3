"""20,000 changes to an audit log, by somebody who may write all of it but has no key: each is found."""

from __future__ import annotations

import io
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.access import chain
from aggregator.access.checkpoint import Signer
from aggregator.access.events import Event
from aggregator.cli.audit import _Seen

CHANGES = 20_000
SEED = 20261123
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
Log = list[bytes]
Change = Callable[[random.Random, Log], Log]


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer.at(tmp_path_factory.mktemp("key") / "audit.key")


@pytest.fixture(scope="module")
def log(signer: Signer) -> Log:
    """Some records, signed at their end: behind a last checkpoint only a copy elsewhere tells."""
    last, lines = chain.GENESIS, []
    for number in range(4):
        event = Event("open", "alice", "web", "127.0.0.1", ("web-1",), ("app",), (f"/log/{number}",), "/ws", rule="x")
        line, last = chain.seal(event.members(NOON), last)
        lines.append(line)
    line, last = chain.seal(signer.checkpoint(last), last)
    return [*lines, line]


def is_good(log: Log, key: str) -> bool:
    """What `audit verify --key` says."""
    return chain.verify(chain.lines_of(io.BytesIO(b"".join(log))), look=_Seen(key).look).bad is None


def resealed(log: Log, start: int) -> Log:
    """The log with right hashes from a record on, as anybody can compute them."""
    done = log[:start]
    last = chain.read(done[-1])[1] if done else chain.GENESIS
    for line in log[start:]:
        members = re.sub(rb'^\{"seq":\d+,|,"prev":"[0-9a-f]*","hash":"[0-9a-f]*"\}\n$', b"", line)
        sealed, last = chain.seal(members, last)
        done.append(sealed)
    return done


def flipped(rng: random.Random, log: Log) -> Log:
    text = bytearray(b"".join(log))
    text[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
    return [bytes(text)]


def cut(rng: random.Random, log: Log) -> Log:
    """Some bytes less, but for whole records at the end: of those only a copy elsewhere tells."""
    text = b"".join(log)
    at = rng.randrange(len(text) - 2)
    return [text[:at] + text[rng.randrange(at + 1, len(text)) :]]


def stuffed(rng: random.Random, log: Log) -> Log:
    text = b"".join(log)
    at = rng.randrange(len(text) + 1)
    return [text[:at] + rng.randbytes(rng.randrange(1, 9)) + text[at:]]


def removed(rng: random.Random, log: Log) -> Log:
    at = rng.randrange(len(log) - 1)
    return log[:at] + log[at + 1 :]


def doubled(rng: random.Random, log: Log) -> Log:
    at, to = rng.randrange(len(log)), rng.randrange(len(log) + 1)
    return [*log[:to], log[at], *log[to:]]


def swapped(rng: random.Random, log: Log) -> Log:
    one, other = rng.sample(range(len(log)), 2)
    changed = list(log)
    changed[one], changed[other] = changed[other], changed[one]
    return changed


def retold(rng: random.Random, log: Log) -> Log:
    """A record that says something else, with a right hash of its own."""
    at = rng.randrange(len(log) - 1)
    return log[:at] + resealed(reworded(rng, log, at), at)[at : at + 1] + log[at + 1 :]


def rewritten(rng: random.Random, log: Log) -> Log:
    """All hashes right from some record on: only what is signed shows it."""
    at = rng.randrange(len(log) - 1)
    return resealed(reworded(rng, log, at), at)


def shortened(rng: random.Random, log: Log) -> Log:
    """A record taken out, and all hashes right from there on."""
    at = rng.randrange(len(log) - 1)
    return resealed(log[:at] + log[at + 1 :], at)


def lengthened(rng: random.Random, log: Log) -> Log:
    at = rng.randrange(len(log))
    made_up, _ = chain.seal(Event("open", f"mallory {rng.random()}").members(NOON), chain.GENESIS)
    return resealed([*log[:at], made_up, *log[at:]], at)


def reworded(rng: random.Random, log: Log, at: int) -> Log:
    changed = list(log)
    places = [match.start(1) for match in re.finditer(rb'":"([ -~])', log[at])]
    place = rng.choice([each for each in places if each < log[at].rindex(b',"prev"')])
    new = rng.choice([byte for byte in b"abcdefghij0123456789" if byte != log[at][place]])
    changed[at] = log[at][:place] + bytes([new]) + log[at][place + 1 :]
    return changed


CHANGERS: list[Change] = [
    flipped, cut, stuffed, removed, doubled, swapped, retold, rewritten, shortened, lengthened
]  # fmt: skip


def test_each_of_20000_changes_is_found(log: Log, signer: Signer) -> None:
    assert is_good(log, signer.key)
    whole, rng = b"".join(log), random.Random(SEED)
    found: Counter[str] = Counter()
    while found.total() < CHANGES:
        change = CHANGERS[found.total() % len(CHANGERS)]
        changed = change(rng, log)
        if b"".join(changed) == whole or whole.startswith(b"".join(changed)):
            continue  # nothing was changed, or records at the end are gone
        assert not is_good(changed, signer.key), (SEED, change.__name__, found.total())
        found[change.__name__] += 1
    assert set(found.values()) == {CHANGES // len(CHANGERS)}


def test_a_log_that_was_signed_by_another_key_is_found(log: Log, signer: Signer, tmp_path: Path) -> None:
    other = Signer.at(tmp_path / "audit.key")
    last, lines = chain.GENESIS, []
    for line in log:
        made = other.checkpoint(last) if b'"event":"checkpoint"' in line else Event("stop").members(NOON)
        sealed, last = chain.seal(made, last)
        lines.append(sealed)
    assert is_good(lines, other.key)
    assert not is_good(lines, signer.key)
