"""A notice period is measured in elapsed time, even on a night when clocks change, and pages show when it begins."""

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from appoint.clinics.catalogue import service as catalogues
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.world import World, create_clinic, create_customer, create_doctor, publish_slot

SUNDAY_AT_TEN = {
    "spring": datetime(2027, 3, 14, 15, tzinfo=UTC),  # Chicago's clocks go forward that night
    "autumn": datetime(2027, 11, 7, 16, tzinfo=UTC),  # and go back that night
}


@pytest.mark.parametrize(("season", "deadline"), [("spring", "9:00 AM"), ("autumn", "11:00 AM")])
async def test_the_page_shows_when_the_notice_period_begins(client, db, season, deadline):
    start = SUNDAY_AT_TEN[season]
    policy = {"cancelNoticeMinutes": 1440, "horizonDays": 366}
    await create_clinic(client, timeZone="America/Chicago", policy=policy)
    doctor_id, customer_id = await create_doctor(client), await create_customer(client)
    await publish_slot(db, doctor_id, start, start + timedelta(hours=1))
    body = {
        "doctorId": doctor_id,
        "customerId": customer_id,
        "startTime": start.isoformat(),
        "endTime": (start + timedelta(minutes=30)).isoformat(),
    }
    booked = (await client.post("/api/appointments", json=body, headers=ADMIN)).json()
    page = unescape((await client.get(f"/appointments/{booked['manageToken']}")).text)
    assert f"{deadline}<span" in page.replace("\u202f", " ")
    assert "> (Chicago time)</span>" in page


@pytest.mark.parametrize("season", SUNDAY_AT_TEN)
@pytest.mark.parametrize("minutes", [30, 1440])
async def test_patients_can_cancel_until_exactly_when_the_notice_period_begins(db, season, minutes):
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache, time_zone="America/Chicago", cancel_notice_minutes=minutes)
        catalogue = await catalogues.get(db, cache, world.clinic)
        start = SUNDAY_AT_TEN[season]
        assert catalogue.last_change(start) == start - timedelta(minutes=minutes)
