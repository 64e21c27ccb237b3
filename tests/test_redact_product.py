"""No secret leaves by any surface without `reveal`, wherever a read begins; with it the raw text does, on record."""

from __future__ import annotations

import gzip
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleet import Fleet
from product import (
    LOOPBACK,
    PATIENCE_S,
    Answer,
    Product,
    Stream,
    command,
    environment,
    lines_of,
    target,
    texts_of,
    wait_until,
)
from secretcorpus import LINES, body_of, pem
from websockets.sync.client import connect

from aggregator.access.tokens import hash_token

TOKENS = {name: f"tagg_{name}-{'x' * 32}" for name in ("viewer", "revealer", "half")}
STAMPED, BARE, CLOSED = pem(1), pem(2), pem(3)
REASON = "INC-7: which key was it"


class Place:
    """A host with a log of some 300 KiB and a compressed older one, full of secrets; and the product over it."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        host = fleet.add("web-1")
        self.log = host.root / "app.log"
        (host.root / "app.log.1.gz").write_bytes(gzip.compress("".join(_older()).encode()))
        self.log.write_text("".join(_newer()))
        (host.root / "other.log").write_text("Bearer other-canary-1\n")
        root = str(host.root)
        view = ["view", "search", "download"]
        self.inventory = fleet.inventory(
            {"app": {"hosts": "@*", "path": str(self.log)}, "other": {"hosts": "@*", "path": f"{root}/other.*"}},
            access={
                "roles": {
                    "view": {"allow": [{"hosts": "@*", "paths": [f"{root}/**"], "actions": view}]},
                    "reveal": {"allow": [{"hosts": "@*", "paths": [f"{root}/**"], "actions": [*view, "reveal"]}]},
                    "half": {"allow": [{"hosts": "@*", "paths": [f"{root}/app.*"], "actions": ["reveal"]}]},
                },
                "tokens": {
                    "viewer": {"hash": hash_token(TOKENS["viewer"]), "roles": ["view"]},
                    "revealer": {"hash": hash_token(TOKENS["revealer"]), "roles": ["reveal"]},
                    "half": {"hash": hash_token(TOKENS["half"]), "roles": ["view", "half"]},
                },
            },
            redact={"patterns": [{"name": "ticket", "pattern": "TKT-[0-9]+"}]},
        )
        self.product = Product(self.inventory, folder)

    def get(self, path: str, who: str = "viewer", **parameters: Any) -> Answer:
        return self.product.get(path, {"Authorization": f"Bearer {TOKENS[who]}"}, **parameters)

    def lines(self, who: str = "viewer", **parameters: Any) -> list[dict[str, Any]]:
        answer = self.get("/api/v1/lines", who, **{"source": "app", **parameters})
        assert answer.status == 200, answer.text
        check_clean(answer.body, who)
        return list(answer.json()["lines"])

    def stream(self, who: str = "viewer", **parameters: Any) -> Stream:
        path = target("/api/v1/stream", {"source": "app", **parameters})
        return Stream(self.product.port, path, {"Authorization": f"Bearer {TOKENS[who]}"})


def _older() -> Iterator[str]:
    for number in range(40):
        yield f"2026-11-23T08:00:{number:02d}Z INFO older {number}\n"
    for line in CLOSED:
        yield f"2026-11-23T08:01:00Z key: {line}\n"


def _newer() -> Iterator[str]:
    for number, (form, secret) in enumerate(LINES.values()):
        yield f"2026-11-23T09:00:{number:02d}Z WARN {form.format(secret)}\n"
    yield from _requests("09")
    yield "2026-11-23T10:00:00Z ERROR in one record\n"
    yield from (f"{line}\n" for line in BARE)
    for line in STAMPED:
        yield f"2026-11-23T10:00:01Z key: {line}\n"
    yield f"2026-11-23T10:00:02Z long {'x ' * 32738}postgres://shop:s3cret-canary@db-1/shop\n"
    yield from _requests("11")
    yield "2026-11-23T12:00:00Z INFO the last one of TKT-4711\n"


def _requests(hour: str) -> Iterator[str]:
    for number in range(1500):
        minute, second = divmod(number, 60)
        yield f"2026-11-23T{hour}:{minute:02d}:{second:02d}Z INFO request {number} took {number % 97} ms {'.' * 40}\n"


CANARIES = [
    *(secret for _, secret in LINES.values()),
    *(line[-40:] for key in (STAMPED, BARE, CLOSED) for line in body_of(key)),
    "TKT-4711",
    "other-canary",
    "postgres://shop:s",
]


def check_clean(body: bytes, who: str = "viewer") -> None:
    if who == "viewer":
        text = body.decode()
        assert [canary for canary in CANARIES if canary in text] == []


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("redact")
    with Fleet(folder) as fleet:
        place = Place(fleet, folder)
        with place.product:
            yield place


def test_the_whole_log_comes_without_its_secrets_by_every_surface(place: Place) -> None:
    for path, parameters in {
        "/api/v1/stream": {"follow": 0, "lines": 5000},
        "/api/v1/lines": {"limit": 5000},
        "/api/v1/download": {},
    }.items():
        answer = place.get(path, source="app", **parameters)
        assert answer.status == 200
        check_clean(answer.body)
        assert answer.text.count("[redacted:private-key]") >= 50, path
        assert "[redacted:ticket]" in answer.text
    ndjson = place.get("/api/v1/lines", source="app", limit=5000, format="ndjson", direction="forward")
    check_clean(ndjson.body)
    redacted = [line for line in map(json.loads, ndjson.text.splitlines()) if line.get("redacted")]
    assert len(redacted) > 80


def test_live_lines_come_without_their_secrets_in_whatever_pieces_they_are_written(place: Place) -> None:
    with place.stream(lines=0) as stream, place.log.open("ab", buffering=0) as log:
        stream.wait_live()
        key = "".join(f"2026-11-23T12:00:01Z {line}\n" for line in STAMPED)
        text = f"{key}2026-11-23T12:00:02Z card 4111 1111 1111 1111\n2026-11-23T12:00:03Z done\n".encode()
        for start in range(0, len(text), 333):
            log.write(text[start : start + 333])
        stream.wait_text("2026-11-23T12:00:03Z done")
        check_clean(json.dumps(stream.records).encode())
        assert stream.texts()[-2].endswith("card [redacted:card]")


def test_a_socket_gives_no_secret(place: Place) -> None:
    url = f"ws://{LOOPBACK}:{place.product.port}{target('/ws', {'source': 'app', 'lines': 4000, 'follow': 0})}"
    with connect(url, additional_headers={"Authorization": f"Bearer {TOKENS['viewer']}"}, max_size=None) as live:
        text = "".join(str(message) for message in live)
    check_clean(text.encode())
    assert "[redacted:private-key]" in text


def _key_positions(place: Place) -> list[str]:
    """Where lines of keys begin, and one line before and after them."""
    found = place.lines(limit=5000, direction="forward")
    inside = [index for index, line in enumerate(found) if "private-key" in line["text"] or "PRIVATE" in line["text"]]
    return [found[index]["position"] for index in inside]


def test_reads_that_begin_inside_a_key_show_nothing_of_it(place: Place) -> None:
    positions = _key_positions(place)
    assert len(positions) >= 3 * 27
    last = place.lines(limit=1)[0]["position"]
    for index, position in enumerate([*positions[1::11], positions[-2]]):
        answer = place.get("/api/v1/context", position=position, before=index % 3, after=index % 2)
        assert answer.status == 200
        check_clean(answer.body)
        span = place.get("/api/v1/lines", **{"from": position, "to": last, "limit": 3})
        assert len(span.json()["lines"]) == 3
        check_clean(span.body)
    for position in positions[5::30]:
        resumed = place.get("/api/v1/stream", source="app", after=position, follow=0)
        check_clean(resumed.body)
        assert "private-key" in resumed.text


@pytest.mark.parametrize("direction", ["backward", "forward"])
@pytest.mark.parametrize("limit", [7, 40])
def test_pages_that_end_inside_a_key_show_nothing_of_it(place: Place, direction: str, limit: int) -> None:
    range_ = {"since": "2026-11-23T09:59:00Z", "until": "2026-11-23T10:59:00Z", "direction": direction}
    texts: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = place.get("/api/v1/lines", source="app", limit=limit, **range_, **cursor)
        check_clean(answer.body)
        page = answer.json()
        texts += [line["text"] for line in page["lines"]]
        if not page["cursor"]:
            break
        cursor = {"cursor": page["cursor"]}
    assert sum("private-key" in text for text in texts) == 2 * 28


def test_searching_for_a_piece_of_a_secret_finds_nothing_and_tells_nothing(place: Place) -> None:
    for path, parameters in (
        ("/api/v1/lines", {"limit": 100}),
        ("/api/v1/histogram", {"since": "2026-11-23T07:00:00Z"}),
    ):
        said = []
        for piece in (
            body_of(STAMPED)[3][:20],
            body_of(BARE)[5][:20],
            body_of(CLOSED)[1][:20],
            "s3cret-",
            "AKIA" + "IOSFOD",
            "nowhere-to-be-found",
        ):
            answer = place.get(path, source="app", grep=piece, **parameters)
            assert answer.status == 200
            page = answer.json()
            lines = page["lines"] if "lines" in page else [b for b in page["buckets"] if b["count"]]
            said.append((lines, page.get("scanned_bytes"), page["complete"]))
        assert said[:-1] == said[-1:] * 5, "the same as for what is nowhere"
    for path in ("/api/v1/lines", "/api/v1/histogram"):
        piece = body_of(STAMPED)[3][:20]
        answer = place.get(path, source="app", grep=piece, format="ndjson", since="2026-11-23T07:00:00Z")
        records = [json.loads(line) for line in answer.text.splitlines()]
        assert [record for record in records if record.get("matches") or record["type"] == "line"] == []
        assert [b for record in records for b in record.get("buckets", ()) if b["count"]] == []


def test_searching_for_the_words_of_a_replacement_finds_it(place: Place) -> None:
    found = place.lines(grep=r"card \[redacted:card\] declined", limit=10)
    assert [line["text"][-29:] for line in found] == ["card [redacted:card] declined"]
    assert len(place.lines(grep="redacted:ticket", limit=10)) == 1
    assert place.lines(grep="request 77 ", limit=10, exclude="redacted") != []
    (hit,) = place.lines(grep="declined", limit=10)
    ((start, end),) = hit["spans"]
    assert hit["text"][start:end] == "declined"


def test_with_reveal_and_a_reason_the_raw_text_comes_and_is_recorded(place: Place) -> None:
    place.lines(limit=10, grep="request 1")
    raw = {"raw": 1, "reason": REASON}
    (hit,) = place.lines("revealer", grep="AKIA" + "IOSFOD", limit=10, **raw)
    assert LINES["aws"][1] in hit["text"]
    assert "redacted" not in hit
    for path, parameters in {
        "/api/v1/stream": {"source": "app", "follow": 0, "lines": 5},
        "/api/v1/context": {"position": hit["position"]},
        "/api/v1/download": {"source": "app", "grep": "TKT"},
        "/api/v1/histogram": {"source": "app", "grep": "TKT-4711", "since": "2026-11-23T07:00:00Z"},
        "/api/v1/lines": {"from": hit["position"], "to": hit["position"]},
    }.items():
        answer = place.get(path, "revealer", **parameters, **raw)
        assert answer.status == 200, answer.text
        record = [entry for entry in place.product.audited() if entry["event"] == "reveal"][-1]
        assert (record["command"], record["reason"], record["verdict"]) == (path, REASON, "allowed")
        assert record["rule"].startswith("access.roles.reveal"), "the rule that lets them reveal"
    assert "TKT-4711" in place.get("/api/v1/download", "revealer", source="app", grep="TKT", **raw).text


def test_raw_text_needs_the_action_on_every_file_and_a_reason(place: Place) -> None:
    for path in ("/api/v1/stream", "/api/v1/lines", "/api/v1/download", "/api/v1/histogram"):
        denied = place.get(path, source="app", raw=1, reason=REASON, follow=0)
        assert (denied.status, denied.json()["rule"]) == (403, "no rule allows it"), path
        check_clean(denied.body)
        for reason in ({}, {"reason": "  "}, {"reason": "x" * 2000}):
            wrong = place.get(path, "revealer", source="app", raw=1, follow=0, **reason)
            assert (wrong.status, wrong.json()["errors"][0]["parameter"]) == (400, "reason")
        assert place.get(path, "revealer", source="app", raw="yes", reason=REASON, follow=0).status == 400
    refused = [entry for entry in place.product.audited() if entry["event"] == "refuse"]
    assert all(entry["reason"] == REASON for entry in refused)


def test_a_pattern_that_finds_files_without_reveal_says_which_and_shows_nothing_of_them(place: Place) -> None:
    answer = place.get("/api/v1/lines", "half", source="other", raw=1, reason=REASON)
    check_clean(answer.body)
    assert answer.json()["complete"] is False
    assert "other.log" in answer.json()["failed"][0]["detail"]
    streamed = place.get("/api/v1/stream", "half", source="other", raw=1, reason=REASON, follow=0)
    check_clean(streamed.body)
    assert texts_of([json.loads(line) for line in streamed.text.splitlines()]) == []


def test_head_sends_no_text_by_any_route(place: Place) -> None:
    position = place.lines(limit=1)[0]["position"]
    for path, parameters in {
        "/": {},
        "/api/v1/hosts": {},
        "/api/v1/whoami": {},
        "/api/v1/stream": {"follow": 0},
        "/api/v1/lines": {"limit": 5},
        "/api/v1/lines?": {"from": position, "to": position},
        "/api/v1/context": {"position": position},
        "/api/v1/histogram": {"since": "2026-11-23T07:00:00Z"},
        "/api/v1/download": {"limit": 5},
    }.items():
        asked = target(path.rstrip("?"), {**parameters, "raw": 1, "reason": REASON})
        with socket.create_connection((LOOPBACK, place.product.port), timeout=PATIENCE_S) as plain:
            headers = f"Host: {LOOPBACK}:{place.product.port}\r\nAuthorization: Bearer {TOKENS['revealer']}"
            plain.sendall(f"HEAD {asked} HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n".encode())
            with plain.makefile("rb") as answer:
                head, _, body = answer.read().partition(b"\r\n\r\n")
        assert (head[:12], body) == (b"HTTP/1.1 200", b""), path


def test_views_with_and_without_secrets_go_side_by_side(place: Place) -> None:
    with place.stream(lines=1) as shown, place.stream("revealer", lines=1, raw=1, reason=REASON) as raw:
        for stream in (shown, raw):
            stream.wait_live()
        with place.log.open("a") as log:
            log.write("2026-11-23T12:00:09Z pay with 5555555555554444\n")
        raw.wait_text("2026-11-23T12:00:09Z pay with 5555555555554444")
        shown.wait_text("2026-11-23T12:00:09Z pay with [redacted:card]")
        assert lines_of(raw.records)[-1]["position"] == lines_of(shown.records)[-1]["position"]


def test_raw_text_ends_when_its_right_is_taken_away_and_the_redacted_goes_on(place: Place) -> None:
    whole = yaml.safe_load(place.inventory.read_text())
    raw = {"lines": 1, "raw": 1, "reason": REASON}
    with place.stream("half", **raw) as shown, place.stream("half", lines=1) as hidden:
        for stream in (shown, hidden):
            stream.wait_live()
        less = {**whole["access"], "roles": {**whole["access"]["roles"], "half": {"allow": []}}}
        place.inventory.write_text(yaml.safe_dump({**whole, "access": less}))
        try:
            place.product.signal(signal.SIGHUP)
            shown.wait(lambda: shown.of("end"), "the end of the raw view")
            assert shown.of("end")[-1]["reason"] == "revoked"
            with place.log.open("a") as log:
                log.write("2026-11-23T12:00:08Z pay with 5555555555554444, later\n")
            hidden.wait_text("2026-11-23T12:00:08Z pay with [redacted:card], later")
            assert "4444, later" not in json.dumps(shown.records)
            assert place.get("/api/v1/lines", "half", source="app", raw=1, reason=REASON).status == 403
            assert place.get("/api/v1/whoami", "half").json()["reveals"] is False
        finally:
            place.inventory.write_text(yaml.safe_dump(whole))
            place.product.signal(signal.SIGHUP)
            wait_until(lambda: place.get("/api/v1/whoami", "half").json()["reveals"], "the right to be back")


def at_terminal(*words: str, who: str = "", folder: Path) -> subprocess.CompletedProcess[str]:
    token = {"TAILON_AGG_TOKEN": TOKENS[who]} if who else {}
    kept = environment(XDG_STATE_HOME=str(folder), **token)
    return subprocess.run(
        [*command(), *words], capture_output=True, text=True, timeout=PATIENCE_S, env=kept, stdin=subprocess.DEVNULL
    )


WORDS = {
    "tail": ("tail", "--source", "app", "--no-follow", "-n", "4000"),
    "search": ("search", ".", "--source", "app", "--since", "2026-11-23T10:00:00Z", "--limit", "2000"),
}


@pytest.mark.parametrize("name", WORDS)
def test_a_terminal_shows_no_secret_unless_asked_with_a_reason_by_who_may(
    place: Place, tmp_path: Path, name: str
) -> None:
    words = (*WORDS[name], "--server", f"http://{LOOPBACK}:{place.product.port}")
    hidden = at_terminal(*words, who="viewer", folder=tmp_path)
    check_clean(hidden.stdout.encode())
    assert (hidden.returncode, "[redacted:private-key]" in hidden.stdout) == (0, True), hidden.stderr
    denied = at_terminal(*words, "--reveal", REASON, who="viewer", folder=tmp_path)
    assert (denied.returncode, denied.stdout) == (77, ""), denied.stderr
    empty = at_terminal(*words, "--reveal", " ", who="revealer", folder=tmp_path)
    assert (empty.returncode, empty.stdout) == (2, ""), empty.stderr
    shown = at_terminal(*words, "--reveal", REASON, who="revealer", folder=tmp_path)
    assert (shown.returncode, "TKT-4711" in shown.stdout) == (0, True), shown.stderr
    record = [entry for entry in place.product.audited() if entry["event"] == "reveal"][-1]
    assert (record["reason"], record["principal"]) == (REASON, "revealer")


@pytest.mark.parametrize("name", WORDS)
def test_a_terminal_with_keys_of_its_own_gives_a_reason_too(place: Place, tmp_path: Path, name: str) -> None:
    log = tmp_path / "terminal.jsonl"
    words = (*WORDS[name], "--inventory", str(place.inventory), "--audit-log", str(log))
    hidden = at_terminal(*words, folder=tmp_path)
    check_clean(hidden.stdout.encode())
    assert (hidden.returncode, "[redacted:ticket]" in hidden.stdout) == (0, True), hidden.stderr
    shown = at_terminal(*words, "--reveal", REASON, folder=tmp_path)
    assert (shown.returncode, "TKT-4711" in shown.stdout) == (0, True), shown.stderr
    told = [json.loads(line) for line in log.read_text().splitlines()]
    assert [entry["reason"] for entry in told if entry["event"] == "reveal"] == [REASON]


def test_everybody_is_told_whether_they_may_see_hidden_text(place: Place) -> None:
    told = {who: place.get("/api/v1/whoami", who).json()["reveals"] for who in TOKENS}
    assert told == {"viewer": False, "revealer": True, "half": True}
