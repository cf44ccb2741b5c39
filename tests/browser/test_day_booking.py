"""Staff book on the day board, and see what is booked in other browsers."""

import re
from datetime import datetime, timedelta
from itertools import pairwise

from playwright.async_api import expect

from support.browsers import expect_accessible, follow, sign_in
from support.day_board import (
    DAY,
    add_room,
    choose_patient,
    click_free_time,
    on_board,
    open_board,
    send_booking,
    take_step,
    utc,
)
from support.harbor_street import MANAGER, RECEPTION, ZONE, staff_url


async def test_an_appointment_booked_in_one_browser_appears_in_another(site, browser):
    room = await add_room(site)
    room.add_customer("Ines Step")
    room.book(room.add_customer("Uma Step"), "11:00")
    async with open_board(browser, room) as page, open_board(browser, room) as other_page:
        await click_free_time(page, "09:30")
        await choose_patient(page, "Uma Step", "Uma Step")
        await send_booking(page)
        await expect(on_board(page, "Uma Step")).to_have_count(2)
        await expect(on_board(other_page, "Uma Step")).to_have_count(2)
        await on_board(other_page, "Uma Step").first.click()
        await take_step(other_page.locator("#appointment"), "Arrived")
        await expect(on_board(page, "Arrived")).to_have_count(1)


async def test_the_board_says_when_it_is_offline_and_catches_up_afterwards(site, browser):
    room = await add_room(site)
    async with open_board(browser, room) as page:
        await expect(page.locator("#lost")).to_be_hidden()
        await page.context.set_offline(True)
        await expect(page.locator("#lost")).to_be_visible()
        await page.set_viewport_size({"width": 600, "height": 300})
        await page.locator("[data-show=list]").click()
        await page.evaluate("document.body.style.minHeight = '3000px'; scrollTo(0, 1500)")
        await expect(page.locator("#lost")).to_be_in_viewport(ratio=1)
        await page.locator("[data-show=board]").click()
        room.book(room.add_customer("Otto Away"), "10:00")
        await page.context.set_offline(False)
        await expect(on_board(page, "Otto Away")).to_be_visible()
        await expect(page.locator("#lost")).to_be_hidden()


async def test_a_click_on_a_free_time_books_a_new_patient(site, browser):
    room = await add_room(site)
    async with open_board(browser, room) as page:
        await click_free_time(page, "10:00")
        await page.get_by_label("Patient", exact=True).fill("Nora Newcomer")
        await page.get_by_role("button", name="Add “Nora Newcomer” as a new patient").click()
        await page.get_by_label("Email", exact=False).fill("nora.newcomer@example.org")
        await page.get_by_label("Appointment type").select_option(label="Office visit (30 min)")
        await page.locator("#book-notes").fill("Comes with a crutch")
        await expect_accessible(page)
        await send_booking(page)
        await expect(on_board(page, "Nora Newcomer")).to_be_visible()
    appointments = [(each["startTime"], each["notes"]) for each in room.appointments()]
    assert appointments == [(utc("10:00"), "Comes with a crutch")]


async def test_another_clinics_customer_is_found_by_the_complete_email_address(site, browser):
    room = await add_room(site)
    room.add_customer("Elsa Elsewhere", email="elsa.elsewhere@example.org")
    async with open_board(browser, room) as page:
        await click_free_time(page, "09:00")
        await choose_patient(page, "elsa.elsewhere@example.org", "Elsa Elsewhere")
        await send_booking(page)
        await expect(on_board(page, "Elsa Elsewhere")).to_be_visible()


async def test_the_patient_search_says_when_there_are_more_results(site, browser):
    room = await add_room(site)
    for number in range(9):
        customer_id = room.add_customer(f"Manfred Many {number}", birthDate=f"1990-02-0{number + 1}")
        await room.insert(customer_id, "09:00", "noshow")
    async with open_board(browser, room) as page:
        await page.locator("#new").click()
        results = page.locator("#people")
        for text, number, has_more in (("many, manfred", 8, True), ("Many 2/7/1990", 1, False)):
            await page.get_by_label("Patient", exact=True).fill(text)
            await expect(results.get_by_role("button", name="Manfred Many")).to_have_count(number)
            await expect(results.get_by_text("More results")).to_have_count(int(has_more))
        await expect(results.get_by_role("button", name="Manfred Many 6")).to_contain_text("Feb 7, 1990")


async def test_staff_override_a_booking_rule_with_a_reason(site, browser):
    room = await add_room(site)
    room.add_customer("Paul Pain", email="paul.pain@example.org")
    async with open_board(browser, room) as page:
        await page.locator("#new").click()
        await choose_patient(page, "paul.pain@example.org", "Paul Pain")
        await page.locator("#book-time").fill("12:30")
        await send_booking(page)
        refusal = page.locator("#book").get_by_role("alert")
        await expect(refusal).to_contain_text("Outside the doctor’s hours")
        await refusal.get_by_label("Reason for override").fill("In pain")
        await refusal.get_by_role("button", name="Book anyway").click()
        await expect(on_board(page, "Paul Pain")).to_be_visible()
    overrides = [(each["overrides"], each["overrideReason"]) for each in room.appointments()]
    assert overrides == [(["outside-hours"], "In pain")]


async def test_an_invalid_field_is_marked_and_focused(site, browser):
    room = await add_room(site)
    async with open_board(browser, room) as page:
        await click_free_time(page, "10:00")
        await page.get_by_label("Patient", exact=True).fill("Fay Fault")
        await page.get_by_role("button", name="Add “Fay Fault” as a new patient").click()
        phone = page.get_by_label("Phone")
        await phone.fill("12")
        await send_booking(page)
        await expect(phone).to_be_focused()
        await expect(phone).to_have_attribute("aria-invalid", "true")
        await expect(page.locator("#person-phone-fault")).to_contain_text("3")
        await expect(page.locator("#book")).not_to_contain_text("phone:", use_inner_text=True)
        await expect_accessible(page)
        await phone.fill("")
        await send_booking(page)
        await expect(on_board(page, "Fay Fault")).to_be_visible()


async def test_a_time_skipped_when_clocks_change_is_refused_and_the_next_valid_time_shown(site, browser):
    room = await add_room(site)
    room.add_customer("Gabi Gap", email="gabi.gap@example.org")
    noons = [
        datetime.combine(DAY + timedelta(days=number), datetime.min.time().replace(hour=12), ZONE)
        for number in range(366)
    ]
    change = next(noon.date() for before, noon in pairwise(noons) if noon.utcoffset() > before.utcoffset())
    async with open_board(browser, room) as page:
        await page.locator("#new").click()
        await choose_patient(page, "gabi.gap@example.org", "Gabi Gap")
        await page.locator("#book-date").fill(str(change))
        await page.locator("#book-time").fill("02:30")
        await send_booking(page)
        refusal = page.locator("#book").get_by_role("alert")
        await expect(refusal).to_contain_text("2:30 AM doesn’t exist on that day")
        await expect(refusal.locator("[data-alternatives] button")).to_contain_text(
            f"{change:%b} {change.day}, {change.year}, 3:30 AM"
        )
    assert room.appointments() == []


async def test_a_signed_out_user_cannot_book_but_keeps_what_they_typed(site, browser):
    room = await add_room(site)
    room.add_customer("Sia Session", email="sia.session@example.org")
    async with open_board(browser, room) as page:
        await click_free_time(page, "10:00")
        await choose_patient(page, "sia.session@example.org", "Sia Session")
        await page.locator("#book-notes").fill("Needs an interpreter")
        other_page = await page.context.new_page()
        await other_page.goto(staff_url(site, "patients"))
        await follow(other_page.get_by_role("button", name="Sign out"))
        await expect(other_page).not_to_have_url(re.compile("/patients"))
        await send_booking(page)
        refusal = page.locator("#book").get_by_role("alert")
        await expect(refusal).to_contain_text("You are signed out")
        await expect_accessible(page)
        assert room.appointments() == []
        async with page.context.expect_page() as sign_in_page:
            await refusal.get_by_role("link", name="Sign in").click()
        await (await sign_in_page.value).close()
        await sign_in(other_page, site.url, RECEPTION)
        await send_booking(page)
        await expect(on_board(page, "Sia Session")).to_be_visible()
    assert [each["notes"] for each in room.appointments()] == ["Needs an interpreter"]


async def test_a_form_filled_in_by_one_user_cannot_be_sent_by_another(site, browser):
    room = await add_room(site)
    room.add_customer("Ole Other", email="ole.other@example.org")
    async with open_board(browser, room) as page:
        await click_free_time(page, "10:00")
        await choose_patient(page, "ole.other@example.org", "Ole Other")
        await sign_in(await page.context.new_page(), site.url, MANAGER)
        await send_booking(page)
        await expect(page.locator("#book").get_by_role("alert")).to_be_visible()
    assert room.appointments() == []
