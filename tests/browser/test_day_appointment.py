"""Staff change one of the day's appointments: by dragging its card, with keyboard shortcuts, or in its panel."""

import pytest
from playwright.async_api import expect

from support.browsers import api, expect_accessible
from support.day_board import (
    YESTERDAY,
    add_room,
    drag,
    on_board,
    open_appointment,
    open_board,
    save_notes,
    take_step,
    undo_by_key,
    utc,
)


async def test_dragging_an_appointment_reschedules_it(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Dora Drag"), "09:00")
    async with open_board(browser, room) as page:
        await drag(page, "Dora Drag", "10:30")
        await expect(page.locator("#announcement")).to_contain_text("Rescheduled.")
    assert [each["startTime"] for each in room.appointments()] == [utc("10:30")]


async def test_an_appointment_dragged_onto_a_taken_time_returns_with_an_explanation(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Gil Back"), "09:00")
    room.book(room.add_customer("Tess Taken"), "10:00", 60)
    async with open_board(browser, room) as page:
        await drag(page, "Gil Back", "10:15")
        dialog = page.locator("#appointment")
        await expect(dialog.get_by_role("alert")).to_contain_text("That time is taken")
        await expect_accessible(page)
        nearest = dialog.locator("[data-alternatives] button")
        await expect(nearest.first).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(on_board(page, "Gil Back")).to_contain_text("9:00 AM")
        await drag(page, "Gil Back", "10:15")
        await nearest.filter(has_text="9:30").click()
        await expect(page.locator("#announcement")).to_contain_text("Rescheduled.")
    assert room.appointments()[0]["startTime"] == utc("09:30")


async def test_an_appointment_goes_through_all_its_statuses(site, browser):
    room = await add_room(site, YESTERDAY)
    await room.insert(room.add_customer("Sam Steps"), "09:00", "pending")
    async with open_board(browser, room) as page:
        dialog = await open_appointment(page, "Sam Steps")
        for button, status in [
            ("Confirm", "Booked"),
            ("No-show", "No-show"),
            ("Arrived", "Arrived"),
            ("Undo arrival", "Booked"),
            ("Arrived", "Arrived"),
            ("Check in", "Checked in"),
            ("In the room", "In the room"),
            ("Complete", "Completed"),
            ("Undo last change", "In the room"),
            ("Complete", "Completed"),
        ]:
            if button in ("Arrived", "Check in", "In the room"):
                await take_step(dialog, button)
            else:
                await dialog.get_by_role("button", name=button, exact=True).click()
            await expect(dialog.locator("[data-status]")).to_have_text(status)
            await expect(dialog).not_to_have_attribute("aria-busy", "true")
        await expect(dialog.locator("[data-step]:visible")).to_have_text(["Undo last change"])


async def test_an_appointment_gets_notes_and_is_cancelled_with_a_reason(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Cleo Cancel"), "09:00")
    async with open_board(browser, room) as page:
        dialog = await open_appointment(page, "Cleo Cancel")
        await dialog.get_by_label("Staff notes").fill("Wants a call")
        await save_notes(page)
        await dialog.locator("#cancelling summary").click()
        await dialog.get_by_label("Reason").fill("Feels better")
        await dialog.locator("#cancelling button").click()
        await expect(dialog.locator("[data-status]")).to_have_text("Cancelled")
        await page.keyboard.press("Escape")
        await expect(on_board(page, "Cleo Cancel")).to_have_count(0)
        await page.get_by_title("More options").click()
        await page.locator("#statuses").select_option(label="Cancelled or no-show")
        await expect(on_board(page, "Cleo Cancel")).to_have_count(1)
    appointments = [(each["staffNotes"], each["cancelReason"]) for each in room.appointments()]
    assert appointments == [("Wants a call", "Feels better")]


async def test_the_notice_period_does_not_apply_to_staff(site, browser):
    room = await add_room(site, YESTERDAY)
    await room.insert(room.add_customer("Lea Late"), "10:00", "booked")
    async with open_board(browser, room) as page:
        dialog = await open_appointment(page, "Lea Late")
        await dialog.locator("#cancelling summary").click()
        await dialog.locator("#cancelling button").click()
        await expect(dialog.locator("[data-status]")).to_have_text("Cancelled")
        await page.keyboard.press("Escape")
        await page.locator("h1").click()
        await undo_by_key(page)
        await expect(on_board(page, "Lea Late")).to_be_visible()
    assert [each["status"] for each in room.appointments()] == ["booked"]


async def test_notes_changed_by_someone_else_are_shown_before_they_are_replaced(site, browser):
    room = await add_room(site)
    appointment = room.book(room.add_customer("Vera Version"), "09:00")
    async with open_board(browser, room) as page:
        dialog = await open_appointment(page, "Vera Version")
        await dialog.get_by_label("Notes").fill("Mine")
        with api(site) as client:
            client.patch(
                f"/api/appointments/{appointment['id']}",
                json={"staffNotes": "Theirs"},
                headers={"If-Match": f'"v{appointment["version"]}"'},
            ).raise_for_status()
        await dialog.get_by_role("button", name="Save notes").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("Someone else has changed this appointment")
        await expect(dialog.get_by_role("status")).to_contain_text("Theirs")
        await expect(dialog.get_by_label("Notes")).to_have_value("Mine")
        await dialog.get_by_label("Notes").fill("Theirs, and mine")
        await save_notes(page)
        await expect(dialog.get_by_role("status")).to_be_hidden()
    assert [each["staffNotes"] for each in room.appointments()] == ["Theirs, and mine"]


async def test_a_step_on_another_day_is_confirmed_in_the_panel(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Olga Other"), "09:00")
    async with open_board(browser, room) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"the browser asks: {dialog.message}"))
        await on_board(page, "Olga Other").hover()
        await page.locator("#card-actions").get_by_title("Check in").click()
        dialog = page.locator("#appointment")
        question = dialog.get_by_role("alert")
        await expect(question).to_contain_text("Olga Other’s appointment is on another day: ")
        await expect_accessible(page)
        await question.get_by_role("button", name="Reschedule").click()
        await expect(question).to_have_count(0)
        await expect(dialog.locator("#moving form")).to_be_visible()
        assert [each["status"] for each in room.appointments()] == ["booked"]
        await take_step(dialog, "Check in")
        await expect(dialog.locator("[data-status]")).to_have_text("Checked in")
        await expect(dialog.get_by_role("button", name="Complete", exact=True)).to_be_hidden()
        await expect(dialog).to_contain_text("Visits can only be completed on their day.")
        await dialog.get_by_role("button", name="Undo last change").click()
        await expect(dialog.locator("[data-early]")).to_be_hidden()


async def test_unsaved_notes_survive_a_change_of_status(site, browser):
    room = await add_room(site)
    room.book(room.add_customer("Nina Notes"), "09:00")
    async with open_board(browser, room) as page:
        dialog = await open_appointment(page, "Nina Notes")
        await dialog.get_by_label("Notes").fill("Came early")
        await take_step(dialog, "Arrived")
        await expect(dialog.locator("[data-status]")).to_have_text("Arrived")
        await expect(dialog.get_by_label("Notes")).to_have_value("Came early")
        await save_notes(page)
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await open_appointment(page, "Nina Notes")
        await expect(dialog.get_by_label("Notes")).to_have_value("Came early")
    assert [each["staffNotes"] for each in room.appointments()] == ["Came early"]


@pytest.mark.parametrize(
    ("status", "type", "body"),
    [
        (502, "text/html", "<h1>Bad Gateway</h1>"),
        (200, "text/html", "<h1>Welcome to our network</h1>"),
        (503, "application/json", '{"message": "busy"}'),
        (502, "text/plain", ""),
    ],
)
async def test_a_proxys_response_is_reported_and_the_step_can_be_retried(site, browser, status, type, body):
    room = await add_room(site)
    room.book(room.add_customer("Bad Gateway"), "09:00")
    async with open_board(browser, room) as page:
        await page.route("**/arrive", lambda route: route.fulfill(status=status, content_type=type, body=body))
        dialog = await open_appointment(page, "Bad Gateway")
        await take_step(dialog, "Arrived")
        await expect(dialog.get_by_role("alert")).to_contain_text("The server isn’t responding")
        await page.unroute_all()
        await take_step(dialog, "Arrived")
        await expect(dialog.locator("[data-status]")).to_have_text("Arrived")
