"""On narrow screens, a menu leads to all of a clinic's pages."""

import pytest
from playwright.async_api import Browser, expect

from support.browsers import PHONE, Site, expect_no_sideways_scrolling, follow, open_page, sign_in

MANAGER = "manager@spreebogen.example.org"
TABLET = {"width": 820, "height": 1100}


async def test_on_a_phone_a_menu_leads_to_all_pages(browser: Browser, site: Site):
    async with open_page(browser, viewport=PHONE) as page:
        await sign_in(page, site.url, MANAGER)
        await page.goto(f"{site.url}/staff/1/patients")
        await expect(page.locator(".side").get_by_role("link", name="Absences")).to_be_hidden()
        await page.get_by_role("button", name="Menu").click()
        await expect_no_sideways_scrolling(page)
        await follow(page.locator(".side").get_by_role("link", name="Working hours"))
        await expect(page.get_by_role("heading", level=1)).to_have_text("Working hours")


async def test_on_a_tablet_the_most_used_pages_stay_in_view(browser: Browser, site: Site):
    async with open_page(browser, viewport=TABLET) as page:
        await sign_in(page, site.url, MANAGER)
        await page.goto(f"{site.url}/staff/1/absences")
        await expect(page.locator(".side").get_by_role("link", name="Patients")).to_be_visible()
        await expect(page.locator(".side").get_by_role("link", name="Reports")).to_be_hidden()
        await page.get_by_role("button", name="More").click()
        await follow(page.locator(".side").get_by_role("link", name="Reports"))
        await expect(page.get_by_role("heading", level=1)).to_have_text("Reports")


async def test_the_menu_has_room_for_german(browser: Browser, site: Site):
    async with open_page(browser, "de-DE", viewport={"width": 1280, "height": 800}) as page:
        await sign_in(page, site.url, MANAGER)
        await page.goto(f"{site.url}/staff/1/absences")
        wide = await page.locator(".side a").evaluate_all("""links => links.filter(link => {
            link.style.overflowWrap = "normal";
            return link.scrollWidth > link.clientWidth;
        }).map(link => link.textContent.trim())""")
        assert wide == []


async def test_on_a_phone_all_tabs_and_fields_are_in_view(browser: Browser, site: Site):
    async with open_page(browser, viewport={"width": 360, "height": 740}) as page:
        await sign_in(page, site.url, MANAGER)
        await page.goto(f"{site.url}/staff/1/absences/rebook")
        await expect(page.get_by_role("link", name="To rebook")).to_be_in_viewport(ratio=1)
        await page.goto(f"{site.url}/staff/1/strangers")
        widths = "inputs => new Set(inputs.map(input => Math.round(input.getBoundingClientRect().width))).size"
        assert await page.locator(".filter .field input").evaluate_all(widths) == 1


@pytest.mark.parametrize("width", [320, 820])
async def test_the_menu_closes_with_escape_and_returns_the_focus(browser: Browser, site: Site, width: int):
    async with open_page(browser, viewport={"width": width, "height": 640}) as page:
        await sign_in(page, site.url, MANAGER)
        await page.goto(f"{site.url}/staff/1/patients")
        button = page.get_by_role("button", name="Menu" if width == 320 else "More")
        await button.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".side").get_by_role("link", name="Reports")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator(".side").get_by_role("link", name="Reports")).to_be_hidden()
        await expect(button).to_be_focused()
