"""When somebody can be booked: a Monday in Berlin, seen at seven in the morning."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl

import msgspec
import pytest

from appoint.booking.availability import search, service
from appoint.booking.availability.model import AvailabilityFilter, SearchFilter
from appoint.kit import clock, ids
from appoint.kit.cache import ClinicCache
from support.world import MONDAY, NOW, World, at


class AskingWorld(World):
    """Dr Shah works from nine to five."""

    async def availability(self, *, clinic=None, first=MONDAY, last=None, now=NOW, **asked):
        """What the clinic answers, as it is sent."""
        asked = AvailabilityFilter(from_=first, to=last or first, **asked)
        found = await service.of_clinic(
            self.db, self.cache, clinic_id=clinic or self.clinic, query=asked, first=asked.from_, last=asked.to, now=now
        )
        return msgspec.to_builtins(found)

    async def search(self, **asked):
        return await search.search(
            self.db, query=SearchFilter(date=MONDAY, **asked), after=None, first=MONDAY, last=MONDAY, now=NOW
        )


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await AskingWorld.make(db, cache)


@pytest.fixture
async def ask(world, client, monkeypatch):
    """Asks over HTTP."""
    monkeypatch.setattr(clock, "now", lambda: NOW)

    async def ask(path, *, status=200, **query):
        response = await client.get(
            f"/api/{path}", params={name.removesuffix("_"): str(value) for name, value in query.items()}
        )
        assert response.status_code == status, response.text
        return response.json()

    return ask


def times(answer):
    """The starts of an answer's first day."""
    return [slot["startTime"] for slot in answer["days"][0]["slots"]]


def utc(*starts):
    return [start.strftime("%Y-%m-%dT%H:%M:%SZ") for start in starts]


def quarters(start, end):
    return [start + timedelta(minutes=15 * n) for n in range(int((end - start) / timedelta(minutes=15)) + 1)]


async def test_a_day_lists_its_free_times_on_the_step_and_counts_them(world):
    answer = await world.availability(minutes=60)
    assert times(answer) == utc(*quarters(at(8), at(15)))
    assert answer["days"][0]["free"] == 29
    assert answer["days"][0]["slots"][0] == {
        "startTime": "2027-03-01T08:00:00Z",
        "endTime": "2027-03-01T09:00:00Z",
        "doctorId": str(world.dr_shah),
        "bookingSlotId": None,
        "available": True,
    }
    assert (answer["clinicId"], answer["timeZone"], answer["appointmentTypeId"]) == (
        world.clinic,
        "Europe/Berlin",
        None,
    )


async def test_every_date_asked_for_is_listed_and_one_without_hours_is_empty(world):
    answer = await world.availability(first=MONDAY - timedelta(days=1), last=MONDAY + timedelta(days=1), minutes=60)
    assert [(day["date"], day["free"]) for day in answer["days"]] == [
        ("2027-02-28", 0),
        ("2027-03-01", 29),
        ("2027-03-02", 0),
    ]


async def test_without_a_type_or_minutes_whole_slots_are_offered(world):
    evening = await world.publish(world.dr_shah, at(17), at(18))
    await world.book(world.dr_shah, at(9), world.ana)
    answer = await world.availability()
    assert [(slot["startTime"], slot["endTime"], slot["bookingSlotId"]) for slot in answer["days"][0]["slots"]] == [
        (*utc(at(17), at(18)), str(evening))
    ]


async def test_taken_times_are_shown_on_request_and_never_counted(world):
    await world.book(world.dr_shah, at(9), world.ana, minutes=60)
    free, everything = await world.availability(minutes=60), await world.availability(minutes=60, show="all")
    assert times(everything) == utc(*quarters(at(8), at(15)))
    assert times(free) == utc(*quarters(at(8), at(8)), *quarters(at(10), at(15)))
    assert [slot["startTime"] for slot in everything["days"][0]["slots"] if slot["available"]] == times(free)
    assert free["days"][0]["free"] == everything["days"][0]["free"] == 22


async def test_a_clinic_lists_a_time_once_for_each_doctor(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(15), at(16))
    answer = await world.availability(minutes=60)
    assert [slot["doctorId"] for slot in answer["days"][0]["slots"] if slot["startTime"] == utc(at(15))[0]] == [
        str(world.dr_shah),
        str(dr_okafor),
    ]
    assert times(answer) == utc(*quarters(at(8), at(15)), at(15))


async def test_one_doctor_s_times_of_one_day_can_be_asked_for_in_four_ways(world, ask):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(10), at(11))
    answer = await ask(f"clinics/{world.clinic}/availability", date=MONDAY, minutes=60, doctorId=dr_okafor)
    assert times(answer) == utc(at(10))
    assert await ask(f"doctors/{dr_okafor}/availability", date=MONDAY, minutes=60) == answer
    assert await ask(f"providers/{dr_okafor}/availability", from_=MONDAY, to=MONDAY, minutes=60) == answer
    assert await ask(f"clinics/{world.clinic}/freeslots/{MONDAY}", minutes=60, doctorId=dr_okafor) == answer


async def test_the_next_available_time_is_the_first_in_the_range(world):
    await world.publish(world.dr_shah, at(8) + timedelta(days=1), at(9) + timedelta(days=1))
    answer = await world.availability(first=MONDAY, last=MONDAY + timedelta(days=1), minutes=60)
    assert answer["nextAvailable"] == answer["days"][0]["slots"][0]


@pytest.mark.parametrize("days", [1, 14, 15, 40, 56])
async def test_the_next_available_time_may_lie_after_the_range_up_to_the_horizon(world, days):
    await world.publish(world.dr_shah, at(8) + timedelta(days=days), at(9) + timedelta(days=days))
    await world.book(world.dr_shah, at(8), world.ana, minutes=480)
    answer = await world.availability(minutes=60)
    assert answer["nextAvailable"]["startTime"] == utc(at(8) + timedelta(days=days))[0]


@pytest.mark.parametrize("first", [date(2020, 1, 1), MONDAY - timedelta(days=1), MONDAY + timedelta(days=1)])
async def test_there_is_no_next_available_time_beyond_the_horizon(world, first):
    await world.book(world.dr_shah, at(8), world.ana, minutes=480)
    await world.publish(world.dr_shah, at(8) + timedelta(days=57), at(9) + timedelta(days=57))
    assert (await world.availability(first=first, minutes=60))["nextAvailable"] is None


async def test_a_range_that_is_over_has_a_next_available_time_too(world):
    answer = await world.availability(first=date(2020, 1, 1), last=date(2020, 1, 2), minutes=60)
    assert answer["nextAvailable"]["startTime"] == utc(at(8))[0]


async def test_steps_are_counted_from_the_slot_s_start(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(8, 10), at(9))
    await world.publish(dr_okafor, at(9, 25), at(10))
    await world.set_clinic(world.clinic, slot_step_minutes=20)
    assert times(await world.availability(doctor_id=dr_okafor, minutes=20)) == utc(at(8, 10), at(8, 30), at(9, 25))


async def test_a_time_may_run_over_adjacent_slots(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(8), at(9))
    await world.publish(dr_okafor, at(9), at(9, 30))
    await world.publish(dr_okafor, at(10), at(10, 45))
    assert times(await world.availability(doctor_id=dr_okafor, minutes=60)) == utc(at(8), at(8, 15), at(8, 30))


async def test_no_time_runs_over_midnight(world):
    night = at(22)  # an hour before it
    await world.publish(world.dr_shah, night, night + timedelta(hours=1))
    await world.publish(world.dr_shah, night + timedelta(hours=1), night + timedelta(hours=2))
    answer = await world.availability(first=MONDAY, last=MONDAY + timedelta(days=1), minutes=45)
    late = [slot["startTime"] for day in answer["days"] for slot in day["slots"] if slot["startTime"] >= utc(night)[0]]
    assert late == utc(
        night, night + timedelta(minutes=15), night + timedelta(minutes=60), night + timedelta(minutes=75)
    )
    assert answer["days"][1]["free"] == 2


async def test_buffers_keep_their_distance_from_other_appointments_and_may_lie_outside_the_hours(world):
    careful = await world.add_type(30, before=15, after=30)
    await world.book(world.dr_shah, at(12), world.ana, minutes=60)
    found = times(await world.availability(appointment_type_id=careful))
    assert found == utc(*quarters(at(8), at(11)), *quarters(at(13, 15), at(15, 30)))


async def test_another_appointment_s_buffers_are_not_free_either(world):
    careful = await world.add_type(30, before=15, after=30)
    await world.book(world.dr_shah, at(12), world.ana, appointment_type_id=careful)
    found = times(await world.availability(minutes=30))
    assert found == utc(*quarters(at(8), at(11, 15)), *quarters(at(13), at(15, 30)))


async def test_time_that_is_held_is_taken_until_the_hold_is_swept_away(world):
    await world.book(world.dr_shah, at(8), world.ana, minutes=450, hold=True)
    world.now = NOW + timedelta(hours=1)
    assert times(await world.availability(minutes=30)) == utc(at(15, 30))


async def test_cancelled_time_is_free_again(world):
    await world.book(world.dr_shah, at(8), world.ana, minutes=480)
    await world.db.execute("update appointment set status = 'cancelled'")
    assert (await world.availability(minutes=30))["days"][0]["free"] == 31


async def test_no_time_is_sooner_than_the_notice_or_further_than_the_horizon(world):
    await world.set_clinic(world.clinic, min_notice_minutes=8 * 60 + 25, horizon_days=7)
    for days in (7, 8):
        await world.publish(world.dr_shah, at(8) + timedelta(days=days), at(9) + timedelta(days=days))
    answer = await world.availability(first=MONDAY, last=MONDAY + timedelta(days=8), minutes=60, show="all")
    assert [slot["startTime"] for day in answer["days"] for slot in day["slots"] if slot["available"]] == utc(
        at(14, 30), at(14, 45), at(15), at(8) + timedelta(days=7)
    )
    assert [day["free"] for day in answer["days"]] == [3, 0, 0, 0, 0, 0, 0, 1, 0]
    assert len(answer["days"][0]["slots"]) == 29


async def test_what_has_begun_is_over(world):
    assert times(await world.availability(minutes=60, now=at(14, 45))) == utc(at(14, 45), at(15))
    assert times(await world.availability(minutes=60, now=at(14, 45) + timedelta(seconds=1))) == utc(at(15))


@pytest.mark.parametrize("gone", ["clinic", "doctor", "appointment_type"])
async def test_what_is_inactive_offers_nothing(world, gone):
    check_up = await world.add_type(30)
    if gone == "clinic":
        await world.db.execute("update doctor set active = false, removed_at = now()")
    await world.db.execute(f"update {gone} set active = false, removed_at = now()")
    answer = await world.availability(appointment_type_id=check_up, show="all")
    assert (answer["days"][0], answer["nextAvailable"]) == ({"date": "2027-03-01", "free": 0, "slots": []}, None)
    assert await world.availability(appointment_type_id=check_up, doctor_id=world.dr_shah) == answer
    assert await world.search(appointment_type_id=check_up) == []


async def test_what_a_doctor_does_not_offer_is_not_theirs_to_book(world):
    check_up, operation = await world.add_type(30), await world.add_type(60)
    await world.db.execute(
        "insert into doctor_appointment_type values ($1, $2, $3)", world.clinic, world.dr_shah, check_up
    )
    assert (await world.availability(appointment_type_id=check_up))["days"][0]["free"] == 31
    assert (await world.availability(appointment_type_id=operation))["days"][0]["free"] == 0
    assert await world.search(appointment_type_id=operation) == []


async def test_what_belongs_to_another_clinic_is_not_found(world, ask):
    other = await world.add_clinic()
    doctor, type = await world.add_doctor("Dr Elsewhere", clinic=other), await world.add_type(30, clinic=other)
    await ask(f"clinics/{world.clinic}/availability", status=404, date=MONDAY, doctorId=doctor)
    await ask(f"clinics/{world.clinic}/availability", status=404, date=MONDAY, appointmentTypeId=type)
    await ask(f"doctors/{world.dr_shah}/availability", status=404, date=MONDAY, doctorId=doctor)
    await ask(f"doctors/{ids.new_id(world.clinic)}/availability", status=404, date=MONDAY)
    await ask("clinics/999/availability", status=404, date=MONDAY)


async def test_a_query_that_cannot_be_meant_is_refused(world, ask):
    refused = [
        ("?from", ""),
        ("?from", "from=2027-03-01"),
        ("?from", "to=2027-03-01"),
        ("?date", "date=2027-03-01&from=2027-03-01&to=2027-03-01"),
        ("?date", "date=2027-02-30"),
        ("?date", "date=9999-12-31"),
        ("?date", "date=0001-01-01"),
        ("?date", "date=tomorrow"),
        ("?date", "date=2027-03-01T00:00:00Z"),
        ("?to", "from=2027-03-02&to=2027-03-01"),
        ("?to", "from=2027-03-01&to=2027-05-02"),  # 63 days
        ("?to", "from=2027-03-01&to=2037-03-01"),
        ("?minutes", "date=2027-03-01&minutes=0"),
        ("?minutes", "date=2027-03-01&minutes=1000000000"),
        ("?minutes", "date=2027-03-01&minutes=15&appointmentTypeId=00000001-0197-82e3-8f22-029f62866244"),
        ("?show", "date=2027-03-01&show=none"),
        ("?doctor", "date=2027-03-01&doctor=x"),
        ("?doctorId", "date=2027-03-01&doctorId=x"),
    ]
    problems = [
        await ask(f"clinics/{world.clinic}/availability", status=400, **dict(parse_qsl(query))) for _, query in refused
    ]
    assert [
        ([fault["pointer"] for fault in problem["errors"]], query)
        for problem, (_, query) in zip(problems, refused, strict=True)
    ] == [([pointer], query) for pointer, query in refused]


async def test_free_slots_of_an_impossible_day_are_refused(world, ask):
    for day in ("2027-02-30", "9999-12-31", "20270301", "2027-W09-1", "2027-03-01T00:00", "monday"):
        problem = await ask(f"clinics/{world.clinic}/freeslots/{day}", status=400)
        assert [fault["pointer"] for fault in problem["errors"]] == ["day"]


async def test_62_days_may_be_asked_for_at_once(world, ask):
    assert len((await ask(f"clinics/{world.clinic}/availability", from_="2027-03-01", to="2027-05-01"))["days"]) == 62


async def test_an_answer_that_has_not_changed_is_not_sent_again(world, ask, client):
    path = f"/api/clinics/{world.clinic}/availability?date={MONDAY}&minutes=60"
    first = await client.get(path)
    assert first.headers["cache-control"] == "public, max-age=2"
    again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    await world.db.execute(
        "update booking_slot set during = tstzrange(lower(during), upper(during) - interval '1 hour')"
    )
    assert (await client.get(path, headers={"If-None-Match": first.headers["etag"]})).status_code == 200


async def test_a_cached_catalogue_that_is_old_offers_nothing_old(world):
    """Somebody who tells no cache changes the type, the doctor and the clinic."""
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
async def test_a_day_on_which_the_clocks_change_has_an_hour_less_or_more(world, day, hours):
    await world.set_clinic(world.clinic, horizon_days=366, slot_step_minutes=60)
    await world.db.execute(
        """
        insert into booking_slot (clinic_id, id, doctor_id, date, during)
        select $1, mint_id($1), $2, $3::date, tstzrange(local_instant($3, 0, 'Europe/Berlin'), local_instant($3, 1440, 'Europe/Berlin'))
        """,
        world.clinic,
        world.dr_shah,
        day,
    )
    answer = await world.availability(first=day - timedelta(days=1), last=day + timedelta(days=1), minutes=60)
    assert [day["free"] for day in answer["days"]] == [0, hours, 0]


async def test_what_is_read_does_not_grow_with_days_and_doctors(world, monkeypatch):
    """One statement for all that is asked, and none besides when something is free."""
    for n in range(3):
        await world.publish(await world.add_doctor(f"Dr {n}"), at(8), at(16))
    await world.availability()
    statements = []

    async def counted(method, sql, args, run=world.db.run):
        statements.append(sql)
        return await run(method, sql, args)

    monkeypatch.setattr(world.db, "run", counted)
    answer = await world.availability(last=MONDAY + timedelta(days=61), minutes=30)
    assert (len(statements), answer["days"][0]["free"]) == (1, 4 * 31)


async def test_dates_are_the_clinic_s_own(world):
    apia = await world.add_clinic(time_zone="Pacific/Apia")
    doctor = await world.add_doctor("Dr Apia", clinic=apia)
    await world.publish(
        doctor, datetime(2027, 3, 1, 19, tzinfo=UTC), datetime(2027, 3, 1, 20, tzinfo=UTC)
    )  # eight in the morning, on Tuesday
    answer = await world.availability(clinic=apia, last=MONDAY + timedelta(days=1), minutes=60)
    assert [(day["date"], day["free"]) for day in answer["days"]] == [("2027-03-01", 0), ("2027-03-02", 1)]
