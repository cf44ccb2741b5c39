"""Appointment types over HTTP."""

import asyncio

import pytest

from support.app import ADMIN
from support.world import create_appointment_type, create_clinic

CHECK_UP = {"name": "Check-up", "minutes": 30}
FULL = CHECK_UP | {
    "description": "Once a year",
    "bufferBeforeMinutes": 5,
    "bufferAfterMinutes": 10,
    "price": {"amount": 4500, "currency": "EUR"},
    "mode": "online",
}


@pytest.fixture
async def lakeside(client):
    """Create a clinic and return the path of its appointment types."""
    return f"/api/clinics/{await create_clinic(client)}/appointmentTypes"


async def test_a_created_type_can_be_read_back(client, lakeside):
    response = await client.post(lakeside, json=FULL, headers=ADMIN)
    assert response.status_code == 201
    assert (await client.get(response.headers["Location"])).json() == response.json()


async def test_a_created_type_has_the_members_from_the_request(client, lakeside):
    created = (await client.post(lakeside, json=FULL, headers=ADMIN)).json()
    assert FULL.items() <= created.items()
    assert (created["clinicId"], created["version"], created["active"], created["removedAt"]) == (1, 1, True, None)


async def test_omitted_members_get_their_defaults(client, lakeside):
    created = (await client.post(lakeside, json=CHECK_UP, headers=ADMIN)).json()
    assert [
        created[name] for name in ("description", "bufferBeforeMinutes", "bufferAfterMinutes", "price", "mode")
    ] == [
        None,
        0,
        0,
        None,
        "inPerson",
    ]


async def test_an_invalid_member_is_reported(client, lakeside):
    for invalid, pointer in [
        ({"name": " "}, "#/name"),
        ({"minutes": 4}, "#/minutes"),
        ({"minutes": 721}, "#/minutes"),
        ({"minutes": "30"}, "#/minutes"),
        ({"minutes": None}, "#/minutes"),
        ({"bufferBeforeMinutes": -1}, "#/bufferBeforeMinutes"),
        ({"bufferAfterMinutes": 721}, "#/bufferAfterMinutes"),
        ({"price": {"amount": -1, "currency": "EUR"}}, "#/price/amount"),
        ({"price": {"amount": 2**31, "currency": "EUR"}}, "#/price/amount"),
        ({"price": {"amount": 45.5, "currency": "EUR"}}, "#/price/amount"),
        ({"price": {"amount": 1, "currency": "XQQ"}}, "#/price/currency"),
        ({"price": {"amount": 1, "currency": "eur"}}, "#/price/currency"),
        ({"price": {"amount": 1}}, "#/price/currency"),
        ({"price": {"amount": 1, "currency": "EUR", "tax": 2}}, "#/price/tax"),
        ({"mode": "byPost"}, "#/mode"),
        ({"colour": "red"}, "#/colour"),
        ({"active": True}, "#/active"),
        ({"description": "\u0000"}, "#/description"),
    ]:
        refusal = await client.post(lakeside, json=CHECK_UP | invalid, headers=ADMIN)
        assert (refusal.status_code, [error["pointer"] for error in refusal.json()["errors"]]) == (400, [pointer]), (
            invalid
        )


async def test_all_invalid_members_are_reported_at_once(client, lakeside):
    refusal = await client.post(lakeside, json={"minutes": 0, "price": {"currency": "XQQ"}}, headers=ADMIN)
    assert {error["pointer"] for error in refusal.json()["errors"]} == {
        "#/name",
        "#/minutes",
        "#/price/amount",
        "#/price/currency",
    }


async def test_anonymous_callers_cannot_change_types(client, lakeside):
    id = await create_appointment_type(client)
    assert (await client.post(lakeside, json=CHECK_UP)).status_code == 401
    assert (await client.put(f"/api/appointmentTypes/{id}", json=CHECK_UP)).status_code == 401
    assert (await client.patch(f"/api/appointmentTypes/{id}", json={})).status_code == 401
    assert (await client.delete(f"/api/appointmentTypes/{id}")).status_code == 401


async def test_an_unknown_clinics_types_are_not_found(client):
    assert (await client.get("/api/clinics/7/appointmentTypes")).status_code == 404
    assert (await client.post("/api/clinics/7/appointmentTypes", json=CHECK_UP, headers=ADMIN)).status_code == 404


async def test_an_inactive_clinic_does_not_accept_new_types(client, lakeside):
    await client.delete("/api/clinics/1", headers=ADMIN)
    refusal = await client.post(lakeside, json=CHECK_UP, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "clinic-inactive")


async def test_a_removed_type_cannot_be_restored_at_an_inactive_clinic(client, lakeside):
    id = await create_appointment_type(client)
    await client.delete(f"/api/appointmentTypes/{id}", headers=ADMIN)
    await client.delete("/api/clinics/1", headers=ADMIN)
    refusal = await client.patch(f"/api/appointmentTypes/{id}", json={"active": True}, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "clinic-inactive")


async def test_replacing_a_type_resets_omitted_members(client, lakeside):
    created = (await client.post(lakeside, json=FULL, headers=ADMIN)).json()
    replacement = (
        await client.put(f"/api/appointmentTypes/{created['id']}", json={"name": "X-ray", "minutes": 15}, headers=ADMIN)
    ).json()
    assert (
        replacement["name"],
        replacement["minutes"],
        replacement["price"],
        replacement["bufferAfterMinutes"],
        replacement["version"],
    ) == (
        "X-ray",
        15,
        None,
        0,
        2,
    )


async def test_a_patch_keeps_omitted_members_and_clears_null_ones(client, lakeside):
    before = (await client.post(lakeside, json=FULL, headers=ADMIN)).json()
    after = (
        await client.patch(
            f"/api/appointmentTypes/{before['id']}", json={"minutes": 45, "description": None}, headers=ADMIN
        )
    ).json()
    assert after == before | {"minutes": 45, "description": None, "version": 2, "updatedAt": after["updatedAt"]}


async def test_a_price_can_be_patched_in_part_or_as_a_whole(client, lakeside):
    created = (await client.post(lakeside, json=FULL, headers=ADMIN)).json()
    address = f"/api/appointmentTypes/{created['id']}"
    response = await client.patch(address, json={"price": {"amount": 5000}}, headers=ADMIN)
    assert response.json()["price"] == FULL["price"] | {"amount": 5000}
    response = await client.patch(address, json={"price": {"amount": 5000, "currency": "USD"}}, headers=ADMIN)
    assert response.json()["price"] == {"amount": 5000, "currency": "USD"}
    assert (await client.patch(address, json={"price": None}, headers=ADMIN)).json()["price"] is None


async def test_a_removed_type_is_unlisted_but_readable_and_can_be_restored(client, lakeside):
    id = await create_appointment_type(client)
    assert (await client.delete(f"/api/appointmentTypes/{id}", headers=ADMIN)).status_code == 204
    assert (await client.get(lakeside)).json()["items"] == []
    assert [item["id"] for item in (await client.get(lakeside, params={"active": "false"})).json()["items"]] == [id]
    assert (await client.get(f"/api/appointmentTypes/{id}")).json()["removedAt"] is not None
    restored = (await client.patch(f"/api/appointmentTypes/{id}", json={"active": True}, headers=ADMIN)).json()
    assert (restored["active"], restored["removedAt"], restored["version"]) == (True, None, 3)


async def test_concurrent_removals_remove_the_type_once(client, lakeside):
    id = await create_appointment_type(client)
    removals = await asyncio.gather(*(client.delete(f"/api/appointmentTypes/{id}", headers=ADMIN) for _ in range(3)))
    assert {removal.status_code for removal in removals} == {204}
    assert (await client.get(f"/api/appointmentTypes/{id}")).json()["version"] == 2


async def test_replacing_a_removed_type_does_not_restore_it(client, lakeside):
    id = await create_appointment_type(client)
    await client.delete(f"/api/appointmentTypes/{id}", headers=ADMIN)
    assert (await client.put(f"/api/appointmentTypes/{id}", json=CHECK_UP, headers=ADMIN)).json()["active"] is False


async def test_an_id_without_a_clinic_is_not_found(client):
    for id in [
        "00000007-0000-8000-8000-000000000000",
        "ffffffff-0000-8000-8000-000000000000",
        "00000000-0000-0000-0000-000000000000",
    ]:
        assert (await client.get(f"/api/appointmentTypes/{id}")).status_code == 404
        assert (await client.patch(f"/api/appointmentTypes/{id}", json={}, headers=ADMIN)).status_code == 404
        assert (await client.delete(f"/api/appointmentTypes/{id}", headers=ADMIN)).status_code == 404


async def test_an_id_with_another_clinics_prefix_is_not_found(client, lakeside):
    await create_clinic(client)
    id = await create_appointment_type(client)
    assert (await client.get(f"/api/appointmentTypes/00000002{id[8:]}")).status_code == 404


async def test_a_change_to_an_outdated_version_is_refused(client, lakeside):
    address = f"/api/appointmentTypes/{await create_appointment_type(client)}"
    first = await client.get(address)
    assert (
        await client.patch(address, json={"minutes": 15}, headers=ADMIN | {"If-Match": first.headers["ETag"]})
    ).status_code == 200
    for refusal in (
        await client.patch(address, json={"minutes": 20}, headers=ADMIN | {"If-Match": first.headers["ETag"]}),
        await client.put(address, json=CHECK_UP, headers=ADMIN | {"If-Match": first.headers["ETag"]}),
        await client.delete(address, headers=ADMIN | {"If-Match": first.headers["ETag"]}),
    ):
        assert refusal.status_code == 412


async def test_a_clinic_can_require_versions(client):
    await create_clinic(client, policy={"requireVersion": True})
    address = f"/api/appointmentTypes/{await create_appointment_type(client)}"
    assert (await client.patch(address, json={"minutes": 20}, headers=ADMIN)).status_code == 428
    assert (await client.delete(address, headers=ADMIN)).status_code == 428
    assert (await client.delete(address, headers=ADMIN | {"If-Match": '"v1"'})).status_code == 204


async def test_an_unchanged_type_is_not_sent_again(client, lakeside):
    address = f"/api/appointmentTypes/{await create_appointment_type(client)}"
    assert (await client.get(address, headers={"If-None-Match": '"v1"'})).status_code == 304


async def test_a_repeated_request_returns_the_current_type(client, lakeside):
    key = ADMIN | {"Idempotency-Key": "once"}
    response = await client.post(lakeside, json=CHECK_UP, headers=key)
    await client.patch(response.headers["Location"], json={"minutes": 45}, headers=ADMIN)
    replay = await client.post(lakeside, json=CHECK_UP, headers=key)
    assert (replay.status_code, replay.headers["Idempotent-Replayed"], replay.headers["Location"]) == (
        201,
        "true",
        response.headers["Location"],
    )
    assert replay.json()["minutes"] == 45


async def test_identical_concurrent_requests_create_one_type(client, lakeside):
    key = ADMIN | {"Idempotency-Key": "once"}
    responses = await asyncio.gather(*(client.post(lakeside, json=CHECK_UP, headers=key) for _ in range(2)))
    assert len({response.json()["id"] for response in responses}) == 1
    assert sorted("Idempotent-Replayed" in response.headers for response in responses) == [False, True]


async def test_an_idempotency_key_cannot_be_reused_for_another_body(client, lakeside):
    key = ADMIN | {"Idempotency-Key": "once"}
    await client.post(lakeside, json=CHECK_UP, headers=key)
    assert (await client.post(lakeside, json=FULL, headers=key)).status_code == 422


async def test_list_pages_stay_stable_under_inserts(client, lakeside):
    first = [await create_appointment_type(client, name=f"Type {n}") for n in range(3)]
    page = (await client.get(lakeside, params={"limit": 2})).json()
    added = await create_appointment_type(client)
    rest = (await client.get(lakeside, params={"limit": 2, "cursor": page["next"]})).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == [*first, added]
    assert rest["next"] is None


async def test_a_cursor_from_another_list_is_refused(client, lakeside):
    await create_clinic(client)
    for _ in range(2):
        await create_appointment_type(client)
    cursor = (await client.get(lakeside, params={"limit": 1})).json()["next"]
    assert (
        await client.get("/api/clinics/2/appointmentTypes", params={"limit": 1, "cursor": cursor})
    ).status_code == 400
    assert (await client.get(lakeside, params={"limit": 1, "active": "false", "cursor": cursor})).status_code == 400


async def test_an_invalid_query_is_refused(client, lakeside):
    for query in [
        "limit=0",
        "limit=201",
        "limit=1000000000",
        "limit=x",
        "cursor=forged",
        "active=maybe",
        "colour=red",
        "limit=1&limit=2",
    ]:
        assert (await client.get(f"{lakeside}?{query}")).status_code == 400, query
