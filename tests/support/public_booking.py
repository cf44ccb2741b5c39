"""The steps of a booking on the public pages in a browser."""

import re

from playwright.async_api import Page, expect

from support.browsers import Site, follow

APPOINTMENT_URL = re.compile(r"/appointments/apm_")


async def open_form(page: Page, site: Site, *, doctor: str | None = None, day: int = 0, time: int = 0) -> None:
    """Go from the Berlin clinic's page to the form, following the links for a day and a time next month."""
    await page.goto(f"{site.url}/c/spreebogen")
    await follow(page.get_by_role("link", name=re.compile("^Sprechstunde")))
    if doctor:
        await follow(page.get_by_role("link", name=doctor))
        await expect(page.get_by_role("link", name=doctor)).to_have_attribute("aria-current", "true")
    await follow(page.locator(".turn [rel=next]"))  # this month may have only one day left
    await expect(page).to_have_url(re.compile("month="))
    await follow(page.locator(".month a").nth(day))
    await expect(page).to_have_url(re.compile("date="))
    await follow(page.locator(".times a").nth(time))
    await expect(page.locator("#booking")).to_be_visible()


async def fill_in(page: Page, name="Ana Souza", email="ana@example.org", note="By wheelchair") -> None:
    await page.locator("[name=name]").fill(name)
    await page.locator("[name=email]").fill(email)
    await page.locator("[name=note]").fill(note)


async def send(page: Page) -> None:
    await follow(page.locator("#booking .submit button"))


async def book(page: Page) -> None:
    await send(page)
    await expect(page).to_have_url(APPOINTMENT_URL)


async def book_alternative(page: Page, number: int = 0) -> None:
    """Book one of the times that the form offers in place of a taken one."""
    await follow(page.locator("button[name=instead]").nth(number))
    await expect(page).to_have_url(APPOINTMENT_URL)
