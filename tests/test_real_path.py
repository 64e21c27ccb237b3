"""A rule holds for what a name leads to, not for the name alone: a symbolic link in a log's folder opens nothing."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet
from local import LocalConnection, LocalTransport
from product import Answer, Product, Stream, target, wait_until

from aggregator.access.real import decide_real
from aggregator.access.rules import RulePolicy
from aggregator.access.tokens import hash_token
from aggregator.errors import HostError
from aggregator.inventory.settings import Access, Rule
from aggregator.model import File, Principal
from aggregator.remote import commands
from aggregator.remote.commands import MARK
from aggregator.remote.header import read_header
from aggregator.remote.real import Real, judged_by, real_of
from aggregator.remote.trouble import trouble

TOKENS = {name: f"tagg_{name}-{'x' * 32}" for name in ("narrow", "wide", "both")}
CANARY = "2026-11-23T10:00:00Z root:canary"
HOSTS = {"web-1": "OpenSSH and dash", "web-2": "Dropbear and BusyBox"}
LINKED = "2026-11-23T10:00:00Z of the log"


class Place:
    """Hosts whose logs lie in `logs/N/app.log`; what nobody but `wide` may read is `elsewhere/secret`."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self._numbers = itertools.count()
        self.root = fleet.hosts["web-1"].root.parent
        for host in HOSTS:
            secret = self.elsewhere(host) / "secret"
            secret.parent.mkdir()
            secret.write_text(f"{CANARY} 1\n{CANARY} 2\n")
        sources = {f"log-{n}": {"hosts": "@*", "path": f"{self.root}/${{host}}/logs/{n}/app.log"} for n in range(16)}
        sources["found"] = {"hosts": "@*", "path": f"{self.root}/${{host}}/logs/found/*/app.log"}
        everything = ["view", "search", "download"]

        def role(*paths: str) -> dict[str, Any]:
            return {"allow": [{"hosts": "@*", "paths": list(paths), "actions": everything}]}

        access = {
            "roles": {
                "narrow": role(f"{self.root}/*/logs/**"),
                "wide": role("/**"),
                "both": role(f"{self.root}/*/logs/**", f"{self.root}/*/moved/app.log"),
            },
            "tokens": {name: {"hash": hash_token(token), "roles": [name]} for name, token in TOKENS.items()},
        }
        self.product = Product(fleet.inventory(sources, access=access), folder)

    def elsewhere(self, host: str) -> Path:
        return self.root / host / "elsewhere"

    def log(self, host: str) -> tuple[str, Path]:
        """A source that no test has used, and its file, which is not there yet; its folder is."""
        number = next(self._numbers)
        path = self.root / host / "logs" / str(number) / "app.log"
        path.parent.mkdir(parents=True)
        return f"log-{number}", path

    def get(self, token: str, path: str, **asked: Any) -> Answer:
        return self.product.get(path, _bearer(token), **asked)

    def once(self, token: str, **asked: Any) -> list[dict[str, Any]]:
        answer = self.get(token, "/api/v1/stream", follow=0, **asked)
        assert answer.status == 200, answer.text
        return [json.loads(line) for line in answer.body.splitlines()]

    def texts(self, token: str, **asked: Any) -> list[str]:
        return [record["text"] for record in self.once(token, **asked) if record["type"] == "line"]

    def stream(self, token: str, **asked: Any) -> Stream:
        return Stream(self.product.port, target("/api/v1/stream", asked), _bearer(token))

    def refusals(self, source: str) -> list[dict[str, Any]]:
        records = self.product.audited()
        return [one for one in records if one["event"] == "refuse" and one["sources"] == [source]]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[token]}"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("real")
    with Fleet(folder) as fleet:
        fleet.add("web-1")
        fleet.add("web-2", server="dropbear", shell="busybox ash", path=fleet.busybox())
        place = Place(fleet, folder)
        with place.product:
            yield place


@pytest.fixture(params=HOSTS, ids=str)
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_link_in_a_log_s_folder_opens_nothing_on_any_route(place: Place, host: str) -> None:
    source, path = place.log(host)
    path.symlink_to(place.elsewhere(host) / "secret")
    asked = {"source": source, "hosts": host}
    lines = [record for record in place.once("wide", **asked) if record["type"] == "line"]
    assert [line["text"][-1] for line in lines] == ["1", "2"]
    first, last = lines[0]["position"], lines[-1]["position"]
    answers = [
        place.get("narrow", route, **wanted)
        for route, wanted in (
            ("/api/v1/stream", {**asked, "follow": 0}),
            ("/api/v1/stream", {**asked, "follow": 0, "after": first}),
            ("/api/v1/stream", {**asked, "follow": 0, "format": "text"}),
            ("/api/v1/lines", asked),
            ("/api/v1/lines", {**asked, "grep": "root"}),
            ("/api/v1/lines", {**asked, "grep": "root", "format": "ndjson"}),
            ("/api/v1/lines", {"from": first, "to": last}),
            ("/api/v1/context", {"position": first}),
            ("/api/v1/histogram", {**asked, "since": "2026-11-23T09:00:00Z", "until": "2026-11-23T11:00:00Z"}),
            (
                "/api/v1/histogram",
                {**asked, "since": "2026-11-23T09:00:00Z", "until": "2026-11-23T11:00:00Z", "exact": 0},
            ),
            ("/api/v1/download", asked),
        )
    ]
    for answer in answers:
        assert "canary" not in answer.text
        assert "elsewhere" not in str((answer.headers, answer.text))
    for answer in answers[:2]:
        (notice,) = [one for one in map(json.loads, answer.body.splitlines()) if one.get("path") == str(path)]
        assert (notice["type"], notice["state"]) == ("notice", "failed")
        assert "the rules don't allow what is really behind that name" in notice["detail"]
    for answer in (*answers[3:5], *answers[6:8]):
        page = answer.json()
        assert (page["lines"], page["complete"], page["scanned_bytes"]) == ([], False, 0)
        assert [one["host"] for one in page["failed"]] == [host]
    for answer in answers[8:10]:
        found = answer.json()
        assert sum(bucket["count"] for bucket in found["buckets"]) == 0
        assert not found["complete"]
    assert answers[10].headers["x-failed-hosts"] == host
    wait_until(lambda: len(place.refusals(source)) >= 9, "the refusals on disk")
    for record in place.refusals(source):
        assert f"it is {place.elsewhere(host) / 'secret'}" in record["detail"]
        assert (record["verdict"], record["paths"]) == ("denied", [str(path)])


def test_a_shared_tail_is_decided_for_each_who_watches(place: Place, host: str) -> None:
    source, path = place.log(host)
    path.write_text(f"{LINKED} 1\n")
    with (
        place.stream("narrow", source=source, hosts=host) as narrow,
        place.stream("wide", source=source, hosts=host) as wide,
    ):
        narrow.wait_live()
        wide.wait_live()
        path.unlink()
        path.symlink_to(place.elsewhere(host) / "secret")
        wide.wait_text(f"{CANARY} 2")
        narrow.wait(lambda: narrow.of("notice")[-1]["state"] == "failed", "to be told")
        files = place.get("narrow", "/api/v1/sources").json()
        (state,) = [one for found in files if found["name"] == source for one in found["files"] if one["host"] == host]
        assert (state["state"], "may not be shown" in state["error"]) == ("failed", True)
        path.unlink()
        path.write_text(f"{LINKED} 2\n")
        narrow.wait_text(f"{LINKED} 2")
        wide.wait_text(f"{LINKED} 2")
    assert not [text for text in narrow.texts() if "canary" in text]
    wait_until(lambda: place.refusals(source), "the refusal on disk")


def test_what_a_link_led_to_stays_unseen_in_the_ring(place: Place, host: str) -> None:
    source, path = place.log(host)
    path.symlink_to(place.elsewhere(host) / "secret")
    with place.stream("wide", source=source, hosts=host) as wide:
        wide.wait_text(f"{CANARY} 2")
        path.unlink()
        path.write_text(f"{LINKED} 1\n")
        wide.wait_text(f"{LINKED} 1")
        position = next(line for line in wide.of("line") if "canary" in line["text"])["position"]
        assert place.texts("narrow", source=source, hosts=host) == [f"{LINKED} 1"]
        after = place.texts("narrow", source=source, hosts=host, after=position)
    assert not [text for text in after if "canary" in text]


def test_a_generation_that_leads_elsewhere_is_none_of_the_log_s(place: Place, host: str) -> None:
    source, path = place.log(host)
    path.write_text(f"{LINKED} 1\n")
    older = path.with_name("app.log.1")
    with place.stream("narrow", source=source, hosts=host) as narrow:
        narrow.wait_live()
        path.rename(older)
        path.write_text(f"{LINKED} 2\n")
        narrow.wait_text(f"{LINKED} 2")
        older.unlink()
        older.symlink_to(place.elsewhere(host) / "secret")
        (line,) = [one for one in narrow.of("line") if one["text"] == f"{LINKED} 2"]
        answer = place.get("narrow", "/api/v1/context", position=line["position"], before=5)
        assert "canary" not in answer.text
        answer = place.get("narrow", "/api/v1/lines", source=source, hosts=host, grep="2026")
        assert "canary" not in answer.text
        assert "canary" not in " ".join(narrow.texts())


def test_a_pattern_finds_nothing_through_a_folder_that_leads_elsewhere(place: Place, host: str) -> None:
    folder = place.root / host / "logs" / "found"
    folder.mkdir(parents=True)
    (place.elsewhere(host) / "app.log").write_text(f"{CANARY} 3\n")
    (folder / "sly").symlink_to(place.elsewhere(host))
    (folder / "good").mkdir()
    (folder / "good" / "app.log").write_text(f"{LINKED} 1\n")
    assert place.texts("narrow", source="found", hosts=host) == [f"{LINKED} 1"]
    assert sorted(place.texts("wide", source="found", hosts=host)) == [f"{LINKED} 1", f"{CANARY} 3"]
    page = place.get("narrow", "/api/v1/lines", source="found", hosts=host).json()
    assert [line["text"] for line in page["lines"]] == [f"{LINKED} 1"]
    assert not page["complete"]


def test_where_the_real_path_is_allowed_too_all_is_there_with_its_generations(place: Place, host: str) -> None:
    source, path = place.log(host)
    moved = place.root / host / "moved"
    moved.mkdir()
    (moved / "app.log").write_text(f"{LINKED} 2\n")
    (moved / "app.log.1").write_text(f"{LINKED} 1\n")
    path.parent.rmdir()
    path.parent.symlink_to(moved)
    assert place.texts("narrow", source=source, hosts=host) == []
    assert place.texts("both", source=source, hosts=host) == [f"{LINKED} 2"]
    page = place.get("both", "/api/v1/lines", source=source, hosts=host).json()
    assert ([line["text"] for line in page["lines"]], page["failed"]) == ([f"{LINKED} 1", f"{LINKED} 2"], [])


async def test_a_host_that_can_t_tell_says_so(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "tail", "stat", "od", "tr", "head", "dd"):
        (tools / name).symlink_to(Path("/usr/bin") / name)
    log = tmp_path / "app.log"
    log.write_text("one\n")
    transport = LocalTransport(shell=["/bin/sh"], path=str(tools))
    told: list[Real | None] = []
    channel = await LocalConnection(transport).run(commands.read(str(log), 0, 10))
    with judged_by(lambda _, real: told.append(real)):
        header, _, _ = await read_header(channel, path=str(log), host="web-1", user="me")
    assert (header.real, told) == (None, [Real(str(log), None)])
    await transport.end()


async def test_what_may_not_be_read_raises_before_a_byte_of_it(tmp_path: Path) -> None:
    secret, log = tmp_path / "secret", tmp_path / "app.log"
    secret.write_text(CANARY)
    log.symlink_to(secret)
    transport = LocalTransport()

    def refuse(_: str, real: Real | None) -> None:
        assert real == Real(str(log), str(secret))
        raise trouble("not-allowed", path=str(log))

    channel = await LocalConnection(transport).run(commands.read(str(log), 0, 10))
    with judged_by(refuse), pytest.raises(HostError) as refused:
        await read_header(channel, path=str(log), host="web-1", user="me")
    assert refused.value.cause == "not-allowed"
    channel.close()
    await transport.end()


@pytest.mark.parametrize("shell", [["dash"], ["busybox", "ash"]], ids=lambda shell: shell[0])
def test_a_link_that_is_swapped_in_all_the_time_is_never_taken_for_the_log(tmp_path: Path, shell: list[str]) -> None:
    secret, log = tmp_path / "secret", tmp_path / "app.log"
    secret.write_text(CANARY)
    log.write_text(LINKED)
    ended = threading.Event()

    def swap() -> None:
        """As fast as a program can that may write the folder: the name is a file and a link by turns."""
        for number in itertools.count():
            other = tmp_path / f"other-{number % 2}"
            if number % 2:
                other.write_text(LINKED)
            else:
                other.symlink_to(secret)
            other.rename(log)
            if ended.is_set():
                return

    swapping = threading.Thread(target=swap)
    swapping.start()
    command = commands.read(str(log), 0, 100)
    said = [subprocess.run([*shell, "-c", command], capture_output=True, check=True).stdout for _ in range(40)]
    ended.set()
    swapping.join()
    read = [one for one in said if CANARY.encode() in one]
    assert read, "the link was opened at times"
    assert not [one for one in read if f"\nP {secret}\n".encode() not in one]
    assert [one for one in said if one.endswith(LINKED.encode())]


@pytest.mark.parametrize(
    ("told", "real"),
    [
        (b"", "/logs/app.log"),
        (b"P /etc/shadow\n", "/etc/shadow"),
        (b"P /with a space\n", "/with a space"),
        (b"P /no utf-8 \xff\n", "/no utf-8 \udcff"),
        (b"P ?\n", None),
        (b"P ../logs/app.log\n", None),
        (b"P \n", None),
        (b"P /" + b"x" * 4096 + b"\n", None),
    ],
)
async def test_what_a_host_tells_of_a_path_is_a_path_or_nothing(tmp_path: Path, told: bytes, real: str | None) -> None:
    said = tmp_path / "said"
    said.write_bytes(MARK + told + b"H 1:2:3 4 5 0 6f6e65\none")
    transport = LocalTransport()
    channel = await LocalConnection(transport).run(f"cat {said}")
    header, data, _ = await read_header(channel, path="/logs/app.log", host="web-1", user="me")
    assert (header.real, header.size, data) == (real, 4, b"one")
    await transport.end()


@pytest.mark.parametrize("told", [b"P /etc/shadow", b"P " + b"x" * 100_000, b"P /a\nP /b\nH 1:2:3 4 5 0 6f6e65\none"])
async def test_a_path_without_a_header_is_an_error_in_words(tmp_path: Path, told: bytes) -> None:
    said = tmp_path / "said"
    said.write_bytes(MARK + told)
    transport = LocalTransport()
    channel = await LocalConnection(transport).run(f"cat {said}")
    with pytest.raises(HostError):
        await read_header(channel, path="/logs/app.log", host="web-1", user="me")
    channel.close()
    await transport.end()


LOG = File("web-1", "app", "/logs/app.log")
ALICE = Principal("alice", "web", roles=("one",))


def allowed(*paths: str, name: str = LOG.path, real: str | None) -> bool:
    rule = Rule("rule", frozenset({"web-1"}), paths, frozenset({"view"}))
    policy = RulePolicy(Access({"one": (rule,)}, {}, {}, None))
    return decide_real(policy, ALICE, "view", LOG, Real(name, real)).allowed


def test_a_real_path_must_be_allowed_by_itself() -> None:
    assert not allowed("/logs/**", real="/etc/shadow")
    assert allowed("/logs/**", "/data/**", real="/data/app.log")


def test_generations_inherit_wherever_they_are() -> None:
    assert allowed("/logs/app.log", real="/logs/app.log.1")
    assert allowed("/logs/app.log", "/data/app.log", name="/logs/app.log.1", real="/data/app.log.1")
    assert not allowed("/logs/app.log", "/data/app.log", name="/logs/app.log.1", real="/data/other.log.1")
    assert not allowed("/logs/app.log", "/data/app.log", real="/data/app.log.1")


def test_where_a_host_can_t_tell_only_a_rule_for_everything_allows() -> None:
    assert not allowed("/logs/**", real=None)
    assert allowed("/**", real=None)


def test_a_file_that_was_deleted_since_is_the_same() -> None:
    assert real_of("/logs/app.log", "/logs/app.log (deleted)") is None
