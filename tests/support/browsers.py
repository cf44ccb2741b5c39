"""A real browser, Debian's Chromium, and a whole Appoint with the demo world behind it. For tests of pages."""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from playwright.async_api import Browser, BrowserContext, Frame, Locator, Page, async_playwright, expect

from appoint import demo
from appoint.http.access import COOKIE
from appoint.kit.i18n import LANGUAGES
from support.app import TOKEN
from support.database import temporary
from support.processes import appoint
from support.scale import scaled

PASSWORD = "four quiet boats at dawn"
AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
AXE_LANGUAGES = scaled(LANGUAGES, ("en", "de"))
"""English and the language with the longest words; that no text lacks a translation is tested without a browser."""
TIMEOUT = 15_000
"""In milliseconds, for every wait: a busy machine needs more than the five seconds that Playwright gives `expect`."""
expect.set_options(timeout=TIMEOUT)


class Site(NamedTuple):
    """A server on the demo world. Clinic 1 is Berlin's (`spreebogen`, German), 2 and 3 are the others of
    `demo.three_clinics`."""

    url: str
    database_url: str


@contextmanager
def site(server_url: str, name: str, **settings: Any) -> Iterator[Site]:
    """A database of its own with the demo world, and `appoint serve` with the worker beside it on that."""
    with temporary(server_url, name) as url, tempfile.TemporaryDirectory() as folder:
        asyncio.run(demo.load(url, size="small", password=PASSWORD, say=lambda _: None, now=datetime.now(UTC)))
        given = {"data_dir": folder, "database_url": url, "appointments_per_customer": 1000, **settings}
        with appoint("serve", "--with-worker", **given) as process:
            yield Site(process.url, url)


CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The shell comes first: it has no window to draw and takes half the processor time."""


def chromium() -> str:
    """Return the path of an installed Chromium. Without one, fail in CI and skip the test elsewhere."""
    installed = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not installed:
        assert os.environ.get("CI") != "true", "CI has Chromium"
        pytest.skip("Chromium is not installed")
    return installed


async def opened_browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        await browser.close()


async def follow(control: Locator, frame: Frame | None = None) -> None:
    """Click a link or a button that opens another page or reloads this one, and wait until that page has loaded.

    After a mere click the next line may still find the old page, and even act on it.
    """
    async with (frame or control.page).expect_navigation():
        await control.click()


async def tab_to(control: Locator) -> None:
    """Move the focus to a control by the Tab key alone, and fail if that does not reach it."""
    for _ in range(150):
        await control.page.keyboard.press("Tab")
        if await control.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("the Tab key does not reach the control")


async def follow_by_keyboard(control: Locator) -> None:
    """Do what `follow` does, with the Tab and Enter keys."""
    await tab_to(control)
    async with control.page.expect_navigation():
        await control.page.keyboard.press("Enter")


SESSIONS: dict[tuple[str, str], Any] = {}
"""Cookies of the demo world's people, by site and e-mail address."""


async def sign_in(page: Page, url: str, email: str, password: str = PASSWORD) -> None:
    """As somebody of staff: by the page, or by the session of the test before, where it still lasts."""
    if kept := password == PASSWORD and SESSIONS.get((url, email)):
        await page.context.add_cookies(kept)
        await page.goto(f"{url}/staff")
        if "sign-in" not in page.url:
            return
    await page.goto(f"{url}/staff/sign-in")
    await page.get_by_label("Email").fill(email)
    await page.locator("input[name=password]").fill(password)
    await follow(page.locator("main button"))
    await expect(page).not_to_have_url(re.compile("sign-in"))
    SESSIONS[url, email] = [cookie for cookie in await page.context.cookies() if cookie["name"] == COOKIE]


async def faults_of(page: Page) -> list[str]:
    """What axe finds that is serious, each with where. Evaluated by the browser's own tools, so that the page's policy
    stays as it is."""
    await page.evaluate(AXE.read_text() + "; 0")
    found = await page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [
        f"{each['id']}: {node['html'][:160]}" for each in found if each["impact"] in SERIOUS for node in each["nodes"]
    ]


class Watched:
    """A page and what its console said that it should not: refusals by its policy, errors of scripts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text)
                if message.type == "error" and "Failed to load resource" not in message.text
                else None
            ),
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


async def new_page(browser: Browser, language: str = "en", **about: Any) -> tuple[BrowserContext, Page, Watched]:
    context = await browser.new_context(locale=language, extra_http_headers={"Accept-Language": language}, **about)
    context.set_default_timeout(TIMEOUT)
    page = await context.new_page()
    return context, page, Watched(page)


def api(site: Site) -> httpx2.Client:
    """The API as the administrator."""
    return httpx2.Client(base_url=site.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
