"""One site and one browser for the run; each test has browser windows of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from support import browsers


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder in one worker (`--dist loadgroup`): browsers and sites are expensive to start."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def site(server_url: str, worker_id: str) -> Iterator[browsers.Site]:
    """The demo world, served. Tests share it: each takes times, people and doctors of its own."""
    with browsers.site(server_url, f"pages_{worker_id}") as running:
        yield running


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async for opened in browsers.opened_browser():
        yield opened


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A window in English. What its console complains of fails the test."""
    context, page, watched = await browsers.new_page(browser)
    yield page
    await context.close()
    assert watched.complaints == []
