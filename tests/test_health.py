"""Health: ready or not by the program's own checks, never by the hosts."""

import time

import httpx
import pytest
from starlette.applications import Starlette

from aggregator import __version__
from web import health


class Vitals:
    def __init__(self, audit: bool) -> None:
        self.audit = audit

    def ready(self):
        full = "" if self.audit else "can't be written: No space left on device"
        return [("inventory", True, ""), ("audit", self.audit, full)]

    def host_states(self):
        return {"live": 3, "failed": 2}


async def get(path: str, *, audit: bool = True) -> httpx.Response:
    transport = httpx.ASGITransport(Starlette(routes=health.routes(Vitals(audit))))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
async def test_all_is_well_though_hosts_are_down(path):
    response = await get(path)
    assert (response.status_code, response.text) == (200, "ok\n")


async def test_program_that_is_not_ready_lives():
    assert (await get("/livez", audit=False)).status_code == 200
    for path in ("/readyz", "/healthz"):
        response = await get(path, audit=False)
        assert (response.status_code, response.text) == (503, "not ready\n")


async def test_verbose_names_the_checks():
    assert (await get("/readyz?verbose")).text == "[+]inventory ok\n[+]audit ok\nreadyz check passed\n"
    response = await get("/readyz?verbose=1", audit=False)
    assert response.status_code == 503
    assert "[-]audit failed: can't be written: No space left on device\n" in response.text


def test_what_to_know_of_a_check_that_passes_is_told():
    checks = [("audit-copy", True, "is out: Connection refused; the log itself goes on")]
    assert health._verbose(checks).startswith("[!]audit-copy is out: Connection refused")


async def test_health_counts_hosts_in_each_state():
    before = time.time() * 1000
    response = await get("/health")
    body = response.json()
    assert response.status_code == 200
    assert before - 1 <= body.pop("timestamp") <= time.time() * 1000
    assert body == {
        "status": "UP",
        "service": "tailon-agg",
        "version": __version__,
        "hosts": {"idle": 0, "connecting": 0, "live": 3, "waiting": 0, "failed": 2},
    }


async def test_health_is_down_when_not_ready():
    response = await get("/health", audit=False)
    assert (response.status_code, response.json()["status"]) == (503, "DOWN")
