"""Erasing a customer removes all personal data permanently, but appointments stay."""

from datetime import timedelta
from uuid import uuid4

import pytest

from appoint.booking import holds
from appoint.booking.model import RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.events.facts import CATALOGUE
from appoint.kit import errors
from appoint.kit.actors import SYSTEM
from appoint.oversight.privacy import service
from appoint.oversight.privacy.model import ErasedCounts
from support.app import ADMIN
from support.erasure import LATER, add_data_about_ana, erase
from support.post import Office, Post
from support.world import NOW, at


async def test_erasing_a_customer_removes_their_data_but_keeps_appointments(world):
    await add_data_about_ana(world)
    counts = await erase(world, world.ana)
    assert counts == ErasedCounts(
        patients=1, appointments=1, messages=1, preferences=1, sessions=1, sign_in_codes=1, requests=1
    )
    row = await world.db.fetchrow("select * from customer where id = $1", world.ana)
    assert (row.name, row.active, row.erased_at, row.removed_at) == ("(erased)", False, LATER, LATER)
    assert (row.email, row.phone, row.birth_date, row.locale, row.time_zone) == (None,) * 5
    appointment = await world.db.fetchrow("select * from appointment")
    assert (
        appointment.id,
        appointment.customer_id,
        appointment.status,
        appointment.notes,
        appointment.idempotency_key,
    ) == (
        world.visit.id,
        world.ana,
        "booked",
        None,
        None,
    )
    patient = await world.db.fetchrow("select * from patient")
    assert (patient.notes, patient.record_number) == (None, None)
    assert [
        await world.count(table)
        for table in ("session", "sign_in_code", "notification_preference", "request_key", "dev_message")
    ] == [0] * 5


async def test_other_customers_data_is_kept(world):
    await add_data_about_ana(world)
    await erase(world, world.ben)
    assert await world.db.fetchval("select email from customer where id = $1", world.ana) == "ana@example.org"
    assert [
        await world.count(table)
        for table in ("session", "sign_in_code", "notification_preference", "request_key", "dev_message")
    ] == [1] * 5


async def test_a_second_erasure_changes_nothing(world):
    await add_data_about_ana(world)
    await erase(world, world.ana)
    events = await world.count("event")
    second = await world.db.atomic(service.erase, SYSTEM, customer_id=world.ana, now=LATER + timedelta(days=1))
    assert (second.erased_at, second.erased, await world.count("event")) == (LATER, ErasedCounts(), events)


async def test_a_customer_with_upcoming_appointments_cannot_be_erased(world):
    await add_data_about_ana(world)
    with pytest.raises(errors.Conflict) as refusal:
        await erase(world, world.ana, now=NOW)
    assert (refusal.value.type, refusal.value.facts) == ("customer-has-appointments", {"count": 1})
    assert await world.db.fetchval("select name from customer where id = $1", world.ana) == "Ana"


async def test_reasons_are_erased_but_an_override_still_shows_that_there_was_one(world):
    await add_data_about_ana(world)
    await world.db.execute(
        """
        update appointment set status = 'cancelled', cancel_reason = 'a lump',
                               overridden = '{customer-busy}', override_reason = 'in pain'
        """
    )
    assert (await erase(world, world.ana)).appointments == 1
    row = await world.db.fetchrow("select cancel_reason, override_reason from appointment")
    assert tuple(row) == (None, "(erased)")


async def test_an_expired_hold_remains_recognisable(world):
    await world.book(world.dr_shah, at(9), world.ana, hold=True)
    await holds.expire_holds(world.db, now=LATER)
    assert (await erase(world, world.ana)).appointments == 0
    assert await world.db.fetchval("select cancel_reason from appointment") == "hold-expired"


async def test_the_platform_and_each_clinic_get_an_event(world):
    await add_data_about_ana(world)
    await erase(world, world.ana)
    events = await world.db.fetch(
        "select clinic_id, subject_id, data::text from event where type = 'customer.erased' order by clinic_id"
    )
    assert "customer.erased" in CATALOGUE
    assert [tuple(row) for row in events] == [
        (clinic, str(world.ana), f'{{"customerId": "{world.ana}"}}') for clinic in (0, world.clinic)
    ]


async def test_an_erasure_cannot_be_undone(client, world):
    await erase(world, world.ana)
    address = f"/api/customers/{world.ana}"
    responses = [
        await client.patch(address, json={"active": True}, headers=ADMIN),
        await client.patch(address, json={"name": "Ana"}, headers=ADMIN),
        await client.put(address, json={"name": "Ana"}, headers=ADMIN),
    ]
    assert [(response.status_code, response.json()["reason"]) for response in responses] == [
        (409, "customer-erased")
    ] * 3
    assert (await client.delete(address, headers=ADMIN)).status_code == 204
    assert (await client.get(address, headers=ADMIN)).json()["name"] == "(erased)"
    preferences = await client.put(
        f"{address}/notificationPreferences", json={"email": True, "sms": None}, headers=ADMIN
    )
    assert (preferences.status_code, await world.count("notification_preference")) == (404, 0)


async def test_notes_cannot_be_stored_about_an_erased_customer(client, world):
    await add_data_about_ana(world)
    await erase(world, world.ana)
    note = await client.patch(f"/api/clinics/{world.clinic}/patients/{world.ana}", json={"notes": "tea"}, headers=ADMIN)
    visit = await client.patch(f"/api/appointments/{world.visit.id}", json={"notes": "tea"}, headers=ADMIN)
    assert [(response.status_code, response.json()["reason"]) for response in (note, visit)] == [
        (409, "customer-erased")
    ] * 2


async def test_an_erased_customers_appointments_cannot_be_booked_or_moved(world):
    await add_data_about_ana(world)
    await erase(world, world.ana)
    await world.publish(world.dr_shah, at(20), at(22))
    with pytest.raises(errors.NotFound):
        await world.book(world.dr_shah, at(20), world.ana)
    with pytest.raises(errors.NotFound):
        await reschedule(
            world.db,
            SYSTEM,
            appointment_id=world.visit.id,
            to=RescheduleRequest(start_time=at(20), end_time=at(20, 30)),
            if_match=None,
            now=NOW,
        )


async def test_the_reason_for_a_later_cancellation_is_not_stored(client, world):
    await add_data_about_ana(world)
    await erase(world, world.ana)
    response = await client.delete(f"/api/appointments/{world.visit.id}?reason=a+lump", headers=ADMIN)
    assert (response.status_code, tuple(await world.db.fetchrow("select status, cancel_reason from appointment"))) == (
        204,
        ("cancelled", None),
    )


async def test_a_repeated_request_is_replayed(client, world):
    await add_data_about_ana(world)
    await world.db.execute("update appointment set status = 'cancelled'")
    headers = {**ADMIN, "Idempotency-Key": "erase-ana"}
    first = await client.post(f"/api/customers/{world.ana}/erase", headers=headers)
    second = await client.post(f"/api/customers/{world.ana}/erase", headers=headers)
    assert (first.status_code, first.json()["erased"]["sessions"]) == (200, 1)
    assert (second.json(), second.headers["Idempotent-Replayed"]) == (first.json(), "true")


async def test_an_unknown_customer_is_not_found_and_signing_in_is_required(client, world):
    assert (await client.post(f"/api/customers/{uuid4()}/erase", headers=ADMIN)).status_code == 404
    assert (await client.post(f"/api/customers/{world.ana}/erase")).status_code == 401


async def test_an_erasure_is_recorded_with_its_actor(client, world):
    await client.post(f"/api/customers/{world.ana}/erase", headers=ADMIN)
    rows = await world.db.fetch("select actor, action, subjects from audit_unsealed where action = 'eraseCustomer'")
    assert [tuple(row) for row in rows] == [("administrator", "eraseCustomer", [str(world.ana)])]


async def test_queued_notifications_are_not_sent(world):
    await add_data_about_ana(world)
    office = Office(world.db, Post())
    await office.plan(NOW)
    await erase(world, world.ana)
    await office.send(LATER)
    statuses = [tuple(row) for row in await world.db.fetch("select status, reason from notification")]
    assert (office.post.messages, statuses) == ([], [("superseded", "the customer was erased")])
