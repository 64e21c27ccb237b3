"""The selectors that the page reads and writes, held equal to the server's evaluation of them."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from browser import Stage, chromium, host, serving, tab
from playwright.async_api import Page

from aggregator.inventory.selector import Universe, index_labels, select

pytestmark = pytest.mark.asyncio(loop_scope="module")

LABELS = {
    **{f"web-{n}": {"env": "prod", "app": "shop"} for n in range(1, 13)},
    **{f"db-{n:02}": {"env": "staging"} for n in range(8, 12)},
    "r1n1.example.org": {"env": "prod", "a:b": "c:d"},
    "r2n10.example.org": {},
    "bastion": {"env": "prod"},
}
GROUPS = {
    "web": frozenset(name for name in LABELS if name.startswith("web-")),
    "rack1": frozenset({"web-1", "db-08"}),
    "rack2": frozenset({"web-2", "bastion"}),
}
UNIVERSE = Universe(frozenset(LABELS), GROUPS, index_labels(LABELS))
HOSTS = [
    host(name, labels=labels, groups=[group for group, members in GROUPS.items() if name in members])
    for name, labels in LABELS.items()
]
SELECTORS = [
    "*",
    "@*",
    "web-1",
    "web-[1-3]",
    "web-[1-9/2,11]",
    "db-[08-11]",
    "web-?",
    "*-1*",
    "web-[1-2]*",
    "r[1-2]n*.example.org&r1*",
    "@web",
    "@rack[1-2]",
    "@env:prod",
    "@env:*",
    "@a:b:c:d",
    "@a:b:*",
    "@*!web-3!@rack1",
    "web-1,bastion&@env:prod",
    "@web^web-[1-5]",
    "web-*!web-3,db-08",
    "web-1!web-1",
    "@*!@*",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    async with chromium() as browser, serving(Stage(hosts=HOSTS)) as stage, tab(browser) as page:
        await page.goto(stage.url)
        folder = await page.evaluate("document.querySelector('script[type=module]').src")
        await page.evaluate(
            "(src) => import(src).then((found) => { window.selector = found; })", folder.replace("app", "selector")
        )
        yield page


@pytest.mark.parametrize("selector", SELECTORS)
async def test_a_selector_means_the_same_in_the_page(page: Page, selector: str) -> None:
    found = await page.evaluate("([text, hosts]) => [...selector.evaluate(text, hosts)]", [selector, HOSTS])
    assert len(found) == len(set(found))
    assert set(found) == select(selector, UNIVERSE, "hosts")


async def test_what_the_page_writes_for_some_hosts_means_those_hosts(page: Page) -> None:
    chance = random.Random(8)
    names = sorted(LABELS)
    sets = [chance.sample(names, chance.randrange(len(names) + 1)) for _ in range(300)]
    write = "([sets, hosts]) => sets.map((on) => selector.selectorOf(new Set(on), hosts))"
    for on, text in zip(sets, await page.evaluate(write, [sets, HOSTS]), strict=True):
        assert select(text or "*", UNIVERSE, "hosts") == set(on), text


async def test_half_of_a_thousand_hosts_fit_into_a_url(page: Page) -> None:
    hosts = [host(f"web-{n:04}") for n in range(1000)]
    on = [f"web-{n:04}" for n in range(0, 1000, 2)]
    text = await page.evaluate("([on, hosts]) => selector.selectorOf(new Set(on), hosts)", [on, hosts])
    assert len(text) < 3_000
