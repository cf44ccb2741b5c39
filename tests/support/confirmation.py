"""A clinic where strangers confirm their address with a code."""

from typing import Any
from uuid import UUID

from appoint.booking.confirmation.model import code, link_token
from support.manage_links import START, times_at, token_headers
from support.staff import SECRET
from support.world import create_appointment_type, create_clinic, create_customer, create_doctor, publish_slot

ALWAYS = {"confirmAddress": "always"}


async def create_practice(db, client) -> dict[str, str]:
    """Create a clinic in Berlin, a doctor with a published day, and Ana. Return the ids needed for a booking."""
    await create_clinic(client, slug="lakeside", policy=ALWAYS, email="desk@lakeside.example")
    shah = await create_doctor(client)
    await publish_slot(db, shah, START.replace(hour=8), START.replace(hour=15))
    return {"doctorId": shah, "customerId": await create_customer(client, email="ana@example.org")}


async def create_bookable_type(client) -> str:
    return await create_appointment_type(client, name="Check-up")


async def book(client, practice: dict[str, str], hours: float = 0, **members: Any) -> Any:
    """Book as a stranger, by default for Ana, and return the response."""
    return await client.post("/api/appointments", json={**practice, **times_at(hours), **members})


async def hold(client, practice: dict[str, str], hours: float = 0, **members: Any) -> dict[str, Any]:
    response = await book(client, practice, hours, **members)
    assert response.status_code == 201, response.text
    assert response.json()["status"] == "pending"
    return response.json()


def code_for(appointment: dict[str, Any], number: int = 1) -> str:
    """Return the code that was sent for a booking."""
    return code(SECRET, UUID(appointment["bookingId"]), number)


def wrong_code_for(appointment: dict[str, Any], number: int = 1) -> str:
    return f"{(int(code_for(appointment, number)) + 1) % 1_000_000:06}"


def link_path(appointment: dict[str, Any], customer_version: int = 1) -> str:
    """Return the path of the link in the message with the code."""
    return f"/confirm/{link_token(SECRET, UUID(appointment['bookingId']), customer_version)}"


async def confirm(client, appointment: dict[str, Any], code: str | None = None, **more: Any) -> Any:
    """Confirm as the holder of the manage link, with or without a code."""
    body = {} if code is None else {"json": {"code": code}}
    path = f"/api/appointments/{appointment['id']}/confirm"
    return await client.post(path, headers=token_headers(appointment), **body, **more)


async def confirm_right(client, appointment: dict[str, Any]) -> Any:
    response = await confirm(client, appointment, code_for(appointment))
    assert response.status_code == 200, response.text
    return response.json()


def reason_of(response) -> tuple[int, str]:
    return response.status_code, response.json().get("reason")
