"""One site and one browser for the whole run. Each test has browser windows of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from support import browsers, lotus_lane


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder in one worker (`--dist loadgroup`): browsers and sites are expensive to start."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def site(server_url: str, worker_id: str) -> Iterator[browsers.Site]:
    """A server with the demo world. Tests share it, so each one uses times, people and doctors of its own."""
    with browsers.serve_demo(server_url, f"pages_{worker_id}") as site:
        yield site


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with browsers.launch() as browser:
        yield browser


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page in English. An error in its console fails the test."""
    async with browsers.open_page(browser) as page:
        yield page


@pytest.fixture
async def manager_page(site: browsers.Site, page: Page) -> Page:
    """A page where the manager of Lotus Lane has signed in. It confirms every question."""
    await browsers.sign_in(page, site.url, lotus_lane.MANAGER)
    page.on("dialog", lambda dialog: dialog.accept())
    return page
