"""Logging in and out with a real browser, over the real product."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from argon2 import PasswordHasher
from browser import chromium, tab
from playwright.async_api import Page, expect
from product import Product, wait_until

PASSWORD = "correct horse"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # a check is to take no time here


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    role = {"allow": [{"hosts": "@*", "paths": ["/**"], "actions": ["view"]}]}
    alice = {"password_hash": QUICK.hash(PASSWORD), "roles": ["reader"]}
    inventory = {
        "version": 1,
        "hosts": {"web-1": {"address": "127.0.0.1", "port": 1}},
        "sources": {"app": {"hosts": "@*", "path": "/app.log"}},
        "access": {"roles": {"reader": role}, "users": {"alice": alice}},
    }
    (tmp_path / "hosts.yaml").write_text(yaml.safe_dump(inventory))
    with Product(tmp_path / "hosts.yaml", tmp_path) as product:
        yield product


class Evil(BaseHTTPRequestHandler):
    """Another website."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>evil</title><form method=post><button>win</button></form>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def evil() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Evil) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


async def log_in(page: Page, site: str) -> None:
    await page.goto(f"{site}/login")
    await page.get_by_label("Name").fill("alice")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.locator("who-am-i .name")).to_have_text("alice")


async def test_another_website_can_do_nothing_as_who_is_logged_in(product: Product, evil: str) -> None:
    site = f"http://localhost:{product.port}"
    opened = """(url) => new Promise((done) => {
      const socket = new WebSocket(url);
      socket.onopen = () => done("opened");
      socket.onerror = () => done("refused");
    })"""
    fetched = """(url) => fetch(url, {credentials: "include"}).then((answer) => answer.text(), () => "refused")"""
    async with chromium() as browser, tab(browser) as page:
        await log_in(page, site)
        await page.goto(evil)
        assert await page.evaluate(opened, f"ws://localhost:{product.port}/ws") == "refused"
        assert await page.evaluate(fetched, f"{site}/api/v1/hosts") == "refused"
        for path in ("/logout", "/login"):
            await page.goto(evil)
            await page.evaluate("(url) => { document.forms[0].action = url; }", f"{site}{path}")
            async with page.expect_response(f"{site}{path}") as answer:
                await page.get_by_role("button", name="win").click()
            assert (await answer.value).status == 403
        await page.goto(f"{site}/")
        await expect(page.locator("who-am-i .name")).to_have_text("alice")
    refused = [one for one in product.audited() if one["event"] == "refuse"]
    assert {(one["command"], one["rule"]) for one in refused} == {
        ("/ws", "only its own hosts and origins"),
        ("/api/v1/hosts", "only its own hosts and origins"),
    }


async def test_in_by_the_form_back_to_what_was_asked_for_and_out_by_the_button(product: Product) -> None:
    site = f"http://localhost:{product.port}"
    async with chromium() as browser, tab(browser) as page:
        await page.goto(f"{site}/?grep=cart")
        await page.get_by_label("Name").fill("alice")
        await page.get_by_label("Password").fill("a guess")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert")).to_have_text("That name and password don't go together.")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        await page.wait_for_url(f"{site}/?grep=cart")
        await expect(page.locator("who-am-i .name")).to_have_text("alice")
        await expect(page.locator("who-am-i .name")).to_have_attribute("title", "Roles: reader")
        (cookie,) = await page.context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["secure"]) == ("__Host-tailon-agg", True, True)
        await page.get_by_role("button", name="Log out").click()
        await page.wait_for_url(f"{site}/login")
        assert await page.context.cookies() == []
        await page.goto(f"{site}/?grep=cart")
        await expect(page.get_by_label("Name")).to_be_visible()
    events = ["login-failed", "login", "logout"]
    wait_until(lambda: [one["event"] for one in product.audited() if one["event"] in events] == events, "the records")
    ended = [one for one in product.audited() if one["event"] == "close"]
    wait_until(lambda: [one for one in product.audited() if one["event"] == "close"], f"the view's end, not {ended}")
