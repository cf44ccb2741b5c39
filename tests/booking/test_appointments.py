"""Single appointments over HTTP."""

from datetime import timedelta

import pytest

from appoint.kit import ids
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.appointments import appointment_body, begin_now, create_world


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await create_world(db, cache)


async def test_a_booked_appointment_can_be_read_with_all_its_members(client, world):
    response = await client.post("/api/appointments", json=appointment_body(world, notes="first visit 👋"))
    assert (response.status_code, response.headers["Location"], response.headers["ETag"]) == (
        201,
        f"/api/appointments/{response.json()['id']}",
        '"v1"',
    )
    appointment = (await client.get(response.headers["Location"], headers=ADMIN)).json()
    assert response.json() == appointment | {"manageToken": response.json()["manageToken"]}
    assert {name: appointment[name] for name in ("status", "notes", "timeZone", "needsRebooking", "price")} == {
        "status": "booked",
        "notes": "first visit 👋",
        "timeZone": "Europe/Berlin",
        "needsRebooking": False,
        "price": None,
    }


async def test_an_appointment_keeps_the_price_from_the_time_of_booking(client, world):
    check_up = await world.add_type(30)
    await world.db.execute("update appointment_type set price_amount = 4500, price_currency = 'EUR'")
    start = {"startTime": world.nine.isoformat(), "appointmentTypeId": str(check_up)}
    response = await client.post(
        "/api/appointments", json={"customerId": str(world.ana), "doctorId": str(world.dr_shah), **start}
    )
    await world.db.execute("update appointment_type set price_amount = 9900, version = version + 1")
    assert (await client.get(response.headers["Location"], headers=ADMIN)).json()["price"] == {
        "amount": 4500,
        "currency": "EUR",
    }


async def test_a_refusal_is_a_problem_document_with_a_reason_and_alternatives(client, world):
    await client.post("/api/appointments", json=appointment_body(world))
    refusal = await client.post(
        "/api/appointments", json=appointment_body(world, customer=world.ben), headers={"Accept-Language": "de"}
    )
    problem = refusal.json()
    assert (refusal.status_code, refusal.headers["Content-Type"], problem["type"], problem["reason"]) == (
        409,
        "application/problem+json",
        "/problems/taken",
        "taken",
    )
    assert len(problem["alternatives"]) == 5
    assert set(problem["alternatives"][0]) == {"startTime", "endTime", "doctorId"}
    assert refusal.headers["Content-Language"] == "de"


async def test_every_alternative_can_be_booked(client, world):
    await client.post("/api/appointments", json=appointment_body(world))
    problem = (await client.post("/api/appointments", json=appointment_body(world, customer=world.ben))).json()
    for offer in problem["alternatives"]:
        response = await client.post("/api/appointments", json={"customerId": str(world.ben), **offer})
        assert response.status_code == 201
        await client.delete(response.headers["Location"], headers=ADMIN)


async def test_the_error_for_an_invalid_request_points_to_the_invalid_member(client, world):
    for members, pointer in [
        ({"endTime": None}, "#/endTime"),
        ({"startTime": None}, "#/startTime"),
        ({"startTime": "2027-03-01T08:30:00"}, "#/startTime"),
        ({"endTime": "2020-01-01T00:00:00Z"}, "#/endTime"),
        ({"doctorId": None}, "#/doctorId"),
        ({"doctorId": "unknown"}, "#/doctorId"),
        ({"customerId": None}, "#/customerId"),
        ({"bookingSlotId": "00000001-01a1-8fce-8fe6-c7e3ae5251d7"}, "#/startTime"),
        ({"appointmentTypeId": "00000001-01a1-8fce-8fe6-c7e3ae5251d7"}, "#/endTime"),
        ({"startTime": "9999-12-31T00:00:00Z"}, "#/startTime"),
        ({"hold": "yes"}, "#/hold"),
        ({"surprise": 1}, "#/surprise"),
        ({"notes": "a\u0000b"}, "#/notes"),
    ]:
        refusal = await client.post("/api/appointments", json=appointment_body(world) | members)
        assert refusal.status_code == 400, members
        assert pointer in [fault["pointer"] for fault in refusal.json()["errors"]], members


async def test_unknown_doctors_customers_and_types_are_not_found(client, world):
    other = await world.add_clinic()
    unknown = {
        "doctorId": [
            str(ids.new_id(world.clinic)),
            str(ids.new_id(other)),
            str(ids.new_id(99)),
            "ffffffff-0000-8000-8000-000000000000",
        ],
        "customerId": ["01a1fce3-9e11-7137-9834-1e4538d22feb"],
    }
    for member, values in unknown.items():
        for value in values:
            assert (
                await client.post("/api/appointments", json=appointment_body(world) | {member: value})
            ).status_code == 404
    start = {"startTime": world.nine.isoformat(), "endTime": None, "appointmentTypeId": str(ids.new_id(world.clinic))}
    assert (await client.post("/api/appointments", json=appointment_body(world) | start)).status_code == 404


async def test_another_clinics_doctor_is_not_found(client, world):
    other = await world.add_clinic()
    assert (await client.post("/api/appointments", json=appointment_body(world, clinicId=other))).status_code == 404


async def test_a_repeated_request_returns_the_current_appointment_without_its_notes(client, world):
    key = {"Idempotency-Key": "key-1"}
    first = await client.post("/api/appointments", json=appointment_body(world), headers=key)
    await client.patch(first.headers["Location"], json={"notes": "later"}, headers=ADMIN)
    replay = await client.post("/api/appointments", json=appointment_body(world), headers=key)
    assert (replay.status_code, replay.headers["Idempotent-Replayed"], replay.json()["version"]) == (201, "true", 2)
    assert replay.json()["notes"] is None  # hidden, because the clinic wrote them
    assert "Idempotent-Replayed" not in first.headers


async def test_reused_and_malformed_idempotency_keys_are_refused(client, world):
    await client.post("/api/appointments", json=appointment_body(world), headers={"Idempotency-Key": "key-1"})
    assert (
        await client.post(
            "/api/appointments", json=appointment_body(world, hours=1), headers={"Idempotency-Key": "key-1"}
        )
    ).status_code == 422
    for key in ("x" * 256, "two words", ""):
        assert (
            await client.post(
                "/api/appointments", json=appointment_body(world, hours=2), headers={"Idempotency-Key": key}
            )
        ).status_code == 400


async def test_callers_do_not_share_idempotency_keys(client, world):
    await client.post("/api/appointments", json=appointment_body(world), headers={"Idempotency-Key": "key-1"})
    other = await client.post(
        "/api/appointments",
        json=appointment_body(world, hours=1),
        headers={"Idempotency-Key": "key-1", "User-Agent": "another"},
    )
    assert other.status_code == 201


async def test_an_appointment_goes_through_its_statuses_on_the_day(client, world):
    response = await client.post("/api/appointments", json=appointment_body(world))
    path = response.headers["Location"]
    await begin_now(world.db, response.json()["id"])
    statuses = [
        (await client.post(f"{path}/{step}", headers=ADMIN)).json()["status"]
        for step in ("arrive", "unarrive", "arrive", "checkIn", "fulfil")
    ]
    assert statuses == ["arrived", "booked", "arrived", "checked-in", "fulfilled"]
    assert (await client.post(f"{path}/arrive", headers=ADMIN)).json()["reason"] == "wrong-status"


async def test_a_hold_can_be_confirmed(client, world):
    hold = await client.post("/api/appointments", json=appointment_body(world, hold=True))
    assert hold.json()["status"] == "pending"
    response = await client.post(f"{hold.headers['Location']}/confirm", headers=ADMIN)
    assert (response.status_code, response.json()["status"], response.json()["holdExpiresAt"]) == (
        200,
        "booked",
        None,
    )


async def test_put_moves_patch_adds_notes_and_delete_cancels(client, world):
    path = (await client.post("/api/appointments", json=appointment_body(world))).headers["Location"]
    response = await client.put(
        path, json={"startTime": (world.nine + timedelta(hours=2)).isoformat()}, headers=ADMIN | {"If-Match": '"v1"'}
    )
    assert response.json()["startTime"] == (world.nine + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (await client.patch(path, json={"notes": "x"}, headers=ADMIN | {"If-Match": '"v1"'})).status_code == 412
    assert (await client.delete(f"{path}?reason=ill", headers=ADMIN)).status_code == 204
    assert (await client.delete(path, headers=ADMIN)).status_code == 204
    appointment = (await client.get(path, headers=ADMIN)).json()
    assert (appointment["status"], appointment["cancelReason"]) == ("cancelled", "ill")


async def test_a_clinic_can_require_versions(client, world):
    path = (await client.post("/api/appointments", json=appointment_body(world))).headers["Location"]
    await world.set_clinic(world.clinic, require_version=True)
    assert (await client.delete(path, headers=ADMIN)).status_code == 428
    assert (await client.delete(path, headers=ADMIN | {"If-Match": '"v1"'})).status_code == 204


async def test_anonymous_callers_cannot_read_appointments(client, world):
    response = await client.post("/api/appointments", json=appointment_body(world))
    for path in (
        response.headers["Location"],
        f"/api/clinics/{world.clinic}/appointments",
        f"/api/clinics/{world.clinic}/bookings",
        f"/api/customers/{world.ana}/appointments",
    ):
        assert (await client.get(path)).status_code == 401
