"""Staff get a warning before they book someone twice on the same day."""

from datetime import timedelta

from playwright.async_api import expect

from support.browsers import expect_accessible
from support.day_board import DAY, add_room, choose_patient, click_free_time, on_board, open_board, send_booking


async def test_a_warning_names_the_patients_other_appointment_that_day(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Dora Double"), "10:00")
    async with open_board(browser, room) as page:
        warning = page.locator("#same-day")
        await click_free_time(page, "11:00")
        await expect(warning).to_be_hidden()
        await choose_patient(page, "Dora Double", "Dora Double")
        await expect(warning).to_contain_text("10:00")
        await expect_accessible(page)
        await page.locator("#book-date").fill(str(DAY + timedelta(days=7)))
        await expect(warning).to_be_hidden()
        await page.locator("#book-date").fill(str(DAY))
        await expect(warning).to_be_visible()
        await send_booking(page)
        await expect(on_board(page, "Dora Double")).to_have_count(2)
