"""Data is deleted when a clinic's retention periods end."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from appoint.booking.joins import service as joins
from appoint.kit import ids
from appoint.kit.cache import ClinicCache
from appoint.kit.key_ring import EncryptedField
from appoint.oversight.privacy import jobs
from support.app import ADMIN
from support.encryption import revealed
from support.world import NOW, RECEPTION, World, at, insert_appointment

VISIT = at(9)
YEAR = timedelta(days=365)


@pytest.fixture
async def world(db):
    """Ana visited the clinic on 1 March 2027. It keeps patients' data for ten years."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache, retain_patients_months=120)
        await add_visit(world, world.ana)
        yield world


async def add_visit(world: World, customer: UUID, *, hour: int = 9) -> None:
    await world.book(world.dr_shah, at(hour), customer, notes="afraid of needles")
    await world.db.execute(
        "update patient set notes = 'likes tea', record_number = $2, created_at = $3 where customer_id = $1",
        customer,
        str(hour),
        NOW,
    )


async def notes(world: World, customer: UUID) -> tuple[str | None, str | None]:
    row = await world.db.fetchrow(
        """
        select p.notes, a.notes as visit, a.id
          from patient p
          join appointment a on a.clinic_id = p.clinic_id and a.customer_id = p.customer_id
         where a.customer_id = $1
        """,
        customer,
    )
    return revealed(row, visit=EncryptedField.APPOINTMENT_NOTES)


async def name(world: World, customer: UUID) -> str:
    return await world.db.fetchval("select name from customer where id = $1", customer)


async def test_a_patient_is_erased_when_the_retention_period_ends(world):
    await jobs.forget(world.db, now=VISIT + 10 * YEAR)
    assert await notes(world, world.ana) == ("likes tea", "afraid of needles")
    await jobs.forget(world.db, now=VISIT + 11 * YEAR)
    assert (await notes(world, world.ana), await name(world, world.ana)) == ((None, None), "(erased)")
    assert await world.db.fetch("select clinic_id from event where type = 'customer.erased' order by 1") == [
        (0,),
        (world.clinic,),
    ]


async def test_without_a_retention_period_patients_are_kept(world):
    await world.set_clinic(world.clinic, retain_patients_months=None)
    await jobs.forget(world.db, now=VISIT + 50 * YEAR)
    assert (await notes(world, world.ana), await name(world, world.ana)) == (("likes tea", "afraid of needles"), "Ana")


async def test_a_later_visit_restarts_the_retention_period(world):
    second_visit = VISIT + 5 * YEAR
    await world.publish(world.dr_shah, second_visit, second_visit + timedelta(hours=1))
    await world.db.execute("update clinic set horizon_days = 366")
    await world.db.execute(
        """
        insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed)
        values ($1, mint_id($1), mint_id($1), $2, $3, tstzrange($4, $5), tstzrange($4, $5))
        """,
        world.clinic,
        world.dr_shah,
        world.ana,
        second_visit,
        second_visit + timedelta(minutes=30),
    )
    await jobs.forget(world.db, now=VISIT + 11 * YEAR)
    assert await world.db.fetchval("select notes from patient") == "likes tea"


async def test_a_later_visit_under_a_joined_record_restarts_the_retention_period(world):
    later = await world.add_customer("Ana S")
    await world.db.execute(
        "insert into patient (clinic_id, customer_id, created_at) values ($1, $2, $3)", world.clinic, later, NOW
    )
    start = VISIT + 5 * YEAR
    await world.publish(world.dr_shah, start, start + timedelta(hours=1))
    await insert_appointment(world.db, world.dr_shah, later, start, start + timedelta(minutes=30), status="fulfilled")
    await world.db.within(world.clinic).atomic(
        joins.join, RECEPTION, clinic_id=world.clinic, customer_id=world.ana, other_id=later, now=start
    )
    await jobs.forget(world.db, now=VISIT + 11 * YEAR)
    assert await notes(world, world.ana) == ("likes tea", "afraid of needles")


async def test_a_patient_at_two_clinics_loses_only_the_first_clinics_notes(world):
    other = await world.add_clinic()
    await world.db.execute(
        "insert into patient (clinic_id, customer_id, notes) values ($1, $2, 'sings')", other, world.ana
    )
    await jobs.forget(world.db, now=VISIT + 11 * YEAR)
    patients = await world.db.fetch("select clinic_id, notes from patient order by clinic_id")
    assert ([tuple(row) for row in patients], await name(world, world.ana)) == (
        [(world.clinic, None), (other, "sings")],
        "Ana",
    )


async def test_a_signed_in_customer_is_not_erased(world):
    late = VISIT + 11 * YEAR
    await world.db.execute(
        "insert into session (token_hash, customer_id, expires_at) values (sha256('x'), $1, $2)",
        world.ana,
        late + timedelta(hours=1),
    )
    await jobs.forget(world.db, now=late)
    assert (await name(world, world.ana), await notes(world, world.ana)) == ("Ana", (None, None))


async def test_a_customer_who_booked_for_another_patient_is_not_erased(world):
    """Ana's child is a patient of another clinic, which has no retention period."""
    other = await world.add_clinic()
    doctor = await world.add_doctor("Dr Okafor", clinic=other)
    await world.publish(doctor, at(8), at(16))
    child = await world.add_customer("Cy")
    await world.db.execute("insert into patient (clinic_id, customer_id) values ($1, $2)", other, child)
    await world.db.execute(
        """
        insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, booker_id, during, claimed)
        values ($1, mint_id($1), mint_id($1), $2, $3, $4, tstzrange($5, $6), tstzrange($5, $6))
        """,
        other,
        doctor,
        child,
        world.ana,
        at(11),
        at(12),
    )
    await jobs.forget(world.db, now=VISIT + 11 * YEAR)
    assert (await name(world, world.ana), await notes(world, world.ana)) == ("Ana", (None, None))


async def test_concurrent_workers_erase_each_patient_once(world):
    for number in range(30):
        id = await world.add_customer(f"Customer {number}")
        await world.db.execute(
            "insert into patient (clinic_id, customer_id, notes, created_at) values ($1, $2, 'tea', $3)",
            world.clinic,
            id,
            NOW,
        )
    late = VISIT + 11 * YEAR
    await asyncio.gather(*(jobs.forget(world.db, now=late) for _ in range(3)))
    await jobs.forget(world.db, now=late)
    assert await world.db.fetchval("select count(*) from patient where notes is not null") == 0
    assert await world.db.fetchval("select count(*) from customer where erased_at is not null") == 31
    assert await world.db.fetchval("select count(*) from event where type = 'customer.erased' and clinic_id = 0") == 31


async def test_retention_leaves_only_ids_in_the_audit_log(world):
    await jobs.forget(world.db, now=VISIT + 11 * YEAR)
    rows = await world.db.fetch(
        "select clinic_id, actor, action, subjects, reason from audit_unsealed where actor = 'system' order by action"
    )
    visit = await world.db.fetchval("select id from appointment")
    assert [tuple(row) for row in rows] == [
        (0, "system", "eraseCustomer", [str(world.ana)], "retention"),
        (world.clinic, "system", "forgetPatients", [str(world.ana), str(visit)], "retention"),
    ]


async def add_notification(
    world: World, *, days_ago: int, now, expires_in: timedelta = timedelta(), clinic: int | None = None
) -> None:
    created_at = now - timedelta(days=days_ago)
    clinic_id = world.clinic if clinic is None else clinic
    await world.db.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  created_at, due_at, expires_at)
        values ($1, $2::uuid, 'confirmation', $2::uuid::text, 0, 'customer', $3, 'email', $4, $4, $5)
        """,
        clinic_id,
        ids.compose_id(clinic_id, int(created_at.timestamp() * 1000), days_ago),
        str(world.ana),
        created_at,
        now + expires_in,
    )


async def test_notifications_are_deleted_after_the_clinics_retention_period(world):
    await world.set_clinic(world.clinic, retain_messages_days=30)
    for days_ago in (29, 31, 400):
        await add_notification(world, days_ago=days_ago, now=NOW)
    await add_notification(world, days_ago=366, now=NOW, clinic=0)
    await add_notification(world, days_ago=360, now=NOW, clinic=0)
    await jobs.forget(world.db, now=NOW)
    assert await world.db.fetch("select clinic_id from notification order by 1") == [(0,), (world.clinic,)]


async def test_a_notification_that_can_still_be_sent_is_kept(world):
    await world.set_clinic(world.clinic, retain_messages_days=1)
    await add_notification(world, days_ago=3, now=NOW, expires_in=timedelta(hours=1))
    await jobs.forget(world.db, now=NOW)
    assert await world.count("notification") == 1


async def test_messages_in_the_development_mailbox_are_deleted_after_a_week(world):
    for days in (6, 8):
        await world.db.execute(
            """
            insert into dev_message (token, channel, recipient, subject, text, created_at)
            values ($1, 'sms', '+49', '', '', $2)
            """,
            str(days),
            NOW - timedelta(days=days),
        )
    await jobs.forget(world.db, now=NOW)
    assert await world.db.fetchval("select token from dev_message") == "6"


async def test_the_log_contains_counts_but_no_ids(world, capsys):
    await jobs.forget(world.db, now=VISIT + 11 * YEAR)
    output = capsys.readouterr().out
    assert ("patients=1" in output, "customers=1" in output, str(world.ana) in output) == (True, True, False)


async def test_a_clinic_can_set_its_retention_periods(client):
    created = await client.post("/api/clinics", json={"name": "Lakeside", "timeZone": "Europe/Berlin"}, headers=ADMIN)
    address = f"/api/clinics/{created.json()['id']}"
    changed = await client.patch(
        address, json={"policy": {"retainPatientsMonths": 120, "retainMessagesDays": 90}}, headers=ADMIN
    )
    policy = changed.json()["policy"]
    assert (policy["retainPatientsMonths"], policy["retainMessagesDays"]) == (120, 90)
    wrong = [
        {"retainPatientsMonths": 0},
        {"retainPatientsMonths": 601},
        {"retainMessagesDays": 0},
        {"retainMessagesDays": 3651},
    ]
    responses = [await client.patch(address, json={"policy": policy}, headers=ADMIN) for policy in wrong]
    assert [response.status_code for response in responses] == [400] * 4
