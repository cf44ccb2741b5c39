"""When a doctor can be booked, on a Monday in Berlin, as seen at seven that morning."""

from datetime import UTC, date, datetime, timedelta

import pytest

from appoint.kit import ids
from appoint.kit.cache import ClinicCache
from support.availability import AvailabilityWorld, times, utc
from support.statements import StatementCounter
from support.world import MONDAY, NOW, at


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await AvailabilityWorld.make(db, cache)


def quarters(start, end):
    return [start + timedelta(minutes=15 * n) for n in range(int((end - start) / timedelta(minutes=15)) + 1)]


async def test_a_day_lists_and_counts_its_free_times_in_steps(world):
    result = await world.availability(minutes=60)
    assert times(result) == utc(*quarters(at(8), at(15)))
    assert result["days"][0]["free"] == 29
    assert result["days"][0]["slots"][0] == {
        "startTime": "2027-03-01T08:00:00Z",
        "endTime": "2027-03-01T09:00:00Z",
        "doctorId": str(world.dr_shah),
        "bookingSlotId": None,
        "available": True,
    }
    assert (result["clinicId"], result["timeZone"], result["appointmentTypeId"]) == (
        world.clinic,
        "Europe/Berlin",
        None,
    )


async def test_every_requested_date_is_listed_even_without_hours(world):
    result = await world.availability(first=MONDAY - timedelta(days=1), last=MONDAY + timedelta(days=1), minutes=60)
    assert [(day["date"], day["free"]) for day in result["days"]] == [
        ("2027-02-28", 0),
        ("2027-03-01", 29),
        ("2027-03-02", 0),
    ]


async def test_without_a_type_or_length_whole_slots_are_offered(world):
    evening = await world.publish(world.dr_shah, at(17), at(18))
    await world.book(world.dr_shah, at(9), world.ana)
    result = await world.availability()
    assert [(slot["startTime"], slot["endTime"], slot["bookingSlotId"]) for slot in result["days"][0]["slots"]] == [
        (*utc(at(17), at(18)), str(evening))
    ]


async def test_taken_times_are_listed_on_request_but_not_counted(world):
    await world.book(world.dr_shah, at(9), world.ana, minutes=60)
    free, all_times = await world.availability(minutes=60), await world.availability(minutes=60, show="all")
    assert times(all_times) == utc(*quarters(at(8), at(15)))
    assert times(free) == utc(*quarters(at(8), at(8)), *quarters(at(10), at(15)))
    assert [slot["startTime"] for slot in all_times["days"][0]["slots"] if slot["available"]] == times(free)
    assert free["days"][0]["free"] == all_times["days"][0]["free"] == 22


async def test_a_time_is_listed_once_for_each_free_doctor(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(15), at(16))
    result = await world.availability(minutes=60)
    assert [slot["doctorId"] for slot in result["days"][0]["slots"] if slot["startTime"] == utc(at(15))[0]] == [
        str(world.dr_shah),
        str(dr_okafor),
    ]
    assert times(result) == utc(*quarters(at(8), at(15)), at(15))


async def test_the_next_available_time_is_the_first_in_the_range(world):
    await world.publish(world.dr_shah, at(8) + timedelta(days=1), at(9) + timedelta(days=1))
    result = await world.availability(first=MONDAY, last=MONDAY + timedelta(days=1), minutes=60)
    assert result["nextAvailable"] == result["days"][0]["slots"][0]


@pytest.mark.parametrize("days", [1, 14, 15, 40, 56])
async def test_the_next_available_time_can_be_after_the_range_up_to_the_horizon(world, days):
    await world.publish(world.dr_shah, at(8) + timedelta(days=days), at(9) + timedelta(days=days))
    await world.book(world.dr_shah, at(8), world.ana, minutes=480)
    result = await world.availability(minutes=60)
    assert result["nextAvailable"]["startTime"] == utc(at(8) + timedelta(days=days))[0]


@pytest.mark.parametrize("first", [date(2020, 1, 1), MONDAY - timedelta(days=1), MONDAY + timedelta(days=1)])
async def test_there_is_no_next_available_time_beyond_the_horizon(world, first):
    await world.book(world.dr_shah, at(8), world.ana, minutes=480)
    await world.publish(world.dr_shah, at(8) + timedelta(days=57), at(9) + timedelta(days=57))
    assert (await world.availability(first=first, minutes=60))["nextAvailable"] is None


async def test_a_past_range_also_has_a_next_available_time(world):
    result = await world.availability(first=date(2020, 1, 1), last=date(2020, 1, 2), minutes=60)
    assert result["nextAvailable"]["startTime"] == utc(at(8))[0]


async def test_steps_are_counted_from_the_start_of_the_slot(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(8, 10), at(9))
    await world.publish(dr_okafor, at(9, 25), at(10))
    await world.set_clinic(world.clinic, slot_step_minutes=20)
    assert times(await world.availability(doctor_id=dr_okafor, minutes=20)) == utc(at(8, 10), at(8, 30), at(9, 25))


async def test_a_time_can_span_adjacent_slots(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(8), at(9))
    await world.publish(dr_okafor, at(9), at(9, 30))
    await world.publish(dr_okafor, at(10), at(10, 45))
    assert times(await world.availability(doctor_id=dr_okafor, minutes=60)) == utc(at(8), at(8, 15), at(8, 30))


async def test_no_time_crosses_midnight(world):
    night = at(22)  # an hour before midnight
    await world.publish(world.dr_shah, night, night + timedelta(hours=1))
    await world.publish(world.dr_shah, night + timedelta(hours=1), night + timedelta(hours=2))
    result = await world.availability(first=MONDAY, last=MONDAY + timedelta(days=1), minutes=45)
    late_starts = [
        slot["startTime"] for day in result["days"] for slot in day["slots"] if slot["startTime"] >= utc(night)[0]
    ]
    assert late_starts == utc(
        night, night + timedelta(minutes=15), night + timedelta(minutes=60), night + timedelta(minutes=75)
    )
    assert result["days"][1]["free"] == 2


async def test_buffers_avoid_other_appointments_but_can_extend_outside_the_hours(world):
    with_buffers = await world.add_type(30, before=15, after=30)
    await world.book(world.dr_shah, at(12), world.ana, minutes=60)
    result = times(await world.availability(appointment_type_id=with_buffers))
    assert result == utc(*quarters(at(8), at(11)), *quarters(at(13, 15), at(15, 30)))


async def test_other_appointments_buffers_are_not_free(world):
    with_buffers = await world.add_type(30, before=15, after=30)
    await world.book(world.dr_shah, at(12), world.ana, appointment_type_id=with_buffers)
    result = times(await world.availability(minutes=30))
    assert result == utc(*quarters(at(8), at(11, 15)), *quarters(at(13), at(15, 30)))


async def test_an_expired_hold_blocks_its_time_until_it_is_cleaned_up(world):
    await world.book(world.dr_shah, at(8), world.ana, minutes=450, hold=True)
    world.now = NOW + timedelta(hours=1)
    assert times(await world.availability(minutes=30)) == utc(at(15, 30))


async def test_a_cancelled_appointments_time_is_free(world):
    await world.book(world.dr_shah, at(8), world.ana, minutes=480)
    await world.db.execute("update appointment set status = 'cancelled'")
    assert (await world.availability(minutes=30))["days"][0]["free"] == 31


async def test_no_time_is_offered_within_the_notice_period_or_beyond_the_horizon(world):
    await world.set_clinic(world.clinic, min_notice_minutes=8 * 60 + 25, horizon_days=7)
    for days in (7, 8):
        await world.publish(world.dr_shah, at(8) + timedelta(days=days), at(9) + timedelta(days=days))
    result = await world.availability(first=MONDAY, last=MONDAY + timedelta(days=8), minutes=60, show="all")
    assert [slot["startTime"] for day in result["days"] for slot in day["slots"] if slot["available"]] == utc(
        at(14, 30), at(14, 45), at(15), at(8) + timedelta(days=7)
    )
    assert [day["free"] for day in result["days"]] == [3, 0, 0, 0, 0, 0, 0, 1, 0]
    assert len(result["days"][0]["slots"]) == 29


async def test_times_that_have_started_are_not_available(world):
    assert times(await world.availability(minutes=60, now=at(14, 45))) == utc(at(14, 45), at(15))
    assert times(await world.availability(minutes=60, now=at(14, 45) + timedelta(seconds=1))) == utc(at(15))


@pytest.mark.parametrize("table", ["clinic", "doctor", "appointment_type"])
async def test_inactive_clinics_doctors_and_types_have_no_times(world, table):
    check_up = await world.add_type(30)
    if table == "clinic":
        await world.db.execute("update doctor set active = false, removed_at = now()")
    await world.db.execute(f"update {table} set active = false, removed_at = now()")
    result = await world.availability(appointment_type_id=check_up, show="all")
    assert (result["days"][0], result["nextAvailable"]) == ({"date": "2027-03-01", "free": 0, "slots": []}, None)
    assert await world.availability(appointment_type_id=check_up, doctor_id=world.dr_shah) == result
    assert await world.search(appointment_type_id=check_up) == []


async def test_a_doctor_has_no_times_for_a_type_they_do_not_offer(world):
    check_up, operation = await world.add_type(30), await world.add_type(60)
    await world.db.execute(
        "insert into doctor_appointment_type values ($1, $2, $3)", world.clinic, world.dr_shah, check_up
    )
    assert (await world.availability(appointment_type_id=check_up))["days"][0]["free"] == 31
    assert (await world.availability(appointment_type_id=operation))["days"][0]["free"] == 0
    assert await world.search(appointment_type_id=operation) == []


async def test_a_stale_cached_catalogue_never_shows_old_availability(world):
    """The type, the doctor and the clinic are changed without invalidating the cache."""
    check_up, other = await world.add_type(30), await world.add_type(30, name="Operation")
    assert len(times(await world.availability(appointment_type_id=check_up))) == 31
    await world.db.execute("update appointment_type set minutes = 60, version = version + 1")
    assert len(times(await world.availability(appointment_type_id=check_up))) == 29
    await world.db.execute("update clinic set slot_step_minutes = 60, version = version + 1")
    assert len(times(await world.availability(appointment_type_id=check_up))) == 8
    await world.db.execute(
        "insert into doctor_appointment_type values ($1, $2, $3)", world.clinic, world.dr_shah, other
    )
    await world.db.execute("update doctor set version = version + 1")
    assert len(times(await world.availability(appointment_type_id=check_up))) == 0
    assert len(times(await world.availability(appointment_type_id=other))) == 8
    await world.db.execute("update doctor set active = false, removed_at = now(), version = version + 1")
    assert len(times(await world.availability(appointment_type_id=other))) == 0
    dr_okafor = ids.new_id(world.clinic)
    await world.db.execute(
        "insert into doctor (clinic_id, id, name) values ($1, $2, 'Dr Okafor')", world.clinic, dr_okafor
    )
    await world.publish(dr_okafor, at(8), at(9))
    assert len(times(await world.availability(doctor_id=dr_okafor))) == 1


@pytest.mark.parametrize(("day", "hours"), [(date(2027, 3, 28), 23), (date(2027, 3, 29), 24), (date(2027, 10, 31), 25)])
async def test_a_day_with_a_clock_change_is_an_hour_shorter_or_longer(world, day, hours):
    await world.set_clinic(world.clinic, horizon_days=366, slot_step_minutes=60)
    await world.db.execute(
        """
        insert into booking_slot (clinic_id, id, doctor_id, date, during)
        select $1, mint_id($1), $2, $3::date,
               tstzrange(local_instant($3, 0, 'Europe/Berlin'), local_instant($3, 1440, 'Europe/Berlin'))
        """,
        world.clinic,
        world.dr_shah,
        day,
    )
    result = await world.availability(first=day - timedelta(days=1), last=day + timedelta(days=1), minutes=60)
    assert [day["free"] for day in result["days"]] == [0, hours, 0]


async def test_availability_runs_one_statement_for_any_number_of_days_and_doctors(world, monkeypatch):
    """A single statement answers the whole query. No second one runs if a time is free."""
    for n in range(3):
        await world.publish(await world.add_doctor(f"Dr {n}"), at(8), at(16))
    await world.availability()
    statements = StatementCounter(monkeypatch)
    result = await world.availability(last=MONDAY + timedelta(days=61), minutes=30)
    assert (statements.count, result["days"][0]["free"]) == (1, 4 * 31)


async def test_dates_are_in_the_clinics_time_zone(world):
    apia = await world.add_clinic(time_zone="Pacific/Apia")
    doctor = await world.add_doctor("Dr Apia", clinic=apia)
    start = datetime(2027, 3, 1, 19, tzinfo=UTC)  # eight in the morning on Tuesday
    await world.publish(doctor, start, start + timedelta(hours=1))
    result = await world.availability(clinic=apia, last=MONDAY + timedelta(days=1), minutes=60)
    assert [(day["date"], day["free"]) for day in result["days"]] == [("2027-03-01", 0), ("2027-03-02", 1)]
