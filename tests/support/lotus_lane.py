"""Lotus Lane in Kolkata, the demo world's clinic 3, which requires a version for every write: its users, and a doctor
for a single test.
"""

from datetime import UTC, date, datetime, timedelta
from re import Pattern
from typing import Any
from uuid import uuid4

from playwright.async_api import Page, expect

from support.browsers import Site, api

CLINIC = 3
UTC_OFFSET = timedelta(hours=5, minutes=30)
"""Kolkata's offset. There is no summer time."""
MANAGER = "manager@lotuslane.example.net"
RECEPTION = "reception@lotuslane.example.net"
DOCTOR = "iyer@lotuslane.example.net"


def staff_url(site: Site, path: str = "") -> str:
    return f"{site.url}/staff/{CLINIC}/{path}"


def day_of_week(weekday: int) -> date:
    """Return a date in the third week from now, when the clinic has no holiday. Monday is 0."""
    today = datetime.now(UTC).date()
    return today + timedelta(days=21 - today.weekday() + weekday)


def at(day: date, hour: int, minute: int = 0) -> str:
    """Return a wall time at the clinic in the API's format."""
    return (datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - UTC_OFFSET).isoformat()


def hours(start: str, end: str) -> list[dict[str, str]]:
    return [{"startTime": start, "endTime": end}]


class Practice:
    """A doctor for a single test, with an appointment type that no other doctor offers."""

    def __init__(self, site: Site, week: dict[str, list[dict[str, str]]] | None = None) -> None:
        self.api = api(site)
        self.name = f"Dr {uuid4().hex[:8]}"
        self.type_name = f"Visit {self.name}"
        new_type = {"name": self.type_name, "minutes": 20}
        self.type = self.post(f"/api/clinics/{CLINIC}/appointmentTypes", new_type)["id"]
        new_doctor = {"name": self.name, "appointmentTypeIds": [self.type]}
        self.doctor = self.post(f"/api/clinics/{CLINIC}/doctors", new_doctor)["id"]
        if week:
            self.publish(week)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = self.api.post(path, json=body)
        assert response.status_code in (200, 201), response.text
        return response.json()

    def publish(self, week: dict[str, list[dict[str, str]]]) -> None:
        """Set the weekly hours, and publish them from the second to the fourth week from now."""
        schedule = f"/api/doctors/{self.doctor}/schedule"
        etag = self.api.get(schedule).headers["ETag"]
        response = self.api.put(schedule, json={"weekly": week}, headers={"If-Match": etag})
        assert response.status_code == 200, response.text
        period = {
            "from": str(day_of_week(0) - timedelta(days=7)),
            "to": str(day_of_week(6) + timedelta(days=7)),
        }
        self.post("/api/availability/createBookingSlots", {"clinicId": CLINIC, "doctorId": self.doctor, **period})

    def book(self, day: date, hour: int, minute: int = 0, name: str = "Asha Sen") -> dict[str, Any]:
        customer_id = self.post("/api/customers", {"name": name})["id"]
        request = {
            "customerId": customer_id,
            "doctorId": self.doctor,
            "appointmentTypeId": self.type,
            "startTime": at(day, hour, minute),
        }
        return self.post("/api/appointments", request)

    def appointment(self, appointment_id: str) -> dict[str, Any]:
        return self.api.get(f"/api/appointments/{appointment_id}").json()

    def schedule(self) -> dict[str, Any]:
        return self.api.get(f"/api/doctors/{self.doctor}/schedule").json()

    def slot_starts(self) -> list[str]:
        slots = self.api.get(f"/api/doctors/{self.doctor}/bookingSlots?limit=200").json()["items"]
        return [slot["startTime"] for slot in slots]


async def expect_notice(page: Page, text: str | Pattern[str]) -> None:
    """Expect the notice that a page shows after a form has been sent."""
    await expect(page.locator(".notice.good[role=status] > p").first).to_have_text(text, use_inner_text=True)
