"""A deposit turns a hold into a booking. There is never a payment with neither a booking nor a refund."""

import re
from datetime import datetime, timedelta

import pytest

from appoint.booking.holds import expire_holds
from appoint.kit import clock
from appoint.payments.checkout import jobs, refunds
from appoint.payments.checkout.model import GatewayUnavailable
from support.app import ADMIN
from support.deposits import (
    DEPOSIT,
    LINKS,
    SYSTEM,
    create_paid_practice,
    hold,
    open_page,
    pay,
    pay_path,
    send_events,
    state,
    use_gateway,
)
from support.dev_gateway import choose, our_gateway
from support.manage_links import times_at, token_headers
from support.world import create_appointment_type, create_customer

PAID = [("succeeded", DEPOSIT)]


@pytest.fixture
async def practice(db, client):
    return await create_paid_practice(db, client)


async def confirm(client, appointment, **headers):
    path = f"/api/appointments/{appointment['id']}/confirm"
    return await client.post(path, headers=headers or token_headers(appointment))


async def end_holds(db, client, *, minutes: int) -> None:
    """Run the jobs that end holds, as if it were that many minutes later."""
    now = clock.now() + timedelta(minutes=minutes)
    await jobs.close_ended(db, our_gateway(client), links=LINKS, now=now)
    await expire_holds(db, now=now)


async def test_a_booking_with_a_deposit_is_on_hold_for_35_minutes_and_says_where_to_pay(client, practice):
    appointment = await hold(client, practice)
    assert (appointment["status"], appointment.get("confirmation")) == ("pending", None)
    expires_in = datetime.fromisoformat(appointment["holdExpiresAt"]) - clock.now()
    assert timedelta(minutes=34) < expires_in <= timedelta(minutes=35)
    assert appointment["payment"] == {
        "url": f"{LINKS.base_url}{pay_path(appointment)}",
        "amount": {"amount": DEPOSIT, "currency": "EUR"},
        "expiresAt": appointment["holdExpiresAt"],
    }


async def test_several_appointments_are_paid_for_together(client, db, practice):
    parts = [{**times_at(hours), "appointmentTypeId": practice["appointmentTypeId"]} for hours in (0, 1)]
    for part in parts:
        part.pop("endTime", None)
    body = {
        "clinicId": 1,
        "customerId": practice["customerId"],
        "appointments": [{**part, "doctorId": practice["doctorId"]} for part in parts],
    }
    booking = (await client.post("/api/bookings", json=body)).json()
    assert booking["payment"]["amount"]["amount"] == 2 * DEPOSIT
    one, two = booking["appointments"]
    assert await open_page(client, one) == await open_page(client, two)
    await pay(client, two)
    await send_events(db, client, now=clock.now())
    after = [await state(db, each) for each in (one, two)]
    assert [each.appointment for each in after] == ["booked", "booked"]
    assert after[0].payments == [("succeeded", 2 * DEPOSIT)]


async def test_the_payment_books_the_appointment(client, db, practice):
    appointment = await hold(client, practice)
    await pay(client, appointment)
    assert (await state(db, appointment)).appointment == "pending"
    await send_events(db, client, now=clock.now())
    after = await state(db, appointment)
    assert (after.appointment, after.payments, after.refunds) == ("booked", PAID, [])


async def test_the_return_page_books_the_appointment_before_any_event_arrives(client, db, practice):
    appointment = await hold(client, practice)
    page = await client.get(await pay(client, appointment, "lost"))
    assert "Your appointment is booked." in page.text
    assert (await state(db, appointment)).appointment == "booked"


async def test_the_payment_page_says_what_to_pay(client, practice):
    appointment = await hold(client, practice)
    page = await client.get(pay_path(appointment))
    assert (page.status_code, bool(re.search("25[.,]00", page.text))) == (200, True)
    assert "form-action 'self' https:" in page.headers["Content-Security-Policy"]


async def test_the_manage_link_of_an_unpaid_hold_leads_to_the_payment_page(client, practice):
    appointment = await hold(client, practice)
    response = await client.get(f"/appointments/{appointment['manageToken']}")
    assert (response.status_code, response.headers["Location"]) == (303, pay_path(appointment))


async def test_opening_the_payment_page_twice_leads_to_the_same_page(client, db, practice):
    appointment = await hold(client, practice)
    assert await open_page(client, appointment) == await open_page(client, appointment)
    assert len((await state(db, appointment)).payments) == 1


async def test_patients_cannot_confirm_without_paying(client, db, practice):
    appointment = await hold(client, practice)
    refusal = await confirm(client, appointment)
    assert (refusal.status_code, refusal.json()["type"]) == (409, "/problems/payment-required")
    assert (await state(db, appointment)).appointment == "pending"


async def test_staff_can_confirm_without_a_payment(client, db, practice):
    appointment = await hold(client, practice)
    assert (await confirm(client, appointment, **ADMIN)).status_code == 200
    assert (await state(db, appointment)).appointment == "booked"


async def test_bookings_by_staff_need_no_deposit(client, practice):
    time = {"startTime": times_at(2)["startTime"]}
    response = await client.post("/api/appointments", json={**practice, **time}, headers=ADMIN)
    assert (response.json()["status"], response.json().get("payment")) == ("booked", None)


async def test_a_declined_card_keeps_the_hold(client, db, practice):
    appointment = await hold(client, practice)
    await choose(client, await open_page(client, appointment), "decline")
    await send_events(db, client, now=clock.now())
    after = await state(db, appointment)
    assert (after.appointment, after.payments) == ("pending", [("pending", DEPOSIT)])


async def test_an_unpaid_hold_expires_after_its_page_has_been_closed(client, db, practice):
    appointment = await hold(client, practice)
    url = await open_page(client, appointment)
    await end_holds(db, client, minutes=36)
    after = await state(db, appointment)
    assert (after.appointment, after.payments) == ("cancelled", [("cancelled", DEPOSIT)])
    assert "This page has expired" in (await choose(client, url, "pay")).text


async def test_a_hold_is_kept_while_its_page_cannot_be_closed(client, db, practice):
    appointment = await hold(client, practice)
    await open_page(client, appointment)
    now = clock.now() + timedelta(minutes=36)
    await jobs.close_ended(db, Away(), links=LINKS, now=now)
    await expire_holds(db, now=now)
    assert (await state(db, appointment)).appointment == "pending"


async def test_a_payment_that_was_not_heard_of_when_its_hold_ended_books_the_appointment(client, db, practice):
    appointment = await hold(client, practice)
    await pay(client, appointment, "lost")
    await end_holds(db, client, minutes=36)
    after = await state(db, appointment)
    assert (after.appointment, after.payments) == ("booked", PAID)


async def pay_too_late(client, db, practice):
    """Pay, but expire the hold before anyone hears of it, as if the provider had been away for hours."""
    appointment = await hold(client, practice)
    await pay(client, appointment, "late")
    await expire_holds(db, now=clock.now() + timedelta(hours=6))
    assert (await state(db, appointment)).appointment == "cancelled"
    return appointment


async def test_a_late_payment_books_the_same_time_if_it_is_still_free(client, db, practice):
    appointment = await pay_too_late(client, db, practice)
    await send_events(db, client, now=clock.now() + timedelta(minutes=1))
    after = await state(db, appointment)
    assert (after.appointment, after.payments, after.refunds) == ("booked", PAID, [])


async def test_a_late_payment_for_a_time_that_is_taken_is_refunded(client, db, practice):
    appointment = await pay_too_late(client, db, practice)
    ben = await create_customer(client, email="ben@example.org")
    time = {"startTime": times_at(0)["startTime"]}
    await client.post("/api/appointments", json={**practice, **time, "customerId": ben}, headers=ADMIN)
    await send_events(db, client, now=clock.now() + timedelta(minutes=1))
    assert (await state(db, appointment)).refunds == [("method", "pending", DEPOSIT)]
    await refunds.send_due(db, our_gateway(client), SYSTEM, now=clock.now())
    after = await state(db, appointment)
    assert (after.appointment, after.payments, after.refunds) == (
        "cancelled",
        PAID,
        [("method", "succeeded", DEPOSIT)],
    )
    assert (after.collected, after.returned) == (DEPOSIT, DEPOSIT)


async def test_the_clinics_policy_can_turn_a_late_payment_into_credit(client, db, practice):
    await db.execute("update payment_policy set refund_to = 'credit' where appointment_type_id is null")
    appointment = await hold(client, practice)
    await pay(client, appointment, "late")
    await client.delete(f"/api/appointments/{appointment['id']}", headers={**ADMIN, "If-Match": "*"})
    await send_events(db, client, now=clock.now() + timedelta(minutes=1))
    assert (await state(db, appointment)).refunds == [("credit", "succeeded", DEPOSIT)]
    assert await db.fetchval("select amount from payment where method = 'credit' and status = 'succeeded'") == DEPOSIT


async def test_a_refund_that_fails_later_gives_the_payment_its_cents_back(client, db, practice):
    appointment = await hold(client, practice)
    await pay(client, appointment, "late")
    await client.delete(f"/api/appointments/{appointment['id']}", headers={**ADMIN, "If-Match": "*"})
    await send_events(db, client, now=clock.now() + timedelta(minutes=1))
    await refunds.send_due(db, our_gateway(client), SYSTEM, now=clock.now())
    refund = await db.fetchval("select gateway_refund_id from refund")
    await client.post("/dev/payments", data={"action": "fail-refund", "id": refund})
    await send_events(db, client, now=clock.now() + timedelta(minutes=2))
    assert (await state(db, appointment)).refunds == [("method", "failed", DEPOSIT)]
    assert await balances(db) == {"deposits": -DEPOSIT, "gateway": DEPOSIT}


async def balances(db) -> dict[str, int]:
    """Return the balance of each account that has one."""
    rows = await db.fetch(
        """
        select name, sum(amount)::bigint as balance
          from (select debit as name, amount from transfer union all select credit, -amount from transfer) as sides
         group by name
        having sum(amount) <> 0
        """
    )
    return {row.name: row.balance for row in rows}


async def test_the_books_record_the_deposit(client, db, practice):
    await pay(client, await hold(client, practice))
    await send_events(db, client, now=clock.now())
    assert await balances(db) == {"deposits": -DEPOSIT, "gateway": DEPOSIT}


async def test_a_payment_for_a_cancelled_hold_is_refunded(client, db, practice):
    appointment = await hold(client, practice)
    await pay(client, appointment, "late")
    path = f"/api/appointments/{appointment['id']}"
    await client.delete(path, headers={**ADMIN, "If-Match": "*"})
    await send_events(db, client, now=clock.now() + timedelta(minutes=1))
    assert (await state(db, appointment)).refunds == [("method", "pending", DEPOSIT)]


async def test_nothing_can_be_paid_once_the_hold_has_expired(client, db, practice):
    appointment = await hold(client, practice)
    await expire_holds(db, now=clock.now() + timedelta(hours=1))
    response = await client.post(pay_path(appointment))
    assert (response.status_code, "no longer on hold" in response.text) == (409, True)
    assert (await state(db, appointment)).payments == []


class Away:
    """A provider that cannot be reached."""

    def __getattr__(self, name):
        async def fail(*_, **__):
            raise GatewayUnavailable

        return fail


async def test_without_the_provider_other_bookings_go_on_and_holds_are_kept(client, db, practice):
    use_gateway(client, Away())
    appointment = await hold(client, practice)
    response = await client.post(pay_path(appointment))
    assert (response.status_code, "We can’t take payments at the moment" in response.text) == (503, True)
    assert (await state(db, appointment)).appointment == "pending"
    free = await create_appointment_type(client, name="Consultation")
    body = {**practice, "appointmentTypeId": free, "startTime": times_at(2)["startTime"]}
    assert (await client.post("/api/appointments", json=body)).status_code == 201


async def test_without_a_provider_the_payment_page_says_so(client, practice):
    use_gateway(client, None)
    response = await client.post(pay_path(await hold(client, practice)))
    assert (response.status_code, "We can’t take payments at the moment" in response.text) == (503, True)


async def test_a_made_up_return_page_is_not_found(client, practice):
    assert (await client.get("/paid/made-up")).status_code == 404
