import asyncio

import pytest

from support.app import ADMIN
from support.rows import appointment_type, clinic

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
    """A clinic, and the address of its appointment types."""
    return f"/api/clinics/{await clinic(client)}/appointmentTypes"


async def test_a_type_is_added_and_found_again(client, lakeside):
    made = await client.post(lakeside, json=FULL, headers=ADMIN)
    assert made.status_code == 201
    assert (await client.get(made.headers["Location"])).json() == made.json()


async def test_a_type_shows_what_was_said_of_it(client, lakeside):
    made = (await client.post(lakeside, json=FULL, headers=ADMIN)).json()
    assert FULL.items() <= made.items()
    assert (made["clinicId"], made["version"], made["active"], made["removedAt"]) == (1, 1, True, None)


async def test_what_is_left_out_takes_its_default(client, lakeside):
    made = (await client.post(lakeside, json=CHECK_UP, headers=ADMIN)).json()
    assert [made[name] for name in ("description", "bufferBeforeMinutes", "bufferAfterMinutes", "price", "mode")] == [
        None,
        0,
        0,
        None,
        "inPerson",
    ]


async def test_what_is_wrong_is_named(client, lakeside):
    for wrong, pointer in [
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
        refused = await client.post(lakeside, json=CHECK_UP | wrong, headers=ADMIN)
        assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (400, [pointer]), (
            wrong
        )


async def test_everything_wrong_is_named_at_once(client, lakeside):
    refused = await client.post(lakeside, json={"minutes": 0, "price": {"currency": "XQQ"}}, headers=ADMIN)
    assert {error["pointer"] for error in refused.json()["errors"]} == {
        "#/name",
        "#/minutes",
        "#/price/amount",
        "#/price/currency",
    }


async def test_only_the_administrator_changes_types(client, lakeside):
    id = await appointment_type(client)
    assert (await client.post(lakeside, json=CHECK_UP)).status_code == 401
    assert (await client.put(f"/api/appointmentTypes/{id}", json=CHECK_UP)).status_code == 401
    assert (await client.patch(f"/api/appointmentTypes/{id}", json={})).status_code == 401
    assert (await client.delete(f"/api/appointmentTypes/{id}")).status_code == 401


async def test_an_unknown_clinic_has_no_types(client):
    assert (await client.get("/api/clinics/7/appointmentTypes")).status_code == 404
    assert (await client.post("/api/clinics/7/appointmentTypes", json=CHECK_UP, headers=ADMIN)).status_code == 404


async def test_nothing_is_added_to_an_inactive_clinic(client, lakeside):
    await client.delete("/api/clinics/1", headers=ADMIN)
    refused = await client.post(lakeside, json=CHECK_UP, headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"]) == (409, "clinic-inactive")


async def test_a_removed_type_does_not_come_back_to_an_inactive_clinic(client, lakeside):
    id = await appointment_type(client)
    await client.delete(f"/api/appointmentTypes/{id}", headers=ADMIN)
    await client.delete("/api/clinics/1", headers=ADMIN)
    refused = await client.patch(f"/api/appointmentTypes/{id}", json={"active": True}, headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"]) == (409, "clinic-inactive")


async def test_a_replaced_type_forgets_what_is_left_out(client, lakeside):
    made = (await client.post(lakeside, json=FULL, headers=ADMIN)).json()
    put = (
        await client.put(f"/api/appointmentTypes/{made['id']}", json={"name": "X-ray", "minutes": 15}, headers=ADMIN)
    ).json()
    assert (put["name"], put["minutes"], put["price"], put["bufferAfterMinutes"], put["version"]) == (
        "X-ray",
        15,
        None,
        0,
        2,
    )


async def test_a_patch_leaves_the_rest_and_null_removes(client, lakeside):
    made = (await client.post(lakeside, json=FULL, headers=ADMIN)).json()
    patched = (
        await client.patch(
            f"/api/appointmentTypes/{made['id']}", json={"minutes": 45, "description": None}, headers=ADMIN
        )
    ).json()
    assert patched == made | {"minutes": 45, "description": None, "version": 2, "updatedAt": patched["updatedAt"]}


async def test_a_price_is_patched_as_a_whole(client, lakeside):
    made = (await client.post(lakeside, json=FULL, headers=ADMIN)).json()
    address = f"/api/appointmentTypes/{made['id']}"
    refused = await client.patch(address, json={"price": {"amount": 5000}}, headers=ADMIN)
    assert refused.json()["errors"][0]["pointer"] == "#/price/currency"
    patched = await client.patch(address, json={"price": {"amount": 5000, "currency": "USD"}}, headers=ADMIN)
    assert patched.json()["price"] == {"amount": 5000, "currency": "USD"}
    assert (await client.patch(address, json={"price": None}, headers=ADMIN)).json()["price"] is None


async def test_a_removed_type_leaves_the_list_stays_readable_and_comes_back(client, lakeside):
    id = await appointment_type(client)
    assert (await client.delete(f"/api/appointmentTypes/{id}", headers=ADMIN)).status_code == 204
    assert (await client.get(lakeside)).json()["items"] == []
    assert [item["id"] for item in (await client.get(lakeside, params={"active": "false"})).json()["items"]] == [id]
    assert (await client.get(f"/api/appointmentTypes/{id}")).json()["removedAt"] is not None
    back = (await client.patch(f"/api/appointmentTypes/{id}", json={"active": True}, headers=ADMIN)).json()
    assert (back["active"], back["removedAt"], back["version"]) == (True, None, 3)


async def test_to_remove_the_removed_changes_nothing(client, lakeside):
    id = await appointment_type(client)
    removals = await asyncio.gather(*(client.delete(f"/api/appointmentTypes/{id}", headers=ADMIN) for _ in range(3)))
    assert {removal.status_code for removal in removals} == {204}
    assert (await client.get(f"/api/appointmentTypes/{id}")).json()["version"] == 2


async def test_a_replaced_removed_type_stays_removed(client, lakeside):
    id = await appointment_type(client)
    await client.delete(f"/api/appointmentTypes/{id}", headers=ADMIN)
    assert (await client.put(f"/api/appointmentTypes/{id}", json=CHECK_UP, headers=ADMIN)).json()["active"] is False


async def test_an_id_of_no_clinic_is_not_found(client):
    for id in [
        "00000007-0000-8000-8000-000000000000",
        "ffffffff-0000-8000-8000-000000000000",
        "00000000-0000-0000-0000-000000000000",
    ]:
        assert (await client.get(f"/api/appointmentTypes/{id}")).status_code == 404
        assert (await client.patch(f"/api/appointmentTypes/{id}", json={}, headers=ADMIN)).status_code == 404
        assert (await client.delete(f"/api/appointmentTypes/{id}", headers=ADMIN)).status_code == 404


async def test_an_id_with_another_clinics_prefix_is_not_found(client, lakeside):
    await clinic(client)
    id = await appointment_type(client)
    assert (await client.get(f"/api/appointmentTypes/00000002{id[8:]}")).status_code == 404


async def test_a_change_of_an_older_version_is_refused(client, lakeside):
    address = f"/api/appointmentTypes/{await appointment_type(client)}"
    first = await client.get(address)
    assert (
        await client.patch(address, json={"minutes": 15}, headers=ADMIN | {"If-Match": first.headers["ETag"]})
    ).status_code == 200
    for refused in (
        await client.patch(address, json={"minutes": 20}, headers=ADMIN | {"If-Match": first.headers["ETag"]}),
        await client.put(address, json=CHECK_UP, headers=ADMIN | {"If-Match": first.headers["ETag"]}),
        await client.delete(address, headers=ADMIN | {"If-Match": first.headers["ETag"]}),
    ):
        assert refused.status_code == 412


async def test_a_clinic_can_insist_on_versions(client):
    await clinic(client, policy={"requireVersion": True})
    address = f"/api/appointmentTypes/{await appointment_type(client)}"
    assert (await client.patch(address, json={"minutes": 20}, headers=ADMIN)).status_code == 428
    assert (await client.delete(address, headers=ADMIN)).status_code == 428
    assert (await client.delete(address, headers=ADMIN | {"If-Match": '"v1"'})).status_code == 204


async def test_what_the_caller_has_already_is_not_sent_again(client, lakeside):
    address = f"/api/appointmentTypes/{await appointment_type(client)}"
    assert (await client.get(address, headers={"If-None-Match": '"v1"'})).status_code == 304


async def test_a_repeated_request_is_answered_with_what_the_first_made_as_it_stands_now(client, lakeside):
    key = ADMIN | {"Idempotency-Key": "once"}
    made = await client.post(lakeside, json=CHECK_UP, headers=key)
    await client.patch(made.headers["Location"], json={"minutes": 45}, headers=ADMIN)
    again = await client.post(lakeside, json=CHECK_UP, headers=key)
    assert (again.status_code, again.headers["Idempotent-Replayed"], again.headers["Location"]) == (
        201,
        "true",
        made.headers["Location"],
    )
    assert again.json()["minutes"] == 45


async def test_a_request_that_arrives_twice_at_once_adds_one_type(client, lakeside):
    key = ADMIN | {"Idempotency-Key": "once"}
    both = await asyncio.gather(*(client.post(lakeside, json=CHECK_UP, headers=key) for _ in range(2)))
    assert len({answer.json()["id"] for answer in both}) == 1
    assert sorted("Idempotent-Replayed" in answer.headers for answer in both) == [False, True]


async def test_a_key_with_another_body_is_refused(client, lakeside):
    key = ADMIN | {"Idempotency-Key": "once"}
    await client.post(lakeside, json=CHECK_UP, headers=key)
    assert (await client.post(lakeside, json=FULL, headers=key)).status_code == 422


async def test_the_list_continues_where_it_stopped_despite_additions(client, lakeside):
    first = [await appointment_type(client, name=f"Type {n}") for n in range(3)]
    page = (await client.get(lakeside, params={"limit": 2})).json()
    added = await appointment_type(client)
    rest = (await client.get(lakeside, params={"limit": 2, "cursor": page["next"]})).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == [*first, added]
    assert rest["next"] is None


async def test_a_cursor_of_another_list_is_refused(client, lakeside):
    await clinic(client)
    for _ in range(2):
        await appointment_type(client)
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
