"""Searching for times across clinics in Kolkata, Berlin and New York, on a Monday, as seen the day before."""

import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from appoint.booking.availability import search, service
from appoint.booking.availability.model import AvailabilityFilter
from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from support.world import MONDAY, World

SUNDAY_NOON = datetime(2027, 2, 28, 12, tzinfo=UTC)
ZONES = ("Asia/Kolkata", "Europe/Berlin", "America/New_York")


class WideWorld(World):
    """Three clinics, each with a dermatologist and a dentist who work from nine to eleven local time."""

    @classmethod
    async def make_wide(cls, db, cache):
        self = cls(db, cache)
        self.now = SUNDAY_NOON
        self.ana = await self.add_customer("Ana")
        self.doctors = {}
        for zone in ZONES:
            clinic = await self.add_clinic(time_zone=zone, slot_step_minutes=30)
            for specialty in ("Dermatology", "Dentistry"):
                doctor = self.doctors[zone, specialty] = await self.add_doctor(f"Dr {specialty}", clinic=clinic)
                await db.execute("update doctor set specialty = $2 where id = $1", doctor, specialty)
                await self.publish_wall_time(doctor, zone, MONDAY, 540, 660)
        return self

    async def publish_wall_time(self, doctor, zone, day, first, last):
        await self.db.execute(
            """
            insert into booking_slot (clinic_id, id, doctor_id, date, during)
            values (clinic_of($1), mint_id(clinic_of($1)), $1, $2,
                    tstzrange(local_instant($2, $3, $5), local_instant($2, $4, $5)))
            """,
            doctor,
            day,
            first,
            last,
            zone,
        )


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await WideWorld.make_wide(db, cache)


@pytest.fixture
async def find(world, client, monkeypatch):
    """A function that searches over HTTP and returns the body, or the whole response if the search is refused."""
    monkeypatch.setattr(clock, "now", lambda: SUNDAY_NOON)

    async def find(*, status=200, **query):
        if not {"date", "from_", "to"} & set(query):
            query["date"] = MONDAY
        response = await client.get(
            "/api/availability/search", params={name.removesuffix("_"): str(value) for name, value in query.items()}
        )
        assert response.status_code == status, response.text
        return response.json() if status == 200 else response

    return find


def places(page):
    return [(item["startTime"], item["clinicId"], item["doctorId"]) for item in page["items"]]


async def test_results_from_all_clinics_are_sorted_by_time_on_each_clinics_own_monday(world, find):
    results = await find(minutes=60, specialty="Dentistry")
    assert [(item["startTime"], item["timeZone"]) for item in results["items"]] == [
        ("2027-03-01T03:30:00Z", "Asia/Kolkata"),
        ("2027-03-01T04:00:00Z", "Asia/Kolkata"),
        ("2027-03-01T04:30:00Z", "Asia/Kolkata"),
        ("2027-03-01T08:00:00Z", "Europe/Berlin"),
        ("2027-03-01T08:30:00Z", "Europe/Berlin"),
        ("2027-03-01T09:00:00Z", "Europe/Berlin"),
        ("2027-03-01T14:00:00Z", "America/New_York"),
        ("2027-03-01T14:30:00Z", "America/New_York"),
        ("2027-03-01T15:00:00Z", "America/New_York"),
    ]
    assert results["items"][0] == {
        "clinicId": 1,
        "clinicName": "Lakeside",
        "timeZone": "Asia/Kolkata",
        "doctorId": str(world.doctors["Asia/Kolkata", "Dentistry"]),
        "doctorName": "Dr Dentistry",
        "specialty": "Dentistry",
        "startTime": "2027-03-01T03:30:00Z",
        "endTime": "2027-03-01T04:30:00Z",
    }
    assert results["next"] is None


async def test_results_at_the_same_time_are_sorted_by_clinic_and_doctor(world, find):
    results = places(await find(minutes=60))
    assert results == sorted(results)
    assert len(results) == 18


async def test_without_a_length_whole_slots_on_the_requested_days_are_found(world, find):
    assert (await find(from_=MONDAY + timedelta(days=1), to=MONDAY + timedelta(days=7)))["items"] == []
    assert [item["endTime"] for item in (await find(specialty="Dentistry"))["items"]] == [
        "2027-03-01T05:30:00Z",
        "2027-03-01T10:00:00Z",
        "2027-03-01T16:00:00Z",
    ]


async def test_a_search_can_be_filtered_by_specialty_clinic_type_and_length(world, find):
    check_up = await world.add_type(90, before=30, clinic=2)
    counts = {
        "specialty": len((await find(specialty="dermatology", minutes=60))["items"]),
        "no such specialty": len((await find(specialty="Derma", minutes=60))["items"]),
        "clinic": len((await find(clinicId=3, minutes=60))["items"]),
        "no such clinic": len((await find(clinicId=99, minutes=60))["items"]),
        "type": len((await find(appointmentTypeId=check_up))["items"]),
        "another clinic's type": len((await find(appointmentTypeId=check_up, clinicId=3))["items"]),
        "minutes": len((await find(minutes=120))["items"]),
        "too many minutes": len((await find(minutes=125))["items"]),
    }
    assert counts == {
        "specialty": 9,
        "no such specialty": 0,
        "clinic": 6,
        "no such clinic": 0,
        "type": 4,
        "another clinic's type": 0,
        "minutes": 6,
        "too many minutes": 0,
    }


async def test_taken_withdrawn_and_inactive_times_are_not_found(world, find):
    await world.db.execute("update booking_slot set removed_at = now() where clinic_id = 1")
    await world.db.execute(
        "update doctor set active = false, removed_at = now() where clinic_id = 2 and specialty = 'Dentistry'"
    )
    world.clinic, dentist = 3, world.doctors["America/New_York", "Dentistry"]
    await world.book(dentist, datetime(2027, 3, 1, 14, tzinfo=UTC), world.ana, minutes=120)
    results = await find(minutes=120)
    assert [(item["clinicId"], item["specialty"]) for item in results["items"]] == [
        (2, "Dermatology"),
        (3, "Dermatology"),
    ]


async def test_each_clinics_notice_and_horizon_apply(world, find):
    await world.set_clinic(1, min_notice_minutes=16 * 60)  # rules out times before half past four
    await world.set_clinic(3, horizon_days=1)
    await world.publish_wall_time(
        world.doctors["America/New_York", "Dentistry"], "America/New_York", MONDAY + timedelta(days=1), 540, 600
    )
    results = await find(minutes=60, specialty="Dentistry", from_=MONDAY, to=MONDAY + timedelta(days=1))
    assert [item["startTime"] for item in results["items"] if item["clinicId"] != 2] == [
        "2027-03-01T04:00:00Z",
        "2027-03-01T04:30:00Z",
        "2027-03-01T14:00:00Z",
        "2027-03-01T14:30:00Z",
        "2027-03-01T15:00:00Z",
    ]


async def test_a_search_covers_at_most_seven_dates(world, find):
    await find(from_="2027-03-01", to="2027-03-07")
    problem = await find(status=400, from_="2027-03-01", to="2027-03-08")
    assert problem.json()["errors"][0]["pointer"] == "?to"


async def test_a_page_links_to_the_next_one(world, find, client):
    first = await find(minutes=60, limit=5)
    response = await client.get(f"/api/availability/search?date={MONDAY}&minutes=60&limit=5")
    (address, relation) = response.headers["link"].split("; ")
    assert relation == 'rel="next"'
    following = (await client.get(address.strip("<>"))).json()
    assert places(following) == places(await find(minutes=60))[5:10]
    assert following == await find(minutes=60, limit=5, cursor=first["next"])


async def test_a_damaged_cursor_or_one_from_another_search_is_refused(world, find):
    cursor = (await find(minutes=60, limit=5))["next"]
    raw = urlsafe_b64decode(cursor)
    forged_cursor = urlsafe_b64encode(raw.replace(b"2027", b"2026")).decode()
    for bad in (cursor[:-4], "x", forged_cursor):
        problem = await find(status=400, minutes=60, limit=5, cursor=bad)
        assert problem.json()["errors"][0]["pointer"] == "?cursor"
    await find(status=400, minutes=30, limit=5, cursor=cursor)


@pytest.mark.parametrize("batch_size", [1, 3, 128])
async def test_all_pages_together_match_each_clinics_availability(world, find, monkeypatch, batch_size):
    """The batch size makes no difference, even with notice periods, steps, bookings and adjacent slots."""
    monkeypatch.setattr(search, "FIRST_SLOTS", batch_size)
    dice = random.Random(batch_size)
    for clinic, zone in enumerate(ZONES, 1):
        await world.set_clinic(
            clinic, slot_step_minutes=dice.choice([10, 15, 20]), min_notice_minutes=dice.choice([0, 900, 1000])
        )
        world.clinic = clinic
        for _ in range(3):
            doctor = await world.add_doctor("Dr More", clinic=clinic)
            for first, last in pairwise(sorted(dice.sample(range(360, 1200, 5), 8))):
                await world.publish_wall_time(doctor, zone, MONDAY, first, last)
                if dice.random() < 0.5:
                    start = await world.db.fetchval("select local_instant($1, $2, $3)", MONDAY, first, zone)
                    await world.book(doctor, start, await world.add_customer("Ben"), minutes=5)
    expected = []
    for clinic in (1, 2, 3):
        query = AvailabilityFilter(date=MONDAY, minutes=20)
        page = await service.find_for_clinic(
            world.db, world.cache, clinic_id=clinic, query=query, first=MONDAY, last=MONDAY, now=SUNDAY_NOON
        )
        expected += [(slot.start_time, clinic, slot.doctor_id) for slot in page.days[0].slots]

    results, more = [], {}
    while more is not None:
        page = await find(minutes=20, limit=17, **more)
        assert len(page["items"]) == 17 or not page["next"]
        results += [(datetime.fromisoformat(start), clinic, doctor) for start, clinic, doctor in places(page)]
        more = {"cursor": page["next"]} if page["next"] else None
    assert results == [(start, clinic, str(doctor)) for start, clinic, doctor in sorted(expected)]
    assert len(results) > 100
