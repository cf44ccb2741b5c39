"""Video visits open and close at the right instants when clocks change, at the clinic or where the patient lives."""

from datetime import UTC, datetime, timedelta

import pytest

from appoint.calls.joining import service
from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from support.appointments import create_world
from support.calls import book_online
from support.video_visits import VisitWorld

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
STARTS = {
    "the first half past two": (
        BERLIN,
        "2027-10-31T00:30",
        "(Berlin time, UTC+02:00)",
        "Sat, 30 Oct 2027, 20:15 (New York time)",
    ),
    "the second half past two": (
        BERLIN,
        "2027-10-31T01:30",
        "(Berlin time, UTC+01:00)",
        "Sat, 30 Oct 2027, 21:15 (New York time)",
    ),
    "right after the gap": (BERLIN, "2027-03-28T01:00", "01:45<span", "Sat, 27 Mar 2027, 20:45 (New York time)"),
    "the hour that New York repeats": (
        BERLIN,
        "2027-11-07T06:30",
        "07:15<span",
        "Sun, 7 Nov 2027, 01:15 (New York time, UTC-05:00)",
    ),
    "right after New York's gap": (NEW_YORK, "2027-03-14T07:00", "01:45<span", "Sun, 14 Mar 2027, 07:45 (Berlin time)"),
    "an hour after New York's gap": (
        NEW_YORK,
        "2027-03-14T08:00",
        "03:45<span",
        "Sun, 14 Mar 2027, 08:45 (Berlin time)",
    ),
}
"""The clinic's time zone, when the visit starts in UTC, and what the page says about its waiting room's opening at the
clinic and where the patient lives, in the other zone."""


@pytest.mark.parametrize("name", STARTS)
async def test_the_window_is_right_when_clocks_change(db, client, monkeypatch, name):
    zone, start, at_clinic, for_patient = STARTS[name]
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.now = clock.now()
        appointment = await book_online(world, world.nine)
    await db.execute("update clinic set time_zone = $1", zone)
    patient_zone = NEW_YORK if zone == BERLIN else BERLIN
    await db.execute("update customer set time_zone = $2 where id = $1", world.ana, patient_zone)
    starts_at = datetime.fromisoformat(start).replace(tzinfo=UTC)
    visit = VisitWorld(db, client, world, appointment)

    def turn_to(minutes: int, seconds: int = 0) -> datetime:
        """Set the clock to that long after the start."""
        now = starts_at + timedelta(minutes=minutes, seconds=seconds)
        monkeypatch.setattr(clock, "now", lambda: now)
        return now

    turn_to(-5)
    await visit.begin()
    turn_to(-15, -1)
    page = await visit.get(headers={"Accept-Language": "en-GB"})
    assert f'data-start="{starts_at - timedelta(minutes=15):%Y-%m-%dT%H:%M:%SZ}"' in page
    assert (at_clinic in page, for_patient in page) == (True, True)
    await visit.press("wait")
    assert await db.fetchval("select waiting_since from call") is None
    turn_to(-15)
    assert "Enter the waiting room" in await visit.get()
    turn_to(59, 59)
    assert "Enter the waiting room" in await visit.get()
    turn_to(60)
    assert "This video visit is over." in await visit.get()

    seen_by_doctor = await service.get_visit(db, appointment.id)
    stages = [seen_by_doctor.doctor_stage(turn_to(*time)) for time in [(-30, -1), (-30,), (59, 59), (60,)]]
    assert stages == ["early", "ready", "ready", "closed"]
