"""One site and one browser for the whole run. Each test opens its own browser windows."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from support import browsers, lotus_lane


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run this folder's tests in one worker (`--dist loadgroup`): browsers and sites are expensive to start."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def site(server_url: str, worker_id: str) -> Iterator[browsers.Site]:
    """A server with the demo world. Tests share it, so each uses its own times, people and doctors."""
    with browsers.serve_demo(server_url, f"pages_{worker_id}") as site:
        yield site


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with browsers.launch() as browser:
        yield browser


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page in English. A console error fails the test."""
    async with browsers.open_page(browser) as page:
        yield page


@pytest.fixture
async def manager_page(site: browsers.Site, page: Page) -> Page:
    """A page with Lotus Lane's manager signed in. It accepts every confirmation dialog."""
    await browsers.sign_in(page, site.url, lotus_lane.MANAGER)
    page.on("dialog", lambda dialog: dialog.accept())
    return page
