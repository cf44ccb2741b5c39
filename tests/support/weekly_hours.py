"""A doctor's weekly hours over HTTP."""

from datetime import date

from support.app import ADMIN
from support.hours import COMING_MONDAY, put_weekly_hours
from support.world import create_clinic, create_doctor


async def published_doctor(client, *, last: date = COMING_MONDAY, valid_from: date | None = None, **week) -> str:
    """Create a clinic and a doctor with weekly hours, and publish them from the coming Monday to `last`."""
    await create_clinic(client)
    doctor_id = await create_doctor(client)
    await put_weekly_hours(client, doctor_id, valid_from, **week)
    body = {"clinicId": 1, "from": str(COMING_MONDAY), "to": str(last)}
    await client.post("/api/availability/createBookingSlots", json=body, headers=ADMIN)
    return doctor_id


async def add_doctor_slot(client, doctor_id, **members):
    return await client.post(f"/api/doctors/{doctor_id}/slots", json=members, headers=ADMIN)


async def list_doctor_slots(client, doctor_id):
    slots = (await client.get(f"/api/doctors/{doctor_id}/slots")).json()["items"]
    members = ("weekday", "startTime", "endTime", "validFrom", "validUntil")
    return [tuple(slot[name] for name in members) for slot in slots]


def pointers(response) -> list[str]:
    return [error["pointer"] for error in response.json()["errors"]]
