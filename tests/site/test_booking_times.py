"""The page that offers times to book."""

import re
from datetime import timedelta
from html import unescape

import pytest

from appoint.site.patient import month
from support.app import ADMIN
from support.booking_pages import DAY, starts, utc
from support.hours import COMING_MONDAY, local
from support.world import create_appointment_type, create_clinic, create_doctor, publish_slot


async def test_a_month_counts_free_times_and_lists_those_on_the_first_day(client, lakeside):
    page = await client.get("/c/lakeside/times", params={"type": lakeside})
    assert starts(page) == [utc(DAY + timedelta(minutes=15 * n)) for n in range(7)]
    # the day is in the month and in the strip of days
    assert re.findall(r'(?s)aria-current="date">.*?(\d+) times available</span>', page.text) == ["7", "7"]


async def test_a_time_shared_by_several_doctors_is_listed_once(client, db, lakeside):
    await publish_slot(db, await create_doctor(client, name="Dr Okafor"), DAY, DAY + timedelta(hours=2))
    page = await client.get("/c/lakeside/times", params={"type": lakeside})
    assert len(starts(page)) == 7
    assert "Dr Okafor" in page.text


async def test_with_many_doctors_a_month_shows_which_days_have_times_without_counting_them(
    client, db, lakeside, monkeypatch
):
    await publish_slot(db, await create_doctor(client, name="Dr Okafor"), DAY, DAY + timedelta(hours=2))
    days = r'href="[^"]*date=([\d-]+)#day"'
    counted = await client.get("/c/lakeside/times", params={"type": lakeside})
    monkeypatch.setattr(month, "MAX_COUNTED_DOCTORS", 1)
    page = await client.get("/c/lakeside/times", params={"type": lakeside})
    assert starts(page) == starts(counted)
    assert re.findall(days, page.text) == re.findall(days, counted.text) != []
    assert ": times available</span>" in page.text
    assert "The number below each day" not in page.text
    # a day without times, and a month without any
    empty = await client.get("/c/lakeside/times", params={"type": lakeside, "date": DAY.date() + timedelta(days=1)})
    assert "No times available on this day" in empty.text
    await db.execute("update booking_slot set removed_at = now()")
    far = DAY + timedelta(days=45)
    (shah, *_) = [row["id"] for row in await db.fetch("select id from doctor")]
    await publish_slot(db, str(shah), far, far + timedelta(hours=1))
    assert starts(await client.get("/c/lakeside/times", params={"type": lakeside}))[0] == utc(far)


async def test_changing_the_month_leads_to_its_heading_and_full_days_are_announced(client, lakeside):
    page = await client.get("/c/lakeside/times", params={"type": lakeside})
    assert re.findall(r'href="[^"]*month=[^"]*(#\w+)" rel="next"', page.text) == ["#month"]
    assert '<h2 id="month" tabindex="-1">' in page.text
    assert ": no times available</span>" in page.text


@pytest.mark.parametrize(
    ("time_zone", "language", "first"),
    [
        ("Europe/London", "en", "Mon"),
        ("America/New_York", "en", "Sun"),
        ("America/New_York", "en-GB", "Mon"),
        ("Europe/London", "en-US", "Sun"),
        ("Europe/Berlin", "fr-CA", "dim."),
    ],
)
async def test_weeks_begin_on_the_day_that_is_usual_for_the_reader_or_else_the_clinic(
    client, db, time_zone, language, first
):
    await create_clinic(client, slug="lakeside", timeZone=time_zone)
    shah, type_id = await create_doctor(client), await create_appointment_type(client)
    await publish_slot(db, shah, DAY, DAY + timedelta(hours=2))
    page = await client.get("/c/lakeside/times", params={"type": type_id}, headers={"Accept-Language": language})
    assert re.findall(r'class="weekday"[^>]*>([\w.]+)<', page.text)[0] == first


async def test_an_empty_month_names_the_next_free_time(client, db, lakeside):
    await db.execute("update booking_slot set removed_at = now()")
    far = DAY + timedelta(days=45)
    (shah,) = [row["id"] for row in await db.fetch("select id from doctor")]
    await publish_slot(db, str(shah), far, far + timedelta(hours=1))
    page = await client.get("/c/lakeside/times", params={"type": lakeside, "month": f"{DAY:%Y-%m}"})
    assert "Next available:" in page.text
    assert f"date={far:%Y-%m-%d}#day" in unescape(page.text)
    assert starts(await client.get("/c/lakeside/times", params={"type": lakeside}))[0] == utc(far)


@pytest.mark.parametrize(
    "query",
    ["", "?type=nonsense", "?type=00000001-0197-82e3-8f22-029f62866244", "?type=%ff&month=2027-99&doctor=x&date=never"],
)
async def test_addresses_without_a_valid_type_redirect_to_the_clinic(client, lakeside, query):
    for step in ("times", "details"):
        response = await client.get(f"/c/lakeside/{step}{query}")
        assert (response.status_code, response.headers["Location"]) == (303, "/c/lakeside")


@pytest.mark.parametrize("month", ["0001-01", "9999-12", "2027-13", "x"])
async def test_months_that_cannot_be_booked_are_replaced_by_the_nearest_bookable_one(client, lakeside, month):
    page = await client.get("/c/lakeside/times", params={"type": lakeside, "month": month})
    assert page.status_code == 200
    assert '<ol class="month">' in page.text


@pytest.mark.parametrize(
    ("language", "time"),
    [("en", "15:00"), ("en-GB", "15:00"), ("en-US", "3:00 PM"), ("fr-CA", "15 h 00"), ("es-MX", "3:00 p.m.")],
)
async def test_times_are_written_in_the_readers_usual_format(client, db, language, time):
    await create_clinic(client, slug="lakeside")
    shah, type_id = await create_doctor(client), await create_appointment_type(client)
    start = local(COMING_MONDAY, "15:00")
    await publish_slot(db, shah, start, start + timedelta(hours=1))
    headers = {"Accept-Language": language}
    page = await client.get("/c/lakeside/times", params={"type": type_id}, headers=headers)
    first, *_ = re.findall(r"<time[^>]*>([^<]+)</time>", page.text)
    assert first.replace("\xa0", " ") == time


async def test_the_clinics_time_zone_is_named_after_its_city(client, lakeside):
    page = await client.get("/c/lakeside/times", params={"type": lakeside})
    assert "Times are in the clinic’s time zone: Berlin time." in page.text


async def test_a_type_that_no_doctor_offers_redirects_to_the_clinic(client, db, lakeside):
    other = await create_appointment_type(client, name="Other")
    (shah,) = [str(row["id"]) for row in await db.fetch("select id from doctor")]
    response = await client.patch(f"/api/doctors/{shah}", json={"appointmentTypeIds": [lakeside]}, headers=ADMIN)
    assert response.status_code == 200
    assert (await client.get("/c/lakeside/times", params={"type": other})).headers["Location"] == "/c/lakeside"
