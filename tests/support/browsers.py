"""A real browser (Debian's Chromium) and a complete Appoint server with the demo world, for page tests."""

import asyncio
import os
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.async_api import Browser, ConsoleMessage, Frame, Locator, Page, async_playwright, expect

from appoint import demo
from appoint.http.access import COOKIE
from appoint.kit.i18n import LANGUAGES
from support import run_clock
from support.app import TOKEN
from support.database import copy_template, temporary
from support.processes import appoint, free_port
from support.scale import scaled

PASSWORD = "four quiet boats at dawn"
"""The password of every demo user."""
AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
RUN_AXE = """
async serious => {
  const rules = axe._audit.rules.filter(rule => rule.impact && !serious.includes(rule.impact));
  const off = Object.fromEntries(rules.map(rule => [rule.id, {enabled: false}]));
  return (await axe.run(document, {resultTypes: ['violations'], rules: off})).violations;
}
"""
"""Runs axe without the rules that find no serious faults, which take half of the time."""
AXE_LANGUAGES = scaled(LANGUAGES, ("de",))
"""By default, the language with the longest words. Another test checks that no translation is missing."""
PHONE = {"width": 320, "height": 640}
PLAIN_HTTP = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Saves clients of servers without TLS from reading all root certificates, which takes 20 ms."""
TIMEOUT = 15_000
"""The timeout for every wait, in milliseconds. A busy machine needs more than the five seconds that Playwright gives
`expect`.
"""
expect.set_options(timeout=TIMEOUT)


class Site(NamedTuple):
    """A server with the demo world. Clinic 1 is the one in Berlin (`spreebogen`, in German). Clinics 2 and 3 are the
    others from `demo.three_clinics`.
    """

    url: str
    database_url: str


SITES: list[Site] = []
"""The running sites."""


def site_of(page: Page) -> Site:
    """Return the site that a page or its frame belongs to."""
    return next(site for site in SITES for frame in page.frames if frame.url.startswith(site.url))


@cache
def create_demo(server_url: str, *, shifted: bool) -> str:
    """Create a database with the demo world that sites copy, and return its name."""
    name, now = f"demo_{os.getpid()}", run_clock.now() if shifted else datetime.now(UTC)
    url = asyncio.run(copy_template(server_url, name))
    asyncio.run(demo.load(url, size="small", password=PASSWORD, say=lambda _: None, now=now))
    return name


@contextmanager
def serve_demo(server_url: str, name: str, *, shifted: bool = False, **settings: Any) -> Iterator[Site]:
    """Run `appoint serve` with a worker on its own database, which contains the demo world. `shifted` chooses the
    run's clock instead of the real one."""
    template = create_demo(server_url, shifted=shifted)
    with temporary(server_url, name, template=template) as url, tempfile.TemporaryDirectory() as folder:
        if shifted:
            asyncio.run(run_clock.shift_database(url))
        defaults = {"data_dir": folder, "database_url": url, "appointments_per_customer": 1000, "queue": "manual"}
        defaults["port"] = free_port()  # the server must know its own port, because it is also the payment gateway
        with appoint("serve", "--with-worker", **{**defaults, **settings}) as process:
            SITES.append(site := Site(process.url, url))
            yield site
            SITES.remove(site)


CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The headless shell comes first, because it doesn't draw a window and takes half the processor time."""


def find_chromium() -> str:
    """Return the path to an installed Chromium. If there is none, fail in CI and skip the test elsewhere."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not path:
        assert os.environ.get("CI") != "true", "CI must have Chromium"
        pytest.skip("Chromium is not installed")
    return path


@asynccontextmanager
async def launch() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--in-process-gpu",  # a process of its own would only draw in software, too
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        await browser.close()


@asynccontextmanager
async def open_page(browser: Browser, language: str = "en-US", **options: Any) -> AsyncIterator[Page]:
    """Open a page in its own browser window. Fail if its console reports an error, such as a script error or a
    violation of the content security policy.
    """
    context = await browser.new_context(locale=language, extra_http_headers={"Accept-Language": language}, **options)
    context.set_default_timeout(TIMEOUT)
    page = await context.new_page()
    errors: list[str] = []

    def collect(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)

    page.on("console", collect)
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        yield page
    finally:
        await context.close()
    assert not errors, errors


async def follow(control: Locator, frame: Frame | None = None) -> None:
    """Click a link or button that opens another page or reloads this one, and wait until the page has loaded.

    After a plain click, the next line might still find the old page, and even act on it.
    """
    async with (frame or control.page).expect_navigation():
        await control.click()


async def send_code(field: Locator, code: str, button: Locator, frame: Frame | None = None) -> None:
    """Enter a code. With scripts, the form then sends itself; without them, press the button."""
    sends_itself = await field.locator("xpath=preceding-sibling::*[@id='code-sends-itself']").count()
    async with (frame or field.page).expect_navigation():
        await field.fill(code)
        if not sends_itself:
            await button.click()


DAYS = ":is(.month, .days) a:visible"
"""The days with available times, in the month or, on phones, in the strip of days."""
IN_SAME_LISTS = """
element => document.activeElement.matches('section :is(ol, ul) a')
  && document.activeElement.closest('section').contains(element)
"""


async def tab_to(control: Locator) -> None:
    """Move the focus to a control using only the Tab key and, within a list that is one Tab stop, the arrow keys. Fail
    if that does not reach it.
    """
    key = "Tab"
    for _ in range(150):
        await control.page.keyboard.press(key)
        if await control.evaluate("element => element === document.activeElement"):
            return
        if await control.evaluate("element => element.tabIndex < 0") and await control.evaluate(IN_SAME_LISTS):
            key = "ArrowRight"
    raise AssertionError("the Tab key does not reach the control")


async def follow_by_keyboard(control: Locator) -> None:
    """Do what `follow` does, using the Tab and Enter keys."""
    await tab_to(control)
    async with control.page.expect_navigation():
        await control.page.keyboard.press("Enter")


SESSIONS: dict[tuple[str, str], str] = {}
"""The demo users' sessions, by site and email address."""


async def sign_in(page: Page, url: str, email: str, password: str = PASSWORD) -> None:
    """Sign a user in without opening a page, with the session from an earlier test if it is still valid."""
    async with httpx2.AsyncClient(base_url=f"{url}/api", verify=PLAIN_HTTP, timeout=30) as client:
        token = SESSIONS.get((url, email)) if password == PASSWORD else None
        if not token or (await client.get("/account", headers={"Authorization": f"Bearer {token}"})).is_error:
            response = await client.post("/sessions", json={"email": email, "password": password})
            SESSIONS[url, email] = token = response.raise_for_status().json()["token"]
    cookie = {"name": COOKIE, "value": token, "path": "/", "httpOnly": True, "secure": True, "sameSite": "Lax"}
    await page.context.add_cookies([{**cookie, "domain": urlsplit(url).hostname}])


async def expect_accessible(page: Page) -> None:
    """Fail if axe finds serious faults. It runs through the browser's own tools, so the page's content security policy
    stays in force. On a page without scripts, axe never finishes.
    """
    async with asyncio.timeout(60):
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(AXE.read_text() + "; 0")
        violations = await page.evaluate(RUN_AXE, SERIOUS)
    faults = [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in violations
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
    assert faults == [], page.url


async def expect_no_sideways_scrolling(page: Page) -> None:
    """Fail if the page is wider than its window."""
    widths = await page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1], page.url


def api(site: Site) -> httpx2.Client:
    """Return an API client with the administrator's token."""
    return httpx2.Client(base_url=site.url, headers={"Authorization": f"Bearer {TOKEN}"}, verify=PLAIN_HTTP, timeout=30)
