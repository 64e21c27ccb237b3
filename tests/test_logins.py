"""Passwords, tokens, sessions and the slowing down of guesses."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from aggregator import limits
from aggregator.access.passwords import _HASHER, _NOBODY, Passwords, hash_password
from aggregator.access.sessions import Sessions
from aggregator.access.throttle import Throttle
from aggregator.access.tokens import Tokens, hash_token, is_expired, new_token
from aggregator.errors import TooMany, UsageError
from aggregator.inventory.settings import Token


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_password_fits_its_own_hash_only() -> None:
    passwords = Passwords()
    made = hash_password("correct horse")
    assert made.startswith("$argon2id$")
    assert await passwords.holds(made, "correct horse")
    assert not await passwords.holds(made, "correct horsf")
    assert not await passwords.holds(None, "somebody who does not exist")
    assert not await passwords.holds("$argon2id$rubbish", "x")


async def test_an_unknown_user_takes_as_long_as_a_known_one() -> None:
    passwords = Passwords()
    made = hash_password("correct horse")

    async def takes(known: str | None) -> float:
        began = time.process_time()
        await passwords.holds(known, "wrong")
        return time.process_time() - began

    known = min([await takes(made) for _ in range(3)])
    unknown = min([await takes(None) for _ in range(3)])
    assert 0.4 < unknown / known < 2.5


def test_the_hash_of_nobody_costs_what_new_ones_cost() -> None:
    assert not _HASHER.check_needs_rehash(_NOBODY)


@pytest.mark.parametrize("password", ["", "x" * (limits.PASSWORD_BYTES + 1)])
def test_no_password_and_one_too_long_are_refused(password: str) -> None:
    with pytest.raises(UsageError):
        hash_password(password)


def test_a_token_is_found_by_its_text_and_expires() -> None:
    text = new_token()
    token = Token("ci", hash_token(text).removeprefix("sha256:"), ("auditor",), datetime(2027, 1, 1, tzinfo=UTC))
    tokens = Tokens({"ci": token})
    assert tokens.find(text) is token
    assert tokens.find(text + "x") is None
    assert not is_expired(token, datetime(2026, 12, 31, tzinfo=UTC))
    assert is_expired(token, datetime(2027, 1, 1, tzinfo=UTC))


def test_a_session_ends_when_idle_and_after_its_life() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    identity = sessions.begin("alice")
    clock.now += limits.SESSION_IDLE - 1
    assert sessions.find(identity) == "alice"
    clock.now += limits.SESSION_IDLE + 1
    assert sessions.find(identity) is None
    identity = sessions.begin("alice")
    for _ in range(5):
        clock.now += limits.SESSION_IDLE - 1
        sessions.find(identity)
    assert sessions.find(identity) is None


def test_each_login_has_a_new_id_and_ends_alone_or_with_its_user() -> None:
    sessions = Sessions()
    first, second = sessions.begin("alice"), sessions.begin("alice")
    assert first != second
    assert sessions.end(first) == "alice"
    assert sessions.find(first) is None
    assert sessions.find(second) == "alice"
    sessions.end_all("alice")
    assert sessions.find(second) is None


def test_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SESSIONS", 3)
    clock = Clock()
    sessions = Sessions(clock)
    made = []
    for _ in range(4):
        clock.now += 1
        made.append(sessions.begin("alice"))
    assert [sessions.find(identity) for identity in made] == [None, "alice", "alice", "alice"]


def test_guesses_at_one_user_are_stopped_but_not_their_own_address() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    throttle.passed("alice", "10.0.0.1")
    for number in range(limits.LOGIN_FAILURES_USER):
        throttle.check("alice", f"10.1.0.{number}")
        throttle.failed("alice", f"10.1.0.{number}")
    with pytest.raises(TooMany):
        throttle.check("alice", "10.1.0.99")
    throttle.check("alice", "10.0.0.1")
    clock.now += limits.LOGIN_WINDOW + 1
    throttle.check("alice", "10.1.0.99")


def test_guesses_from_one_address_are_stopped_for_every_user() -> None:
    throttle = Throttle(Clock())
    for number in range(limits.LOGIN_FAILURES_ADDRESS):
        throttle.failed(f"user-{number}", "10.0.0.9")
    with pytest.raises(TooMany):
        throttle.check("alice", "10.0.0.9")
    throttle.check("alice", "10.0.0.8")
