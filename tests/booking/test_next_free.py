"""The next free times that staff can offer."""

from datetime import timedelta

import pytest

from appoint.booking.availability import next_free as search
from appoint.booking.availability.next_free import NextFreeFilter, find_next_free
from appoint.kit import errors, ids
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.callers import accept_callers, headers_of, staff
from support.statements import StatementCounter
from support.world import (
    MONDAY,
    World,
    at,
    create_appointment_type,
    create_clinic,
    create_doctor,
    hours_ahead,
    publish_slot,
)

TUESDAY, NEXT_MONTH = MONDAY + timedelta(days=1), MONDAY + timedelta(days=40)


@pytest.fixture
async def world(db):
    """Dr Shah works from eight to four on Monday. It is six o'clock, and patients must book a day ahead."""
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache, min_notice_minutes=24 * 60, horizon_days=7)


async def next_free(world, *, doctors=None, minutes=30, **members):
    query = NextFreeFilter(**({"minutes": minutes} if "appointment_type_id" not in members else {}), **members)
    return await find_next_free(
        world.db, world.cache, clinic_id=world.clinic, query=query, doctor_ids=doctors, now=world.now
    )


async def starts(world, **members):
    return [time.start_time for time in (await next_free(world, **members)).times]


async def test_the_next_free_times_ignore_the_notice_period_and_skip_what_is_taken(world):
    await world.book(world.dr_shah, at(8), world.ana)
    await world.book(world.dr_shah, at(9), world.ben)
    assert await starts(world, limit=3) == [at(8, 30), at(9, 30), at(9, 45)]
    world.now = at(9, 40)
    assert await starts(world, limit=2) == [at(9, 45), at(10)]


async def test_the_search_continues_on_later_days_even_beyond_the_horizon(world):
    await world.publish(world.dr_shah, at(9, day=NEXT_MONTH), at(10, day=NEXT_MONTH))
    world.now = at(15, 20)
    assert await starts(world, limit=3) == [at(15, 30), at(9, day=NEXT_MONTH), at(9, 15, day=NEXT_MONTH)]


async def test_the_search_can_start_on_a_later_day(world):
    await world.publish(world.dr_shah, at(9, day=TUESDAY), at(10, day=TUESDAY))
    found = await next_free(world, from_=TUESDAY, limit=1)
    assert ([time.start_time for time in found.times], found.first) == ([at(9, day=TUESDAY)], TUESDAY)
    assert found.next_day == TUESDAY + timedelta(days=1)
    assert (await next_free(world, from_=NEXT_MONTH)).next_day is None


async def test_a_time_at_which_several_doctors_are_free_appears_once(world):
    okafor = await world.add_doctor("Dr Okafor")
    await world.publish(okafor, at(8), at(9))
    await world.book(world.dr_shah, at(8), world.ana)
    found = await next_free(world, limit=3)
    assert [time.start_time for time in found.times] == [at(8), at(8, 15), at(8, 30)]
    assert [time.doctor for time in found.times[:2]] == ["Dr Okafor"] * 2
    assert await starts(world, doctors=[world.dr_shah], limit=1) == [at(8, 30)]


async def test_only_doctors_who_offer_the_type_are_searched(world):
    check_up = await world.add_type(20)
    operation = await world.add_type(60)
    await world.db.execute(
        "insert into doctor_appointment_type values ($1, $2, $3)", world.clinic, world.dr_shah, check_up
    )
    await world.cache.drop(world.clinic)
    assert (await starts(world, appointment_type_id=check_up))[0] == at(8)
    assert await starts(world, appointment_type_id=operation) == []
    with pytest.raises(errors.NotFound):
        await next_free(world, appointment_type_id=ids.new_id(world.clinic))


async def test_a_search_for_many_doctors_runs_one_statement(world, monkeypatch):
    for number in range(20):
        await world.publish(await world.add_doctor(f"Dr {number}"), at(8), at(16))
    await world.cache.drop(world.clinic)
    await next_free(world)
    statements = StatementCounter(monkeypatch)
    await next_free(world, limit=20)
    assert statements.count == 1


async def test_doctors_are_offered_only_their_own_times(client, db):
    clinic = await create_clinic(client)
    shah, okafor = await create_doctor(client), await create_doctor(client)
    type_id = await create_appointment_type(client)
    start = hours_ahead(24).replace(minute=0, second=0, microsecond=0)
    await publish_slot(db, shah, start, start + timedelta(hours=1))
    await publish_slot(db, okafor, start - timedelta(hours=1), start + timedelta(hours=1))
    accept_callers(client, staff(clinic, shah))
    path = f"/api/clinics/{clinic}/nextFreeTimes?appointmentTypeId={type_id}"
    for caller, doctor in (("doctor", shah), ("receptionist", okafor)):
        found = (await client.get(path, headers=headers_of(caller))).json()
        assert found["times"][0]["doctorId"] == doctor, caller
    assert (await client.get(path)).status_code == 401
    assert (await client.get(f"{path}&doctorId={shah}", headers=ADMIN)).json()["times"][0]["doctorId"] == shah


async def test_a_search_reads_a_limited_number_of_days_and_says_where_to_continue(world, monkeypatch):
    monkeypatch.setattr(search, "MAX_DOCTOR_DAYS", 4)
    await world.publish(world.dr_shah, at(9, day=NEXT_MONTH), at(10, day=NEXT_MONTH))
    first = await next_free(world, from_=TUESDAY, doctor_id=world.dr_shah, doctors=[world.dr_shah])
    assert (first.times, first.next_day) == ([], TUESDAY + timedelta(days=4))
    second = await next_free(world, from_=NEXT_MONTH, doctor_id=world.dr_shah, doctors=[world.dr_shah])
    assert [time.date for time in second.times] == [NEXT_MONTH] * 3


async def limit(world, doctor, **columns):
    for name, value in columns.items():
        await world.db.execute(f"update doctor set {name} = $2, version = version + 1 where id = $1", doctor, value)
    await world.cache.drop(world.clinic)


async def add_kim(world):
    """Add Dr Kim, who sees only children and is free at seven, earlier than Dr Shah."""
    dr_kim = await world.add_doctor("Dr Kim, paediatrician")
    await world.publish(dr_kim, at(7), at(8))
    await limit(world, dr_kim, max_age=17)
    return dr_kim


async def test_any_doctor_means_one_who_sees_the_clinics_patient(world):
    dr_kim = await add_kim(world)
    adult = await world.db.fetchval(
        "insert into customer (name, birth_date) values ('Someone', '1980-05-17') returning id"
    )
    child = await world.db.fetchval(
        "insert into customer (name, birth_date) values ('Someone', '2020-03-02') returning id"
    )
    for customer, doctor in ((adult, world.dr_shah), (child, dr_kim)):
        await world.db.execute("insert into patient (clinic_id, customer_id) values ($1, $2)", world.clinic, customer)
        (first,) = (await next_free(world, customer_id=customer, limit=1)).times
        assert first.doctor_id == doctor


async def test_the_times_do_not_reveal_the_age_of_another_clinics_patients(world):
    await add_kim(world)
    child = await world.db.fetchval(
        "insert into customer (name, birth_date) values ('Someone', '2020-03-02') returning id"
    )
    assert await starts(world, customer_id=child, limit=1) == await starts(world, limit=1)


async def test_any_doctor_for_a_new_patient_means_one_who_takes_new_patients(world):
    dr_kim = await add_kim(world)
    await limit(world, dr_kim, max_age=None, patients="known")
    assert await starts(world, known_patient=False, limit=1) == [at(8)]
    assert await starts(world, known_patient=True, limit=1) == [at(7)]
