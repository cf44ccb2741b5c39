"""A customer is erased: everything that is known of them goes, for good, and their appointments stay without them."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from appoint.booking import holds
from appoint.booking import service as appointments
from appoint.booking.model import AppointmentPatch, RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.events.facts import CATALOGUE
from appoint.kit import errors
from appoint.kit.actors import SYSTEM
from appoint.kit.cache import ClinicCache
from appoint.messaging.channels.gateway import DevMailbox
from appoint.messaging.channels.model import Message
from appoint.messaging.notifications import service as planning
from appoint.messaging.notifications.model import Preferences
from appoint.messaging.notifications.repository import preferences as notifications
from appoint.oversight.privacy import service
from appoint.oversight.privacy.model import ErasedCounts
from support.app import ADMIN
from support.post import Office, Post
from support.rows import someone_waits
from support.world import NOW, World, at

LATER = NOW + timedelta(days=2)


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


async def erase(world: World, customer: UUID, *, now=LATER) -> ErasedCounts:
    return (await world.db.atomic(service.erase, SYSTEM, customer_id=customer, now=now)).erased


async def ana_as_she_is_known(world: World) -> None:
    """She has been at the clinic, it has noted something, she has said how she wants to be told, and is signed in."""
    await world.db.execute(
        "update customer set email = 'ana@example.org', phone = '+493012345678', birth_date = '1990-05-17' where id = $1",
        world.ana,
    )
    world.visit = await world.book(world.dr_shah, at(9), world.ana, notes="afraid of needles", key="once")
    await world.db.execute(
        "update patient set notes = 'likes tea', record_number = '7' where customer_id = $1", world.ana
    )
    await world.db.execute(
        "insert into notification_preference (customer_id, channel, wanted) values ($1, 'email', true)", world.ana
    )
    await world.db.execute(
        "insert into session (token_hash, customer_id, expires_at) values (sha256('x'), $1, now() + interval '1 day')",
        world.ana,
    )
    await world.db.execute(
        "insert into sign_in_code (channel, customer_ids, expires_at) values ('email', array[$1::uuid], now())",
        world.ana,
    )
    await world.db.execute(
        "insert into request_key (caller, key, digest, answer) values ('open', 'k', 'd', to_jsonb($1::uuid::text))",
        world.ana,
    )
    await world.db.execute(
        "insert into dev_message (token, channel, recipient, subject, text, customer_id) values ('t', 'email', 'ana@', 's', 't', $1)",
        world.ana,
    )


async def test_the_person_goes_and_the_appointment_stays(world):
    await ana_as_she_is_known(world)
    erased = await erase(world, world.ana)
    assert erased == ErasedCounts(
        patients=1, appointments=1, messages=1, preferences=1, sessions=1, sign_in_codes=1, requests=1
    )
    row = await world.db.fetchrow("select * from customer where id = $1", world.ana)
    assert (row.name, row.active, row.erased_at, row.removed_at) == ("(erased)", False, LATER, LATER)
    assert (row.email, row.phone, row.birth_date, row.locale, row.time_zone) == (None,) * 5
    kept = await world.db.fetchrow("select * from appointment")
    assert (kept.id, kept.customer_id, kept.status, kept.notes, kept.idempotency_key) == (
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


async def test_what_others_have_stays(world):
    await ana_as_she_is_known(world)
    await erase(world, world.ben)
    assert await world.db.fetchval("select email from customer where id = $1", world.ana) == "ana@example.org"
    assert [
        await world.count(table)
        for table in ("session", "sign_in_code", "notification_preference", "request_key", "dev_message")
    ] == [1] * 5


async def test_twice_is_the_same(world):
    await ana_as_she_is_known(world)
    await erase(world, world.ana)
    events = await world.count("event")
    again = await world.db.atomic(service.erase, SYSTEM, customer_id=world.ana, now=LATER + timedelta(days=1))
    assert (again.erased_at, again.erased, await world.count("event")) == (LATER, ErasedCounts(), events)


async def test_not_while_appointments_are_to_come(world):
    await ana_as_she_is_known(world)
    with pytest.raises(errors.Conflict) as refusal:
        await erase(world, world.ana, now=NOW)
    assert (refusal.value.type, refusal.value.facts) == ("customer-has-appointments", {"count": 1})
    assert await world.db.fetchval("select name from customer where id = $1", world.ana) == "Ana"


async def test_reasons_go_too_but_not_that_there_was_one(world):
    await ana_as_she_is_known(world)
    await world.db.execute(
        "update appointment set status = 'cancelled', cancel_reason = 'a lump', overridden = '{customer-busy}', override_reason = 'in pain'"
    )
    assert (await erase(world, world.ana)).appointments == 1
    row = await world.db.fetchrow("select cancel_reason, override_reason from appointment")
    assert tuple(row) == (None, "(erased)")


async def test_that_a_hold_ran_out_stays_known(world):
    await world.book(world.dr_shah, at(9), world.ana, hold=True)
    await holds.expire_holds(world.db, now=LATER)
    assert (await erase(world, world.ana)).appointments == 0
    assert await world.db.fetchval("select cancel_reason from appointment") == "hold-expired"


async def test_the_platform_and_each_clinic_are_told(world):
    await ana_as_she_is_known(world)
    await erase(world, world.ana)
    told = await world.db.fetch(
        "select clinic_id, subject_id, data::text from event where type = 'customer.erased' order by clinic_id"
    )
    assert "customer.erased" in CATALOGUE
    assert [tuple(row) for row in told] == [
        (clinic, str(world.ana), f'{{"customerId": "{world.ana}"}}') for clinic in (0, world.clinic)
    ]


async def test_it_cannot_be_undone(client, world):
    await erase(world, world.ana)
    address = f"/api/customers/{world.ana}"
    answers = [
        await client.patch(address, json={"active": True}, headers=ADMIN),
        await client.patch(address, json={"name": "Ana"}, headers=ADMIN),
        await client.put(address, json={"name": "Ana"}, headers=ADMIN),
    ]
    assert [(answer.status_code, answer.json()["reason"]) for answer in answers] == [(409, "customer-erased")] * 3
    assert (await client.delete(address, headers=ADMIN)).status_code == 204
    assert (await client.get(address, headers=ADMIN)).json()["name"] == "(erased)"
    wants = await client.put(f"{address}/notificationPreferences", json={"email": True, "sms": None}, headers=ADMIN)
    assert (wants.status_code, await world.count("notification_preference")) == (404, 0)


async def test_nobody_notes_anything_about_them(client, world):
    await ana_as_she_is_known(world)
    await erase(world, world.ana)
    note = await client.patch(f"/api/clinics/{world.clinic}/patients/{world.ana}", json={"notes": "tea"}, headers=ADMIN)
    visit = await client.patch(f"/api/appointments/{world.visit.id}", json={"notes": "tea"}, headers=ADMIN)
    assert [(answer.status_code, answer.json()["reason"]) for answer in (note, visit)] == [(409, "customer-erased")] * 2


async def test_nobody_books_for_them_or_moves_what_was(world):
    await ana_as_she_is_known(world)
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


async def test_a_reason_to_cancel_is_not_kept_of_them(client, world):
    await ana_as_she_is_known(world)
    await erase(world, world.ana)
    answer = await client.delete(f"/api/appointments/{world.visit.id}?reason=a+lump", headers=ADMIN)
    assert (answer.status_code, tuple(await world.db.fetchrow("select status, cancel_reason from appointment"))) == (
        204,
        ("cancelled", None),
    )


async def test_the_answer_is_the_same_for_a_repeated_request(client, world):
    await ana_as_she_is_known(world)
    await world.db.execute("update appointment set status = 'cancelled'")
    headers = {**ADMIN, "Idempotency-Key": "erase-ana"}
    first = await client.post(f"/api/customers/{world.ana}/erase", headers=headers)
    again = await client.post(f"/api/customers/{world.ana}/erase", headers=headers)
    assert (first.status_code, first.json()["erased"]["sessions"]) == (200, 1)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")


async def test_there_is_nobody_of_that_id(client, world):
    assert (await client.post(f"/api/customers/{uuid4()}/erase", headers=ADMIN)).status_code == 404
    assert (await client.post(f"/api/customers/{world.ana}/erase")).status_code == 401


async def test_who_erased_is_recorded(client, world):
    await client.post(f"/api/customers/{world.ana}/erase", headers=ADMIN)
    rows = await world.db.fetch("select actor, action, subjects from audit_unsealed where action = 'eraseCustomer'")
    assert [tuple(row) for row in rows] == [("administrator", "eraseCustomer", [str(world.ana)])]


# at the same moment


async def race(world: World, other) -> list[object]:
    """An erasure that has begun, and something else that waits for it or goes on; then both end. What became of the
    other."""
    async with world.db.connection() as connection:
        await connection.execute("begin")
        from appoint.database.pool import Transaction

        await service.erase(Transaction(connection), SYSTEM, customer_id=world.ana, now=LATER)
        task = asyncio.create_task(other)
        await someone_waits(world.db)
        await connection.execute("commit")
    return (await asyncio.gather(task, return_exceptions=True))[0]


async def nothing_of_ana(world: World) -> bool:
    appointment = await world.db.fetchval("select bool_and(notes is null and cancel_reason is null) from appointment")
    patient = await world.db.fetchval("select bool_and(notes is null) from patient")
    others = [await world.count(table) for table in ("session", "notification_preference", "dev_message")]
    return bool(appointment) and bool(patient) and others == [0, 0, 0]


async def test_a_booking_at_the_same_moment_finds_them_gone(world):
    await ana_as_she_is_known(world)
    answer = await race(world, world.book(world.dr_shah, at(11), world.ana, notes="again"))
    assert (type(answer), await world.count("appointment"), await nothing_of_ana(world)) == (errors.NotFound, 1, True)


async def test_a_note_at_the_same_moment_is_refused(world):
    await ana_as_she_is_known(world)
    change = world.db.atomic(
        appointments.change, SYSTEM, appointment_id=world.visit.id, change=AppointmentPatch(notes="tea"), if_match=None
    )
    answer = await race(world, change)
    assert (answer.type, await nothing_of_ana(world)) == ("customer-erased", True)


async def test_a_note_about_the_patient_at_the_same_moment_is_refused(client, world):
    await ana_as_she_is_known(world)
    answer = await race(
        world, client.patch(f"/api/clinics/{world.clinic}/patients/{world.ana}", json={"notes": "tea"}, headers=ADMIN)
    )
    assert (answer.status_code, await nothing_of_ana(world)) == (409, True)


async def test_a_move_at_the_same_moment_finds_them_gone(world):
    await ana_as_she_is_known(world)
    to = RescheduleRequest(start_time=at(11), end_time=at(11, 30))
    answer = await race(
        world, reschedule(world.db, SYSTEM, appointment_id=world.visit.id, to=to, if_match=None, now=NOW)
    )
    assert (type(answer), await nothing_of_ana(world)) == (errors.NotFound, True)


async def test_a_move_that_was_first_stops_it(world):
    await ana_as_she_is_known(world)
    await world.publish(world.dr_shah, at(8) + timedelta(days=7), at(16) + timedelta(days=7))
    async with world.db.connection() as connection:
        await connection.execute("begin")
        await connection.execute("select from appointment for no key update")
        erasing = asyncio.create_task(erase(world, world.ana))
        await someone_waits(world.db)
        moved = "tstzrange(lower(during) + interval '7 days', upper(during) + interval '7 days')"
        await connection.execute(f"update appointment set during = {moved}, claimed = {moved}")
        await connection.execute("commit")
    with pytest.raises(errors.Conflict):
        await erasing


async def test_what_they_want_at_the_same_moment_is_not_kept(world):
    await ana_as_she_is_known(world)
    await race(
        world,
        world.db.atomic(
            planning.replace_preferences, SYSTEM, customer_id=world.ana, replacement=Preferences(email=True, sms=False)
        ),
    )
    assert await nothing_of_ana(world)


async def test_a_link_to_unsubscribe_at_the_same_moment_brings_nothing_back(world):
    await ana_as_she_is_known(world)
    assert await race(world, notifications.unsubscribe(world.db, world.ana, "sms")) is False


async def test_a_sign_in_at_the_same_moment_is_refused_by_the_database(world):
    await ana_as_she_is_known(world)
    signing_in = world.db.execute(
        "insert into session (token_hash, customer_id, expires_at) values (sha256('y'), $1, now())", world.ana
    )
    answer = await race(world, signing_in)
    assert (type(answer), await nothing_of_ana(world)) == (asyncpg.ForeignKeyViolationError, True)


async def test_a_message_that_is_on_its_way_is_kept_by_nobody(world):
    await ana_as_she_is_known(world)
    message = Message("t2", "email", "ana@example.org", "Your appointment", "Dear Ana", customer_id=world.ana)
    await race(world, DevMailbox(world.db).send(message))
    assert await nothing_of_ana(world)


async def test_what_waits_is_not_sent_any_more(world):
    await ana_as_she_is_known(world)
    office = Office(world.db, Post())
    await office.plan(NOW)
    await erase(world, world.ana)
    await office.send(LATER)
    statuses = [tuple(row) for row in await world.db.fetch("select status, reason from notification")]
    assert (office.post.taken, statuses) == ([], [("superseded", "the customer was erased")])
