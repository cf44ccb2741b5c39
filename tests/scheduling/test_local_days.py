"""Dates and wall times stay the clinic's own: in zones with new rules, on nights when clocks change at midnight, and
next to closures that end at odd times."""

from datetime import date, datetime, timedelta
from html import unescape

import pytest

from appoint.kit import clock
from support.app import ADMIN
from support.hours import COMING_MONDAY, hours, local, put_weekly_hours
from support.world import create_clinic, create_customer, create_doctor

NEW_RULES = ["America/Winnipeg", "Canada/Central", "America/Rainy_River", "America/Inuvik", "America/Havana"]


async def publish(client, zone: str, first: date, last: date, **days: list[dict[str, str]]) -> str:
    """Create a clinic in the zone and a doctor with these weekly hours, and publish them."""
    await create_clinic(client, timeZone=zone, slug="clinic", policy={"horizonDays": 366, "slotStepMinutes": 30})
    doctor_id = await create_doctor(client)
    await put_weekly_hours(client, doctor_id, first - timedelta(days=7), **days)
    body = {"clinicId": 1, "from": str(first), "to": str(last)}
    assert (await client.post("/api/availability/createBookingSlots", json=body, headers=ADMIN)).status_code == 200
    return doctor_id


async def starts_on(client, day: date, **query) -> list[str]:
    """Return the starts that the API offers on the date, by the clinic's clock."""
    params = {"date": str(day), "minutes": 30, **query}
    found = (await client.get("/api/clinics/1/availability", params=params)).json()
    (offered,) = found["days"]
    assert offered["date"] == str(day)
    instants = [datetime.fromisoformat(slot["startTime"]) for slot in offered["slots"]]
    return [f"{instant.astimezone(clock.zone(found['timeZone'])):%d %H:%M}" for instant in instants]


@pytest.mark.parametrize("zone", NEW_RULES)
async def test_hours_are_shown_as_published_in_zones_whose_rules_have_just_changed(client, zone):
    await publish(client, zone, COMING_MONDAY, COMING_MONDAY, monday=hours("09:00-10:00", "23:00-24:00"))
    day = f"{COMING_MONDAY:%d}"
    assert await starts_on(client, COMING_MONDAY) == [f"{day} {time}" for time in ("09:00", "09:30", "23:00", "23:30")]
    page = unescape((await client.get("/c/clinic/times", params={"date": str(COMING_MONDAY)})).text)
    assert "09:00" in page or "9:00" in page
    assert local(COMING_MONDAY, "09:00", zone).isoformat().replace("+00:00", "") in page


@pytest.mark.parametrize(
    ("zone", "day", "skipped", "repeated"),
    [
        ("America/Santiago", date(2027, 9, 5), ["00:00", "00:30"], []),
        ("America/Santiago", date(2027, 4, 3), [], ["23:00", "23:30"]),
        ("Asia/Beirut", date(2027, 3, 28), ["00:00", "00:30"], []),
    ],
)
async def test_each_time_is_on_one_date_when_clocks_change_at_midnight(client, zone, day, skipped, repeated):
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    every_day = {
        name: hours("00:00-02:00", "22:00-24:00")
        for name in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    }
    await publish(client, zone, before, after, **every_day)
    usual = ["00:00", "00:30", "01:00", "01:30", "22:00", "22:30", "23:00", "23:30"]
    for date_ in (before, day, after):
        times = [time for time in usual if date_ != day or time not in skipped]
        if date_ == day and repeated:
            times += repeated
        assert await starts_on(client, date_) == [f"{date_:%d} {time}" for time in times]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/London", date(2027, 1, 22)),
        ("Europe/London", date(2027, 3, 28)),
        ("Pacific/Auckland", date(2027, 4, 4)),
    ],
)
async def test_an_absence_for_a_whole_day_lasts_from_the_clinics_midnight_to_the_next(client, zone, day):
    """The page converts the clinic's dates to instants, whatever the browser's time zone."""
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    weekday = {f"{date_:%A}".lower(): hours("00:00-24:00") for date_ in (before, day, after)}
    doctor_id = await publish(client, zone, before, after, **weekday)
    counts = [len(await starts_on(client, date_)) for date_ in (before, after)]
    query = {"doctor": doctor_id, "from": str(day), "until": str(day)}
    page = unescape((await client.get("/staff/1/absences/new", params=query, headers=ADMIN)).text)
    start, end = (local(date_, "00:00", zone).isoformat() for date_ in (day, after))
    assert start.replace("+00:00", "") in page
    assert end.replace("+00:00", "") in page
    body = {"doctorId": doctor_id, "startTime": start, "endTime": end}
    assert (await client.post("/api/clinics/1/absences", json=body, headers=ADMIN)).status_code == 201
    assert await starts_on(client, day) == []
    assert [len(await starts_on(client, date_)) for date_ in (before, after)] == counts == [48, 48]


async def test_times_around_a_closure_that_lasts_many_days_stay_free(client):
    """It begins and ends half an hour from midnight, and covers its first and last weeks only partly."""
    first, last = date(2027, 3, 29), date(2027, 4, 18)
    every_day = {
        name: hours("00:00-24:00")
        for name in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    }
    await publish(client, "Europe/Berlin", first, last, **every_day)
    closure = {
        "startTime": local(date(2027, 4, 1), "00:30").isoformat(),
        "endTime": local(date(2027, 4, 12), "23:30").isoformat(),
    }
    assert (await client.post("/api/clinics/1/absences", json=closure, headers=ADMIN)).status_code == 201
    assert [len(await starts_on(client, date(2027, *day))) for day in ((3, 31), (4, 1), (4, 2), (4, 12), (4, 13))] == [
        48,
        1,
        0,
        1,
        48,
    ]
    ana = await create_customer(client)
    for start in (local(date(2027, 4, 1), "00:00"), local(date(2027, 4, 12), "23:30")):
        body = {
            "clinicId": 1,
            "customerId": ana,
            "startTime": start.isoformat(),
            "endTime": (start + timedelta(minutes=30)).isoformat(),
        }
        assert (await client.post("/api/appointments", json=body, headers=ADMIN)).status_code == 201
    for day in (first, date(2027, 4, 12)):
        board = await client.get("/staff/1/day", params={"date": str(day), "view": "week"}, headers=ADMIN)
        assert board.status_code == 200
