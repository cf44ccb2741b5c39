"""A patient books a whole slot at a clinic without appointment types."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from support.browsers import PHONE, api, expect_accessible, expect_no_sideways_scrolling, follow, open_page
from support.public_booking import book, book_alternative, fill_in, receive_code, send


@pytest.fixture(scope="module")
def village(site) -> str:
    """A clinic where two doctors each have three slots in seven days' time, and one slot the day after. Returns its
    page's address.
    """
    with api(site) as client:
        clinic = {"name": "Dorfpraxis", "timeZone": "Europe/Berlin", "slug": "dorf", "phone": "+493960412345"}
        clinic_id = client.post("/api/clinics", json=clinic).json()["id"]
        start = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=7)
        for name in ("Dr. Elke Brandt", "Dr. Jonas Peters"):
            doctor_id = client.post(f"/api/clinics/{clinic_id}/doctors", json={"name": name}).json()["id"]
            for after, minutes in (
                (timedelta(), 30),
                (timedelta(minutes=30), 30),
                (timedelta(hours=1), 45),
                (timedelta(days=1), 60),
            ):
                end = start + after + timedelta(minutes=minutes)
                slot = {"startTime": (start + after).isoformat(), "endTime": end.isoformat()}
                assert client.post("/api/bookingSlots", json={"doctorId": doctor_id, **slot}).status_code == 201
    return f"{site.url}/c/dorf"


async def open_slot_form(page: Page, address: str) -> None:
    """Go from the clinic's page to the form for its first slot, with any doctor."""
    await page.goto(address)
    await follow(page.get_by_role("link", name="An appointment"))
    await expect(page).to_have_url(re.compile("/times"))
    await follow(page.locator(".times a").first)
    await expect(page.locator("#booking")).to_be_visible()


async def doctor_of(page: Page) -> str:
    """Return which of the two doctors is named on the appointment's page."""
    facts = page.locator(".facts")
    await expect(facts).to_contain_text(re.compile("Brandt|Peters"))
    (name,) = re.findall("Brandt|Peters", await facts.inner_text())
    return name


async def test_a_patient_whose_slot_is_taken_books_and_reschedules_another(village, browser):
    async with open_page(browser, viewport=PHONE) as ana, open_page(browser) as ben:
        await open_slot_form(ana, village)
        await ben.goto(ana.url)
        await fill_in(ana)
        await fill_in(ben, "Ben Acker", "ben@example.org", "")
        await book(ben)
        await ana.evaluate("dispatchEvent(new Event('focus'))")
        await expect(ana.get_by_role("alert")).to_contain_text("no longer available")
        await expect_accessible(ana)
        await expect_no_sideways_scrolling(ana)
        await book_alternative(ana)
        assert {await doctor_of(ana), await doctor_of(ben)} == {"Brandt", "Peters"}  # at the same time

        await follow(ana.get_by_role("link", name="Reschedule appointment"))
        await expect(ana.locator(".times")).to_be_visible()
        await expect_accessible(ana)
        await expect_no_sideways_scrolling(ana)
        long_slot = ana.locator(".times a").last
        await expect(long_slot.locator("time")).not_to_be_empty()
        hours = await long_slot.locator("time").inner_text()
        await follow(long_slot)
        await follow(ana.get_by_role("button", name="Reschedule appointment"))
        await expect(ana).to_have_url(re.compile("moved=1"))
        await expect(ana.locator(".facts")).to_contain_text(hours)


@pytest.mark.parametrize("base", ["/c/", "/embed/"])
async def test_a_slot_is_booked_without_scripts(village, browser, base):
    async with open_page(browser, java_script_enabled=False) as page:
        await open_slot_form(page, village.replace("/c/", base))
        await fill_in(page)
        await send(page)
        await page.locator("#code").fill(await receive_code(page, page.url))
        await follow(page.locator("form .submit button"))
        await expect(page.get_by_text("Your appointment is booked.").first).to_be_visible()
