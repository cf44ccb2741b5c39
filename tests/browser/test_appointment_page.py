"""A patient opens an appointment from its link, reschedules it and cancels it."""

import re

from playwright.async_api import expect

from support.browsers import PHONE, api, expect_accessible, follow, follow_by_keyboard, open_page
from support.patient_browser import MOVED_URL, book, cancel, fetch, path_of, reschedule_to_last_time


async def test_a_patient_views_reschedules_and_cancels_an_appointment(site, page):
    appointment = book(site, "yael@example.org")
    await page.goto(site.url + path_of(appointment, "?new=1"))
    await expect(page.locator(".notice[role=status]")).to_contain_text("Save this link")
    own_link = re.compile(f"{re.escape(path_of(appointment))}$")
    await expect(page.get_by_label("Link to this page")).to_have_value(own_link)
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Calendar file").click()
    assert "BEGIN:VEVENT" in (await (await download.value).path()).read_text()
    await reschedule_to_last_time(page)
    assert fetch(site, appointment)["startTime"] != appointment["startTime"]
    await follow(page.get_by_role("link", name="Cancel appointment"))
    assert fetch(site, appointment)["status"] == "booked"
    await page.get_by_label("Reason for cancelling (optional)").fill("Better again")
    await follow(page.get_by_role("button", name="Cancel appointment"))
    await expect(page.get_by_role("status")).to_contain_text("has been cancelled")
    now = fetch(site, appointment)
    assert (now["status"], now["cancelReason"]) == ("cancelled", "Better again")
    book_again = page.get_by_role("link", name="Book another appointment")
    await expect(book_again).to_have_attribute("href", re.compile(r"^/c/harbor-street/times\?type="))


async def test_a_patient_reschedules_and_cancels_without_scripts_on_a_phone(site, browser):
    appointment = book(site, "sharma@example.org", clinic=3, type="Consultation")
    async with open_page(browser, java_script_enabled=False, viewport=PHONE) as page:
        await page.goto(site.url + path_of(appointment))
        await reschedule_to_last_time(page)
        await cancel(page)
        assert fetch(site, appointment)["status"] == "cancelled"


async def test_a_patient_reschedules_and_cancels_by_keyboard_alone(site, page):
    appointment = book(site, "wang.fang@example.net")
    await page.goto(site.url + path_of(appointment))
    await follow_by_keyboard(page.get_by_role("link", name="Reschedule appointment"))
    await expect(page.locator(".times a").last).to_be_visible()
    await follow_by_keyboard(page.locator(".month a").last)
    await expect(page.locator(".month a").last).to_have_attribute("aria-current", "date")
    await follow_by_keyboard(page.locator(".times a").last)
    await follow_by_keyboard(page.get_by_role("button", name="Reschedule appointment"))
    await expect(page).to_have_url(MOVED_URL)
    await follow_by_keyboard(page.get_by_role("link", name="Cancel appointment"))
    await expect(page.get_by_label("Reason for cancelling (optional)")).to_be_visible()
    await follow_by_keyboard(page.get_by_role("button", name="Cancel appointment"))
    await expect(page.get_by_role("status")).to_contain_text("has been cancelled")


async def test_a_late_patient_gets_a_phone_number_instead_of_buttons(site, page):
    appointment = book(site, "soren@example.net", clinic=1, type="Sprechstunde")
    with api(site) as client:
        policy = client.get("/api/clinics/1").json()["policy"]
        names = ("cancelNoticeMinutes", "changeGraceMinutes")
        client.patch("/api/clinics/1", json={"policy": dict(zip(names, (60 * 24 * 30, 0), strict=True))})
        try:
            await page.goto(site.url + path_of(appointment))
            phone = page.locator(".notice a[href^='tel:']")
            await expect(phone).to_have_text("+49 30 23125000", use_inner_text=True)
            await expect(page.get_by_role("link", name=re.compile("Reschedule|Cancel"))).to_have_count(0)
        finally:
            client.patch("/api/clinics/1", json={"policy": {name: policy[name] for name in names}})


async def test_other_times_are_offered_if_one_is_taken_while_the_patient_chooses(site, page):
    appointment = book(site, "sokolov@example.org", days=21)
    other_appointment = book(site, "haddad@example.net", days=28)
    await page.goto(site.url + path_of(appointment, f"/move?doctor={appointment['doctorId']}"))
    await follow(page.locator(".times a").first)
    move = page.get_by_role("button", name="Reschedule appointment")
    start = await move.get_attribute("value")
    with api(site) as client:
        change = {"startTime": start, "doctorId": appointment["doctorId"]}
        response = client.put(f"/api/appointments/{other_appointment['id']}", json=change)
        assert response.status_code == 200, response.text
    await follow(move)
    await expect(page.get_by_role("alert")).to_contain_text("These are the nearest available times")
    await expect_accessible(page)
    assert fetch(site, appointment)["startTime"] == appointment["startTime"]
    await follow(page.get_by_role("alert").get_by_role("link").first)
    await follow(move)
    await expect(page).to_have_url(MOVED_URL)
    assert fetch(site, appointment)["startTime"] not in (appointment["startTime"], start)


async def test_the_page_shows_the_visitors_local_time_if_it_differs(site, browser):
    appointment = book(site, "kovalenko@example.net", clinic=1, type="Sprechstunde")
    for zone, differs in (("Europe/Berlin", False), ("America/New_York", True)):
        async with open_page(browser, timezone_id=zone) as page:
            await page.goto(site.url + path_of(appointment))
            facts = page.locator(".facts")
            await expect(facts).to_be_visible()
            await expect(facts.locator(".zone")).to_be_visible(visible=differs)
            if differs:
                await expect(facts).to_contain_text("Your local time", use_inner_text=True)
            else:  # the script has run by the time the page has loaded
                await expect(facts).not_to_contain_text("Your local time", use_inner_text=True)
