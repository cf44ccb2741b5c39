"""Staff cancel strangers' bookings in bulk, then undo it."""

from collections.abc import Iterator

import httpx2 as httpx
import pytest
from playwright.async_api import expect

from support.browsers import Site, follow, serve_demo
from support.lotus_lane import CLINIC, Practice, at, day_of_week, hours, staff_url


@pytest.fixture(scope="module")
def site(server_url: str) -> Iterator[Site]:
    """A server with rate limits. Without them, Appoint doesn't record which bookings are strangers'."""
    with serve_demo(server_url, "strangers", rate_limits=True) as site:
        yield site


def set_policy(practice: Practice, confirm_address: str) -> None:
    clinic = f"/api/clinics/{CLINIC}"
    headers = {"If-Match": practice.api.get(clinic).headers["ETag"]}
    response = practice.api.patch(clinic, json={"policy": {"confirmAddress": confirm_address}}, headers=headers)
    assert response.status_code == 200, response.text


def book_as_stranger(site, practice) -> str:
    """Book without signing in, at a clinic that does not ask for a code."""
    set_policy(practice, "never")
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
    set_policy(practice, "always")
    assert response.status_code == 201, response.text
    return response.json()["id"]


async def test_a_bulk_cancellation_can_be_undone_from_the_page(site, manager_page):
    page = manager_page
    practice = Practice(site, week={"wednesday": hours("09:00", "12:00")})
    booked = book_as_stranger(site, practice)
    text, undo = page.locator(".notice.good p").first, page.locator(".notice").get_by_role("button", name="Undo")
    await page.goto(staff_url(site, "strangers?address=@mole.example"))
    await page.locator(f"input[value='{booked}']").check()
    await follow(page.get_by_role("button", name="Cancel selected appointments"))
    await expect(text).to_have_text("Appointments cancelled: 1.")
    assert practice.appointment(booked)["status"] == "cancelled"
    await follow(undo)
    await expect(text).to_have_text("Undone.")
    assert practice.appointment(booked)["status"] == "booked"
    await expect(undo).to_have_count(0)
