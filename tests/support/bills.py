"""Appointments at a clinic with a payment policy."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from appoint.events.service import relay
from appoint.kit import clock
from appoint.payments.billing import service as billing
from support.app import ADMIN
from support.deposits import hold, pay, send_events
from support.manage_links import START, times_at, token_headers
from support.world import publish_slot

DEPOSIT_OF_A_QUARTER = {"depositPercent": 25}
HALF_WITHIN_TWO_WEEKS = {"cancellation": [{"beforeMinutes": 20_160, "keepPercent": 50}]}
"""Appointments in these tests are a week ahead, so this rule applies to them."""

EIGHT_DAYS = timedelta(days=8)


async def set_policy(client, practice: dict[str, str], **members: Any) -> None:
    """Set the policy for the practice's appointment type. Its price is 80 euros."""
    path = f"/api/appointmentTypes/{practice['appointmentTypeId']}/paymentPolicy"
    response = await client.put(path, json=members, headers=ADMIN)
    assert response.status_code == 200, response.text


async def run_worker(db) -> None:
    """Relay all events and bill what is due, as if steps could no longer be undone."""
    now = clock.now()

    async def follow(tx, batch):
        await billing.follow(tx, batch, now=now)

    while await relay(db, [follow], now=now):
        pass
    await billing.bill_due(db, now=now + timedelta(seconds=10))


async def book_by_staff(client, practice: dict[str, str], hours: float = 0, *, headers=ADMIN) -> dict[str, Any]:
    time = {"startTime": times_at(hours)["startTime"]}
    response = await client.post("/api/appointments", json={**practice, **time}, headers=headers)
    assert response.status_code == 201, response.text
    return response.json()


async def book_with_deposit(db, client, practice: dict[str, str], hours: float = 0) -> dict[str, Any]:
    """Book as a stranger, and pay the deposit by card."""
    appointment = await hold(client, practice, hours)
    await pay(client, appointment)
    await send_events(db, client, now=clock.now())
    return appointment


async def cancel(client, appointment: dict[str, Any], *, by_clinic: bool = False) -> None:
    headers = ADMIN if by_clinic else token_headers(appointment)
    response = await client.delete(f"/api/appointments/{appointment['id']}", headers=headers)
    assert response.status_code == 204, response.text


async def invoices_for(client, appointment: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Return the occasion, status and open or drafted amount of each invoice that Appoint made for an appointment."""
    listed = (await client.get("/api/clinics/1/invoices", headers=ADMIN)).json()["items"]
    return [
        (each["occasion"], each["status"], (each["open"] if each["status"] == "issued" else each["total"])["amount"])
        for each in reversed(listed)
        if each["appointmentId"] == appointment["id"]
    ]


async def only_invoice(client) -> dict[str, Any]:
    (invoice,) = (await client.get("/api/clinics/1/invoices", headers=ADMIN)).json()["items"]
    return invoice


async def issue(client, invoice: dict[str, Any]) -> dict[str, Any]:
    response = await client.post(f"/api/invoices/{invoice['id']}/issue", headers=ADMIN)
    assert response.status_code == 200, response.text
    return response.json()


async def take_steps(db, client, appointment: dict[str, Any], *steps: str) -> None:
    """Move an appointment to today, and take these staff steps."""
    await publish_slot(db, appointment["doctorId"], START - EIGHT_DAYS, START - EIGHT_DAYS + timedelta(hours=6))
    await db.execute(
        """
        update appointment set during = tstzrange(lower(during) - $2::interval, upper(during) - $2::interval),
                               claimed = tstzrange(lower(claimed) - $2::interval, upper(claimed) - $2::interval)
         where id = $1
        """,
        UUID(appointment["id"]),
        EIGHT_DAYS,
    )
    for step in steps:
        response = await client.post(f"/api/appointments/{appointment['id']}/{step}", headers=ADMIN)
        assert response.status_code == 200, response.text


async def refunds_of(db) -> list[tuple[str, int]]:
    rows = await db.fetch("select destination, amount from refund where status <> 'failed' order by id")
    return [tuple(row) for row in rows]
