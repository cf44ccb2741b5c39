"""Appointments and bookings as clients meet them."""

from datetime import timedelta

import pytest

from appoint.kit import clock, ids
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.world import World


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        world.nine = (clock.now() + timedelta(days=3)).replace(hour=8, minute=0, second=0, microsecond=0)
        await world.publish(world.dr_shah, world.nine - timedelta(hours=1), world.nine + timedelta(hours=7))
        yield world


def wish(world, *, hours=0, customer=None, **members):
    start = world.nine + timedelta(hours=hours)
    times = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=30)).isoformat()}
    return {"customerId": str(customer or world.ana), "doctorId": str(world.dr_shah), **times} | members


async def test_a_booked_appointment_shows_all_it_has(client, world):
    made = await client.post("/api/appointments", json=wish(world, notes="first visit 👋"))
    assert (made.status_code, made.headers["Location"], made.headers["ETag"]) == (
        201,
        f"/api/appointments/{made.json()['id']}",
        '"v1"',
    )
    shown = (await client.get(made.headers["Location"], headers=ADMIN)).json()
    assert made.json() == shown | {"manageToken": made.json()["manageToken"]}
    assert {name: shown[name] for name in ("status", "notes", "timeZone", "needsRebooking", "price")} == {
        "status": "booked",
        "notes": "first visit 👋",
        "timeZone": "Europe/Berlin",
        "needsRebooking": False,
        "price": None,
    }


async def test_the_price_is_that_of_the_type_when_it_was_booked(client, world):
    check_up = await world.add_type(30)
    await world.db.execute("update appointment_type set price_amount = 4500, price_currency = 'EUR'")
    start = {"startTime": world.nine.isoformat(), "appointmentTypeId": str(check_up)}
    made = await client.post(
        "/api/appointments", json={"customerId": str(world.ana), "doctorId": str(world.dr_shah), **start}
    )
    await world.db.execute("update appointment_type set price_amount = 9900, version = version + 1")
    assert (await client.get(made.headers["Location"], headers=ADMIN)).json()["price"] == {
        "amount": 4500,
        "currency": "EUR",
    }


async def test_a_refusal_is_a_problem_document_with_a_reason_and_alternatives(client, world):
    await client.post("/api/appointments", json=wish(world))
    refused = await client.post(
        "/api/appointments", json=wish(world, customer=world.ben), headers={"Accept-Language": "de"}
    )
    problem = refused.json()
    assert (refused.status_code, refused.headers["Content-Type"], problem["type"], problem["reason"]) == (
        409,
        "application/problem+json",
        "/problems/taken",
        "taken",
    )
    assert len(problem["alternatives"]) == 5
    assert set(problem["alternatives"][0]) == {"startTime", "endTime", "doctorId"}
    assert refused.headers["Content-Language"] == "de"


async def test_every_alternative_can_be_booked(client, world):
    await client.post("/api/appointments", json=wish(world))
    problem = (await client.post("/api/appointments", json=wish(world, customer=world.ben))).json()
    for offer in problem["alternatives"]:
        made = await client.post("/api/appointments", json={"customerId": str(world.ben), **offer})
        assert made.status_code == 201
        await client.delete(made.headers["Location"], headers=ADMIN)


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"endTime": None}, "#/endTime"),
        ({"startTime": None}, "#/startTime"),
        ({"startTime": "2027-03-01T08:30:00"}, "#/startTime"),
        ({"endTime": "2020-01-01T00:00:00Z"}, "#/endTime"),
        ({"doctorId": None}, "#/doctorId"),
        ({"doctorId": "nobody"}, "#/doctorId"),
        ({"customerId": None}, "#/customerId"),
        ({"bookingSlotId": "00000001-01a1-8fce-8fe6-c7e3ae5251d7"}, "#/startTime"),
        ({"appointmentTypeId": "00000001-01a1-8fce-8fe6-c7e3ae5251d7"}, "#/endTime"),
        ({"startTime": "9999-12-31T00:00:00Z"}, "#/startTime"),
        ({"hold": "yes"}, "#/hold"),
        ({"surprise": 1}, "#/surprise"),
        ({"notes": "a\u0000b"}, "#/notes"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_400_at_its_member(client, world, members, pointer):
    refused = await client.post("/api/appointments", json=wish(world) | members)
    assert refused.status_code == 400
    assert pointer in [fault["pointer"] for fault in refused.json()["errors"]]


async def test_what_is_not_there_is_404(client, world):
    other = await world.add_clinic()
    strangers = {
        "doctorId": [
            str(ids.new_id(world.clinic)),
            str(ids.new_id(other)),
            str(ids.new_id(99)),
            "ffffffff-0000-8000-8000-000000000000",
        ],
        "customerId": ["01a1fce3-9e11-7137-9834-1e4538d22feb"],
    }
    for member, values in strangers.items():
        for value in values:
            assert (await client.post("/api/appointments", json=wish(world) | {member: value})).status_code == 404
    start = {"startTime": world.nine.isoformat(), "endTime": None, "appointmentTypeId": str(ids.new_id(world.clinic))}
    assert (await client.post("/api/appointments", json=wish(world) | start)).status_code == 404


async def test_a_doctor_of_another_clinic_than_the_named_one_is_not_found(client, world):
    other = await world.add_clinic()
    assert (await client.post("/api/appointments", json=wish(world, clinicId=other))).status_code == 404


async def test_a_repeated_request_is_answered_as_things_stand_now(client, world):
    key = {"Idempotency-Key": "key-1"}
    first = await client.post("/api/appointments", json=wish(world), headers=key)
    await client.patch(first.headers["Location"], json={"notes": "later"}, headers=ADMIN)
    again = await client.post("/api/appointments", json=wish(world), headers=key)
    assert (again.status_code, again.headers["Idempotent-Replayed"], again.json()["version"]) == (201, "true", 2)
    assert again.json()["notes"] is None  # which the clinic wrote
    assert "Idempotent-Replayed" not in first.headers


async def test_a_key_with_another_body_is_422_and_a_bad_key_400(client, world):
    await client.post("/api/appointments", json=wish(world), headers={"Idempotency-Key": "key-1"})
    assert (
        await client.post("/api/appointments", json=wish(world, hours=1), headers={"Idempotency-Key": "key-1"})
    ).status_code == 422
    for key in ("x" * 256, "two words", ""):
        assert (
            await client.post("/api/appointments", json=wish(world, hours=2), headers={"Idempotency-Key": key})
        ).status_code == 400


async def test_callers_do_not_share_keys(client, world):
    await client.post("/api/appointments", json=wish(world), headers={"Idempotency-Key": "key-1"})
    other = await client.post(
        "/api/appointments", json=wish(world, hours=1), headers={"Idempotency-Key": "key-1", "User-Agent": "another"}
    )
    assert other.status_code == 201


async def test_the_day_of_an_appointment(client, world):
    at = (await client.post("/api/appointments", json=wish(world))).headers["Location"]
    statuses = [
        (await client.post(f"{at}/{step}", headers=ADMIN)).json()["status"]
        for step in ("arrive", "unarrive", "arrive", "checkIn", "fulfil")
    ]
    assert statuses == ["arrived", "booked", "arrived", "checked-in", "fulfilled"]
    assert (await client.post(f"{at}/arrive", headers=ADMIN)).json()["reason"] == "wrong-status"


async def test_a_hold_is_confirmed(client, world):
    held = await client.post("/api/appointments", json=wish(world, hold=True))
    assert held.json()["status"] == "pending"
    confirmed = await client.post(f"{held.headers['Location']}/confirm", headers=ADMIN)
    assert (confirmed.status_code, confirmed.json()["status"], confirmed.json()["holdExpiresAt"]) == (
        200,
        "booked",
        None,
    )


async def test_put_moves_patch_notes_delete_cancels(client, world):
    at = (await client.post("/api/appointments", json=wish(world))).headers["Location"]
    moved = await client.put(
        at, json={"startTime": (world.nine + timedelta(hours=2)).isoformat()}, headers=ADMIN | {"If-Match": '"v1"'}
    )
    assert moved.json()["startTime"] == (world.nine + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (await client.patch(at, json={"notes": "x"}, headers=ADMIN | {"If-Match": '"v1"'})).status_code == 412
    assert (await client.delete(f"{at}?reason=ill", headers=ADMIN)).status_code == 204
    assert (await client.delete(at, headers=ADMIN)).status_code == 204
    cancelled = (await client.get(at, headers=ADMIN)).json()
    assert (cancelled["status"], cancelled["cancelReason"]) == ("cancelled", "ill")


async def test_a_clinic_can_insist_on_versions(client, world):
    at = (await client.post("/api/appointments", json=wish(world))).headers["Location"]
    await world.set_clinic(world.clinic, require_version=True)
    assert (await client.delete(at, headers=ADMIN)).status_code == 428
    assert (await client.delete(at, headers=ADMIN | {"If-Match": '"v1"'})).status_code == 204


async def test_lists_are_filtered_paged_and_stable_under_inserts(client, world):
    for hours in (4, 1, 3, 2):
        await client.post("/api/appointments", json=wish(world, hours=hours))
    day = world.nine.date().isoformat()
    first = await client.get(f"/api/clinics/{world.clinic}/appointments?from={day}&to={day}&limit=2", headers=ADMIN)
    await client.post("/api/appointments", json=wish(world, hours=0))
    second = await client.get(first.links["next"]["url"], headers=ADMIN)
    hours = [appointment["startTime"] for answer in (first, second) for appointment in answer.json()["items"]]
    assert hours == [(world.nine + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ") for hour in (1, 2, 3, 4)]
    assert second.json()["next"] is None
    other = await client.get(f"/api/clinics/{world.clinic}/appointments?customerId={world.ben}", headers=ADMIN)
    assert other.json()["items"] == []


async def test_a_customer_s_appointments_at_all_clinics_come_in_one_list(client, world):
    await client.post("/api/appointments", json=wish(world))
    other = await world.add_clinic(time_zone="Asia/Kolkata")
    doctor = await world.add_doctor("Dr Rao", clinic=other)
    await world.publish(doctor, world.nine, world.nine + timedelta(hours=2))
    later = await client.post("/api/appointments", json=wish(world, hours=1, doctorId=str(doctor)))
    assert later.status_code == 201
    listed = await client.get(f"/api/customers/{world.ana}/appointments", headers=ADMIN)
    assert [appointment["clinicId"] for appointment in listed.json()["items"]] == [world.clinic, other]


async def test_a_family_is_booked_together(client, world):
    child = await world.add_customer("Chi")
    parts = [
        {**{k: v for k, v in wish(world, hours=hours).items() if k != "customerId"}, "customerId": str(who)}
        for hours, who in ((1, child), (0, world.ben))
    ]
    made = await client.post(
        "/api/bookings", json={"clinicId": world.clinic, "customerId": str(world.ana), "appointments": parts}
    )
    booking = made.json()
    assert made.status_code == 201
    assert booking["customerId"] == str(world.ana)
    assert [part["customerId"] for part in booking["appointments"]] == [str(child), str(world.ben)]
    for part in booking["appointments"]:
        del part["manageToken"]  # for who books, and nobody else
    assert (await client.get(made.headers["Location"], headers=ADMIN)).json() == booking
    listed = (await client.get(f"/api/clinics/{world.clinic}/bookings?customerId={world.ana}", headers=ADMIN)).json()
    assert listed["items"] == [booking]


async def test_a_single_appointment_s_members_may_stand_at_the_top_of_a_booking(client, world):
    made = await client.post("/api/bookings", json=wish(world, clinicId=world.clinic))
    assert len(made.json()["appointments"]) == 1


async def test_a_booking_that_cannot_be_made_whole_is_not_made(client, world):
    await client.post("/api/appointments", json=wish(world, hours=1, customer=world.ben))
    parts = [{k: v for k, v in wish(world, hours=hours).items() if k != "customerId"} for hours in (0, 1, 2)]
    refused = await client.post(
        "/api/bookings", json={"clinicId": world.clinic, "customerId": str(world.ana), "appointments": parts}
    )
    assert (refused.status_code, refused.json()["reason"], refused.json()["index"]) == (409, "taken", 1)
    assert await world.count("appointment") == 1


async def test_a_booking_replays_whole(client, world):
    parts = [{k: v for k, v in wish(world, hours=hours).items() if k != "customerId"} for hours in (2, 0)]
    body = {"clinicId": world.clinic, "customerId": str(world.ana), "appointments": parts}
    answers = [await client.post("/api/bookings", json=body, headers={"Idempotency-Key": "family"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"


async def test_bookings_for_somebody_who_is_not_there_are_404(client, world):
    nobody = "01a1fce3-9e11-7137-9834-1e4538d22feb"
    part = {k: v for k, v in wish(world).items() if k != "customerId"} | {"customerId": str(world.ana)}
    refused = await client.post(
        "/api/bookings", json={"clinicId": world.clinic, "customerId": nobody, "appointments": [part]}
    )
    assert refused.status_code == 404


@pytest.mark.parametrize("parts", [[], [{}] * 21])
async def test_a_booking_has_1_to_20_appointments(client, world, parts):
    refused = await client.post(
        "/api/bookings", json={"clinicId": world.clinic, "customerId": str(world.ana), "appointments": parts}
    )
    assert refused.status_code == 400


async def test_people_are_shown_to_the_administrator_only(client, world):
    at = (await client.post("/api/appointments", json=wish(world))).headers["Location"]
    for path in (
        at,
        f"/api/clinics/{world.clinic}/appointments",
        f"/api/clinics/{world.clinic}/bookings",
        f"/api/customers/{world.ana}/appointments",
    ):
        assert (await client.get(path)).status_code == 401


async def test_lists_of_what_is_not_there_are_404_and_empty_ones_are_empty(client, world):
    for path in (
        "/api/clinics/99/appointments",
        "/api/clinics/99/bookings",
        "/api/customers/01a1fce3-9e11-7137-9834-1e4538d22feb/appointments",
    ):
        assert (await client.get(path, headers=ADMIN)).status_code == 404
    for path in (
        f"/api/clinics/{world.clinic}/appointments",
        f"/api/clinics/{world.clinic}/bookings",
        f"/api/customers/{world.ana}/appointments",
    ):
        assert (await client.get(path, headers=ADMIN)).json() == {"items": [], "next": None}
