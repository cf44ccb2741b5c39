"""The day board is fast to use: next free times, quick moves, keyboard shortcuts, undo, and drafts that survive."""

from datetime import timedelta

from playwright.async_api import expect

from support.browsers import follow
from support.day_board import (
    add_room,
    choose_patient,
    click_free_time,
    drag,
    on_board,
    open_appointment,
    open_board,
    position,
    take_step,
    undo_by_key,
    utc,
)


async def test_a_booking_starts_at_the_next_free_time(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Fred First"), "09:00")
    room.add_customer("Nele Next", email="nele.next@example.org")
    async with open_board(browser, room) as page:
        await page.keyboard.press("n")
        times = page.locator("#book-free button:visible").filter(has_text="AM")
        await expect(times.first).to_contain_text("9:30 AM")
        await expect(page.locator("#board .ghost")).to_contain_text("9:30 AM")
        await choose_patient(page, "nele.next@example.org", "Nele Next")
        await times.nth(1).click()
        await page.keyboard.press("Enter")
        await expect(on_board(page, "Nele Next")).to_be_focused()
    assert [each["startTime"] for each in room.appointments()] == [utc("09:00"), utc("09:45")]


async def test_a_booking_can_be_undone(site, browser):
    room = await add_room(site)
    room.add_customer("Uli Undone", email="uli.undone@example.org")
    async with open_board(browser, room) as page:
        await page.keyboard.press("n")
        await choose_patient(page, "uli.undone@example.org", "Uli Undone")
        await page.keyboard.press("Control+Enter")
        await expect(on_board(page, "Uli Undone")).to_be_focused()
        await undo_by_key(page)
        await expect(page.locator("#announcement")).to_have_text("Undone.")
        await expect(on_board(page, "Uli Undone")).to_have_count(0)
    assert [each["status"] for each in room.appointments()] == ["cancelled"]


async def test_a_known_patient_is_booked_with_the_keyboard_alone(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Kaya Known"), "09:00")
    async with open_board(browser, room) as page:
        await page.keyboard.press("n")
        await expect(page.locator("#book-free [aria-pressed=true]")).to_contain_text("9:30 AM")
        await page.keyboard.type("kaya kno")
        await expect(page.locator("#people-count")).to_have_text("Patients found: 1")
        for key in ("ArrowDown", "Enter", "Control+Enter"):
            await page.keyboard.press(key)
        await expect(page.locator("#announcement")).to_contain_text("Kaya Known: Booked.")
    assert [each["startTime"] for each in room.appointments()] == [utc("09:00"), utc("09:30")]


async def test_an_appointment_moves_to_the_next_free_time_and_back(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Quinn Quick"), "09:00")
    room.book(room.add_customer("Rosa Rest"), "09:30")
    async with open_board(browser, room) as page:
        panel = await open_appointment(page, "Quinn Quick")
        await panel.get_by_role("button", name="Next free").filter(has_text="10:00").click()
        await expect(on_board(page, "10:00 AM Quinn Quick")).to_be_visible()
        await page.locator("#undo").click()
        await expect(on_board(page, "9:00 AM Quinn Quick")).to_be_visible()
        await panel.get_by_role("button", name="+15 min").click()
        await expect(panel.get_by_role("alert")).to_contain_text("That time is taken")
    assert [each["startTime"] for each in room.appointments()] == [utc("09:00"), utc("09:30")]


async def test_the_last_appointment_of_a_day_moves_to_the_next_free_time_after_it(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Lara Last"), "11:30", 15)
    async with open_board(browser, room) as page:
        panel = await open_appointment(page, "Lara Last")
        await panel.get_by_role("button", name="Next free").filter(has_text="11:45").click()
        await expect(on_board(page, "11:45 AM Lara Last")).to_be_visible()


async def test_keys_select_an_appointment_change_its_status_and_undo_it(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Ada Above"), "09:00")
    room.book(room.add_customer("Bea Below"), "09:30")
    async with open_board(browser, room) as page:
        await expect(on_board(page, "Bea Below")).to_be_visible()
        await page.keyboard.press("ArrowDown")
        await expect(on_board(page, "Ada Above")).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await expect(on_board(page, "Bea Below")).to_be_focused()
        await page.keyboard.press("a")
        await expect(page.get_by_role("button", name="Continue anyway")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(on_board(page, "Bea Below")).to_contain_text("Arrived")
        await page.keyboard.press("Escape")
        await expect(on_board(page, "Bea Below")).to_be_focused()
        await expect(page.locator("#waiting")).to_contain_text("1 waiting")
        await undo_by_key(page)
        await expect(page.locator("#announcement")).to_have_text("Undone.")
        await expect(on_board(page, "Bea Below")).not_to_contain_text("Arrived")
        await expect(on_board(page, "Bea Below")).to_be_focused()


async def test_a_narrow_card_shows_how_long_the_patient_has_been_waiting(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Wilhelmina Waiting-Longest"), "09:00")
    async with open_board(browser, room) as page:
        await page.set_viewport_size({"width": 360, "height": 740})
        await take_step(await open_appointment(page, "Wilhelmina"), "Arrived")
        await page.keyboard.press("Escape")
        card = on_board(page, "Wilhelmina")
        await expect(card.get_by_title("waiting 0 min")).to_have_text("0 minwaiting 0 min")
        for width in ("9rem", "5.5rem"):
            await card.evaluate("(card, width) => { card.style.width = width; }", width)
            assert await card.evaluate("""card => {
                const [outer, inner] = [card, card.querySelector('.wait')].map(each => each.getBoundingClientRect());
                return inner.width > 30 && inner.right <= outer.right;
            }""")


async def test_no_time_is_offered_under_an_appointment(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Hanna Hover"), "09:00")
    async with open_board(browser, room) as page:
        await page.mouse.move(*await position(page, "11:00"))
        await expect(page.locator(".ec-pointer")).to_be_visible()
        await on_board(page, "Hanna Hover").hover()
        await expect(page.locator(".ec-pointer")).to_be_hidden()


async def test_moving_with_keys_says_which_times_are_not_free(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Mia Moving"), "09:00")
    room.book(room.add_customer("Tom Taken"), "09:30")
    async with open_board(browser, room) as page:
        await expect(on_board(page, "Tom Taken")).to_be_visible()
        announcement = page.locator("#announcement")
        for key in ("ArrowDown", "m", "ArrowDown"):
            await page.keyboard.press(key)
        await expect(announcement).to_have_text("9:15 AM overlaps Tom Taken’s appointment.")
        for _ in range(3):
            await page.keyboard.press("ArrowDown")
        await expect(announcement).to_have_text("Moving to 10:00 AM. Press Enter to confirm.")
        for _ in range(100):  # it stays on the day
            await page.keyboard.press("ArrowUp")
        await expect(announcement).to_have_text("12:00 AM is outside working hours.")
        await page.keyboard.press("Escape")
        await expect(announcement).to_have_text("Moved back.")


async def test_a_move_into_a_buffer_is_shown_as_taken_before_it_is_made(site, browser):
    room = await add_room(site)
    type_id = room.add_type("Laser treatment", minutes=30, bufferAfterMinutes=15)
    room.book(room.add_customer("Lea Laser"), "09:00", appointmentTypeId=type_id, endTime=None)
    room.book(room.add_customer("Max Mover"), "10:30")
    async with open_board(browser, room) as page:
        await expect(on_board(page, "Max Mover")).to_be_visible()
        for key in ("ArrowDown", "ArrowDown", "m", *["ArrowUp"] * 4):
            await page.keyboard.press(key)
        announcement, ghost = page.locator("#announcement"), page.locator("#board .ghost")
        await expect(announcement).to_have_text("9:30 AM leaves no buffer before or after Lea Laser’s appointment.")
        await expect(ghost).to_contain_text("Taken")
        await page.keyboard.press("ArrowDown")
        await expect(announcement).to_have_text("Moving to 9:45 AM. Press Enter to confirm.")
        await expect(ghost).not_to_contain_text("Taken")
        await page.keyboard.press("Escape")
        await drag(page, "Max Mover", "09:30", drop=False)
        await expect(page.locator("#board .ec-preview")).to_contain_text("Taken")
        await page.mouse.move(*await position(page, "09:45"), steps=3)
        await expect(page.locator("#board .ec-preview")).not_to_contain_text("Taken")
        await page.mouse.up()
        await expect(announcement).to_contain_text("Rescheduled.")
    assert [each["startTime"] for each in room.appointments()] == [utc("09:00"), utc("09:45")]


async def test_the_button_says_when_the_chosen_time_is_on_another_day(site, browser):
    room = await add_room(site)
    async with open_board(browser, room) as page:
        await page.keyboard.press("n")
        button = page.locator("#book .panel-foot button")
        await expect(page.locator("#board .ghost")).to_be_visible()
        await expect(button).to_have_text("Book appointment")
        next_day = room.day + timedelta(days=1)
        await page.locator("#book-date").fill(next_day.isoformat())
        await expect(button).to_contain_text(f"Book appointment · {next_day:%a}, ")


async def test_after_a_refusal_the_focus_is_at_its_reason(site, browser):
    room = await add_room(site)
    async with open_board(browser, room) as page:
        await page.keyboard.press("n")
        await page.keyboard.type("Quirina Zettl")
        await expect(page.locator("#people button")).to_have_count(1)
        for key in ("ArrowDown", "Enter"):
            await page.keyboard.press(key)
        await expect(page.locator("#person-born")).to_be_focused()
        await page.locator("#book-time").evaluate(  # leaves the focus in the field that is about to go
            "field => { field.value = '03:00'; field.dispatchEvent(new Event('input', { bubbles: true })) }"
        )
        await page.keyboard.press("Control+Enter")
        await expect(page.locator("#book [role=alert]")).to_be_focused()


async def test_an_unfinished_booking_survives_another_day_and_closing(site, browser):
    room = await add_room(site)
    room.add_customer("Dora Draft", email="dora.draft@example.org")
    async with open_board(browser, room) as page:
        await click_free_time(page, "10:00")
        await choose_patient(page, "dora.draft@example.org", "Dora Draft")
        await page.locator("#book-notes").fill("Brings her mother")
        await follow(page.locator("#after"))
        await expect(page.locator("#chosen")).to_contain_text("Dora Draft")
        await follow(page.locator("#before"))
        await expect(page.locator("#book-notes")).to_have_value("Brings her mother")
        await page.keyboard.press("Escape")
        await expect(page.locator("#book")).to_be_hidden()
        await click_free_time(page, "11:00")
        await expect(page.locator("#chosen")).to_be_hidden()
        await page.get_by_role("button", name="Continue the unfinished booking").click()
        await expect(page.locator("#book-time")).to_have_value("10:00")
        await page.locator(".panel-foot button").click()
        await expect(on_board(page, "Dora Draft")).to_be_visible()
    assert [(each["startTime"], each["notes"]) for each in room.appointments()] == [(utc("10:00"), "Brings her mother")]


async def test_the_board_stays_usable_while_a_panel_is_open(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Uli Usable"), "09:00")
    async with open_board(browser, room) as page:
        panel = await open_appointment(page, "Uli Usable")
        await panel.locator("#moving summary").click()
        await click_free_time(page, "11:00")
        await expect(page.locator("#board .ghost")).to_contain_text("11:00 AM")
        await expect(panel.locator("#move-time")).to_have_value("11:00")
        await page.keyboard.press("Enter")
        await expect(on_board(page, "11:00 AM Uli Usable")).to_be_visible()
    assert [each["startTime"] for each in room.appointments()] == [utc("11:00")]
