"""Metrics: Prometheus text, documented, and without host names for strangers."""

import re
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from aggregator.metrics import Metrics
from web.metrics import RequestCounter, route

DOCS = Path(__file__).parent.parent / "docs" / "metrics.md"


def families(metrics: Metrics) -> dict[str, str]:
    """Every name as a reader sees it, and its type."""
    found = {}
    for family in text_string_to_metric_families(metrics.render(named=True).decode()):
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        found[family.name.removesuffix(suffix) + suffix] = family.type
    return found


def test_every_metric_is_documented_and_every_documented_metric_exists():
    text = DOCS.read_text()
    assert set(families(Metrics())) == set(re.findall(r"^\| `(tailon_agg_\w+)", text, re.MULTILINE))
    for name, kind in families(Metrics()).items():
        assert re.search(rf"^\| `{name}[`{{][^|]*\| {kind} \|", text, re.MULTILINE), name


def test_values_are_counted_in_registries_of_their_own():
    one, other = Metrics(), Metrics()
    one.received_lines.inc(3)
    one.set_hosts({"live": 2})
    assert b"tailon_agg_received_lines_total 3.0" in one.render(named=False)
    assert b'tailon_agg_hosts{state="live"} 2.0' in one.render(named=False)
    assert b'tailon_agg_hosts{state="failed"} 0.0' in one.render(named=False)
    assert b"tailon_agg_received_lines_total 0.0" in other.render(named=False)
    assert b"_created" not in one.render(named=True)


def test_state_that_no_host_is_in_any_more_goes_back_to_none():
    metrics = Metrics()
    metrics.set_hosts({"connecting": 2})
    metrics.set_hosts({"live": 2})
    assert b'tailon_agg_hosts{state="connecting"} 0.0' in metrics.render(named=False)


async def get(app: object, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        return await client.get(path)


async def test_host_names_are_only_for_known_readers():
    metrics = Metrics()
    metrics.host_received_lines.labels("web-1").inc()
    stranger = await get(Starlette(routes=[route(metrics, lambda request: False)]), "/metrics")
    known = await get(Starlette(routes=[route(metrics, lambda request: True)]), "/metrics")
    assert stranger.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "web-1" not in stranger.text
    assert 'tailon_agg_host_received_lines_total{host="web-1"} 1.0' in known.text
    assert stranger.text in known.text


async def test_requests_are_counted_by_route_never_by_what_a_client_made_up():
    async def page(request):
        return PlainTextResponse("x")

    metrics = Metrics()
    app = RequestCounter(Starlette(routes=[Route("/static/{name}", page)]), metrics)
    await get(app, "/static/one")
    await get(app, "/static/two")
    await get(app, "/made/up")
    text = metrics.render(named=False).decode()
    assert 'tailon_agg_http_requests_total{route="/static/{name}",status="200"} 2.0' in text
    assert 'tailon_agg_http_requests_total{route="other",status="404"} 1.0' in text
    assert "made" not in text
