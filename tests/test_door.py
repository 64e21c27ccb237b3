"""The door: decides, writes down, opens; and is the only one that does."""

import ast
import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from aggregator import limits
from aggregator.access.audit import AuditLog
from aggregator.access.door import Door, Opening
from aggregator.access.events import Event
from aggregator.access.policy import LOOPBACK_RULE, LoopbackPolicy, Verdict
from aggregator.access.request import Request
from aggregator.errors import AuditUnavailable, Denied
from aggregator.model import File, Host, Principal, SshOptions

ROOT = Path(__file__).parent.parent
LOCAL = Principal("local", "api", "127.0.0.1")
NGINX = File("web-1", "nginx", "/var/log/nginx/access.log")
OTHER = File("web-2", "nginx", "/var/log/nginx/access.log")
SECRET = File("db-1", "postgres", "/var/log/secret.log")
MARK = Event("reload")
REQUEST = Request("view", "stream", ("web-1",), ("nginx",), (NGINX,), ("GET",), ("healthz",), "warning")


class NoSecrets:
    """A policy that denies files named secret."""

    def decide(self, principal, action, file):
        if "secret" in file.path:
            return Verdict(False, "roles.dev", f"dev may not {action} {file.path}")
        return Verdict(True, "roles.dev.allow[0]", "dev may view logs")

    def visible_hosts(self, principal, inventory):
        return frozenset(inventory.hosts)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


@pytest.fixture
async def door(path):
    async with await AuditLog.open(path) as log:
        yield Door(LoopbackPolicy(), log)


async def records(door) -> list[dict]:
    """What is written, once all that was noted is on disk too."""
    await door.audit.record(MARK)
    return [json.loads(line) for line in door.audit.path.read_bytes().splitlines()][:-1]


async def test_opening_is_on_disk_before_it_is_given_and_its_close_says_what_was_served(door):
    async with await door.open(LOCAL, REQUEST) as opening:
        (record,) = [json.loads(line) for line in door.audit.path.read_bytes().splitlines()]
        assert record["seq"] == opening.seq == 1
        opening.delivered([], 3, 120)
        opening.delivered([], 1, 40)
        opening.dropped(7, 300)
        opening.end("slow-viewer")
    assert record["event"] == "open"
    assert (record["principal"], record["via"], record["address"]) == ("local", "api", "127.0.0.1")
    assert (record["hosts"], record["sources"], record["paths"]) == (["web-1"], ["nginx"], [NGINX.path])
    assert record["command"] == "stream"
    assert record["filter"] == {"grep": ["GET"], "exclude": ["healthz"], "level": "warning"}
    assert (record["verdict"], record["rule"]) == ("allowed", LOOPBACK_RULE)
    close = (await records(door))[1]
    assert (close["event"], close["verdict"], close["paths"]) == ("close", None, [NGINX.path])
    assert close["detail"] == {
        "open": 1,
        "end": "slow-viewer",
        "lines": 4,
        "bytes": 160,
        "dropped_lines": 7,
        "dropped_bytes": 300,
        "files": [],
    }


async def test_denied_request_is_a_refuse_and_opens_nothing(door):
    door.policy = NoSecrets()
    with pytest.raises(Denied) as error:
        await door.open(LOCAL, Request("view", "stream", ("db-1",), ("postgres",), (NGINX, SECRET)))
    assert error.value.rule == "roles.dev"
    (record,) = await records(door)
    assert (record["event"], record["verdict"], record["rule"]) == ("refuse", "denied", "roles.dev")
    assert record["detail"] == "/var/log/secret.log on db-1: dev may not view /var/log/secret.log"


async def test_request_without_a_file_yet_is_recorded_with_what_it_names(door):
    async with await door.open(LOCAL, Request("view", "stream", ("web-1",), ("later",))) as opening:
        assert opening.files == ()
    opened, _ = await records(door)
    assert (opened["event"], opened["hosts"], opened["paths"], opened["rule"]) == ("open", ["web-1"], [], None)


async def test_added_file_is_decided_and_on_disk_before_it_may_be_read(door):
    door.policy = NoSecrets()
    async with await door.open(LOCAL, REQUEST) as opening:
        with pytest.raises(Denied, match="was not opened"):
            opening.require(OTHER)
        await opening.add([NGINX, OTHER, OTHER])
        opening.require(OTHER)
        assert opening.files == (NGINX, OTHER)
        assert json.loads(door.audit.path.read_bytes().splitlines()[-1])["hosts"] == ["web-2"]
        with pytest.raises(Denied):
            await opening.add([SECRET])
        with pytest.raises(Denied):
            opening.require(SECRET)
    opened, added, refused, closed = await records(door)
    assert [record["event"] for record in (opened, added, refused, closed)] == ["open", "open", "refuse", "close"]
    assert added["detail"] == {"extends": opened["seq"]}
    assert added["filter"] == opened["filter"]
    assert closed["hosts"] == ["web-1", "web-2"]


async def test_adding_known_files_writes_nothing(door):
    async with await door.open(LOCAL, REQUEST) as opening:
        await opening.add([NGINX])
    assert [record["event"] for record in await records(door)] == ["open", "close"]


async def test_closed_opening_opens_nothing_more(door):
    async with await door.open(LOCAL, REQUEST) as opening:
        opening.require(NGINX)
    assert opening.closed
    with pytest.raises(Denied, match="has ended"):
        opening.require(NGINX)
    with pytest.raises(Denied, match="has ended"):
        await opening.add([OTHER])


async def raise_(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (asyncio.CancelledError(), "viewer-left"),
        (AuditUnavailable("the audit log is full"), "audit-unavailable"),
        (RuntimeError("bug"), "error"),
    ],
)
async def test_close_says_how_the_view_ended(door, error, end):
    with pytest.raises(type(error)):
        async with await door.open(LOCAL, REQUEST):
            await raise_(error)
    assert (await records(door))[1]["detail"]["end"] == end


async def test_no_record_no_opening(door):
    door.audit.path.unlink()
    with pytest.raises(AuditUnavailable, match="what can't be recorded is not done"):
        await door.open(LOCAL, REQUEST)


async def test_refusal_made_elsewhere_is_recorded(door):
    await door.refuse(
        None, "foreign Origin http://evil.example", "origin", via="api", address="127.0.0.1", command="/ws"
    )
    (record,) = await records(door)
    assert (record["event"], record["principal"], record["via"]) == ("refuse", None, "api")
    assert (record["verdict"], record["rule"], record["command"]) == ("denied", "origin", "/ws")


async def test_opening_cancelled_while_it_is_written_is_closed_as_never_opened(door, monkeypatch):
    monkeypatch.setattr(limits, "AUDIT_SYNC_INTERVAL", 0.0)
    for _ in range(20):
        task = asyncio.ensure_future(door.open(LOCAL, REQUEST))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await door.audit.record(MARK)  # a close may be noted while the first mark is written
    events = [record["event"] for record in await records(door)]
    assert events.count("open") == events.count("close"), "an open that nobody got has its close"


def test_opening_can_be_made_by_nobody_but_the_door():
    with pytest.raises(TypeError, match=r"only Door\.open"):
        Opening(object(), None, LOCAL, REQUEST, 1)


def test_nothing_else_in_the_tree_makes_an_opening():
    found = []
    for file in [*ROOT.glob("aggregator/**/*.py"), *ROOT.glob("web/*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Opening":
                found.append(file.relative_to(ROOT).as_posix())
            if isinstance(node, ast.Attribute | ast.Name) and "__new__" in ast.unparse(node):
                found.append(f"{file}: goes round a constructor")
    assert found == ["aggregator/access/door.py"]


@dataclass
class Inventory:
    hosts: dict


@pytest.mark.parametrize(("name", "allowed"), [("local", True), ("local:ana", True), ("alice", False), ("", False)])
def test_without_rules_only_the_local_principal_may_anything(name, allowed):
    policy, principal = LoopbackPolicy(), Principal(name, "web")
    verdict = policy.decide(principal, "view", NGINX)
    assert (verdict.allowed, verdict.rule) == (allowed, LOOPBACK_RULE)
    inventory = Inventory({"web-1": Host("web-1", "web-1", SshOptions(), {})})
    assert policy.visible_hosts(principal, inventory) == (frozenset({"web-1"}) if allowed else frozenset())
