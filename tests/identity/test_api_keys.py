"""API keys of partner systems: what they may, when they work, and how they are given out, rotated and taken away."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from appoint.database.pool import SERVER, connect
from appoint.identity.api_keys import model, repository, service
from appoint.identity.api_keys.model import ApiKeyContent
from appoint.kit import errors, ids
from appoint.kit.actors import SYSTEM, Membership, Role
from appoint.kit.permissions import SCOPES
from support.app import ADMIN
from support.round_trips import proxied
from support.rows import clinic, customer, doctor, later, publish

NOW = datetime(2027, 3, 1, 6, 0, tzinfo=UTC)
EVERYTHING = sorted(SCOPES)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def give(client, clinic_id=1, *, headers=ADMIN, **more):
    return await client.post(
        f"/api/clinics/{clinic_id}/apiKeys",
        json={"name": "Referral portal", "scopes": EVERYTHING, **more},
        headers=headers,
    )


async def key_of(db, clinic_id: int = 1, **more) -> model.ApiKeyWithSecret:
    content = ApiKeyContent(**({"name": "Referral portal", "scopes": ["see-appointments", "list-appointments"]} | more))
    return await db.atomic(service.add, SYSTEM, clinic_id=clinic_id, content=content, now=NOW)


@pytest.fixture
async def served(db, database_url):
    """The database as requests see it."""
    served = connect(database_url, size=2, wait_seconds=5, statement_seconds=10, role=SERVER)
    yield served
    await served.close()


@pytest.fixture
async def lakeside(db, client) -> int:
    return await clinic(client)


async def test_a_new_key_is_shown_once_and_works(client, lakeside):
    made = await give(client)
    assert made.status_code == 201
    key = made.json()
    assert (made.headers["Location"], made.headers["Cache-Control"]) == (f"/api/apiKeys/{key['id']}", "no-store")
    assert key["key"].startswith(f"apt_{UUID(key['id']).hex}_")
    again = await client.get(f"/api/apiKeys/{key['id']}", headers=ADMIN)
    assert again.json() == {name: value for name, value in key.items() if name != "key"}
    assert (await client.get("/api/clinics/1/appointments", headers=bearer(key["key"]))).status_code == 200


async def test_the_secret_is_nowhere_in_the_database(client, db, lakeside):
    key = (await give(client, headers=ADMIN | {"Idempotency-Key": "once"})).json()["key"]
    secret = key.split("_", 2)[2]
    rotated = (
        await client.post(
            f"/api/apiKeys/{UUID(key.split('_')[1])}/rotate", headers=ADMIN | {"Idempotency-Key": "twice"}
        )
    ).json()["key"]
    tables = await db.fetch("select tablename from pg_tables where schemaname = 'public'")
    kept = "".join(
        [str(await db.fetchval(f"select string_agg(t::text, '') from \"{table.tablename}\" t")) for table in tables]
    )
    assert [part for part in (key, secret, rotated, rotated.split("_", 2)[2]) if part in kept] == []


async def test_a_repeated_request_gives_one_key_and_does_not_show_it_again(client, db, lakeside):
    first, second = [await give(client, headers=ADMIN | {"Idempotency-Key": "once"}) for _ in range(2)]
    assert (second.status_code, second.headers["Idempotent-Replayed"]) == (201, "true")
    assert second.json() == first.json() | {"key": None}
    assert await db.fetchval("select count(*) from api_key") == 1


async def test_a_repeated_rotation_happens_once_and_does_not_show_the_key_again(client, lakeside):
    key = (await give(client)).json()
    first, second = [
        await client.post(f"/api/apiKeys/{key['id']}/rotate", json={}, headers=ADMIN | {"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json() == first.json() | {"key": None}
    assert (await client.get("/api/clinics/1/appointments", headers=bearer(first.json()["key"]))).status_code == 200


async def test_all_that_is_wrong_with_a_key_is_said_at_once(client, lakeside):
    refused = await give(
        client,
        name=" ",
        scopes=["see-appointments", "manage-access", "fly"],
        expiresAt="yesterday",
        requestsPerMinute=0,
    )
    assert refused.status_code == 400
    assert sorted(fault["pointer"] for fault in refused.json()["errors"]) == [
        "#/expiresAt",
        "#/name",
        "#/requestsPerMinute",
        "#/scopes/1",
        "#/scopes/2",
    ]


@pytest.mark.parametrize(
    "scopes", [[], ["public"], ["book"], ["manage"], ["administer"], ["account"], [None], "see-appointments"]
)
async def test_a_key_is_given_only_what_a_partner_can_have(client, lakeside, scopes):
    assert (await give(client, scopes=scopes)).status_code == 400


async def test_a_key_that_has_expired_already_is_not_given(client, lakeside):
    refused = await give(client, expiresAt="2020-01-01T00:00:00Z")
    assert [(fault["pointer"], fault["detail"]) for fault in refused.json()["errors"]] == [
        ("#/expiresAt", "must be in the future")
    ]


async def test_a_clinic_that_is_not_there_or_closed_gives_no_keys(client, lakeside):
    assert (await give(client, 2)).status_code == 404
    assert (await client.delete("/api/clinics/1", headers=ADMIN)).status_code == 204
    assert (await give(client)).json()["reason"] == "clinic-inactive"


async def test_a_clinic_has_so_many_keys_and_no_more(client, db, lakeside):
    await db.execute(
        """
        insert into api_key (clinic_id, id, name, scopes, secret_hash)
        select 1, mint_id(1), 'x', '{book}', sha256(n::text::bytea) from generate_series(1, $1) n
        """,
        model.MAX_KEYS,
    )
    refused = await give(client)
    assert (refused.status_code, refused.json()["reason"], refused.json()["most"]) == (
        409,
        "too-many-api-keys",
        model.MAX_KEYS,
    )


async def test_a_key_sees_its_own_clinic_alone(client, lakeside):
    await clinic(client, name="Hillside")
    key = (await give(client)).json()["key"]
    assert (await client.get("/api/clinics/2/appointments", headers=bearer(key))).status_code == 404
    assert (await client.get("/api/clinics/2/patients", headers=bearer(key))).status_code == 404


async def test_a_key_may_what_its_scopes_say_and_nothing_else(client, lakeside):
    key = (await give(client, scopes=["see-patients"])).json()["key"]
    assert (await client.get("/api/clinics/1/patients", headers=bearer(key))).status_code == 200
    assert (await client.get("/api/clinics/1/appointments", headers=bearer(key))).status_code == 403
    assert (await client.get("/api/customers", headers=bearer(key))).status_code == 403


async def test_who_may_see_appointments_one_by_one_is_not_shown_those_of_a_slot(db, client, lakeside):
    doctor_id = await doctor(client)
    ten_days = later(240).replace(hour=8)
    await publish(db, doctor_id, ten_days, ten_days + timedelta(hours=2))
    body = {
        "customerId": await customer(client),
        "doctorId": doctor_id,
        "startTime": ten_days.isoformat(),
        "endTime": (ten_days + timedelta(hours=1)).isoformat(),
    }
    made = (await client.post("/api/appointments", json=body)).json()
    await client.patch(f"/api/appointments/{made['id']}", json={"notes": "for the clinic alone"}, headers=ADMIN)
    dates = {"from": str(ten_days.date()), "to": str(ten_days.date())}
    for scopes, shown in ((["see-appointments"], False), (["see-appointments", "list-appointments"], True)):
        key = (await give(client, scopes=scopes)).json()["key"]
        (slot,) = (
            await client.get(f"/api/doctors/{doctor_id}/bookingSlots", params=dates, headers=bearer(key))
        ).json()["items"]
        assert ("appointments" in slot, "for the clinic alone" in str(slot)) == (shown, shown)


async def test_no_key_can_see_or_make_keys(client, lakeside):
    key = (await give(client)).json()
    asked = [
        await client.get("/api/clinics/1/apiKeys", headers=bearer(key["key"])),
        await give(client, headers=bearer(key["key"])),
        await client.post(f"/api/apiKeys/{key['id']}/rotate", json={}, headers=bearer(key["key"])),
        await client.delete(f"/api/apiKeys/{key['id']}", headers=bearer(key["key"])),
    ]
    assert [answer.status_code for answer in asked] == [403] * 4


async def test_what_a_key_may_can_be_changed(client, lakeside):
    made = (await give(client, scopes=["see-patients"], expiresAt="2999-01-01T00:00:00Z")).json()
    changed = await client.patch(
        f"/api/apiKeys/{made['id']}",
        json={
            "name": "Portal",
            "scopes": ["list-appointments", "list-appointments"],
            "expiresAt": None,
            "requestsPerMinute": 60,
        },
        headers=ADMIN | {"If-Match": '"v1"'},
    )
    assert changed.status_code == 200
    wanted = {
        "version": 2,
        "name": "Portal",
        "scopes": ["list-appointments"],
        "expiresAt": None,
        "requestsPerMinute": 60,
    }
    assert wanted.items() <= changed.json().items()
    assert (await client.get("/api/clinics/1/appointments", headers=bearer(made["key"]))).status_code == 200
    assert (await client.get("/api/clinics/1/patients", headers=bearer(made["key"]))).status_code == 403
    stale = await client.patch(
        f"/api/apiKeys/{made['id']}", json={"name": "Other"}, headers=ADMIN | {"If-Match": '"v1"'}
    )
    assert stale.status_code == 412


async def test_a_removed_key_is_nobodys_and_is_listed_among_the_removed(client, lakeside):
    made = (await give(client)).json()
    for _ in range(2):
        assert (await client.delete(f"/api/apiKeys/{made['id']}", headers=ADMIN)).status_code == 204
    assert (await client.get("/api/clinics/1/appointments", headers=bearer(made["key"]))).status_code == 401
    assert (await client.get("/api/clinics/1/apiKeys", headers=ADMIN)).json()["items"] == []
    assert [
        key["id"] for key in (await client.get("/api/clinics/1/apiKeys?active=false", headers=ADMIN)).json()["items"]
    ] == [made["id"]]
    assert (await client.patch(f"/api/apiKeys/{made['id']}", json={"name": "Back"}, headers=ADMIN)).status_code == 404
    assert (await client.post(f"/api/apiKeys/{made['id']}/rotate", json={}, headers=ADMIN)).status_code == 404


async def test_a_key_of_a_clinic_that_has_closed_is_nobodys(client, lakeside):
    key = (await give(client)).json()["key"]
    assert (await client.delete("/api/clinics/1", headers=ADMIN)).status_code == 204
    assert (await client.get("/api/clinics/1/appointments", headers=bearer(key))).status_code == 401


MALFORMED = {
    "nothing but the prefix": "apt_",
    "no secret": "apt_0000000101978f1b8c5502a1bf0e1d37",
    "an empty secret": "apt_0000000101978f1b8c5502a1bf0e1d37_",
    "no hex digits": "apt_" + "z" * 32 + "_" + "a" * 43,
    "capitals": "apt_0000000101978F1B8C5502A1BF0E1D37_" + "a" * 43,
    "too short a secret": "apt_0000000101978f1b8c5502a1bf0e1d37_" + "a" * 42,
    "too long a secret": "apt_0000000101978f1b8c5502a1bf0e1d37_" + "a" * 44,
    "a huge one": "apt_" + "a" * 60_000,
    "dashes in the id": "apt_00000001-0197-8f1b-8c55-02a1bf0e1d37_" + "a" * 43,
    "an id of no clinic": "apt_" + "f" * 32 + "_" + "a" * 43,
    "an id of the platform": "apt_" + "0" * 32 + "_" + "a" * 43,
    "one that is not there": "apt_0000000101978f1b8c5502a1bf0e1d37_" + "a" * 43,
    "letters beyond ASCII": "apt_0000000101978f1b8c5502a1bf0e1d37_" + "é" * 43,
    "digits of another script": "apt_" + "\u0661" * 32 + "_" + "a" * 43,
    "SQL": "apt_' or true--_x",
    "NUL": "apt_0000000101978f1b8c5502a1bf0e1d37_" + "\0" * 43,
}


@pytest.mark.parametrize("token", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_no_key_is_nobody(client, token):
    answer = await client.get("/api/clinics/1/appointments", headers={"Authorization": b"Bearer " + token.encode()})
    assert answer.status_code == 401


async def test_a_key_with_another_keys_secret_is_nobody(client, lakeside):
    one, other = [(await give(client)).json()["key"] for _ in range(2)]
    mixed = one[:37] + other[37:]
    assert (await client.get("/api/clinics/1/appointments", headers=bearer(mixed))).status_code == 401


async def test_who_comes_with_a_key_is_told_by_the_key_and_by_nothing_else(db, served, lakeside):
    key = await key_of(db, requests_per_minute=30)
    caller = await service.identify(served, key.key, now=NOW)
    assert caller
    assert (caller.key, caller.memberships) == (f"key:{key.id}", (Membership(1, Role.PARTNER),))
    assert (caller.scopes, caller.requests_per_minute) == ({"see-appointments", "list-appointments"}, 30)
    assert (caller.is_anyone, caller.is_staff(1), caller.administrator) == (False, False, False)


async def test_a_key_works_until_it_expires(db, served, lakeside):
    key = await key_of(db, expires_at=NOW + timedelta(days=1))
    assert await service.identify(served, key.key, now=NOW + timedelta(hours=23, minutes=59))
    assert await service.identify(served, key.key, now=NOW + timedelta(days=1)) is None


async def test_after_a_rotation_both_keys_work_for_a_while_and_then_the_new_one_alone(db, served, lakeside):
    first = await key_of(db)
    second = await db.atomic(service.rotate, SYSTEM, key_id=first.id, overlap=timedelta(hours=1), now=NOW)
    soon, later_on = NOW + timedelta(minutes=59), NOW + timedelta(hours=1)
    assert [bool(await service.identify(served, key.key, now=soon)) for key in (first, second)] == [True, True]
    assert [bool(await service.identify(served, key.key, now=later_on)) for key in (first, second)] == [False, True]


async def test_without_an_overlap_the_old_key_is_gone_at_once(db, served, lakeside):
    first = await key_of(db)
    second = await db.atomic(service.rotate, SYSTEM, key_id=first.id, overlap=timedelta(), now=NOW)
    assert second.old_secret_until is None
    assert [bool(await service.identify(served, key.key, now=NOW)) for key in (first, second)] == [False, True]


async def test_of_three_rotations_in_a_row_the_last_two_keys_work(db, served, lakeside):
    keys = [await key_of(db)]
    for _ in range(3):
        keys.append(await db.atomic(service.rotate, SYSTEM, key_id=keys[0].id, overlap=timedelta(hours=1), now=NOW))
    assert [bool(await service.identify(served, key.key, now=NOW)) for key in keys] == [False, False, True, True]


@pytest.mark.parametrize("minutes", [-1, 10_081, "60", 1.5])
async def test_an_overlap_is_a_week_at_most(client, lakeside, minutes):
    key = (await give(client)).json()
    refused = await client.post(f"/api/apiKeys/{key['id']}/rotate", json={"overlapMinutes": minutes}, headers=ADMIN)
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["#/overlapMinutes"]


async def test_when_a_key_was_used_is_noted_once_a_minute_and_is_no_change_of_it(db, served, lakeside):
    key = await key_of(db)
    noted = []
    for seconds in (0, 30, 59, 60, 61):
        await service.identify(served, key.key, now=NOW + timedelta(seconds=seconds))
        row = await repository.find(db, key.id)
        assert row
        noted.append((row.last_used_at, row.version))
    first, second = (NOW, 1), (NOW + timedelta(seconds=60), 1)
    assert noted == [first, first, first, second, second]


async def test_a_wrong_secret_is_no_use_of_a_key(db, served, lakeside):
    key = await key_of(db)
    assert await service.identify(served, model.serialize_key(key.id, model.new_secret()), now=NOW) is None
    assert await db.fetchval("select last_used_at from api_key") is None


async def test_telling_who_comes_with_a_key_is_one_round_trip(db, database_url, lakeside, tmp_path):
    key = await key_of(db)
    await service.identify(db, key.key, now=NOW)  # notes the use
    async with proxied(database_url, tmp_path) as (behind, wire):
        await service.identify(behind, key.key, now=NOW)  # connects, and prepares the statement
        before = wire.round_trips
        await service.identify(behind, key.key, now=NOW)
        assert wire.round_trips - before == 1


async def test_what_serves_requests_sees_one_key_by_its_id_and_never_the_table(db, served, lakeside):
    key = await key_of(db)
    assert await served.fetch("select * from api_key") == []
    assert len(await served.fetch("select * from presented_key($1)", key.id)) == 1
    assert await served.fetch("select * from presented_key($1)", ids.new_id(1)) == []
    assert len(await served.within(1).fetch("select * from api_key")) == 1
    assert await served.within(2).fetch("select * from api_key") == []


async def test_nobody_else_may_ask_whose_a_key_is(db, lakeside):
    key = await key_of(db)
    async with db.connection() as connection:
        await connection.execute("begin; set local role appoint_sealer")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select * from presented_key($1)", key.id)
        await connection.execute("rollback")


def test_a_wrong_secret_is_compared_as_long_as_a_right_one(monkeypatch):
    """However much is known of a key, both comparisons are made, over all 32 bytes."""
    compared = []
    monkeypatch.setattr(model.hmac, "compare_digest", lambda a, b: compared.append((len(a), len(b))) or a == b)

    class Kept:
        secret_hash, old_secret_hash, old_secret_until, expires_at = bytes(31) + b"1", None, None, None

    for kept in (None, Kept()):
        assert not model.is_valid(kept, bytes(31) + b"2", now=NOW)
    assert compared == [(32, 32)] * 4


async def test_a_partner_books_reads_and_cancels(client, db, lakeside):
    shah, ana = await doctor(client), await customer(client)
    await publish(db, shah, later(24), later(32))
    partner = bearer((await give(client)).json()["key"])
    wish = {"customerId": ana, "doctorId": shah, "startTime": later(25).isoformat(), "endTime": later(25.5).isoformat()}
    booked = await client.post("/api/appointments", json=wish, headers=partner)
    assert booked.status_code == 201
    address = f"/api/appointments/{booked.json()['id']}"
    assert (await client.get(address, headers=partner)).status_code == 200
    assert (await client.delete(address, headers=partner)).status_code == 204


async def test_changes_of_keys_are_in_the_audit_by_their_ids(client, db, lakeside):
    made = (await give(client)).json()
    await client.patch(f"/api/apiKeys/{made['id']}", json={"name": "Portal"}, headers=ADMIN)
    await client.post(f"/api/apiKeys/{made['id']}/rotate", json={}, headers=ADMIN)
    await client.delete(f"/api/apiKeys/{made['id']}", headers=ADMIN)
    rows = await db.fetch(
        "select action, clinic_id, subjects from audit_unsealed where action like '%ApiKey' order by id"
    )
    assert [row.action for row in rows] == ["createApiKey", "patchApiKey", "rotateApiKey", "removeApiKey"]
    assert {(row.clinic_id, *row.subjects) for row in rows} == {(1, made["id"])}


async def test_an_expiry_that_has_passed_stays_when_something_else_changes(db, lakeside):
    key = await key_of(db, expires_at=NOW + timedelta(hours=1))
    after = NOW + timedelta(hours=2)
    changed = await db.atomic(
        service.change, SYSTEM, key_id=key.id, change=model.ApiKeyPatch(name="Portal"), if_match=None, now=after
    )
    assert changed.name == "Portal"
    with pytest.raises(errors.Invalid):
        await db.atomic(
            service.change, SYSTEM, key_id=key.id, change=model.ApiKeyPatch(expires_at=NOW), if_match=None, now=after
        )
