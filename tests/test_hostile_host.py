"""Hosts that mean harm, all in one product beside an honest one: each ends in clear words about itself, and nobody
else notices. The product's own log has no traceback (see Product)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet import Fleet
from hostile import MARK, Answer, Hostile, Process, floods, says
from product import Product, wait_until

MIB = 1 << 20
HUGE = b"9" * 30
PATIENCE_S = 25.0


def header(
    *, inode: bytes = b"1:2:3", size: bytes = b"1", mtime: bytes = b"1763000000", start: bytes = b"0", more: bytes = b""
) -> bytes:
    """What follow.sh says of an opened file, and the bytes behind it; the first line is empty."""
    return b" ".join((b"H", inode, size, mtime, start, b"0a")) + b"\n\n" + more


def probe(clock: bytes = b"1763000000.5", zone: bytes = b"+0000", user: bytes = b"root") -> Answer:
    return says(b" ".join((b"tailon-probe 1", clock, zone, b"gnu", user)) + b"\n")


async def cuts(process: Process) -> None:
    process.channel.get_connection().abort()


async def closes(process: Process) -> None:
    process.close()


async def is_killed(process: Process) -> None:
    process.exit_with_signal("KILL", False, "\x1b[31m" * 1000)


PROBES: dict[str, Answer] = {
    "zone-of-100-hours": probe(zone=b"+9999"),
    "zone-of-other-digits": probe(zone="+\u00b2\u00b2\u00b2\u00b2".encode()),
    "clock-not-a-number": probe(clock=b"nan"),
    "clock-infinite": probe(clock=b"inf"),
    "clock-overflows": probe(clock=b"1e300"),
    "clock-of-year-9999": probe(clock=b"253402300799"),
    "clock-before-1970": probe(clock=b"-99999999999"),
    "user-of-100-kb": probe(user=b"x" * 100_000),
}
REMOTE = "failed: "
FOLLOWS: dict[str, tuple[Answer, str]] = {
    "no-header": (says(b""), REMOTE),
    "header-of-letters": (says(b"H a b c d e\n"), REMOTE),
    "header-of-bytes": (says(b"H \xff\xfe 1 1 1 0a\n"), REMOTE),
    "header-negative": (says(header(size=b"-5", start=b"-7"), status=None), REMOTE),
    "header-size-huge": (says(header(size=HUGE), status=None), REMOTE),
    "header-start-huge": (says(header(start=HUGE), status=None), REMOTE),
    "header-mtime-huge": (says(header(mtime=HUGE), status=None), REMOTE),
    "header-not-a-number": (says(header(size=b"nan"), status=None), REMOTE),
    "header-number-too-long": (says(header(size=b"9" * 4400)), REMOTE),
    "header-endless": (floods(MARK + b"H ", b"6" * 10_000), "too much before its answer"),
    "header-that-promises-too-much": (says(header(size=b"1000000000"), status=None), "no answer from"),
    "refuses-with-letters": (says(b"E truncated x\n"), REMOTE),
    "refuses-what-nobody-asked": (says(b"E truncated 5\n"), REMOTE),
    "refuses-for-no-known-cause": (says(b"E nonsense x\n"), REMOTE),
    "refuses-for-a-cause-of-ours": (says(b"E timeout x\n"), REMOTE),
    "refuses-with-bytes": (says(b"E not-regular \xff\n"), "not a regular file"),
    "truncates-for-ever": (floods(MARK + header(size=b"100000"), b"tail: -: file truncated\n"), "again and again"),
    "cuts-its-connection": (cuts, "was lost"),
    "closes-its-channel": (closes, REMOTE),
    "is-killed": (is_killed, "killed by a signal"),
}
LIVES: dict[str, dict[str, Any]] = {
    "mtime-of-year-30000": {"follow": says(header(mtime=b"999999999999"), status=None)},
    "mtime-before-christ": {"follow": says(header(mtime=b"-99999999999"), status=None)},
    "news-too-long": {"follow": says(header(), errors=b"R " + b"9" * 5000 + b"\n", status=None)},
    "endless-line": {"follow": floods(MARK + header(), b"x" * 30_000)},
    "endless-errors": {"follow": floods(MARK + header(), b"x" * 30_000, errors=True)},
}
ROTATIONS: dict[str, dict[str, Any]] = {
    "listing-of-rubbish": {
        "follow": says(header(more=b"1\n", size=b"3"), errors=b"R 3\n", status=None),
        "timeline": says(
            b"G 1 x y z zz zz /a\nG a -1 99999999999999999999999 plain 0a /v/app.log\nG a 1 1 plain 0 /v/app.log\nG\n"
        ),
    },
    "listing-endless": {
        "follow": says(header(more=b"1\n", size=b"3"), errors=b"R 3\n", status=None),
        "timeline": floods(MARK, b"G 1:1:1 1 1 plain 0a /v/app.log.1\n" * 5000),
    },
}
RAW = {
    "endless-x": (b"", b"x" * 65_536),
    "endless-banner": (b"", b"hello\r\n" * 5000),
    "endless-noughts": (b"SSH-2.0-x\r\n", b"\0" * 65_536),
    "packet-of-4-gib": (b"SSH-2.0-x\r\n\xff\xff\xff\xff", b"\xff" * 1000),
    "version-that-paints": (b"SSH-2.0-" + b"\x1b[31m" * 10_000 + b"\r\n", b""),
    "version-of-last-century": (b"SSH-1.5-\xff\0\r\n", b""),
}
NAMES = (
    b"/v/a/good.log\n/v/a/../../etc/shadow.log\n/etc/shadow\n../x.log\nx.log\n/v/a/nul\0.log\n/v/a/paint\x1b[31m.log\n"
    b"/v/a/latin-\xe9.log\n/v/a/sub/deep.log\n/v/a/" + b"n" * 5000 + b".log\n/v/a/late.log\n"
)


class Scene:
    """The product, a view of all hostile hosts, and one of the honest host."""

    def __init__(self, product: Product, honest: Path) -> None:
        self.product = product
        self.honest = honest
        self.evil = product.stream(source="app")
        self.good = product.stream(source="honest")
        self.good.wait_live()

    def said(self, host: str) -> list[str]:
        notices = [notice for notice in self.evil.of("notice") if notice["host"] == host]
        return [notice["detail"] for notice in notices if notice["state"] != "live"]

    def wait_said(self, host: str, words: str) -> None:
        self.evil.wait(lambda: any(words in said for said in self.said(host)), f"{words!r} of {host}", PATIENCE_S)

    def states(self) -> dict[str, str]:
        return {host["name"]: host["state"] for host in self.product.get("/api/v1/hosts").json()}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("hostile")
    with Fleet(folder) as fleet, Hostile(fleet) as hostile:
        good = fleet.add("good-1")
        log, app = good.root / "a.log", folder / "app.log"
        log.write_text("hello\n")
        app.write_text("the log of hosts that follow honestly\n")
        for name, answer in PROBES.items():
            hostile.add(name, probe=answer)
        hostile.add(
            "user-that-paints",
            probe=probe(user="r\x1b]0;x\x07\u202e;reboot".encode()),
            follow=says(b"E not-readable file\n"),
        )
        hostile.add("probe-endless", probe=floods(MARK, b"x" * 10_000))
        for name, (answer, _) in FOLLOWS.items():
            hostile.add(name, follow=answer)
        for name, answers in (LIVES | ROTATIONS).items():
            hostile.add(name, **answers)
        for name, (begin, chunk) in RAW.items():
            hostile.add_raw(name, begin, chunk)
        hostile.add("packets-of-no-bytes", {"max_pktsize": 0})
        hostile.add("window-of-no-bytes", {"window": 0})
        hostile.add("new-keys-at-every-byte", {"rekey_bytes": 1})
        hostile.add("names", list=says(NAMES), follow=says(header(), status=None))
        hostile.add("names-endless", list=floods(MARK, b"/v/a/x.log\n" * 20_000), follow=says(header(), status=None))
        sources = {
            "app": {"hosts": "@*!good-1", "path": str(app)},
            "honest": {"hosts": "good-1", "path": str(log)},
            "glob": {"hosts": "names,names-endless", "path": "/v/a/*.log"},
        }
        with Product(hostile.inventory(sources), folder) as product:
            scene = Scene(product, log)
            yield scene
            scene.evil.close()
            scene.good.close()


@pytest.mark.parametrize("host", PROBES)
def test_a_probe_of_garbage_leaves_the_host_usable(scene: Scene, host: str) -> None:
    scene.evil.wait(lambda: host in {path[0] for path in scene.evil.live_paths()}, f"{host} to be live")
    (line,) = [line for line in scene.evil.of("line") if line["host"] == host]
    assert line["time"].startswith("20")


def test_a_user_who_can_not_be_is_shown_harmlessly(scene: Scene) -> None:
    scene.wait_said("user-that-paints", "setfacl")
    for said in scene.said("user-that-paints"):
        assert said.isprintable()
        assert ";reboot" not in said


def test_a_probe_without_end_is_cut_short(scene: Scene) -> None:
    scene.wait_said("probe-endless", "ran no shell")


@pytest.mark.parametrize("host", FOLLOWS)
def test_an_answer_of_garbage_is_said_in_words(scene: Scene, host: str) -> None:
    scene.wait_said(host, FOLLOWS[host][1])
    assert all(len(said) < 600 for said in scene.said(host))


@pytest.mark.parametrize("host", LIVES)
def test_a_strange_follower_is_lived_with(scene: Scene, host: str) -> None:
    scene.evil.wait(lambda: host in {path[0] for path in scene.evil.live_paths()}, f"{host} to be live")


@pytest.mark.parametrize("host", ROTATIONS)
def test_a_listing_of_rubbish_ends_in_words_about_the_file(scene: Scene, host: str) -> None:
    scene.evil.wait(lambda: scene.said(host), f"words about {host}", PATIENCE_S)


@pytest.mark.parametrize("host", RAW)
def test_what_is_no_ssh_is_said_to_be_none(scene: Scene, host: str) -> None:
    scene.wait_said(host, "does not speak SSH")


def test_a_channel_whose_packets_hold_nothing_is_refused(scene: Scene) -> None:
    scene.wait_said("packets-of-no-bytes", "was lost")


@pytest.mark.parametrize("host", ["window-of-no-bytes", "new-keys-at-every-byte"])
def test_a_connection_that_is_made_hard_still_works(scene: Scene, host: str) -> None:
    scene.evil.wait(lambda: host in {path[0] for path in scene.evil.live_paths()}, f"{host} to be live")


def test_only_names_that_fit_the_pattern_are_followed(scene: Scene) -> None:
    with scene.product.stream(source="glob") as view:
        view.wait_live(3)
    assert {path for host, path in view.live_paths() if host == "names"} == {"/v/a/good.log", "/v/a/late.log"}
    assert {path for host, path in view.live_paths() if host == "names-endless"} == {"/v/a/x.log"}
    assert scene.product.get("/api/v1/sources").status == 200


def test_the_honest_host_notices_nothing_and_memory_is_bounded(scene: Scene) -> None:
    for number in range(20):
        with scene.honest.open("a") as out:
            out.write(f"line {number}\n")
        scene.good.wait(lambda text=f"line {number}": text in scene.good.texts(), "a line of the honest host", 3)
    assert scene.states()["good-1"] == "live"
    assert scene.product.rss() < 300 * MIB
    assert not scene.evil.ended.is_set()


def test_a_view_that_does_not_follow_ends_in_spite_of_them(scene: Scene) -> None:
    records = scene.product.once(source=["app", "honest"], hosts="@*!header-that-promises-too-much", lines=1)
    assert records[-1] == {"type": "end", "reason": "complete"}
    wait_until(lambda: os.path.exists(scene.product.audit), "the audit log")
    assert scene.product.audited()[-1]["event"] in ("open", "progress", "close")
