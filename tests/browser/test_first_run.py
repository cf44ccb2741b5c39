"""Using only a browser, someone turns an empty installation into a clinic where patients can book."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from support.browsers import (
    SITES,
    Site,
    expect_accessible,
    expect_no_sideways_scrolling,
    follow,
    open_page,
)
from support.database import temporary
from support.processes import appoint

MAX_SCREENS = 6
PASSWORD = "four quiet boats at dawn"


@pytest.fixture
def empty_site(server_url: str, worker_id: str, tmp_path) -> Iterator[Site]:
    with (
        temporary(server_url, f"first_run_{worker_id}") as url,
        appoint("serve", data_dir=tmp_path, database_url=url) as process,
    ):
        SITES.append(site := Site(process.url, url))
        yield site
        SITES.remove(site)


class Screens:
    """The pages that someone sees, in order. Reloading a page does not count."""

    def __init__(self, page: Page) -> None:
        self.paths: list[str] = []
        page.on("framenavigated", lambda frame: self._see(frame.url))

    def _see(self, url: str) -> None:
        path = re.sub(r"^https?://[^/]+|\?.*", "", url)
        if path != "about:blank" and self.paths[-1:] != [path]:
            self.paths.append(path)


async def set_up(page: Page, url: str) -> None:
    """Fill in the first page of a new installation."""
    await page.goto(f"{url}/setup")
    await page.get_by_label("Your name").fill("Lena Sommer")
    await page.get_by_label("Email address").fill("lena@sommergarten.example")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("Clinic name").fill("Praxis für Kinder im Sommergarten")
    await expect(page.get_by_label("Address of your booking page")).to_have_value("praxis-fuer-kinder-im-sommergarten")
    await follow(page.get_by_role("button", name="Create your clinic"))
    await expect(page.get_by_role("heading", name="Set up your clinic")).to_be_visible()


async def test_a_new_installation_reaches_its_first_bookable_time_in_six_screens(empty_site, browser):
    async with open_page(browser, "en", timezone_id="Europe/Berlin") as page:
        screens = Screens(page)
        await set_up(page, empty_site.url)
        await follow(page.get_by_role("link", name="Add address and phone"))
        await page.get_by_label("Address").fill("Seestraße 12\n13353 Berlin")
        await page.get_by_label("Phone").fill("030 12345678")
        await follow(page.get_by_role("button", name="Save and continue"))
        await follow(page.get_by_role("button", name="Save and continue"))
        await page.get_by_label("Doctor’s name").fill("Dr. Lena Sommer")
        await expect(page.get_by_label("Specialty")).to_have_value("General practice")
        await follow(page.get_by_role("button", name="Save and continue"))
        await expect(page.get_by_text("Patients can now book with Dr. Lena Sommer.")).to_be_visible()
        before_booking = list(dict.fromkeys(screens.paths))
        await page.goto(f"{empty_site.url}/c/praxis-fuer-kinder-im-sommergarten")
        await follow(page.get_by_role("link", name=re.compile("^Consultation")))
        await expect(page.locator(".times a").first).to_be_visible()
        print(screens.paths)
        assert len(before_booking) < MAX_SCREENS


async def test_every_step_is_accessible_and_fits_a_phone(empty_site, browser):
    async with open_page(browser, "en", viewport={"width": 320, "height": 640}) as page:
        await page.goto(f"{empty_site.url}/setup")
        await expect_accessible(page)
        await expect_no_sideways_scrolling(page)
        await set_up(page, empty_site.url)
        for path in ("", "/contact", "/types", "/doctors"):
            await page.goto(f"{empty_site.url}/staff/1/setup{path}?lang=de")
            await expect_accessible(page)
            await expect_no_sideways_scrolling(page)


async def test_a_manager_returns_to_the_steps_until_the_list_is_hidden(empty_site, browser):
    async with open_page(browser, "en") as page:
        await set_up(page, empty_site.url)
        await follow(page.get_by_role("button", name="Mark as done – Look at your page"))
        await expect(page.get_by_text("1 of 6 steps done")).to_be_visible()
        await page.goto(f"{empty_site.url}/staff/1")
        await expect(page).to_have_url(f"{empty_site.url}/staff/1/setup")
        await follow(page.get_by_role("button", name="Hide this list"))
        await expect(page).to_have_url(f"{empty_site.url}/staff/1/day")
        await page.goto(f"{empty_site.url}/staff/1")
        await expect(page).to_have_url(f"{empty_site.url}/staff/1/day")
        await expect(page.get_by_role("link", name="Set up", exact=True)).to_have_count(0)
