"""Saving a week and applying it in one request."""

from datetime import timedelta

import pytest

from support.app import ADMIN
from support.hours import COMING_MONDAY, hours, local, put_weekly_hours
from support.weekly_hours import published_doctor
from support.world import create_customer

WEEK_FROM_TEN = {"weekly": {"monday": hours("10:00-12:00")}, "from": str(COMING_MONDAY)}


@pytest.fixture
async def doctor_path(client):
    """Publish a Monday for a doctor who works from nine to twelve. Return the doctor's path."""
    shah = await published_doctor(client, monday=hours("09:00-12:00"))
    return f"/api/doctors/{shah}"


async def book_at_nine(client, path):
    start = local(COMING_MONDAY, "09:00")
    body = {
        "customerId": await create_customer(client),
        "doctorId": path.rpartition("/")[2],
        "startTime": start.isoformat(),
        "endTime": (start + timedelta(minutes=30)).isoformat(),
    }
    return (await client.post("/api/appointments", json=body)).json()["id"]


async def monday_starts(client, path, on=COMING_MONDAY):
    """Return when the doctor's Mondays start, both in the schedule for the date and in the published slots."""
    week = (await client.get(f"{path}/schedule", params={"on": str(on)}, headers=ADMIN)).json()["weekly"]
    slots = (await client.get(f"{path}/bookingSlots", headers=ADMIN)).json()["items"]
    return [each["startTime"] for each in week["monday"]], [each["startTime"] for each in slots]


async def all_rows(db):
    """Return all rows of all tables except the audit tables, which record every read."""
    tables = await db.fetch(
        "select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'audit%'"
    )
    return {
        table.name: await db.fetchval(f'select array_agg(t::text order by t::text) from "{table.name}" t')
        for table in tables
    }


async def test_a_dry_run_of_a_week_predicts_the_change_and_writes_nothing(client, db, doctor_path):
    await book_at_nine(client, doctor_path)
    before = await all_rows(db)
    preview_response = await client.post(
        f"{doctor_path}/scheduleChanges", params={"dryRun": "true"}, json=WEEK_FROM_TEN, headers=ADMIN
    )
    assert await all_rows(db) == before
    applied = await client.post(
        f"{doctor_path}/scheduleChanges", json={**WEEK_FROM_TEN, "stranded": "keep"}, headers=ADMIN
    )
    results = [
        {**response.json(), "stranded": [each["id"] for each in response.json()["stranded"]]}
        for response in (preview_response, applied)
    ]
    assert results[0] == results[1]
    assert [len(each) for each in results[0].values()] == [1, 1, 0, 1]


async def test_a_week_can_be_saved_and_applied_in_one_request(client, doctor_path):
    ten = f"{local(COMING_MONDAY, '10:00'):%FT%TZ}"
    assert (await client.post(f"{doctor_path}/scheduleChanges", json=WEEK_FROM_TEN, headers=ADMIN)).status_code == 200
    assert await monday_starts(client, doctor_path) == (["10:00"], [ten])
    assert (await monday_starts(client, doctor_path, on=COMING_MONDAY - timedelta(days=7)))[0] == ["09:00"]


async def test_a_week_for_unpublished_dates_is_saved(client, doctor_path):
    later = COMING_MONDAY + timedelta(days=7)
    result = await client.post(
        f"{doctor_path}/scheduleChanges", json={**WEEK_FROM_TEN, "from": str(later)}, headers=ADMIN
    )
    assert result.json() == {"added": [], "removed": [], "kept": [], "stranded": []}
    assert (await monday_starts(client, doctor_path, on=later))[0] == ["10:00"]


async def test_a_week_that_would_strand_appointments_is_not_saved(client, db, doctor_path):
    await book_at_nine(client, doctor_path)
    before = await all_rows(db)
    refusal = await client.post(f"{doctor_path}/scheduleChanges", json=WEEK_FROM_TEN, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "appointments-stranded")
    assert await all_rows(db) == before


@pytest.mark.parametrize("dry_run", ["true", "false"])
async def test_a_week_that_has_changed_since_it_was_read_is_refused(client, db, doctor_path, dry_run):
    etag = (await client.get(f"{doctor_path}/schedule", params={"on": str(COMING_MONDAY)}, headers=ADMIN)).headers[
        "ETag"
    ]
    request = {"params": {"dryRun": dry_run}, "json": WEEK_FROM_TEN, "headers": ADMIN | {"If-Match": etag}}
    assert (await client.post(f"{doctor_path}/scheduleChanges", **request)).status_code == 200
    await put_weekly_hours(client, doctor_path.rpartition("/")[2], monday=hours("08:00-12:00"))
    before = await all_rows(db)
    assert (await client.post(f"{doctor_path}/scheduleChanges", **request)).status_code == 412
    assert await all_rows(db) == before


@pytest.mark.parametrize("dry_run", ["true", "false"])
async def test_faults_in_a_week_are_reported_with_their_positions(client, db, doctor_path, dry_run):
    before = await all_rows(db)
    for spans, pointer in (
        (hours("09:00-12:00", "11:00-13:00"), "#/weekly/monday/1"),
        (hours("12:00-09:00"), "#/weekly/monday/0/endTime"),
    ):
        body = {"weekly": {"monday": spans}}
        refusal = await client.post(
            f"{doctor_path}/scheduleChanges", params={"dryRun": dry_run}, json=body, headers=ADMIN
        )
        assert (refusal.status_code, [fault["pointer"] for fault in refusal.json()["errors"]]) == (400, [pointer])
    assert await all_rows(db) == before


async def test_a_repeated_request_saves_a_week_once(client, db, doctor_path):
    request = {"json": WEEK_FROM_TEN, "headers": ADMIN | {"Idempotency-Key": "ten"}}
    first = await client.post(f"{doctor_path}/scheduleChanges", **request)
    before = await db.fetch("select id, version from doctor_slot order by id")
    second = await client.post(f"{doctor_path}/scheduleChanges", **request)
    assert (second.json(), second.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert await db.fetch("select id, version from doctor_slot order by id") == before


async def test_a_clinic_has_no_weekly_schedule_of_its_own(client, doctor_path):
    refusal = await client.post("/api/clinics/1/scheduleChanges", json=WEEK_FROM_TEN, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["errors"]) == (
        400,
        [{"pointer": "#/weekly", "detail": "is not a known field or parameter"}],
    )
