"""A clinic that asks strangers for a deposit, whose payments go through the development gateway in this process."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from appoint.booking.holds import expire_holds
from appoint.kit.actors import Actor
from appoint.kit.ids import new_id
from appoint.payments.checkout import jobs, reconciliation, refunds
from appoint.payments.checkout.gateway import Checkout
from appoint.payments.checkout.links import PaymentLinks
from appoint.payments.checkout.reconciliation import ReconciliationContext
from appoint.payments.checkout.signatures import sign
from appoint.payments.checkout.transport import ProviderRequest, ProviderResponse
from support.app import settings
from support.confirmation import create_practice
from support.dev_gateway import SECRET, choose, deliver, our_gateway
from support.manage_links import times_at
from support.world import create_appointment_type

LINKS = PaymentLinks.of(settings())
SYSTEM = Actor("system", operation="test")
PRICE = {"amount": 8000, "currency": "EUR"}
DEPOSIT = 2500


def use_gateway(client, gateway: Any) -> None:
    """Let the application take payments through a gateway."""
    services = client._transport.app.state.services
    services.features[Checkout] = Checkout(gateway, LINKS)


async def create_paid_practice(db, client) -> dict[str, str]:
    """Create a clinic that asks for a deposit of 25 of 80 euros, and connect it to the development gateway."""
    practice = await create_practice(db, client)
    type_id = await create_appointment_type(client, price=PRICE)
    await db.execute(
        """
        insert into payment_policy (clinic_id, id, appointment_type_id, deposit_amount, refund_to)
        values (1, $1, $2, $3, null), (1, $4, null, null, 'method')
        """,
        new_id(1),
        UUID(type_id),
        DEPOSIT,
        new_id(1),
    )
    await client._transport.app.state.services.cache.drop(1)
    use_gateway(client, our_gateway(client))
    return {**practice, "appointmentTypeId": type_id}


async def hold(client, practice: dict[str, str], hours: float = 0, **members: Any) -> dict[str, Any]:
    """Book as a stranger, and return the appointment, which is on hold."""
    time = {"startTime": times_at(hours)["startTime"]}
    response = await client.post("/api/appointments", json={**practice, **time, **members})
    assert response.status_code == 201, response.text
    return response.json()


def pay_path(appointment: dict[str, Any]) -> str:
    return f"/appointments/{appointment['manageToken']}/pay"


async def open_page(client, appointment: dict[str, Any]) -> str:
    """Go to the provider's page, and return its address."""
    response = await client.post(pay_path(appointment))
    assert response.status_code == 303, response.text
    return response.headers["Location"]


async def pay(client, appointment: dict[str, Any], delivery: str = "prompt") -> str:
    """Pay on the provider's page, and return the address of the page that the payer comes back to."""
    response = await choose(client, await open_page(client, appointment), "pay", delivery)
    assert response.status_code == 303, response.text
    return response.headers["Location"]


async def send_event(client, body: bytes, signature: str) -> int:
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
    return (await client.post("/api/payments/events", content=body, headers=headers)).status_code


async def send_events(db, client, *, now: datetime) -> int:
    """Deliver all due events to the application."""

    async def send(request: ProviderRequest) -> ProviderResponse:
        signature = sign(request.body, secret=SECRET, now=now)
        return ProviderResponse(await send_event(client, request.body, signature), b"")

    return await deliver(db, send, now=now)


def books(db, client, *, now: datetime) -> ReconciliationContext:
    return ReconciliationContext(db, our_gateway(client), SYSTEM, LINKS, now)


async def state(db, appointment: dict[str, Any]) -> SimpleNamespace:
    """Return the appointment's status, its payments and refunds, and what the provider has collected and returned."""
    status = await db.fetchval("select status from appointment where id = $1", UUID(appointment["id"]))
    payments = await db.fetch(
        "select status, amount from payment where booking_id = $1 order by id", UUID(appointment["bookingId"])
    )
    refunds = await db.fetch(
        """
        select r.destination, r.status, r.amount
          from refund r join payment p on p.clinic_id = r.clinic_id and p.id = r.payment_id
         where p.booking_id = $1
         order by r.id
        """,
        UUID(appointment["bookingId"]),
    )
    provider = await db.fetchrow(
        """
        select coalesce(sum((content ->> 'amount_received')::bigint), 0)::bigint as collected,
               coalesce(sum((content ->> 'amount_refunded')::bigint), 0)::bigint as returned
          from dev_payment_object
         where kind = 'payment_intent'
        """
    )
    return SimpleNamespace(
        appointment=status,
        payments=[tuple(row) for row in payments],
        refunds=[tuple(row) for row in refunds],
        collected=provider.collected,
        returned=provider.returned,
    )


async def settle_everything(db, client, *, now: datetime) -> None:
    """Run the worker's jobs as they run within the next hours, without any processes that die."""
    gateway, now = our_gateway(client), now + timedelta(hours=1)
    await jobs.close_ended(db, gateway, links=LINKS, now=now)
    await send_events(db, client, now=now)
    await reconciliation.reconcile(books(db, client, now=now))
    await expire_holds(db, now=now)
    await refunds.send_due(db, gateway, SYSTEM, now=now)


async def unbooked_or_overpaid(db, appointments: Sequence[dict[str, Any]]) -> list[Any]:
    """Return the appointments whose patients have not paid exactly for what is booked, and `"provider"` if the provider
    has collected a different sum."""
    faults: list[Any] = []
    booked = 0
    for appointment in appointments:
        after = await state(db, appointment)
        succeeded = [amount for status, amount in after.payments if status == "succeeded"]
        returned = [amount for _, status, amount in after.refunds if status == "succeeded"]
        is_booked = after.appointment == "booked"
        booked += is_booked
        is_settled = is_booked or after.appointment == "cancelled"
        if not is_settled or len(succeeded) > 1 or sum(succeeded) - sum(returned) != DEPOSIT * is_booked:
            faults.append(after)
    if after.collected - after.returned != booked * DEPOSIT:
        faults.append("provider")
    return faults
