"""The day and week views: which dates and doctors they show, the list, the printed sheets, and the search."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.async_api import expect

from appoint.kit import date_formats
from support.browsers import (
    AXE_LANGUAGES,
    PHONE,
    expect_accessible,
    expect_no_sideways_scrolling,
    follow,
    open_page,
    sign_in,
    tab_to,
)
from support.day_board import DAY, Room, add_room, at, on_board, open_appointment, open_board, take_step, utc
from support.harbor_street import CLINIC, DOCTOR, RECEPTION, ZONE, staff_url


async def test_a_typed_date_opens_once_it_is_complete(site, browser):
    room = await add_room(site)
    async with open_board(browser, room) as page:
        later_day = DAY + timedelta(days=400)
        visits: list[str] = []
        page.on("request", lambda request: visits.append(request.url) if request.is_navigation_request() else None)
        await page.locator("#date").press_sequentially(f"{later_day:%m%d%Y}")
        await expect(page).to_have_url(room.address)
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(f"date={later_day}"))
        await page.locator("#date").press_sequentially(f"{DAY:%m%d%Y}")
        async with page.expect_navigation():
            await page.locator("#doctor").focus()
        await expect(page).to_have_url(re.compile(f"date={DAY}"))
        await page.locator("#date").press_sequentially("01010002")
        await page.keyboard.press("Enter")
        await expect(page.locator("#date:out-of-range")).to_have_value("0002-01-01")
        await expect(page).to_have_url(re.compile(f"date={DAY}"))
        assert len(visits) == 2


async def test_a_date_picked_in_the_calendar_opens_immediately(site, browser):
    room = await add_room(site)
    async with open_board(browser, room) as page:
        next_day = DAY + timedelta(days=1)
        async with page.expect_navigation():
            await page.locator("#date").fill(str(next_day))  # as a browser's date picker does, without a key press
        await expect(page).to_have_url(re.compile(f"date={next_day}"))


@pytest.mark.parametrize("language", ["en-US", "en-IN", "de-AT", "es-MX", "fr-CA"])
async def test_the_server_and_the_scripts_format_times_alike(site, browser, language):
    room = await add_room(site)
    room.book(room.add_customer("Tim Time"), "09:00")
    start, end, zone = at("09:00"), at("09:30"), str(ZONE)
    async with open_board(browser, room, language=language) as page:
        nine = date_formats.time(start, zone, language)
        await expect(on_board(page, "Tim Time")).to_contain_text(f"{nine} Tim Time")
        await expect(page.locator("#board .ec-sidebar time").filter(has_text=nine)).to_have_count(1)
        dialog = await open_appointment(page, "Tim Time")
        when = f"{date_formats.day(start, zone, language, 'short')}, {date_formats.hours(start, end, zone, language)}"
        await expect(dialog.locator("[data-when]")).to_have_text(when)


async def test_a_search_for_a_patient_opens_the_day_at_their_appointment(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Zoe Searched"), "11:00")
    async with open_board(browser, room) as page:
        await page.keyboard.press("/")
        await page.keyboard.type("zoe search")
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile("/day/search"))
        await expect_accessible(page)
        await follow(page.get_by_role("row", name="Zoe Searched").get_by_role("link").nth(1))
        await expect(page.locator("#appointment[open] h2")).to_have_text("Zoe Searched")


async def test_the_print_view_has_a_sheet_for_each_doctor(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Pia Print"), "09:00", notes="Bring the film")
    async with open_board(browser, room) as page:
        await page.get_by_title("More options").click()
        await follow(page.get_by_role("link", name="Print"))
        sheet = page.locator(".sheet", has_text=room.name)
        await expect(sheet.get_by_role("row", name="Pia Print")).to_contain_text("Bring the film")
        await expect_accessible(page)
        await expect(page.get_by_role("link", name="Back to day view")).to_be_visible()
        await page.emulate_media(media="print")
        await expect(page.get_by_role("link", name="Back to day view")).to_be_hidden()
        await expect(sheet.get_by_role("row", name="Pia Print")).to_be_visible()


async def test_the_print_view_is_dark_on_white_in_the_dark_theme(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Dora Dark"), "09:00")
    async with open_board(browser, room, color_scheme="dark") as page:
        await page.goto(room.address.replace("/day?", "/day/print?"))
        colours = """() => {
            const {color, backgroundColor} = getComputedStyle(document.body);
            return {lightness: Number(color.match(/[\\d.]+/)[0]), paper: backgroundColor};
        }"""
        assert (await page.evaluate(colours))["lightness"] > 0.9
        await page.emulate_media(media="print", color_scheme="dark")
        printed = await page.evaluate(colours)
        assert (printed["lightness"] < 0.3, printed["paper"]) == (True, "rgb(255, 255, 255)")


async def test_the_cells_of_a_printed_row_are_aligned(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Ali Aligned"), "09:00", notes="Bring the film")
    async with open_board(browser, room) as page:
        await page.goto(room.address.replace("/day?", "/day/print?"))
        tops = await page.get_by_role("row", name="Ali Aligned").evaluate("""row => [...row.children]
            .filter(cell => cell.textContent.trim())
            .map(cell => {
                const text = document.createRange();
                text.selectNodeContents(cell);
                return Math.round(text.getBoundingClientRect().top);
            })""")
        assert len(set(tops)) == 1


async def test_without_scripts_the_day_is_a_list(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Lis List"), "09:00")
    async with open_board(browser, room, java_script_enabled=False) as page:
        await expect(page.get_by_role("row", name="Lis List")).to_contain_text("Booked")
        await follow(page.get_by_role("link", name="Lis List"))
        address = page.url
        await follow(page.get_by_role("button", name="Arrived"))
        await expect(page.locator(".facts")).to_contain_text("Arrived")
    async with open_board(browser, room) as page:  # axe needs scripts
        await page.goto(address)
        await expect_accessible(page)


async def test_a_doctor_sees_only_their_own_column(site, browser):
    async with open_board(browser, Room(site, "", ""), DOCTOR) as page:
        await expect(page.locator("#date")).not_to_have_value("")
        while datetime.fromisoformat(await page.locator("#date").input_value()).weekday() > 3:
            await follow(page.locator("#after"))
        await expect(page.locator("#board .ec-col-head strong")).to_have_text(["Dr. Grace Okafor"])


async def test_a_day_without_hours_links_to_the_page_for_publishing_them(site, browser):
    room = await add_room(site)
    async with open_board(browser, room._replace(day=DAY + timedelta(days=1))) as page:
        await expect(page.locator("#no-hours")).to_contain_text(f"{room.name} has no hours on this day.")
        link = page.locator("#no-hours").get_by_role("link", name="Publish hours")
        await expect(link).to_have_attribute("href", f"/staff/{CLINIC}/hours")


async def test_booking_rescheduling_and_paging_work_by_keyboard(site, browser):
    room = await add_room(site)
    room.add_customer("Kim Keys", email="kim.keys@example.org")
    async with open_board(browser, room) as page:
        await page.keyboard.press("n")
        await page.keyboard.type("kim.keys@example.org")
        await expect(page.locator("#people").get_by_role("button", name="Kim Keys")).to_be_visible()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.locator("#book-type")).to_be_focused()
        await tab_to(page.locator("#booking button:not([type=button])"))
        await page.keyboard.press("Enter")
        await expect(on_board(page, "Kim Keys")).to_be_focused()
        await expect(page.locator("#book")).to_be_hidden()
        await page.keyboard.press("Enter")
        await expect(page.locator("#appointment")).to_be_visible()
        await tab_to(page.locator("#moving summary"))
        await page.keyboard.press("Enter")
        await expect(page.locator("#move-time")).to_be_visible()
        await tab_to(page.locator("#move-time"))
        await page.keyboard.type("1100AM")
        await page.keyboard.press("Enter")
        await expect(page.locator("#announcement")).to_contain_text("Kim Keys: Rescheduled.")
        await page.keyboard.press("Escape")
        await expect(page.locator("#appointment")).to_be_hidden()
        await expect(on_board(page, "Kim Keys")).to_be_focused()
        for key in ("m", "ArrowUp", "ArrowUp", "Enter"):
            await page.keyboard.press(key)
        await expect(on_board(page, "10:30 AM Kim Keys")).to_be_visible()
        async with page.expect_navigation():
            await page.keyboard.press("Shift+ArrowRight")
        await expect(page).to_have_url(re.compile(f"date={DAY + timedelta(days=1)}"))
        await page.keyboard.press("?")
        await expect(page.locator("#help")).to_be_visible()
    assert [each["startTime"] for each in room.appointments()] == [utc("10:30")]


async def test_a_week_shows_all_doctors_or_the_timetable_of_one(site, browser):
    room, other_room = await add_room(site), await add_room(site)
    room.book(room.add_customer("Ines Blau"), "09:30")
    other_room.book(other_room.add_customer("Otto Grau"), "09:30")
    async with open_board(browser, room) as page:
        await page.goto(staff_url(site, f"week?date={DAY}"))
        doctor = page.locator("#doctor")
        await expect(page.get_by_role("row", name=room.name)).to_contain_text("Ines Blau")
        await expect(page.get_by_role("row", name=other_room.name)).to_contain_text("Otto Grau")
        await page.get_by_role("link", name="Otto Grau").click()
        await expect(page.locator("#appointment h2")).to_have_text("Otto Grau")
        for choice, patient, other_patient in (
            (room, "Ines Blau", "Otto Grau"),
            (other_room, "Otto Grau", "Ines Blau"),
        ):
            async with page.expect_navigation():
                await doctor.select_option(choice.doctor_id)
            await expect(on_board(page, patient)).to_be_visible()
            await expect(page).to_have_title(re.compile(re.escape(choice.name)))
            await expect(on_board(page, other_patient)).to_have_count(0)


async def test_names_and_hours_stay_visible_when_the_board_scrolls(site, browser):
    day = DAY + timedelta(days=1)
    rooms = [await add_room(site, day) for _ in range(12)]
    async with open_board(browser, rooms[0]) as page:
        await page.set_viewport_size({"width": 1024, "height": 768})
        await page.goto(staff_url(site, f"day?date={day}"))
        board, hours = page.locator("#board .ec-main"), page.locator("#board .ec-body .ec-sidebar")
        last_name = page.locator("#board .ec-col-head").filter(has_text=rooms[-1].name)
        await last_name.scroll_into_view_if_needed()
        await board.evaluate("(board) => { board.scrollTop = 200; }")
        await expect(last_name).to_be_in_viewport(ratio=0.9)
        assert await board.evaluate("(board) => board.scrollLeft > 100 && board.scrollTop > 100")
        board_box, hours_box = await board.bounding_box(), await hours.bounding_box()
        assert abs(hours_box["x"] - board_box["x"]) < 2


async def test_a_phone_shows_the_list_and_opens_appointments_from_it(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Tom Telephone"), "09:00")
    async with open_board(browser, room) as page:
        await page.set_viewport_size(PHONE)
        await page.reload()
        await expect_no_sideways_scrolling(page)
        await page.get_by_role("link", name="Tom Telephone").click()
        tops = "buttons => new Set(buttons.map(button => button.getBoundingClientRect().top)).size"
        assert await page.locator("#appointment [data-step]:visible").evaluate_all(tops) == 1
        await take_step(page.locator("#appointment"), "Arrived")
        await expect(page.locator("#appointment [data-status]")).to_have_text("Arrived")
        await expect_no_sideways_scrolling(page)
        await page.keyboard.press("Escape")
        await page.get_by_role("navigation", name="Desk").get_by_role("button", name="Book").click()
        await expect(page.locator("#book-date")).to_be_visible()
        await expect(page.get_by_text("Or click a time on the board.")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_the_day_views_are_accessible(site, browser, language, scheme):
    room = await add_room(site)
    room.book(room.add_customer("Axel Access"), "09:00", notes="Deaf")
    async with open_page(browser, language, color_scheme=scheme) as page:
        await sign_in(page, site.url, RECEPTION)
        for address in (
            room.address.replace("/day?", "/week?"),
            room.address.replace("/day?", "/day/print?"),
            staff_url(site, "day/search?q=axel"),
            room.address,
        ):
            await page.goto(address)
            await expect(page.locator("html")).to_have_attribute("lang", re.compile(rf"^{language}\b"))
            await expect_accessible(page)
        await open_appointment(page, "Axel Access")
        await expect_accessible(page)
        await page.keyboard.press("Escape")
        await expect(page.locator("#appointment")).to_be_hidden()
        await page.locator("[data-show=list]").click()
        await expect(page.locator("#list")).to_be_visible()
        await expect_accessible(page)
        await page.locator("#new").click()
        await expect(page.locator("#book")).to_be_visible()
        await expect_accessible(page)
