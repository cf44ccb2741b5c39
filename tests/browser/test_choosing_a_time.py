"""Patients choose a day and a time with the arrow keys, or by swiping on a phone."""

from playwright.async_api import Page, expect

from support.browsers import DAYS, expect_no_sideways_scrolling, follow, open_page
from support.public_booking import APPOINTMENT_URL, CODE_URL, receive_code

MAX_KEYS = 20
FOCUS_MATCHES = "selector => document.activeElement.matches(selector)"


class CountedKeys:
    """A keyboard that counts the keys pressed to get somewhere, but not the text typed into fields."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key)
            self.count += 1

    async def tab_to(self, selector: str, text: str = "") -> None:
        while not await self.page.evaluate(FOCUS_MATCHES, selector):
            await self.press("Tab")
            assert self.count <= MAX_KEYS, selector
        await self.page.keyboard.type(text)

    async def follow(self, key: str = "Enter") -> None:
        async with self.page.expect_navigation():
            await self.press(key)


async def test_twenty_keys_lead_from_a_clinics_page_to_an_appointment_in_another_month(site, browser):
    async with open_page(browser) as page:
        await page.goto(f"{site.url}/c/spreebogen")
        keys = CountedKeys(page)
        await keys.press("Tab", "Enter")  # skips to the appointment types
        await keys.tab_to(".choices a")
        await keys.follow()
        await keys.tab_to(".month a")
        await keys.follow("PageDown")
        await keys.tab_to(".month a")
        await keys.press("ArrowDown", "ArrowLeft")
        await keys.follow()
        await keys.tab_to(".times a")
        await keys.follow()
        await keys.tab_to("#name", "Kay Board")
        await keys.tab_to("#email", "kay@example.org")
        await keys.tab_to("#birthDate", "02011980")
        await keys.follow()
        await expect(page).to_have_url(CODE_URL)
        await keys.tab_to("#code")  # already has focus
        code = await receive_code(page, page.url)
        async with page.expect_navigation():
            await page.keyboard.type(code)
        await expect(page).to_have_url(APPOINTMENT_URL)


async def test_on_a_phone_days_are_a_strip_and_the_whole_month_is_one_tap_away(site, browser):
    async with open_page(browser, viewport={"width": 390, "height": 780}) as page:
        await page.goto(f"{site.url}/c/spreebogen")
        await follow(page.get_by_role("link", name="Videosprechstunde"))
        await expect(page.locator(".days [aria-current]")).to_be_visible()
        await expect(page.locator(".soonest")).to_contain_text("Soonest")
        await expect_no_sideways_scrolling(page)
        await page.get_by_role("link", name="Whole month").click()
        await expect(page.locator(".month")).to_be_visible()
        await expect(page.locator(".days")).to_be_hidden()
        await follow(page.locator(DAYS).last)
        await expect(page.locator(".days")).to_be_visible()
