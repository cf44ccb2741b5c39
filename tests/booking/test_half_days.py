"""A request can leave the time to the clinic: any time in the morning or afternoon of a date."""

import asyncio
import random
from datetime import date, timedelta

import pytest

from appoint.booking.availability import service as availability
from appoint.booking.availability.model import AvailabilityFilter
from appoint.booking.book import book
from appoint.booking.half_days import HalfDay
from appoint.booking.planning import BookingCommand, CustomerRequest
from appoint.booking.time_rules import BookingLimits, TimeRequest
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.races import VIOLATIONS
from support.world import (
    MONDAY,
    NOW,
    PATIENT,
    RECEPTION,
    World,
    at,
    create_appointment_type,
    create_clinic,
    create_customer,
    create_doctor,
    hours_ahead,
    publish_slot,
)

MORNING, AFTERNOON = HalfDay(MONDAY, "morning"), HalfDay(MONDAY, "afternoon")


class Practice(World):
    """A practice in Berlin, open from 9:00 to 17:00 local time, with a type of 30 minutes."""

    async def open(self):
        self.check_up = await self.add_type(30)
        self.doctors = [self.dr_shah, await self.add_doctor("Dr Okafor")]
        await self.publish(self.doctors[1], at(8), at(16))

    async def wish(self, half_day, customer, *, doctor=None, caller=PATIENT, **more):
        """Book any time in half a day. Return the appointment or the conflict."""
        time = TimeRequest(doctor_id=doctor, start_time=NOW, appointment_type_id=self.check_up)
        request = CustomerRequest(customer, time, half_day)
        command = BookingCommand(self.clinic, [request], caller, timedelta(minutes=10), self.now, **more)
        try:
            return (await book(self.db, self.cache, command)).booking.appointments[0]
        except errors.Conflict as conflict:
            return conflict

    async def wishes(self, half_day, number, **more):
        customers = [await self.add_customer(f"Customer {each}") for each in range(number)]
        got = await asyncio.gather(*(self.wish(half_day, customer, **more) for customer in customers))
        booked = [each for each in got if not isinstance(each, errors.Conflict)]
        return booked, [each for each in got if isinstance(each, errors.Conflict)]

    async def first_offer(self, half_day, doctor):
        day = await availability.find_for_clinic(
            self.db,
            self.cache,
            clinic_id=self.clinic,
            query=AvailabilityFilter(date=half_day.date, appointment_type_id=self.check_up, doctor_id=doctor),
            first=half_day.date,
            last=half_day.date,
            now=self.now,
        )
        starts = (offer.start_time for offer in day.days[0].slots)
        return next((start for start in starts if half_day.contains(start, "Europe/Berlin")), None)


@pytest.fixture(params=[True, False], ids=["gathered", "alone"])
async def practice(request, db):
    async with ClinicCache(None) as cache:
        practice = await Practice.make(db, cache)
        await practice.open()
        db.gathers = request.param
        try:
            yield practice
        finally:
            db.gathers = True


async def test_as_many_simultaneous_requests_as_there_are_times_all_get_one(practice):
    booked, refused = await practice.wishes(MORNING, 12)
    assert refused == []
    starts = sorted(each.start_time for each in booked)
    assert starts == sorted([at(8) + timedelta(minutes=30 * number) for number in range(6)] * 2)
    assert len({(each.doctor_id, each.start_time) for each in booked}) == 12
    assert await practice.db.fetchval(VIOLATIONS) == 0


async def test_one_request_more_than_there_are_times_is_refused_with_alternatives(practice):
    booked, (refused,) = await practice.wishes(MORNING, 7, doctor=practice.dr_shah)
    assert len(booked) == 6
    assert refused.type == "taken"
    first, *_ = refused.facts["alternatives"]
    assert (first.doctor_id, first.start_time) == (practice.dr_shah, at(11))  # noon


@pytest.mark.parametrize("half_day", [MORNING, AFTERNOON])
@pytest.mark.parametrize("is_named", [True, False])
async def test_the_time_is_always_the_first_that_is_offered(practice, half_day, is_named):
    dice = random.Random(half_day.half)
    await practice.set_clinic(practice.clinic, slot_step_minutes=10, min_notice_minutes=60)
    await practice.db.execute("update appointment_type set buffer_before_minutes = 5, buffer_after_minutes = 10")
    await practice.cache.drop(practice.clinic)
    practice.now = at(dice.choice((7, 9)), 13)
    for _ in range(6):
        start = at(8) + timedelta(minutes=5 * dice.randrange(90))
        await practice.book(dice.choice(practice.doctors), start, await practice.add_customer("Cem"), minutes=20)
    doctor = practice.dr_shah if is_named else None
    while first := await practice.first_offer(half_day, doctor):
        booked = await practice.wish(half_day, await practice.add_customer("Dan"), doctor=doctor)
        assert (booked.start_time, booked.status) == (first, "booked")
        assert (booked.end_time - booked.start_time, booked.appointment_type_id) == (
            timedelta(minutes=30),
            practice.check_up,
        )
    assert (await practice.wish(half_day, practice.ben, doctor=doctor)).type == "taken"


async def test_a_time_when_the_patient_is_busy_is_not_chosen(practice):
    await practice.book(practice.doctors[1], at(8), practice.ana, minutes=60)
    assert (await practice.wish(MORNING, practice.ana, doctor=practice.dr_shah)).start_time == at(9)


async def test_a_time_can_span_adjacent_slots_but_not_a_gap(practice):
    dr_moreau = await practice.add_doctor("Dr Moreau")
    for start, end in ((at(8), at(8, 20)), (at(8, 30), at(8, 45)), (at(8, 45), at(9, 15))):
        await practice.publish(dr_moreau, start, end)
    booked, refused = await practice.wishes(MORNING, 2, doctor=dr_moreau)
    assert [each.start_time for each in booked] == [at(8, 30)]
    assert [each.type for each in refused] == ["taken"]


@pytest.mark.parametrize(
    ("half_day", "now", "reason"),
    [
        (HalfDay(date(2027, 2, 26), "afternoon"), NOW, "in-the-past"),
        (MORNING, at(12), "in-the-past"),
        (MORNING, at(10, 30), "too-soon"),
        (HalfDay(date(2029, 1, 1), "morning"), NOW, "too-far"),
        (HalfDay(date(2027, 3, 2), "morning"), NOW, "taken"),
    ],
)
async def test_a_half_day_that_is_over_or_not_open_for_booking_is_refused(practice, half_day, now, reason):
    await practice.set_clinic(practice.clinic, min_notice_minutes=60)
    practice.now = now
    assert (await practice.wish(half_day, practice.ana)).type == reason


async def test_the_rest_of_the_afternoon_can_be_booked(practice):
    practice.now = at(13, 7)
    assert (await practice.wish(AFTERNOON, practice.ana)).start_time == at(13, 15)


async def test_limits_apply(practice):
    limits = BookingLimits(1, 1)
    assert (await practice.wish(MORNING, practice.ana, limits=limits)).status == "booked"
    assert (await practice.wish(AFTERNOON, practice.ana, limits=limits)).type == "too-many-appointments"


async def test_staff_can_book_half_days_too(practice):
    assert (await practice.wish(AFTERNOON, practice.ana, caller=RECEPTION)).start_time == at(11)


@pytest.fixture
async def body(db, client):
    await create_clinic(client)
    doctor, type = await create_doctor(client), await create_appointment_type(client)
    day = hours_ahead(24 * 7)
    await publish_slot(db, doctor, day.replace(hour=7, minute=0), day.replace(hour=9, minute=0))
    customer = await create_customer(client)
    half_day = {"date": day.date().isoformat(), "halfDay": "morning"}
    return {"doctorId": doctor, "customerId": customer, "appointmentTypeId": type, **half_day}


async def test_half_a_day_can_be_booked_by_request(client, body):
    response = await client.post("/api/appointments", json=body, headers={"Idempotency-Key": "once"})
    assert response.status_code == 201, response.text
    assert response.json()["startTime"] == f"{body['date']}T07:00:00Z"
    again = await client.post("/api/appointments", json=body, headers={"Idempotency-Key": "once"})
    assert again.json()["id"] == response.json()["id"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"date": None}, "#/date"),
        ({"halfDay": None}, "#/halfDay"),
        ({"halfDay": "evening"}, "#/halfDay"),
        ({"appointmentTypeId": None}, "#/appointmentTypeId"),
        ({"startTime": "2027-03-01T08:30:00Z"}, "#/startTime"),
        ({"override": {"allow": ["too-soon"], "reason": "In pain"}}, "#/override"),
    ],
)
async def test_half_a_day_needs_a_type_and_excludes_other_times(client, body, change, pointer):
    response = await client.post("/api/appointments", json={**body, **change}, headers=ADMIN)
    assert response.status_code == 400
    assert [fault["pointer"] for fault in response.json()["errors"]] == [pointer]


async def test_a_full_half_day_is_refused_without_reading_the_days_around_it_each_time(db, monkeypatch):
    loads = []
    load_around = availability.load_around

    async def record(*args, **options):
        loads.append(options["day"])
        return await load_around(*args, **options)

    monkeypatch.setattr(availability, "load_around", record)
    async with ClinicCache(None, recent_seconds=60) as cache:
        practice = await Practice.make(db, cache)
        await practice.open()
        _, refused = await practice.wishes(MORNING, 22)
        assert {each.type for each in refused} == {"taken"}
        assert len(refused) == 10
        noons = [[each.start_time for each in conflict.facts["alternatives"]][:2] for conflict in refused]
        assert noons == [[at(11), at(11, 15)]] * 10
        await practice.book(practice.dr_shah, at(11), practice.ana, minutes=30)
        busy = await practice.wish(MORNING, practice.ana)
        assert busy.facts["alternatives"][0].start_time == at(11, 30), "patients don't get times when they are busy"
        assert loads == [MONDAY]


async def test_a_discreet_refusal_offers_nothing_in_the_half_day(practice):
    await practice.book(practice.doctors[1], at(8), practice.ana, minutes=180)
    refused = await practice.wish(MORNING, practice.ana, doctor=practice.dr_shah, discreet=True)
    assert refused.type == "taken"
    assert min(each.start_time for each in refused.facts["alternatives"]) == at(11)
