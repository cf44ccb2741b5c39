"""The layout of staff pages where there is little room: nothing is cut off, and no button stands alone."""

import pytest
from playwright.async_api import Locator, expect

from support.browsers import open_page, sign_in
from support.day_board import YESTERDAY, add_room, on_board, open_board, position
from support.harbor_street import RECEPTION, staff_url

NARROW = {"width": 360, "height": 780}
MANAGER = "manager@spreebogen.example.org"


async def rows_of(buttons: Locator) -> list[int]:
    """Return how many of the buttons stand in each row."""
    tops = await buttons.evaluate_all("all => all.map(each => Math.round(each.getBoundingClientRect().top))")
    return [tops.count(top) for top in sorted(set(tops))]


async def is_cut_off(element: Locator) -> bool:
    return await element.evaluate("element => element.scrollWidth > element.clientWidth + 1")


@pytest.mark.parametrize(("status", "rows"), [("booked", [2, 2]), ("arrived", [2, 2]), ("checked-in", [2])])
async def test_no_status_button_stands_alone(site, browser, status, rows):
    room = await add_room(site, YESTERDAY)
    await room.insert(room.add_customer("Stan Status"), "09:00", status)
    async with open_board(browser, room) as page:
        await page.set_viewport_size(NARROW)
        await page.goto(f"{room.address}&appointment={room.appointments()[0]['id']}")
        await expect(page.locator("#appointment[open]")).to_be_visible()
        assert await rows_of(page.locator("[data-steps] button:visible")) == rows


async def test_hints_about_the_board_are_hidden_where_the_panel_covers_it(site, browser):
    room = await add_room(site)
    async with open_board(browser, room) as page:
        await page.locator("#new").click()
        await expect(page.locator("#book .beside-board")).to_be_visible()
        await page.set_viewport_size(NARROW)
        await expect(page.locator("#book .beside-board")).to_be_hidden()


async def test_the_tabs_of_absences_are_completely_visible_on_a_phone(site, browser):
    async with open_page(browser, viewport=NARROW) as page:
        await sign_in(page, site.url, RECEPTION)
        await page.goto(staff_url(site, "absences"))
        await page.locator(".tabs a").last.evaluate(
            "tab => tab.insertAdjacentHTML('beforeend', ' <span class=\"badge warning\">12</span>')"
        )
        assert not await is_cut_off(page.locator(".tabs"))


async def test_the_german_sidebar_has_room_for_its_entries(site, browser):
    async with open_page(browser, "de-DE", viewport={"width": 1280, "height": 900}) as page:
        await sign_in(page, site.url, MANAGER)
        await page.goto(f"{site.url}/staff/1/absences")
        entries = page.locator(".side a")
        assert not [await each.text_content() for each in await entries.all() if await is_cut_off(each)]


async def test_no_time_is_shown_below_a_card_under_the_mouse(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Hanna Hover"), "09:00")
    async with open_board(browser, room) as page:
        await page.set_viewport_size({"width": 820, "height": 1000})
        await page.mouse.move(*await position(page, "11:00"))
        await expect(page.locator("#board .ec-pointer")).to_be_visible()
        await on_board(page, "Hanna Hover").hover()
        await expect(page.locator("#board .ec-pointer")).to_be_hidden()
