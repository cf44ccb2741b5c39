"""Availability over HTTP: paths, parameters and caching."""

from urllib.parse import parse_qsl

import pytest

from appoint.kit import clock, ids
from appoint.kit.cache import ClinicCache
from support.availability import AvailabilityWorld, times, utc
from support.world import MONDAY, NOW, at


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await AvailabilityWorld.make(db, cache)


@pytest.fixture
async def get(world, client, monkeypatch):
    """A function that sends a GET request and returns the body."""
    monkeypatch.setattr(clock, "now", lambda: NOW)

    async def get(path, *, status=200, **query):
        response = await client.get(
            f"/api/{path}", params={name.removesuffix("_"): str(value) for name, value in query.items()}
        )
        assert response.status_code == status, response.text
        return response.json()

    return get


async def test_four_paths_return_the_same_availability_for_a_doctor(world, get):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(10), at(11))
    result = await get(f"clinics/{world.clinic}/availability", date=MONDAY, minutes=60, doctorId=dr_okafor)
    assert times(result) == utc(at(10))
    assert await get(f"doctors/{dr_okafor}/availability", date=MONDAY, minutes=60) == result
    assert await get(f"providers/{dr_okafor}/availability", from_=MONDAY, to=MONDAY, minutes=60) == result
    assert await get(f"clinics/{world.clinic}/freeslots/{MONDAY}", minutes=60, doctorId=dr_okafor) == result


async def test_another_clinics_doctors_and_types_are_not_found(world, get):
    other = await world.add_clinic()
    doctor, type = await world.add_doctor("Dr Elsewhere", clinic=other), await world.add_type(30, clinic=other)
    await get(f"clinics/{world.clinic}/availability", status=404, date=MONDAY, doctorId=doctor)
    await get(f"clinics/{world.clinic}/availability", status=404, date=MONDAY, appointmentTypeId=type)
    await get(f"doctors/{world.dr_shah}/availability", status=404, date=MONDAY, doctorId=doctor)
    await get(f"doctors/{ids.new_id(world.clinic)}/availability", status=404, date=MONDAY)
    await get("clinics/999/availability", status=404, date=MONDAY)


async def test_the_error_for_an_invalid_query_points_to_the_invalid_parameter(world, get):
    cases = [
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
        await get(f"clinics/{world.clinic}/availability", status=400, **dict(parse_qsl(query))) for _, query in cases
    ]
    assert [
        ([fault["pointer"] for fault in problem["errors"]], query)
        for problem, (_, query) in zip(problems, cases, strict=True)
    ] == [([pointer], query) for pointer, query in cases]


async def test_free_slots_for_an_invalid_day_are_refused(world, get):
    for day in ("2027-02-30", "9999-12-31", "20270301", "2027-W09-1", "2027-03-01T00:00", "monday"):
        problem = await get(f"clinics/{world.clinic}/freeslots/{day}", status=400)
        assert [fault["pointer"] for fault in problem["errors"]] == ["day"]


async def test_a_query_can_cover_62_days(world, get):
    assert len((await get(f"clinics/{world.clinic}/availability", from_="2027-03-01", to="2027-05-01"))["days"]) == 62


async def test_an_unchanged_response_is_not_sent_again(world, get, client):
    path = f"/api/clinics/{world.clinic}/availability?date={MONDAY}&minutes=60"
    first = await client.get(path)
    assert first.headers["cache-control"] == "public, max-age=2"
    again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    await world.db.execute(
        "update booking_slot set during = tstzrange(lower(during), upper(during) - interval '1 hour')"
    )
    assert (await client.get(path, headers={"If-None-Match": first.headers["etag"]})).status_code == 200
