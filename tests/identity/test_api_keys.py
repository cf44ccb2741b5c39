"""API keys for partner systems: how they are created, changed, rotated and revoked, and what they permit."""

from datetime import timedelta
from uuid import UUID

import pytest

from appoint.identity.api_keys import model, service
from appoint.kit import errors
from appoint.kit.actors import SYSTEM
from support.api_keys import NOW, add_key, create_key, key_header
from support.app import ADMIN
from support.matrix import for_each
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, publish_slot


async def test_a_new_key_works_and_is_shown_once(client, lakeside):
    response = await create_key(client)
    assert response.status_code == 201
    key = response.json()
    assert (response.headers["Location"], response.headers["Cache-Control"]) == (
        f"/api/apiKeys/{key['id']}",
        "no-store",
    )
    assert key["key"].startswith(f"apt_{UUID(key['id']).hex}_")
    shown_later = await client.get(f"/api/apiKeys/{key['id']}", headers=ADMIN)
    assert shown_later.json() == {name: value for name, value in key.items() if name != "key"}
    assert (await client.get("/api/clinics/1/appointments", headers=key_header(key["key"]))).status_code == 200


async def test_the_database_does_not_contain_the_secret(client, db, lakeside):
    key = (await create_key(client, headers=ADMIN | {"Idempotency-Key": "once"})).json()["key"]
    secret = key.split("_", 2)[2]
    new_key = (
        await client.post(
            f"/api/apiKeys/{UUID(key.split('_')[1])}/rotate", headers=ADMIN | {"Idempotency-Key": "twice"}
        )
    ).json()["key"]
    tables = await db.fetch("select tablename from pg_tables where schemaname = 'public'")
    content = "".join(
        [str(await db.fetchval(f"select string_agg(t::text, '') from \"{table.tablename}\" t")) for table in tables]
    )
    assert [part for part in (key, secret, new_key, new_key.split("_", 2)[2]) if part in content] == []


async def test_a_repeated_request_creates_one_key_and_does_not_show_it_again(client, db, lakeside):
    first, second = [await create_key(client, headers=ADMIN | {"Idempotency-Key": "once"}) for _ in range(2)]
    assert (second.status_code, second.headers["Idempotent-Replayed"]) == (201, "true")
    assert second.json() == first.json() | {"key": None}
    assert await db.fetchval("select count(*) from api_key") == 1


async def test_a_repeated_rotation_runs_once_and_does_not_show_the_key_again(client, lakeside):
    key = (await create_key(client)).json()
    first, second = [
        await client.post(f"/api/apiKeys/{key['id']}/rotate", json={}, headers=ADMIN | {"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json() == first.json() | {"key": None}
    assert (await client.get("/api/clinics/1/appointments", headers=key_header(first.json()["key"]))).status_code == 200


async def test_all_errors_in_a_new_key_are_reported_together(client, lakeside):
    response = await create_key(
        client,
        name=" ",
        scopes=["see-appointments", "manage-access", "fly"],
        expiresAt="yesterday",
        requestsPerMinute=0,
    )
    assert response.status_code == 400
    assert sorted(fault["pointer"] for fault in response.json()["errors"]) == [
        "#/expiresAt",
        "#/name",
        "#/requestsPerMinute",
        "#/scopes/1",
        "#/scopes/2",
    ]


@for_each("scopes", [[], ["public"], ["sign-in"], ["manage"], ["administer"], ["account"], [None], "see-appointments"])
async def test_a_key_can_only_have_partner_scopes(client, lakeside, scopes):
    assert (await create_key(client, scopes=scopes)).status_code == 400


async def test_a_new_key_must_expire_in_the_future(client, lakeside):
    response = await create_key(client, expiresAt="2020-01-01T00:00:00Z")
    assert [(fault["pointer"], fault["detail"]) for fault in response.json()["errors"]] == [
        ("#/expiresAt", "must be in the future")
    ]


async def test_keys_cannot_be_created_for_an_unknown_or_inactive_clinic(client, lakeside):
    assert (await create_key(client, 2)).status_code == 404
    assert (await client.delete("/api/clinics/1", headers=ADMIN)).status_code == 204
    assert (await create_key(client)).json()["reason"] == "clinic-inactive"


async def test_the_number_of_keys_per_clinic_is_limited(client, db, lakeside):
    await db.execute(
        """
        insert into api_key (clinic_id, id, name, scopes, secret_hash)
        select 1, mint_id(1), 'x', '{book}', sha256(n::text::bytea) from generate_series(1, $1) n
        """,
        model.MAX_KEYS,
    )
    response = await create_key(client)
    assert (response.status_code, response.json()["reason"], response.json()["most"]) == (
        409,
        "too-many-api-keys",
        model.MAX_KEYS,
    )


async def test_a_key_has_access_only_to_its_own_clinic(client, lakeside):
    await create_clinic(client, name="Hillside")
    key = (await create_key(client)).json()["key"]
    assert (await client.get("/api/clinics/2/appointments", headers=key_header(key))).status_code == 404
    assert (await client.get("/api/clinics/2/patients", headers=key_header(key))).status_code == 404


async def test_a_key_permits_only_what_its_scopes_allow(client, lakeside):
    key = (await create_key(client, scopes=["see-patients"])).json()["key"]
    assert (await client.get("/api/clinics/1/patients", headers=key_header(key))).status_code == 200
    assert (await client.get("/api/clinics/1/appointments", headers=key_header(key))).status_code == 403
    assert (await client.get("/api/customers", headers=key_header(key))).status_code == 403


async def test_slots_include_appointments_only_with_the_scope_to_list_them(db, client, lakeside):
    doctor_id = await create_doctor(client)
    ten_days = hours_ahead(240).replace(hour=8)
    await publish_slot(db, doctor_id, ten_days, ten_days + timedelta(hours=2))
    body = {
        "customerId": await create_customer(client),
        "doctorId": doctor_id,
        "startTime": ten_days.isoformat(),
        "endTime": (ten_days + timedelta(hours=1)).isoformat(),
    }
    appointment = (await client.post("/api/appointments", json=body)).json()
    await client.patch(f"/api/appointments/{appointment['id']}", json={"notes": "for the clinic alone"}, headers=ADMIN)
    dates = {"from": str(ten_days.date()), "to": str(ten_days.date())}
    for scopes, visible in ((["see-appointments"], False), (["see-appointments", "list-appointments"], True)):
        key = (await create_key(client, scopes=scopes)).json()["key"]
        (slot,) = (
            await client.get(f"/api/doctors/{doctor_id}/bookingSlots", params=dates, headers=key_header(key))
        ).json()["items"]
        assert ("appointments" in slot, "for the clinic alone" in str(slot)) == (visible, visible)


async def test_a_key_cannot_read_or_manage_keys(client, lakeside):
    key = (await create_key(client)).json()
    responses = [
        await client.get("/api/clinics/1/apiKeys", headers=key_header(key["key"])),
        await create_key(client, headers=key_header(key["key"])),
        await client.post(f"/api/apiKeys/{key['id']}/rotate", json={}, headers=key_header(key["key"])),
        await client.delete(f"/api/apiKeys/{key['id']}", headers=key_header(key["key"])),
    ]
    assert [response.status_code for response in responses] == [403] * 4


async def test_a_keys_scopes_and_limits_can_be_changed(client, lakeside):
    key = (await create_key(client, scopes=["see-patients"], expiresAt="2999-01-01T00:00:00Z")).json()
    response = await client.patch(
        f"/api/apiKeys/{key['id']}",
        json={
            "name": "Portal",
            "scopes": ["list-appointments", "list-appointments"],
            "expiresAt": None,
            "requestsPerMinute": 60,
        },
        headers=ADMIN | {"If-Match": '"v1"'},
    )
    assert response.status_code == 200
    expected = {
        "version": 2,
        "name": "Portal",
        "scopes": ["list-appointments"],
        "expiresAt": None,
        "requestsPerMinute": 60,
    }
    assert expected.items() <= response.json().items()
    assert (await client.get("/api/clinics/1/appointments", headers=key_header(key["key"]))).status_code == 200
    assert (await client.get("/api/clinics/1/patients", headers=key_header(key["key"]))).status_code == 403
    outdated = await client.patch(
        f"/api/apiKeys/{key['id']}", json={"name": "Other"}, headers=ADMIN | {"If-Match": '"v1"'}
    )
    assert outdated.status_code == 412


async def test_a_revoked_key_stops_working_and_stays_listed_as_inactive(client, lakeside):
    key = (await create_key(client)).json()
    for _ in range(2):
        assert (await client.delete(f"/api/apiKeys/{key['id']}", headers=ADMIN)).status_code == 204
    assert (await client.get("/api/clinics/1/appointments", headers=key_header(key["key"]))).status_code == 401
    assert (await client.get("/api/clinics/1/apiKeys", headers=ADMIN)).json()["items"] == []
    assert [
        listed_key["id"]
        for listed_key in (await client.get("/api/clinics/1/apiKeys?active=false", headers=ADMIN)).json()["items"]
    ] == [key["id"]]
    assert (await client.patch(f"/api/apiKeys/{key['id']}", json={"name": "Back"}, headers=ADMIN)).status_code == 404
    assert (await client.post(f"/api/apiKeys/{key['id']}/rotate", json={}, headers=ADMIN)).status_code == 404


async def test_a_deactivated_clinics_key_stops_working(client, lakeside):
    key = (await create_key(client)).json()["key"]
    assert (await client.delete("/api/clinics/1", headers=ADMIN)).status_code == 204
    assert (await client.get("/api/clinics/1/appointments", headers=key_header(key))).status_code == 401


@pytest.mark.parametrize("minutes", [-1, 10_081, "60", 1.5])
async def test_an_overlap_lasts_at_most_a_week(client, lakeside, minutes):
    key = (await create_key(client)).json()
    response = await client.post(f"/api/apiKeys/{key['id']}/rotate", json={"overlapMinutes": minutes}, headers=ADMIN)
    assert [fault["pointer"] for fault in response.json()["errors"]] == ["#/overlapMinutes"]


async def test_a_partner_can_book_read_and_cancel_an_appointment(client, db, lakeside):
    shah, ana = await create_doctor(client), await create_customer(client)
    await publish_slot(db, shah, hours_ahead(24), hours_ahead(32))
    partner = key_header((await create_key(client)).json()["key"])
    request_body = {
        "customerId": ana,
        "doctorId": shah,
        "startTime": hours_ahead(25).isoformat(),
        "endTime": hours_ahead(25.5).isoformat(),
    }
    response = await client.post("/api/appointments", json=request_body, headers=partner)
    assert response.status_code == 201
    address = f"/api/appointments/{response.json()['id']}"
    assert (await client.get(address, headers=partner)).status_code == 200
    assert (await client.delete(address, headers=partner)).status_code == 204


async def test_changes_to_keys_are_audited_by_id(client, db, lakeside):
    key = (await create_key(client)).json()
    await client.patch(f"/api/apiKeys/{key['id']}", json={"name": "Portal"}, headers=ADMIN)
    await client.post(f"/api/apiKeys/{key['id']}/rotate", json={}, headers=ADMIN)
    await client.delete(f"/api/apiKeys/{key['id']}", headers=ADMIN)
    rows = await db.fetch(
        "select action, clinic_id, subjects from audit_unsealed where action like '%ApiKey' order by id"
    )
    assert [row.action for row in rows] == ["createApiKey", "patchApiKey", "rotateApiKey", "removeApiKey"]
    assert {(row.clinic_id, *row.subjects) for row in rows} == {(1, key["id"])}


async def test_an_expired_key_can_be_renamed_but_not_given_a_past_expiry(db, lakeside):
    key = await add_key(db, expires_at=NOW + timedelta(hours=1))
    after = NOW + timedelta(hours=2)
    changed = await db.atomic(
        service.change, SYSTEM, key_id=key.id, change=model.ApiKeyPatch(name="Portal"), if_match=None, now=after
    )
    assert changed.name == "Portal"
    with pytest.raises(errors.Invalid):
        await db.atomic(
            service.change, SYSTEM, key_id=key.id, change=model.ApiKeyPatch(expires_at=NOW), if_match=None, now=after
        )
