"""Staff cancel strangers' bookings in bulk, and take that back."""

import httpx2 as httpx
from playwright.async_api import expect

from support.browsers import follow
from support.lotus_lane import CLINIC, Practice, at, day_of_week, hours, staff_url


def book_as_stranger(site, practice) -> str:
    """Book without signing in, at a clinic that does not ask for a code."""
    policy = f"/api/clinics/{CLINIC}"
    practice.api.patch(policy, json={"policy": {"confirmAddress": "never"}})
    with httpx.Client(base_url=site.url) as client:
        customer = client.post("/api/customers", json={"name": "Max Mole", "email": "max@mole.example"}).json()
        body = {
            "customerId": customer["id"],
            "customerToken": customer["customerToken"],
            "doctorId": practice.doctor,
            "appointmentTypeId": practice.type,
            "startTime": at(day_of_week(2), 9),
        }
        response = client.post("/api/appointments", json=body)
    practice.api.patch(policy, json={"policy": {"confirmAddress": "always"}})
    assert response.status_code == 201, response.text
    return response.json()["id"]


async def test_a_bulk_cancellation_can_be_undone_from_the_page(site, manager_page):
    page = manager_page
    practice = Practice(site, week={"wednesday": hours("09:00", "12:00")})
    booked = book_as_stranger(site, practice)
    text, undo = page.locator(".notice.good p").first, page.locator(".notice").get_by_role("button", name="Undo")
    await page.goto(staff_url(site, "strangers?address=@mole.example"))
    await page.locator(f"input[value='{booked}']").check()
    page.once("dialog", lambda dialog: dialog.accept())
    await follow(page.get_by_role("button", name="Cancel selected appointments"))
    await expect(text).to_have_text("Appointments cancelled: 1.")
    assert practice.appointment(booked)["status"] == "cancelled"
    await follow(undo)
    await expect(text).to_have_text("Undone.")
    assert practice.appointment(booked)["status"] == "booked"
    await expect(undo).to_have_count(0)
