"""A manager closes the clinic on public holidays."""

from playwright.async_api import expect

from support.browsers import PHONE, expect_accessible, expect_no_sideways_scrolling, follow
from support.lotus_lane import staff_url


async def test_a_manager_closes_the_clinic_on_public_holidays_and_undoes_this(site, manager_page):
    page = manager_page
    await page.goto(staff_url(site, "absences"))
    await follow(page.get_by_role("link", name="Close on public holidays"))
    await expect(page.locator("#country")).to_have_value("IN")
    await page.locator("#region").select_option("MH")
    await follow(page.get_by_role("button", name="Show"))
    boxes = page.get_by_role("checkbox")
    number = await boxes.count()
    assert number > 2
    await expect_accessible(page)
    await page.set_viewport_size(PHONE)
    await expect_no_sideways_scrolling(page)
    for box in (await boxes.all())[1:]:
        await box.uncheck()
    await follow(page.get_by_role("button", name="Close on these days"))
    await expect(page.get_by_text("The clinic is closed on the days you chose.")).to_be_visible()
    await expect(boxes).to_have_count(number - 1)
    await expect(page.get_by_role("button", name="Open again")).to_have_count(1)
    await expect_accessible(page)
    await follow(page.get_by_role("button", name="Undo"))
    await expect(boxes).to_have_count(number)
