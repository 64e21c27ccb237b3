"""Serving from outside: health, binds, options, signals, exit codes, the audit log, and who may ask."""

from __future__ import annotations

import datetime
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fleet import Fleet
from fleet import free_port as find_free_port
from product import LOOPBACK, PATIENCE_S, Product, command, environment, texts_of, wait_until
from rig import Rig, rig_in

from aggregator.access.chain import verify
from aggregator.cli.main import main

STATES = {"idle", "connecting", "live", "waiting", "failed"}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_in(tmp_path_factory.mktemp("serve")) as made:
        yield made


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """An inventory of one host that nobody needs to reach."""
    return inventory_at(tmp_path / "hosts.yaml")


def inventory_at(path: Path, **extra: Any) -> Path:
    data = {
        "version": 1,
        "hosts": {"web-1": {"address": LOOPBACK, "ssh": {"port": 1}}},
        "sources": {"app": {"hosts": "@*", "path": "/var/log/app.log"}},
        **extra,
    }
    path.write_text(yaml.safe_dump(data))
    return path


def run(*arguments: str, folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """The program to its end."""
    return subprocess.run(
        [*command(), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=folder,
        env=environment(**{"XDG_STATE_HOME": str(folder / "xdg"), **changes}),
        stdin=subprocess.DEVNULL,
    )


# --- Health, metrics, lists ---------------------------------------------------------------------------------------


def test_health_is_plain_and_asks_for_no_host_header(rig: Rig) -> None:
    foreign = {"Host": "probe.example"}
    for path in ("/livez", "/readyz", "/healthz"):
        answer = rig.product.get(path, foreign)
        assert (answer.status, answer.text.strip()) == (200, "ok")
    verbose = rig.product.get("/readyz?verbose", foreign)
    assert verbose.status == 200
    assert "[+]audit ok" in verbose.text
    health = rig.product.get("/health", foreign)
    body = health.json()
    assert health.status == 200
    assert set(body) == {"status", "timestamp", "service", "version", "hosts"}
    assert (body["status"], body["service"]) == ("UP", "tailon-agg")
    assert abs(body["timestamp"] - time.time() * 1000) < 5000
    assert set(body["hosts"]) == STATES
    assert sum(body["hosts"].values()) == 3


def test_metrics_are_prometheus_text_of_our_name(rig: Rig) -> None:
    answer = rig.product.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    names = {line.split("{")[0].split()[0] for line in answer.text.splitlines() if not line.startswith("#")}
    assert names
    assert all(name.startswith("tailon_agg_") for name in names)
    assert {"tailon_agg_viewers", "tailon_agg_hosts", "tailon_agg_received_lines_total"} <= names
    assert rig.product.get("/metrics", {"Host": "foreign.example"}).status == 403


def test_hosts_and_sources_have_the_documented_keys(rig: Rig) -> None:
    source = rig.some()
    rig.write(source, "2026-11-23T10:00:00Z x\n")
    with rig.product.stream(source=source) as view:
        view.wait_live()
        hosts = rig.product.get("/api/v1/hosts").json()
        sources = {entry["name"]: entry for entry in rig.product.get("/api/v1/sources").json()}
    assert [host["name"] for host in hosts] == ["web-1", "web-2", "web-3"]
    for host in hosts:
        known = {"name", "address", "labels", "groups", "state", "error", "lag_s", "clock_skew_s", "poll_s", "gated"}
        assert set(host) == known
        assert host["state"] in STATES
    assert hosts[0]["state"] == "live"
    assert abs(hosts[0]["clock_skew_s"]) < 1
    assert sources[source] == {
        "name": source,
        "kind": "file",
        "files": [{"host": "web-1", "path": str(rig.path(source)), "state": "live", "error": None}],
    }


def test_unknown_paths_and_methods_are_problems(rig: Rig) -> None:
    for path in ("/nothing", "/api/v1/nothing", "/api/v2/stream", "/static/../api.py"):
        answer = rig.product.get(path)
        assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    connection = http.client.HTTPConnection(LOOPBACK, rig.product.port, timeout=5)
    connection.request("POST", "/api/v1/stream", body=b"x")
    refused = connection.getresponse()
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")
    connection.close()


def test_head_of_a_stream_ends_at_once(rig: Rig) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, rig.product.port, timeout=5)
    connection.request("HEAD", "/api/v1/stream")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    connection.close()


# --- Who may ask --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/api/v1/hosts", "/api/v1/sources", "/api/v1/stream?follow=0", "/metrics"])
def test_foreign_host_and_origin_are_refused_everywhere(rig: Rig, path: str) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Host": f"evil:{rig.product.port}"}):
        answer = rig.product.get(path, headers)
        assert answer.status == 403, headers
        assert answer.json()["rule"] in ("host", "origin")
    own = f"http://localhost:{rig.product.port}"
    assert rig.product.get(path, {"Host": own.removeprefix("http://"), "Origin": own}).status == 200


def test_foreign_requests_for_text_are_in_the_audit_log(rig: Rig) -> None:
    before = len(rig.product.audited())
    rig.product.get("/api/v1/stream", {"Host": "evil.example"})
    rig.product.get("/api/v1/hosts", {"Origin": "https://evil.example"})
    rig.product.get("/", {"Host": "evil.example"})
    rig.product.get("/api/v1/stream", grep="(")
    records = [record for record in rig.product.audited()[before:] if record["event"] == "refuse"]
    assert [record["command"] for record in records] == ["/api/v1/stream", "/api/v1/hosts"]
    assert all(record["verdict"] == "denied" and record["address"] == LOOPBACK for record in records)


# --- The audit log ------------------------------------------------------------------------------------------------


def test_every_look_is_written_down_and_chained(rig: Rig) -> None:
    source = rig.one()
    for host in ("web-1", "web-2"):
        rig.write(source, "a\nb\nc\n", host)
    before = len(rig.product.audited())
    rig.product.once(source=source, hosts="web-[1-2]", grep="a|b", exclude="b", level="debug", lines=2)
    wait_until(lambda: rig.product.audited()[-1]["event"] == "close", "the record of the end")
    opened, closed = rig.product.audited()[before:]
    assert (opened["event"], opened["principal"], opened["via"]) == ("open", "local", "api")
    assert opened["address"] == LOOPBACK
    assert (opened["hosts"], opened["sources"]) == (["web-1", "web-2"], [source])
    assert opened["paths"] == [str(rig.path(source)), str(rig.path(source, "web-2"))]
    assert (opened["verdict"], opened["command"]) == ("allowed", "/api/v1/stream")
    assert "a|b" in json.dumps(opened["filter"])
    assert "debug" in json.dumps(opened["filter"])
    assert closed["detail"]["open"] == opened["seq"]
    assert closed["detail"]["end"] == "complete"
    assert closed["detail"]["lines"] == 0
    assert len(texts_of(rig.product.once(source=source, hosts="web-[1-2]"))) == 6
    wait_until(lambda: len(rig.product.audited()) == before + 4, "the record of the second end")
    assert (rig.product.audited()[-1]["detail"]["lines"], rig.product.audited()[-1]["detail"]["bytes"]) == (6, 12)
    assert verify(rig.product.audit.read_bytes().splitlines(keepends=True)).bad is None
    assert oct(rig.product.audit.stat().st_mode)[-3:] == "600"


def test_a_chain_goes_on_over_restarts_and_a_crash(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("web-1")
    (host.root / "a.log").write_text("x\n")
    with Product(fleet.inventory({"app": {"hosts": "@*", "path": f"{host.root}/a.log"}}), tmp_path) as product:
        with product.stream() as view:
            view.wait_live()
            product.kill()
        with product.audit.open("ab") as log:
            log.write(b'{"seq":99,"torn')
        product.start()
        product.once()
        assert product.stop() == 0
        events = [record["event"] for record in product.audited() if record["event"] != "checkpoint"]
        assert events == ["start", "open", "start", "open", "close", "stop"]
        assert [record["seq"] for record in product.audited()] == sorted(record["seq"] for record in product.audited())
        assert verify(product.audit.read_bytes().splitlines(keepends=True)).bad is None
        assert "torn" in [record for record in product.audited() if record["event"] == "start"][1]["detail"]


def test_without_a_writable_audit_log_there_is_no_text_and_no_readiness(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("web-1")
    (host.root / "a.log").write_text("secret\n")
    with Product(fleet.inventory({"app": {"hosts": "@*", "path": f"{host.root}/a.log"}}), tmp_path) as product:
        assert texts_of(product.once()) == ["secret"]
        whole = product.audit.read_bytes()
        with product.audit.open("ab") as log:
            log.write(b"somebody else\n")
        answer = product.get("/api/v1/stream", follow=0)
        assert answer.status == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "audit" in answer.text
        assert "secret" not in answer.text
        assert product.get("/readyz").status == 503
        assert product.get("/livez").status == 200
        assert (product.get("/health").status, product.get("/health").json()["status"]) == (503, "DOWN")
        os.truncate(product.audit, len(whole))
        wait_until(lambda: product.get("/readyz").status == 200, "the log to be written again")
        assert texts_of(product.once()) == ["secret"]


# --- Reload -------------------------------------------------------------------------------------------------------


def test_hup_takes_a_right_inventory_and_keeps_the_old_one_for_a_wrong_one(fleet: Fleet, tmp_path: Path) -> None:
    first, second = fleet.add("web-1"), fleet.add("web-2")
    for host in (first, second):
        (host.root / "a.log").write_text(f"{host.name}\n")
    sources = {"app": {"hosts": "@*", "path": f"{first.root.parent}/${{host}}/a.log"}}
    path = fleet.inventory(sources)
    whole = yaml.safe_load(path.read_text())
    only_first = {**whole, "hosts": {"web-1": whole["hosts"]["web-1"]}}
    path.write_text(yaml.safe_dump(only_first))
    with Product(path, tmp_path) as product, product.stream() as running:
        running.wait_text("web-1")
        assert texts_of(product.once()) == ["web-1"]
        path.write_text(yaml.safe_dump(whole))
        product.signal(signal.SIGHUP)
        wait_until(lambda: len(product.get("/api/v1/hosts").json()) == 2, "the new host")
        assert sorted(texts_of(product.once())) == ["web-1", "web-2"]
        running.wait_text("web-2")  # a running view of all hosts has the new one too
        path.write_text("version: 1\nhosts: [nonsense]\n")
        product.signal(signal.SIGHUP)
        wait_until(lambda: "not reloaded" in product.stderr, "words about the wrong inventory")
        assert f"{path}:2:8" in product.stderr
        assert len(product.get("/api/v1/hosts").json()) == 2
        with (first.root / "a.log").open("a") as out:
            out.write("still here\n")
        running.wait_text("still here")
        assert not running.ended.is_set()
        assert [record["event"] for record in product.audited()].count("reload") == 1


def test_hup_says_what_only_a_restart_takes_up(plain: Path, tmp_path: Path) -> None:
    with Product(plain, tmp_path) as product:
        inventory_at(plain, audit={"syslog": {"address": "unix:/dev/log"}})
        product.signal(signal.SIGHUP)
        wait_until(lambda: "`audit:` is read at start only; restart" in product.stderr, "words about a restart")
        assert "`server:`" not in product.stderr


def test_hup_takes_a_host_away_from_running_views(fleet: Fleet, tmp_path: Path) -> None:
    first, second = fleet.add("web-1"), fleet.add("web-2")
    for host in (first, second):
        (host.root / "a.log").write_text(f"{host.name}\n")
    path = fleet.inventory({"app": {"hosts": "@*", "path": f"{first.root.parent}/${{host}}/a.log"}})
    whole = yaml.safe_load(path.read_text())
    with Product(path, tmp_path) as product, product.stream() as view:
        view.wait_live(2)
        path.write_text(yaml.safe_dump({**whole, "hosts": {"web-1": whole["hosts"]["web-1"]}}))
        product.signal(signal.SIGHUP)
        wait_until(lambda: len(product.get("/api/v1/hosts").json()) == 1, "the host to go")
        for host in (second, first):
            with (host.root / "a.log").open("a") as out:
                out.write(f"later on {host.name}\n")
        view.wait_text("later on web-1")
        assert "later on web-2" not in view.texts()
        assert product.get("/api/v1/stream", hosts="web-2").status == 400


# --- Starts that are refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--bind", "0.0.0.0:0"], 78, "access"),
        (["--bind", "192.0.2.1:0"], 78, "access"),
        (["--bind", "[::]:0"], 78, "access"),
        (["--bind", "nonsense"], 2, "nonsense"),
        (["--bind", "127.0.0.1:99999"], 2, "99999"),
        (["--no-such-option"], 2, "--no-such-option"),
        (["--log-format", "xml"], 2, "xml"),
        (["--tls-cert", "cert.pem"], 78, "tls-key"),
        (["--tls-cert", "no.pem", "--tls-key", "no.key"], 78, "certificate"),
        (["--public-url", "nonsense"], 78, "nonsense"),
        (["--inventory", "missing.yaml"], 78, "missing.yaml"),
        (["--state-dir", "/proc/nowhere"], 78, "/proc/nowhere"),
        (["--audit-log", "/proc/nowhere/audit"], 78, "/proc/nowhere/audit"),
    ],
)
def test_start_that_is_refused_says_why(
    plain: Path, tmp_path: Path, arguments: list[str], status: int, words: str
) -> None:
    given = arguments if "--inventory" in arguments else ["--inventory", str(plain), *arguments]
    done = run(*given, folder=tmp_path)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_without_any_inventory_the_start_is_refused_with_what_to_do(tmp_path: Path) -> None:
    done = run(folder=tmp_path, HOME=str(tmp_path))
    assert done.returncode == 78
    assert "--inventory" in done.stderr


def test_all_faults_of_an_inventory_at_once_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "version: 1\nhosts:\n  web-1: {adress: x}\nsources:\n  app: {hosts: '@no', path: x}\n"
    )
    for arguments in (["check", "--inventory", "bad.yaml"], ["--inventory", "bad.yaml"]):
        done = run(*arguments, folder=tmp_path)
        assert done.returncode == 78
        places = [line.split("bad.yaml:")[1].split(": ")[0] for line in done.stderr.splitlines() if "bad.yaml:" in line]
        assert "3:11" in places
        assert len(places) >= 3


def test_second_process_on_a_state_folder_is_told_so(rig: Rig, plain: Path, tmp_path: Path) -> None:
    second = Product(plain, tmp_path, "--state-dir", str(rig.product.state))
    status, words = second.refused()
    assert status == 78
    assert str(rig.product.pid) in words
    assert "--state-dir" in words
    assert rig.product.get("/livez").status == 200


def test_port_in_use_is_said_in_words(rig: Rig, plain: Path, tmp_path: Path) -> None:
    status, words = Product(plain, tmp_path, bind=[f"{LOOPBACK}:{rig.product.port}"]).refused()
    assert status == 78
    assert f"{LOOPBACK}:{rig.product.port}" in words
    assert "in use" in words.lower()


# --- Binds and options --------------------------------------------------------------------------------------------


def test_several_binds_a_unix_socket_and_json_log(plain: Path, tmp_path: Path) -> None:
    path = tmp_path / "agg.sock"
    binds = [f"{LOOPBACK}:0", f"unix:{path}", "[::1]:0"]
    with Product(plain, tmp_path, "--log-format", "json", bind=binds) as product:
        wait_until(lambda: len(product.listening) == 3, lambda: product.stderr)
        tcp, unix, v6 = product.listening
        assert tcp.startswith("http://127.0.0.1:")
        assert unix == f"unix:{path}"
        assert v6.startswith("http://[::1]:")
        assert product.get("/livez").status == 200
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /api/v1/hosts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert all(json.loads(line)["level"] for line in product.stderr.splitlines())
        product.kill()
        product.start()  # a socket left behind is no hindrance
        assert product.stop() == 0


def test_relative_root_moves_everything(plain: Path, tmp_path: Path) -> None:
    with Product(plain, tmp_path, "--relative-root", "/logs/") as product:
        assert product.get("/logs/api/v1/hosts").status == 200
        assert product.get("/logs/livez").status == 200
        assert product.get("/logs/").status == 200
        assert product.get("/api/v1/hosts").status == 404
        page = product.get("/logs/").text
        assert 'href="/static' not in page
        assert 'src="/static' not in page


def test_flag_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    flag, env, file = (find_free_port() for _ in range(3))
    inventory = inventory_at(tmp_path / "a.yaml", server={"bind": [f"{LOOPBACK}:{file}"], "relative_root": "/file"})
    variables = {"TAILON_AGG_BIND": f"{LOOPBACK}:{env}", "TAILON_AGG_INVENTORY": str(inventory)}
    for bind, environ, port in (([f"{LOOPBACK}:{flag}"], variables, flag), ([], variables, env), ([], {}, file)):
        folder = tmp_path / str(port)
        folder.mkdir()
        given = None if "TAILON_AGG_INVENTORY" in environ else inventory
        with Product(given, folder, bind=bind, environ=environ) as product:
            assert product.port == port
            assert product.get("/file/livez").status == 200
            assert product.stop() == 0


def test_every_option_has_its_variable(plain: Path, tmp_path: Path) -> None:
    environ = {
        "TAILON_AGG_INVENTORY": str(plain),
        "TAILON_AGG_BIND": f"{LOOPBACK}:0,unix:{tmp_path}/s.sock",
        "TAILON_AGG_RELATIVE_ROOT": "/env",
        "TAILON_AGG_PUBLIC_URL": "https://logs.example.org",
        "TAILON_AGG_LOG_FORMAT": "json",
        "TAILON_AGG_LOG_LEVEL": "info",
        "TAILON_AGG_ALLOW_DOWNLOAD": "false",
    }
    with Product(None, tmp_path, bind=[], environ=environ) as product:
        wait_until(lambda: len(product.listening) == 2, "both binds")
        assert product.get("/env/api/v1/hosts", {"Host": "logs.example.org"}).status == 200
        assert product.stop() == 0


def test_state_folder_and_audit_log_are_private_and_where_they_are_said_to_be(plain: Path, tmp_path: Path) -> None:
    with Product(plain, tmp_path, own_log=False) as product:
        assert product.audit.exists()
        assert oct(product.state.stat().st_mode)[-3:] == "700"
        assert {oct(path.stat().st_mode)[-3:] for path in product.state.iterdir()} == {"600"}


def test_options_work_before_and_after_the_subcommand(plain: Path, tmp_path: Path) -> None:
    before = run("--inventory", str(plain), "check", folder=tmp_path)
    after = run("check", "--inventory", str(plain), folder=tmp_path)
    assert (before.returncode, before.stdout) == (after.returncode, after.stdout) == (0, after.stdout)
    schema = run("schema", folder=tmp_path)
    assert schema.returncode == 0
    assert json.loads(schema.stdout)["$schema"]
    version = run("--version", folder=tmp_path)
    assert (version.returncode, version.stdout.split()[0]) == (0, "tailon-agg")


@pytest.mark.parametrize("words", [[], ["serve"], ["check"], ["tail"], ["schema"], ["demo"]])
def test_help_is_there_for_each_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    assert " ".join(["tailon-agg", *words]) in capsys.readouterr().out


def test_tls_serves_https(plain: Path, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    with Product(plain, tmp_path, "--tls-cert", str(cert), "--tls-key", str(key)) as product:
        assert product.url.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=str(cert))
        connection = http.client.HTTPSConnection("localhost", product.port, context=context, timeout=5)
        connection.request("GET", "/api/v1/hosts")
        assert connection.getresponse().status == 200
        connection.close()


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].touch(mode=0o600)
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def test_ad_hoc_spec_needs_no_inventory(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.add("web-1")
    (host.root / "a.log").write_text("ad hoc\n")
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "config").write_text(
        f"Host web-1\n  HostName {LOOPBACK}\n  Port {host.port}\n  User {fleet.user}\n  IdentityFile {fleet.identity}\n"
        f"  UserKnownHostsFile {fleet.known_hosts}\n"
    )
    (home / ".ssh" / "known_hosts").write_text(fleet.known_hosts.read_text())
    environ = {"HOME": str(home)}
    with Product(None, tmp_path, f"web-1:{host.root}/a.log", environ=environ) as product:
        assert texts_of(product.once()) == ["ad hoc"]
        assert os.listdir(product.state)
