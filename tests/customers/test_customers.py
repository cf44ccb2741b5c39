"""Customers over HTTP."""

import asyncio
import json
from uuid import UUID

import pytest

from appoint.customers import addresses
from support.app import ADMIN
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, insert_appointment, publish_slot

NOW = hours_ahead(0)
ANA = {"name": "Ana Lima"}
FULL = ANA | {
    "email": "ana@example.org",
    "phone": "+493012345678",
    "locale": "de",
    "timeZone": "Europe/Berlin",
    "birthDate": "1984-02-29",
}


async def get_customer(client, id):
    return (await client.get(f"/api/customers/{id}", headers=ADMIN)).json()


async def list_events(db):
    return await db.fetch(
        "select clinic_id, type, subject_id, subject_version, data::text from event order by subject_version"
    )


async def test_registration_is_public_and_returns_the_customer(client):
    response = await client.post("/api/customers", json=FULL)
    assert response.status_code == 201
    assert (FULL | {"version": 1, "active": True, "removedAt": None}).items() <= response.json().items()


async def test_the_location_header_points_to_the_customer(client):
    response = await client.post("/api/customers", json=FULL)
    customer = (await client.get(response.headers["Location"], headers=ADMIN)).json()
    assert response.json() == customer | {"customerToken": response.json()["customerToken"]}


async def test_anonymous_callers_cannot_read_or_change_customers(client):
    address = f"/api/customers/{await create_customer(client)}"
    assert (await client.get("/api/customers")).status_code == 401
    assert (await client.get(address)).status_code == 401
    assert (await client.put(address, json=ANA)).status_code == 401
    assert (await client.patch(address, json={})).status_code == 401
    assert (await client.delete(address)).status_code == 401


async def test_names_are_stored_unchanged(client):
    for name in ["ليلى حداد", "Ana 🦷👩‍👩‍👧", "王伟", "Zoë / Zoe\u0308"]:
        assert (await get_customer(client, await create_customer(client, name=name)))["name"] == name


async def test_an_invalid_member_is_reported(client):
    for invalid, pointer in [
        ({"name": ""}, "#/name"),
        ({"name": "\t"}, "#/name"),
        ({"name": None}, "#/name"),
        ({"name": "x" * 201}, "#/name"),
        ({"name": "a\u0000"}, "#/name"),
        ({"name": "\ud83e"}, "#/name"),
        ({"email": "ana@"}, "#/email"),
        ({"email": "ana example.org"}, "#/email"),
        ({"phone": "call me"}, "#/phone"),
        ({"phone": "12"}, "#/phone"),
        ({"phone": "030 12345678"}, "#/phone"),
        ({"phone": "+49 1"}, "#/phone"),
        ({"phone": "+999 30 12345678"}, "#/phone"),
        ({"phone": "+49 30 12345678 9012345678"}, "#/phone"),
        ({"phone": "+49 30 1234567 ext. 8"}, "#/phone"),
        ({"phone": "030 1", "timeZone": "Europe/Berlin"}, "#/phone"),
        ({"phone": "555-0123", "timeZone": "America/New_York"}, "#/phone"),
        ({"locale": "tlh"}, "#/locale"),
        ({"timeZone": "Europe/Atlantis"}, "#/timeZone"),
        ({"timeZone": "CET"}, "#/timeZone"),
        ({"birthDate": "1985-02-29"}, "#/birthDate"),
        ({"birthDate": "1700-01-01"}, "#/birthDate"),
        ({"birthDate": "9999-12-31"}, "#/birthDate"),
        ({"birthDate": "1984-02-29T00:00:00Z"}, "#/birthDate"),
        ({"birthDate": f"{NOW.year + 1}-01-02"}, "#/birthDate"),
        ({"nickname": "A"}, "#/nickname"),
        ({"id": "00000001-0000-8000-8000-000000000000"}, "#/id"),
    ]:
        refusal = await client.post(
            "/api/customers", content=json.dumps(ANA | invalid), headers={"Content-Type": "application/json"}
        )
        assert (refusal.status_code, [error["pointer"] for error in refusal.json()["errors"]]) == (400, [pointer]), (
            invalid
        )


async def test_all_invalid_members_are_reported_at_once(client):
    refusal = await client.post("/api/customers", json={"email": "x", "phone": "call me", "timeZone": "x"})
    assert {error["pointer"] for error in refusal.json()["errors"]} == {"#/name", "#/email", "#/phone", "#/timeZone"}
    refusal = await client.post(
        "/api/customers", json=ANA | {"phone": "030 12345678", "birthDate": f"{NOW.year + 1}-01-02"}
    )
    assert {error["pointer"] for error in refusal.json()["errors"]} == {"#/phone", "#/birthDate"}


async def test_phone_numbers_are_parsed_in_the_customers_country(client):
    for phone, members, expected in [
        ("+49 (0)30 123-456.78", {}, "+493012345678"),
        ("030/12345678", {"timeZone": "Europe/Berlin"}, "+493012345678"),
        ("0049 30 12345678", {"timeZone": "Europe/Berlin"}, "+493012345678"),
        ("(212) 555-0123", {"timeZone": "America/New_York"}, "+12125550123"),
        ("(212) 555-0123", {"timeZone": "US/Eastern"}, "+12125550123"),
        ("०९८७६५४३२१०", {"timeZone": "Asia/Kolkata"}, "+919876543210"),
        ("06 1234 5678", {"timeZone": "Europe/Rome"}, "+390612345678"),
        ("01 70 18 99 00", {"locale": "fr"}, "+33170189900"),
        ("020 7946 0958", {"timeZone": "Europe/London", "locale": "de"}, "+442079460958"),
        ("+44 20 7946 0958", {"timeZone": "UTC"}, "+442079460958"),
    ]:
        assert (await get_customer(client, await create_customer(client, phone=phone, **members)))[
            "phone"
        ] == expected, phone


async def test_a_national_number_that_is_invalid_in_the_customers_country_is_refused(client):
    assert (
        await client.post("/api/customers", json=ANA | {"phone": "98765 43210", "timeZone": "America/New_York"})
    ).status_code == 400


async def test_a_patched_phone_number_is_parsed_in_the_stored_time_zone(client):
    id = await create_customer(client, timeZone="Europe/Berlin")
    response = await client.patch(f"/api/customers/{id}", json={"phone": "030 12345678"}, headers=ADMIN)
    assert response.json()["phone"] == "+493012345678"


async def test_a_clinics_phone_number_is_parsed_in_its_country(client):
    id = await create_clinic(client, phone="030 12345678")
    assert (await client.get(f"/api/clinics/{id}")).json()["phone"] == "+493012345678"
    refusal = await client.patch(f"/api/clinics/{id}", json={"phone": "030 1"}, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["errors"][0]["pointer"]) == (400, "#/phone")


async def test_customers_can_share_a_phone_number_and_email_address(client):
    first, second = [await client.post("/api/customers", json=FULL | {"name": name}) for name in ("Ana", "Ben")]
    assert (first.status_code, second.status_code) == (201, 201)


async def test_replacing_a_customer_resets_omitted_members(client):
    id = (await client.post("/api/customers", json=FULL)).json()["id"]
    replacement = (await client.put(f"/api/customers/{id}", json={"name": "Ana Souza"}, headers=ADMIN)).json()
    assert [replacement[name] for name in ("name", "email", "phone", "locale", "timeZone", "birthDate", "version")] == [
        "Ana Souza",
        *[None] * 5,
        2,
    ]


async def test_a_patch_keeps_omitted_members_and_clears_null_ones(client):
    before = (await client.post("/api/customers", json=FULL)).json()
    del before["customerToken"]
    response = await client.patch(
        f"/api/customers/{before['id']}",
        content='{"email": null}',
        headers=ADMIN | {"Content-Type": "application/merge-patch+json"},
    )
    assert response.json() == before | {"email": None, "version": 2, "updatedAt": response.json()["updatedAt"]}


async def test_customer_events_belong_to_the_platform_and_have_no_personal_data(client, db):
    id = (await client.post("/api/customers", json=FULL)).json()["id"]
    await client.patch(f"/api/customers/{id}", json={"email": "ana.lima@example.org"}, headers=ADMIN)
    await client.delete(f"/api/customers/{id}", headers=ADMIN)
    recorded = await list_events(db)
    assert [(event.clinic_id, event.type, event.subject_id, event.subject_version) for event in recorded] == [
        (0, "customer.registered", id, 1),
        (0, "customer.changed", id, 2),
        (0, "customer.removed", id, 3),
    ]
    assert [json.loads(event.data) for event in recorded] == [
        {"customerId": id},
        {"customerId": id, "active": True},
        {"customerId": id},
    ]


async def test_a_change_to_an_outdated_version_is_refused(client):
    address = f"/api/customers/{await create_customer(client)}"
    outdated = ADMIN | {"If-Match": (await client.get(address, headers=ADMIN)).headers["ETag"]}
    assert (await client.patch(address, json={"name": "Ana Lima"}, headers=outdated)).status_code == 200
    assert (await client.patch(address, json={"name": "Ana Souza"}, headers=outdated)).status_code == 412
    assert (await client.put(address, json=ANA, headers=outdated)).status_code == 412
    assert (await client.delete(address, headers=outdated)).status_code == 412


async def test_an_unknown_id_is_not_found(client):
    for id in ["00000001-0000-8000-8000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]:
        assert (await client.get(f"/api/customers/{id}", headers=ADMIN)).status_code == 404
        assert (await client.put(f"/api/customers/{id}", json=ANA, headers=ADMIN)).status_code == 404
        assert (await client.delete(f"/api/customers/{id}", headers=ADMIN)).status_code == 404


async def test_a_repeated_registration_returns_the_first_customer(client, db):
    first, replay = [
        await client.post("/api/customers", json=FULL, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert (replay.status_code, replay.headers["Idempotent-Replayed"], replay.json()) == (201, "true", first.json())
    assert len(await list_events(db)) == 1


async def test_identical_concurrent_registrations_create_one_customer(client, db):
    responses = await asyncio.gather(
        *(client.post("/api/customers", json=FULL, headers={"Idempotency-Key": "once"}) for _ in range(2))
    )
    assert len({response.json()["id"] for response in responses}) == 1
    assert sorted("Idempotent-Replayed" in response.headers for response in responses) == [False, True]
    assert await db.fetchval("select count(*) from customer") == 1


async def test_callers_do_not_share_idempotency_keys(client):
    one, other = [
        await client.post("/api/customers", json=ANA, headers={"Idempotency-Key": "once", "User-Agent": agent})
        for agent in ("one", "other")
    ]
    assert one.json()["id"] != other.json()["id"]


async def test_an_idempotency_key_cannot_be_reused_for_another_body(client):
    await client.post("/api/customers", json=ANA, headers={"Idempotency-Key": "once"})
    assert (await client.post("/api/customers", json=FULL, headers={"Idempotency-Key": "once"})).status_code == 422


async def test_a_repeated_registration_does_not_reveal_later_changes(client):
    key = {"Idempotency-Key": "1"}
    first = await client.post("/api/customers", json={"name": "Ana", "email": "ana@example.com"}, headers=key)
    await client.patch(
        first.headers["Location"], json={"phone": "+493012345678", "birthDate": "1980-02-02"}, headers=ADMIN
    )
    replay = await client.post("/api/customers", json={"name": "Ana", "email": "ana@example.com"}, headers=key)
    assert (replay.status_code, replay.json()["id"]) == (201, first.json()["id"])
    assert (replay.json()["phone"], replay.json()["birthDate"]) == (None, None)


@pytest.mark.parametrize("email", ["ana@ma\u0130l.example", "\u0130da@mail.example", "\u212aim@mail.example"])
async def test_an_email_address_that_becomes_a_different_one_in_lower_case_is_refused(client, email):
    refusal = await client.post("/api/customers", json={"name": "Ana", "email": email})
    assert (refusal.status_code, refusal.json()["errors"][0]["pointer"]) == (400, "#/email")


async def test_people_with_appointments_and_then_the_oldest_are_listed_at_an_address(db, client):
    await create_clinic(client)
    doctor_id = await create_doctor(client)
    oldest = await create_customer(client, email="ana@example.com")
    for _ in range(3):
        await create_customer(client, email="ana@example.com")
    ana = await create_customer(client, email="Ana@example.com")
    await publish_slot(db, doctor_id, hours_ahead(240), hours_ahead(241))
    await insert_appointment(db, doctor_id, ana, hours_ahead(240), hours_ahead(241))
    assert await addresses.list_ids_at_address(db, email="ana@example.com", phone=None, limit=2) == [
        UUID(oldest),
        UUID(ana),
    ]
