"""Status changes over HTTP: versions are optional, and patients cannot change what has already started."""

from datetime import timedelta

import pytest

from appoint.kit import clock
from support.app import ADMIN
from support.appointments import begin_now
from support.described import DOCUMENT
from support.manage_links import START, book, create_visit, page_path, status, times_at, token_headers
from support.world import create_appointment_type

STEPS = ("arrive", "unarrive", "arrive", "checkIn", "fulfil")


@pytest.fixture
async def visit(db, client):
    """An appointment at a clinic that requires versions."""
    visit = await create_visit(db, client)
    await client.patch("/api/clinics/1", json={"policy": {"requireVersion": True}}, headers=ADMIN)
    return visit


async def test_steps_do_not_need_a_version_even_if_the_clinic_requires_one(db, client, visit):
    appointment = await book(client, visit)
    await begin_now(db, appointment["id"])
    for step in STEPS:
        response = await client.post(f"/api/appointments/{appointment['id']}/{step}", headers=ADMIN)
        assert response.status_code == 200, (step, response.text)


async def test_a_no_show_does_not_need_a_version_either(db, client, visit):
    missed = await book(client, visit)
    await begin_now(db, missed["id"])
    assert (await client.post(f"/api/appointments/{missed['id']}/noShow", headers=ADMIN)).status_code == 200


async def test_steps_honour_a_version_if_sent(db, client, visit):
    appointment = await book(client, visit)
    await begin_now(db, appointment["id"])
    path = f"/api/appointments/{appointment['id']}"
    for version, step in enumerate(STEPS, 1):
        stale = await client.post(f"{path}/{step}", headers=ADMIN | {"If-Match": '"v99"'})
        assert (stale.status_code, stale.json()["type"]) == (412, "/problems/version-mismatch")
        current = await client.post(f"{path}/{step}", headers=ADMIN | {"If-Match": f'"v{version}"'})
        assert (current.status_code, current.headers["ETag"]) == (200, f'"v{version + 1}"')


async def test_link_holders_can_confirm_at_a_clinic_that_requires_versions(client, visit):
    for number, by_page in enumerate((False, True)):
        hold = await book(client, visit, number, hold=True)
        if by_page:
            response = await client.post(page_path(hold, "/confirm"))
        else:
            response = await client.post(f"/api/appointments/{hold['id']}/confirm", headers=token_headers(hold))
        assert response.is_success or response.status_code == 303, response.text
        assert await status(client, hold) == "booked"


async def test_only_documented_operations_require_a_version(client, visit):
    """The only `POST` that can require one replaces a whole week, as a `PUT` would."""
    requiring = {
        operation["operationId"]
        for path in DOCUMENT["paths"].values()
        for method, operation in path.items()
        if method == "post" and "428" in operation["responses"]
    }
    assert requiring == {"changeDoctorsHours"}


async def test_a_visit_cannot_be_completed_before_its_day(client, visit):
    appointment = await book(client, visit)
    path = f"/api/appointments/{appointment['id']}"
    assert (await client.post(f"{path}/arrive", headers=ADMIN)).status_code == 200
    refusal = await client.post(f"{path}/fulfil", headers=ADMIN)
    assert (refusal.status_code, refusal.json()["type"]) == (409, "/problems/not-started")
    assert await status(client, appointment) == "arrived"


async def move(client, appointment, hours, **members):
    body = times_at(hours) | members
    body = {name: value for name, value in body.items() if value is not None}
    headers = token_headers(appointment) | {"If-Match": "*"}
    return await client.put(f"/api/appointments/{appointment['id']}", json=body, headers=headers)


async def test_patients_cannot_move_or_cancel_an_appointment_that_has_started(db, client, visit):
    appointment = await book(client, visit)
    await begin_now(db, appointment["id"])
    headers = token_headers(appointment) | {"If-Match": "*"}
    for response in (
        await move(client, appointment, 2),
        await client.delete(f"/api/appointments/{appointment['id']}", headers=headers),
    ):
        assert (response.status_code, response.json()["type"]) == (409, "/problems/already-started")
    for part, data in (("/cancel", {}), ("/move", {"start": (START + timedelta(hours=2)).isoformat()})):
        page = await client.post(page_path(appointment, part), data=data | {"version": "1"})
        assert (page.status_code, "This appointment has already started." in page.text) == (409, True)
    assert await status(client, appointment) == "booked"


async def test_staff_can_still_move_or_cancel_an_appointment_that_has_started(db, client, visit):
    appointment = await book(client, visit)
    await begin_now(db, appointment["id"])
    path, headers = f"/api/appointments/{appointment['id']}", ADMIN | {"If-Match": "*"}
    later = (clock.now() + timedelta(hours=1)).replace(second=0, microsecond=0)
    assert (await client.put(path, json={"startTime": later.isoformat()}, headers=headers)).status_code == 200
    await begin_now(db, appointment["id"])
    assert (await client.delete(path, headers=headers)).status_code == 204


async def test_patients_can_release_a_hold_whose_start_has_passed(db, client, visit):
    hold = await book(client, visit, hold=True)
    await begin_now(db, hold["id"])
    headers = token_headers(hold) | {"If-Match": "*"}
    assert (await client.delete(f"/api/appointments/{hold['id']}", headers=headers)).status_code == 204


async def test_patients_cannot_change_the_length_set_by_the_type(client, visit):
    type_id = await create_appointment_type(client)
    appointment = await book(client, visit, endTime=None, appointmentTypeId=type_id)
    for minutes in (1, 29, 480):
        end = (START + timedelta(hours=2, minutes=minutes)).isoformat()
        refusal = await move(client, appointment, 2, endTime=end)
        assert (refusal.status_code, refusal.json()["errors"][0]["pointer"]) == (400, "#/endTime")
    assert (await move(client, appointment, 2)).status_code == 200
    assert (await move(client, appointment, 3, endTime=None)).status_code == 200


async def test_the_page_ignores_an_end_that_would_change_the_length(client, visit):
    type_id = await create_appointment_type(client)
    appointment = await book(client, visit, endTime=None, appointmentTypeId=type_id)
    start, end = START + timedelta(hours=2), START + timedelta(hours=5)
    data = {"start": f"{start.isoformat()} {end.isoformat()}", "version": "1"}
    assert (await client.post(page_path(appointment, "/move"), data=data)).status_code == 303
    moved = (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()
    assert (moved["startTime"], moved["endTime"]) == tuple(
        instant.strftime("%Y-%m-%dT%H:%M:%SZ") for instant in (start, start + timedelta(minutes=30))
    )


async def test_staff_can_change_the_length_of_an_appointment_with_a_type(client, visit):
    type_id = await create_appointment_type(client)
    appointment = await book(client, visit, endTime=None, appointmentTypeId=type_id)
    body = times_at(2) | {"endTime": (START + timedelta(hours=3)).isoformat()}
    headers = ADMIN | {"If-Match": "*"}
    assert (await client.put(f"/api/appointments/{appointment['id']}", json=body, headers=headers)).status_code == 200


async def test_moving_an_appointment_to_its_current_time_does_not_notify_anyone(db, client, visit):
    appointment = await book(client, visit)
    events = await db.fetchval("select count(*) from event")
    for _ in range(2):
        response = await move(client, appointment, 0)
        assert (response.status_code, response.headers["ETag"]) == (200, '"v1"')
    assert await db.fetchval("select count(*) from event") == events
    assert await db.fetchval("select rescheduled_at from appointment") is None


async def test_moving_a_slot_to_its_current_time_changes_nothing(db, client, visit):
    slot_id = await db.fetchval("select id from booking_slot")
    slot = (await client.get(f"/api/bookingSlots/{slot_id}", headers=ADMIN)).json()
    body = {"startTime": slot["startTime"], "endTime": slot["endTime"]}
    events = await db.fetchval("select count(*) from event")
    response = await client.put(f"/api/bookingSlots/{slot_id}", json=body, headers=ADMIN | {"If-Match": "*"})
    assert (response.status_code, response.headers["ETag"]) == (200, '"v1"')
    assert await db.fetchval("select count(*) from event") == events
