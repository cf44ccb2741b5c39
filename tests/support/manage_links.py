"""An appointment that its patient manages through a link."""

from datetime import timedelta

from support.app import ADMIN
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, publish_slot

START = hours_ahead(24 * 7).replace(hour=9, minute=0, second=0)


async def create_visit(db, client) -> dict[str, str]:
    """Create a clinic in Berlin, a doctor with a published day, and Ana. Return the ids that a booking needs."""
    await create_clinic(
        client, phone="+493012345678", address="Seestraße 12\n13353 Berlin", email="desk@lakeside.example"
    )
    shah = await create_doctor(client)
    await publish_slot(db, shah, START, START + timedelta(hours=6))
    ana = await create_customer(client, email="ana@example.org")
    return {"doctorId": shah, "customerId": ana}


def times_at(hours: float) -> dict[str, str]:
    """Return the members for a half-hour appointment the given number of hours after `START`."""
    start = START + timedelta(hours=hours)
    return {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=30)).isoformat()}


async def book(client, visit, hours=0, **members) -> dict:
    response = await client.post("/api/appointments", json={**visit, **times_at(hours), **members})
    assert response.status_code == 201, response.text
    return response.json()


def token_headers(appointment: dict) -> dict[str, str]:
    return {"Authorization": f"Bearer {appointment['manageToken']}"}


def page_path(appointment: dict, part: str = "") -> str:
    return f"/appointments/{appointment['manageToken']}{part}"


async def status(client, appointment: dict) -> str:
    return (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()["status"]
