"""Guessing passwords and making up names, against the real product: slowed down, told nothing, written down."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import yaml
from argon2 import PasswordHasher
from product import LOOPBACK, Answer, Product, wait_until

from aggregator import limits

PASSWORD = "correct horse"
SECRET = "a secret of the proxy"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # a check is to take no time here


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("logins")
    (folder / "secret").write_text(SECRET)
    role = {"allow": [{"hosts": "@*", "paths": ["/**"], "actions": ["view"]}]}
    access = {
        "roles": {"all": role},
        "users": {name: {"password_hash": QUICK.hash(PASSWORD), "roles": ["all"]} for name in ("alice", "bob")},
        "proxy": {
            "trusted": ["127.0.0.9/32"],
            "secret_header": {"name": "X-Proxy-Secret", "file": str(folder / "secret")},
            "user_header": "X-Forwarded-User",
            "groups_header": "X-Forwarded-Groups",
            "group_roles": {"sre": ["all"]},
        },
    }
    inventory = {
        "version": 1,
        "hosts": {"web-1": {"address": "127.0.0.1", "port": 1}},
        "sources": {"app": {"hosts": "@*", "path": "/app.log"}},
        "access": access,
    }
    (folder / "hosts.yaml").write_text(yaml.safe_dump(inventory))
    with Product(folder / "hosts.yaml", folder) as product:
        yield product


def ask(
    product: Product, method: str, path: str, fields: dict[str, str] | None = None, source: str = LOOPBACK, **more: str
) -> Answer:
    """A request from an address of this machine."""
    connection = http.client.HTTPConnection(LOOPBACK, product.port, timeout=40, source_address=(source, 0))
    form = {"Content-Type": "application/x-www-form-urlencoded"} if fields else {}
    headers = {**form, **{name.replace("_", "-"): value for name, value in more.items()}}
    connection.request(method, path, urlencode(fields) if fields else None, headers)
    answer = connection.getresponse()
    found = Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
    connection.close()
    return found


def login(product: Product, user: str, password: str, source: str = LOOPBACK) -> Answer:
    return ask(product, "POST", "/login", {"username": user, "password": password, "next": "/"}, source)


def test_guesses_end_after_ten_and_the_owner_still_gets_in(product: Product) -> None:
    assert login(product, "alice", PASSWORD, "127.0.0.3").status == 303
    answers = [login(product, "alice", f"guess {number}", "127.0.0.2") for number in range(limits.LOGIN_FAILURES_USER)]
    assert {answer.status for answer in answers} == {401}
    late = login(product, "alice", PASSWORD, "127.0.0.2")
    assert (late.status, late.headers["retry-after"]) == (429, f"{limits.LOGIN_WINDOW:.0f}")
    assert "set-cookie" not in late.headers
    assert login(product, "alice", PASSWORD, "127.0.0.3").status == 303, "from where they were before"
    assert login(product, "bob", PASSWORD, "127.0.0.2").status == 303, "others are not held up"
    failed = [one for one in product.audited() if one["event"] == "login-failed" and one["address"] == "127.0.0.2"]
    assert len(failed) == limits.LOGIN_FAILURES_USER + 1
    assert {one["principal"] for one in failed} == {"alice"}


def test_a_name_that_nobody_has_is_slowed_down_alike_and_not_written_down(product: Product) -> None:
    first = login(product, "hunter2", "x", "127.0.0.4")
    wrong = login(product, "bob", "x", "127.0.0.5")
    assert (first.status, first.text.replace("hunter2", "bob")) == (wrong.status, wrong.text)
    assert "hunter2" not in product.audit.read_text()


@pytest.mark.parametrize("secret", [None, "wrong", SECRET])
def test_a_stranger_s_forwarded_headers_name_nobody(product: Product, secret: str | None) -> None:
    """Not even with the secret, from an address that is none of the proxy's; from there, not without."""
    headers = {"X_Forwarded_User": "alice", "X_Forwarded_Groups": "sre", "X_Forwarded_For": "127.0.0.9"}
    more = {**headers, **({"X_Proxy_Secret": secret} if secret else {})}
    assert ask(product, "GET", "/api/v1/hosts", **more).status == 401
    from_there = ask(product, "GET", "/api/v1/hosts", source="127.0.0.9", **more)
    assert from_there.status == (200 if secret == SECRET else 401)


def test_a_stranger_is_told_the_same_whatever_they_ask_for(product: Product) -> None:
    paths = ("/api/v1/hosts", "/api/v1/stream?hosts=web-1", "/api/v1/stream?hosts=(", "/api/v1/nothing", "/nothing")
    answers = [ask(product, "GET", path) for path in paths]
    assert {(answer.status, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert set(json.loads(answers[0].text)) == {"type", "title", "status", "detail"}


def test_what_watches_over_the_program_is_told_no_names(product: Product) -> None:
    for path in ("/livez", "/readyz?verbose", "/healthz", "/health", "/metrics"):
        answer = ask(product, "GET", path)
        assert answer.status == 200
        assert not [name for name in ("web-1", "/app.log", "alice") if name in answer.text]


def test_a_cookie_that_was_made_up_is_nobody_s(product: Product) -> None:
    for cookie in ("__Host-tailon-agg=x", "__Host-tailon-agg=", "__Host-tailon-agg=a; __Host-tailon-agg=b"):
        assert ask(product, "GET", "/api/v1/hosts", Cookie=cookie).status == 401
    wait_until(lambda: product.get("/readyz").status == 200, "the product")
