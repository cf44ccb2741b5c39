"""Schedule changes over HTTP."""

import pytest

from support.app import ADMIN
from support.hours import COMING_MONDAY, hours, put_weekly_hours
from support.hours_changes import slot_body
from support.weekly_hours import published_doctor
from support.world import create_customer


@pytest.fixture
async def shah(client):
    """Publish a Monday from nine to twelve, then change the schedule to start at ten. Return the doctor's id."""
    shah = await published_doctor(client, valid_from=COMING_MONDAY, monday=hours("09:00-12:00"))
    await put_weekly_hours(client, shah, COMING_MONDAY, monday=hours("10:00-12:00"))
    return shah


@pytest.mark.parametrize("path", ["/api/doctors/{}/scheduleChanges", "/api/clinics/1/scheduleChanges"])
async def test_a_change_can_be_previewed_and_applied(client, shah, path):
    expected = {"added": [slot_body(shah, "10:00")], "removed": [slot_body(shah, "09:00")], "kept": [], "stranded": []}
    for params in ({"dryRun": "true"}, {"dryRun": "true"}, {}):
        response = await client.post(path.format(shah), params=params, json={}, headers=ADMIN)
        assert (response.status_code, response.json()) == (200, expected)
    assert (await client.post(path.format(shah), headers=ADMIN)).json() == {
        "added": [],
        "removed": [],
        "kept": [slot_body(shah, "10:00")],
        "stranded": [],
    }


async def test_stranded_appointments_are_refused_or_kept_on_request(client, shah):
    body = {"customerId": await create_customer(client)} | slot_body(shah, "09:00")
    del body["date"]
    appointment = (await client.post("/api/appointments", json=body)).json()
    del appointment["manageToken"]  # only the response to the booking contains it
    path = f"/api/doctors/{shah}/scheduleChanges"
    refusal = await client.post(path, json={"stranded": "refuse"}, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"], refusal.json()["appointments"]) == (
        409,
        "appointments-stranded",
        [appointment],
    )
    response = await client.post(path, json={"stranded": "keep"}, headers=ADMIN)
    assert [(each["id"], each["needsRebooking"]) for each in response.json()["stranded"]] == [(appointment["id"], True)]


async def test_a_repeated_change_returns_the_first_response(client, shah):
    body = {"customerId": await create_customer(client)} | slot_body(shah, "09:00")
    del body["date"]
    await client.post("/api/appointments", json=body)
    request = {"json": {"stranded": "keep"}, "headers": ADMIN | {"Idempotency-Key": "new"}}
    responses = [await client.post(f"/api/doctors/{shah}/scheduleChanges", **request) for _ in range(2)]
    assert responses[0].json() == responses[1].json()
    assert responses[1].headers["Idempotent-Replayed"] == "true"


async def test_change_dates_and_options_are_validated(client, shah):
    for body, status in [
        ({"from": "2027-03-02", "to": "2027-03-01"}, 400),
        ({"from": "2027-03-01", "to": "2028-03-01"}, 400),
        ({"from": "2027-03-01", "to": "2028-02-29"}, 200),
        ({"to": "2020-01-01"}, 200),
        ({"from": "2999-12-31"}, 200),
        ({"stranded": "drop"}, 400),
        ({"until": "2027-03-01"}, 400),
        ([], 400),
    ]:
        for path in (f"/api/doctors/{shah}/scheduleChanges", "/api/clinics/1/scheduleChanges"):
            assert (await client.post(path, json=body, headers=ADMIN)).status_code == status, (path, body)


async def test_hours_for_an_unknown_clinic_or_doctor_are_not_found(client, shah):
    for path in [
        "clinics/2",
        "doctors/00000001-0000-8000-8000-000000000000",
        "doctors/00000002-0000-8000-8000-000000000000",
        "doctors/ffffffff-0000-8000-8000-000000000000",
    ]:
        for dry_run in ["true", "false"]:
            assert (
                await client.post(f"/api/{path}/scheduleChanges", params={"dryRun": dry_run}, json={}, headers=ADMIN)
            ).status_code == 404, (path, dry_run)


async def test_anonymous_callers_cannot_change_hours(client, shah):
    assert (
        await client.post(f"/api/doctors/{shah}/scheduleChanges", params={"dryRun": "true"}, json={})
    ).status_code == 401
