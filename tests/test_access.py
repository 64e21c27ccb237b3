"""Rules, logins, tokens and a proxy, over the real product and a real host: who sees what, and what is written down."""

from __future__ import annotations

import http.client
import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from fleet import Fleet
from product import LOOPBACK, Answer, Product, Stream, target, texts_of, wait_until

from aggregator.access.passwords import hash_password
from aggregator.access.tokens import hash_token

TOKENS = {name: f"tagg_{name}-{'x' * 32}" for name in ("prod", "staging", "all", "old")}
PASSWORD = "correct horse"
SECRET = "a secret of the proxy"


class Place:
    """Two hosts: web-1 has prod and staging logs, web-2 staging ones only; and the product with rules over them."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        for name in ("web-1", "web-2"):
            for kind in ("prod", "staging"):
                log = fleet.hosts[name].root / kind / "app.log"
                log.parent.mkdir()
                log.write_text(f"{kind} of {name}\n")
        self.path = fleet.inventory(self.sources(), access=self.access(folder))
        self.product = Product(self.path, folder)

    def sources(self) -> dict[str, Any]:
        root = self.fleet.hosts["web-1"].root.parent
        return {
            "prod": {"hosts": "web-1", "path": f"{root}/${{host}}/prod/*.log"},
            "staging": {"hosts": "@*", "path": f"{root}/${{host}}/staging/app.log"},
        }

    def access(self, folder: Path) -> dict[str, Any]:
        root = self.fleet.hosts["web-1"].root.parent
        (folder / "proxy.secret").write_text(f"{SECRET}\n")
        return {
            "roles": {
                "prod": {"allow": [{"hosts": "web-1", "paths": [f"{root}/*/prod/**"], "actions": ["view"]}]},
                "staging": {
                    "allow": [{"hosts": "@*", "paths": [f"{root}/*/staging/**"], "actions": ["view", "search"]}]
                },
            },
            "users": {"alice": {"password_hash": hash_password(PASSWORD), "roles": ["prod"]}},
            "tokens": {
                "prod": {"hash": hash_token(TOKENS["prod"]), "roles": ["prod"]},
                "staging": {"hash": hash_token(TOKENS["staging"]), "roles": ["staging"]},
                "all": {"hash": hash_token(TOKENS["all"]), "roles": ["prod", "staging"]},
                "old": {"hash": hash_token(TOKENS["old"]), "roles": ["prod"], "expires": "2020-01-01"},
            },
            "proxy": {
                "trusted": ["127.0.0.0/8"],
                "secret_header": {"name": "X-Proxy-Secret", "file": str(folder / "proxy.secret")},
                "user_header": "X-Forwarded-User",
                "groups_header": "X-Forwarded-Groups",
                "group_roles": {"sre": ["prod"]},
            },
        }

    def get(self, path: str, token: str | None = None, headers: dict[str, str] | None = None, **asked: Any) -> Answer:
        bearer = {"Authorization": f"Bearer {TOKENS.get(token, token)}"} if token else {}
        return self.product.get(path, {**bearer, **(headers or {})}, **asked)

    def post(self, path: str, fields: dict[str, str], headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection(LOOPBACK, self.product.port, timeout=20)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, urlencode(fields), {**form, **(headers or {})})
        answer = connection.getresponse()
        found = Answer(answer.status, dict(answer.headers), answer.read())
        connection.close()
        return found

    def login(self, password: str = PASSWORD) -> dict[str, str]:
        answer = self.post("/login", {"username": "alice", "password": password, "next": "/"})
        assert answer.status == 303, answer.text
        return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}

    def texts(self, token: str | None = None, headers: dict[str, str] | None = None, **asked: Any) -> list[str]:
        answer = self.get("/api/v1/stream", token, headers, follow=0, **asked)
        assert answer.status == 200, answer.text
        return sorted(texts_of([json.loads(line) for line in answer.body.splitlines()]))

    def events(self, name: str) -> list[dict[str, Any]]:
        return [record for record in self.product.audited() if record["event"] == name]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("access")
    with Fleet(folder) as fleet:
        for name in ("web-1", "web-2"):
            fleet.add(name)
        place = Place(fleet, folder)
        with place.product:
            yield place


@pytest.mark.parametrize("path", ["/api/v1/hosts", "/api/v1/sources", "/api/v1/stream", "/api/v1/lines", "/nowhere"])
def test_a_stranger_is_told_to_say_who_they_are(place: Place, path: str) -> None:
    answer = place.get(path)
    assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_stranger_s_page_is_the_login_which_leads_back(place: Place) -> None:
    answer = place.get("/", hosts="web-1", grep="a b")
    assert answer.status == 303
    assert answer.headers["location"] == "/login?next=%2F%3Fhosts%3Dweb-1%26grep%3Da%2Bb"
    page = place.get(answer.headers["location"])
    assert page.status == 200
    assert 'value="/?hosts=web-1&amp;grep=a+b"' in page.text


def test_health_needs_no_name_and_names_nobody(place: Place) -> None:
    for path in ("/livez", "/readyz", "/healthz", "/health", "/metrics"):
        answer = place.get(path)
        assert answer.status == 200
        assert "web-1" not in answer.text
    assert "web-1" in place.get("/metrics", "prod").text or place.texts("prod")


def test_each_token_sees_what_its_roles_allow_and_no_more(place: Place) -> None:
    assert place.texts("prod") == ["prod of web-1"]
    assert place.texts("staging") == ["staging of web-1", "staging of web-2"]
    assert place.texts("all") == ["prod of web-1", "staging of web-1", "staging of web-2"]


def test_what_may_not_be_seen_is_not_there(place: Place) -> None:
    assert [host["name"] for host in place.get("/api/v1/hosts", "prod").json()] == ["web-1"]
    assert [source["name"] for source in place.get("/api/v1/sources", "prod").json()] == ["prod"]
    files = place.get("/api/v1/sources", "staging").json()
    assert [source["name"] for source in files] == ["staging"]
    assert "prod" not in json.dumps(files[0]["files"])


@pytest.mark.parametrize(("hidden", "unknown"), [("hosts=web-2", "hosts=web-9"), ("source=staging", "source=nothing")])
def test_hidden_answers_as_unknown_does(place: Place, hidden: str, unknown: str) -> None:
    first = place.get(f"/api/v1/stream?{hidden}&follow=0", "prod")
    second = place.get(f"/api/v1/stream?{unknown}&follow=0", "prod")
    name, other = hidden.partition("=")[2], unknown.partition("=")[2]
    assert first.status == second.status == 400
    assert first.text.replace(name, "N") == second.text.replace(other, "N")


def test_a_hidden_position_is_no_position(place: Place) -> None:
    answer = place.get("/api/v1/stream", "all", source="staging", hosts="web-2", follow=0)
    (line,) = [record for record in map(json.loads, answer.body.splitlines()) if record["type"] == "line"]
    for path, name in (("/api/v1/context", "position"), ("/api/v1/stream", "after")):
        refused = place.get(path, "prod", **{name: line["position"], "follow": 0})
        assert refused.status == 400
        assert "names no file of the inventory" in refused.text
    assert place.get("/api/v1/context", "all", position=line["position"]).status == 200


@pytest.mark.parametrize("token", ["old", "tagg_made-up"])
def test_a_wrong_or_old_token_is_refused_and_written_down(place: Place, token: str) -> None:
    before = len(place.events("refuse"))
    assert place.get("/api/v1/hosts", token).status == 401
    assert len(place.events("refuse")) == before + 1


def test_a_login_gives_a_session_and_a_logout_ends_it(place: Place) -> None:
    cookie = place.login()
    assert place.texts(headers=cookie) == ["prod of web-1"]
    assert place.get("/", headers=cookie).status == 200
    answer = place.post("/logout", {}, cookie)
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    assert place.get("/api/v1/hosts", headers=cookie).status == 401
    assert [event["principal"] for event in place.events("login")][-1] == "alice"
    wait_until(lambda: place.events("logout"), "the logout's record")


def test_everybody_is_told_who_they_are(place: Place) -> None:
    token = {"name": "prod", "via": "token", "roles": ["prod"], "reveals": False}
    assert place.get("/api/v1/whoami", "prod").json() == token
    session = {"name": "alice", "via": "session", "roles": ["prod"], "reveals": False}
    assert place.get("/api/v1/whoami", headers=place.login()).json() == session
    assert place.get("/api/v1/whoami").status == 401


def test_a_session_s_cookie_is_for_this_host_alone_and_new_at_each_login(place: Place) -> None:
    fields = {"username": "alice", "password": PASSWORD, "next": "/"}
    first = place.post("/login", fields).headers["set-cookie"]
    assert re.fullmatch(r"__Host-tailon-agg=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", first)
    old = {"Cookie": first.partition(";")[0]}
    second = place.post("/login", fields, old).headers["set-cookie"]
    assert first != second
    assert place.get("/api/v1/hosts", headers=old).status == 401


@pytest.mark.parametrize("after", ["//evil.example", "/\\evil.example", "https://evil.example", "\t//evil.example", ""])
def test_a_login_leads_nowhere_else(place: Place, after: str) -> None:
    answer = place.post("/login", {"username": "alice", "password": PASSWORD, "next": after})
    assert answer.headers["location"] == "/"


def test_a_wrong_password_and_an_unknown_name_look_the_same(place: Place) -> None:
    answers = [place.post("/login", {"username": name, "password": "x"}) for name in ("alice", "hunter2")]
    assert [answer.status for answer in answers] == [401, 401]
    assert answers[0].text.replace("alice", "N") == answers[1].text.replace("hunter2", "N")
    failed = place.events("login-failed")[-2:]
    assert [event["principal"] for event in failed] == ["alice", None]
    assert "hunter2" not in json.dumps(failed)


def test_a_form_of_another_site_is_refused(place: Place) -> None:
    fields = {"username": "alice", "password": PASSWORD}
    assert place.post("/login", fields, {"Origin": "https://evil.example"}).status == 403
    assert place.post("/login", fields, {"Origin": "null"}).status == 403


def test_a_trusted_proxy_says_who_asks_if_it_knows_the_secret(place: Place) -> None:
    named = {"X-Forwarded-User": "bob", "X-Forwarded-Groups": "staff, sre"}
    assert place.texts(headers={**named, "X-Proxy-Secret": SECRET}) == ["prod of web-1"]
    assert place.get("/api/v1/hosts", headers={**named, "X-Proxy-Secret": "wrong"}).status == 401
    assert place.get("/api/v1/hosts", headers=named).status == 401
    assert place.get("/api/v1/hosts", headers={"X-Proxy-Secret": SECRET}).status == 401
    others = {"X-Forwarded-User": "bob", "X-Forwarded-Groups": "staff", "X-Proxy-Secret": SECRET}
    assert place.get("/api/v1/hosts", headers=others).json() == []


def test_a_view_ends_when_its_right_is_taken_away_and_others_go_on(place: Place) -> None:
    whole = yaml.safe_load(place.path.read_text())
    views = [Stream(place.product.port, target("/api/v1/stream", {}), _bearer(name)) for name in ("prod", "staging")]
    try:
        views[0].wait_text("prod of web-1")
        views[1].wait_text("staging of web-2")
        less = {**whole, "access": {**whole["access"], "tokens": dict(whole["access"]["tokens"])}}
        del less["access"]["tokens"]["prod"]
        place.path.write_text(yaml.safe_dump(less))
        place.product.signal(signal.SIGHUP)
        views[0].wait(lambda: views[0].of("end"), "the end of the view", 5.0)
        assert views[0].of("end")[0]["reason"] == "revoked"
        assert place.get("/api/v1/hosts", "prod").status == 401
        assert not views[1].ended.is_set()
    finally:
        for view in views:
            view.close()
        place.path.write_text(yaml.safe_dump(whole))
        place.product.signal(signal.SIGHUP)
        wait_until(lambda: place.get("/api/v1/hosts", "prod").status == 200, "the old rules")


def test_files_that_come_later_are_shown_to_those_who_may_see_them_only(place: Place) -> None:
    log = place.fleet.hosts["web-1"].root / "prod" / "later.log"
    with Stream(place.product.port, target("/api/v1/stream", {"source": "prod"}), _bearer("all")) as view:
        view.wait_text("prod of web-1")
        log.write_text("it came later\n")
        view.wait_text("it came later")


def _bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[name]}"}
