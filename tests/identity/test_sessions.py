"""Signing in and out, how long sessions last, and the ways an intruder could get in."""

import hashlib
import unicodedata
from datetime import timedelta

import argon2
import pytest

from appoint.identity import passwords
from appoint.identity.sessions import model, repository, service
from appoint.kit import clock
from appoint.kit.actors import Actor
from support.accounts import WRONG, get_status
from support.app import ADMIN
from support.staff import ANOTHER, PASSWORD, add_user, bearer, sign_in, type_of
from support.world import create_clinic, create_customer

IDLE = timedelta(minutes=60)
ANYONE = Actor("open:1")


async def test_signing_in_returns_the_account_and_a_working_token(client, mia):
    response = await sign_in(client)
    answer = response.json()
    assert (response.status_code, response.headers["Cache-Control"]) == (201, "no-store")
    assert answer["token"].startswith("aps_")
    assert answer["account"]["memberships"] == [{"clinicId": 1, "role": "manager", "doctorId": None}]
    assert "set-cookie" not in response.headers
    own = {"Authorization": f"Bearer {answer['token']}"}
    assert await get_status(client, own, response.headers["Location"]) == 200
    assert await get_status(client, own, "/api/clinics/1/users") == 200


async def test_the_database_stores_only_hashes_of_tokens_and_passwords(db, client, mia):
    token = (await sign_in(client)).json()["token"]
    rows = await db.fetch(
        "select to_json(s)::text as text from session s union all select to_json(u)::text from app_user u"
    )
    assert not [row.text for row in rows if token in row.text or PASSWORD in row.text]
    assert await db.fetchval("select token_hash from session") == hashlib.sha256(token.encode()).digest()
    assert len(token.removeprefix("aps_")) >= 43
    assert (await db.fetchval("select password_hash from app_user")).startswith("$argon2id$")


async def test_all_failed_sign_ins_get_the_same_response(db, client, mia):
    await add_user(db, "new@example.org", password=None)
    await add_user(db, "gone@example.org", active=True)
    await db.execute("update app_user set active = false, removed_at = now() where email = 'gone@example.org'")
    refusals = [
        await sign_in(client, password=ANOTHER),
        await sign_in(client, password=""),
        await sign_in(client, "unknown@example.org"),
        await sign_in(client, "new@example.org"),
        await sign_in(client, "gone@example.org"),
    ]
    assert {type_of(refusal) for refusal in refusals} == {WRONG}
    problems = [{**refusal.json(), "requestId": None} for refusal in refusals]
    assert problems == [problems[0]] * len(problems)


def test_password_hashing_is_expensive_in_production(production_hash):
    assert production_hash.hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,")


async def test_a_sign_in_with_an_unknown_address_does_just_as_much_hashing(client, mia, monkeypatch):
    """Hashing takes most of the time, so a difference would reveal which addresses have accounts."""
    parameters = []
    verify = argon2.PasswordHasher.verify
    monkeypatch.setattr(
        argon2.PasswordHasher,
        "verify",
        lambda self, digest, password: parameters.append(digest.rsplit("$", 2)[0]) or verify(self, digest, password),
    )
    await sign_in(client, password=ANOTHER)
    await sign_in(client, "unknown@example.org", ANOTHER)
    assert len(parameters) == 2
    assert parameters[0] == parameters[1]


async def test_addresses_are_case_insensitive_but_passwords_are_not(client, mia):
    assert (await sign_in(client, "MIA@Example.ORG")).status_code == 201
    assert type_of(await sign_in(client, password=PASSWORD.upper())) == WRONG


async def test_passwords_match_in_any_unicode_normalization_form(db, client):
    password = "Grüße vom Gänseblümchen"
    await add_user(db, password=unicodedata.normalize("NFC", password), administrator=True)
    assert (await sign_in(client, password=unicodedata.normalize("NFD", password))).status_code == 201


@pytest.mark.parametrize("password", ["x" * 513, "🦆" * 200_000, "nul\0", "\ud800"])
async def test_an_impossible_password_is_rejected_without_hashing(client, mia, password, monkeypatch):
    monkeypatch.setattr(passwords, "verify", None)
    body = b'{"email": "mia@example.org", "password": "\\ud800"}' if password == "\ud800" else None
    response = await (
        client.post("/api/sessions", content=body, headers={"Content-Type": "application/json"})
        if body
        else sign_in(client, password=password)
    )
    assert response.status_code == (413 if len(password) > 100_000 else 400)


async def test_an_outdated_hash_is_replaced_on_the_next_sign_in(db, client, mia):
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await db.execute("update app_user set password_hash = $1", old)
    assert type_of(await sign_in(client, password=ANOTHER)) == WRONG
    assert await db.fetchval("select password_hash from app_user") == old
    assert (await sign_in(client)).status_code == 201
    assert await db.fetchval("select password_hash from app_user") != old
    assert (await sign_in(client)).status_code == 201


async def test_a_repeated_sign_in_opens_a_new_session_and_does_not_store_a_response(db, client, mia):
    tokens = [(await sign_in(client, headers={"Idempotency-Key": "again"})).json()["token"] for _ in range(2)]
    assert tokens[0] != tokens[1]
    assert await db.fetchval("select count(*) from request_key") == 0


async def test_a_changed_role_applies_from_the_next_request(db, client, mia):
    own = await bearer(client)
    assert await get_status(client, own, "/api/clinics/1/users") == 200
    await db.execute("update membership set role = 'receptionist'")
    assert await get_status(client, own, "/api/clinics/1/users") == 403
    await db.execute("delete from membership")
    assert await get_status(client, own, "/api/clinics/1/users") == 403


async def test_a_deactivated_user_is_signed_out(db, client, mia):
    own = await bearer(client)
    await db.execute("update app_user set active = false, removed_at = now()")
    assert await get_status(client, own) == 401


async def test_an_administrator_can_sign_in_and_create_clinics(db, client):
    await add_user(db, administrator=True)
    own = await bearer(client)
    lakeside = {"name": "Lakeside", "timeZone": "Europe/Berlin"}
    assert (await client.post("/api/clinics", json=lakeside, headers=own)).status_code == 201
    user_id = await db.fetchval("select id from app_user")
    assert await db.fetchval("select actor from audit_unsealed where action = 'createClinic'") == f"user:{user_id}"


async def test_a_manager_has_no_access_to_other_clinics(client, mia):
    await create_clinic(client)
    assert await get_status(client, await bearer(client), "/api/clinics/2/users") == 404


# lifetime


async def test_a_session_ends_after_an_hour_without_use(client, mia, time):
    own = await bearer(client)
    time.passes(minutes=59)
    assert await get_status(client, own) == 200
    time.passes(minutes=59)
    assert await get_status(client, own) == 200
    time.passes(minutes=61)
    assert await get_status(client, own) == 401


async def test_a_session_ends_after_twelve_hours_even_if_used(client, mia, time):
    own = await bearer(client)
    for _ in range(23):
        time.passes(minutes=31)
        assert await get_status(client, own) == 200
    time.passes(minutes=8)
    assert await get_status(client, own) == 401


async def test_a_sessions_last_use_is_stored_at_most_once_a_minute(db, client, mia, time):
    own = await bearer(client)
    start = time.now
    ages = []
    for _ in range(4):
        time.passes(seconds=25)
        await get_status(client, own)
        ages.append((await db.fetchval("select seen_at from session") - start).total_seconds())
    assert ages == [0, 0, 75, 75]


async def test_only_ended_sessions_are_deleted(db, client, mia):
    now = clock.now()
    for used_minutes, expires_minutes in ((-61, 60), (-10, -1), (-10, 60)):
        token_hash = model.hash_token(model.new_token())
        await repository.add(
            db,
            token_hash=token_hash,
            user_id=mia,
            customer_id=None,
            expires_at=now + timedelta(minutes=expires_minutes),
            now=now + timedelta(minutes=used_minutes),
        )
    await repository.delete_ended(db, idle=IDLE, now=now)
    assert await db.fetchval("select count(*) from session") == 1


async def test_a_user_has_at_most_fifty_sessions(db, mia):
    now = clock.now()
    for number in range(model.MAX_SESSIONS + 2):
        await db.atomic(
            service.open_session,
            ANYONE,
            user_id=mia,
            customer_id=None,
            lifetime=IDLE,
            now=now + timedelta(seconds=number),
        )
    assert await db.fetchval("select count(*) from session") == model.MAX_SESSIONS
    assert await db.fetchval("select min(created_at) from session") == now + timedelta(seconds=2)


# signing out


async def test_signing_out_ends_only_the_current_session(client, mia):
    current, other = await bearer(client), await bearer(client)
    assert (await client.delete("/api/sessions/current", headers=current)).status_code == 204
    assert (await get_status(client, current), await get_status(client, other)) == (401, 200)


async def test_users_see_and_end_only_their_own_sessions(db, client, mia):
    await add_user(db, "else@example.org", administrator=True)
    others = await bearer(client, "else@example.org")
    first, second = await bearer(client), await bearer(client)
    items = (await client.get("/api/sessions", headers=second)).json()["items"]
    assert [item["current"] for item in items] == [False, True]
    address = f"/api/sessions/{items[0]['id']}"
    assert (await client.get(address, headers=others)).status_code == 404
    assert (await client.delete(address, headers=others)).status_code == 404
    assert (await client.delete(address, headers=second | {"If-Match": '"other"'})).status_code == 412
    assert (await client.delete(address, headers=second)).status_code == 204
    assert (await get_status(client, first), await get_status(client, second), await get_status(client, others)) == (
        401,
        200,
        200,
    )


async def test_signing_out_everywhere_invalidates_all_tokens(client, mia):
    tokens = [await bearer(client) for _ in range(3)]
    assert (await client.delete("/api/sessions", headers=tokens[0])).status_code == 204
    assert [await get_status(client, token) for token in tokens] == [401] * 3


async def test_the_admin_token_has_no_sessions(client):
    assert (await client.get("/api/sessions", headers=ADMIN)).json() == {"items": [], "next": None}
    assert (await client.delete("/api/sessions/current", headers=ADMIN)).status_code == 404
    assert (await client.delete("/api/sessions", headers=ADMIN)).status_code == 204


@pytest.mark.parametrize("token", ["aps_", "aps_x", "aps_" + "A" * 43, "aps_" + "é" * 20, "aps_" + "x" * 5000])
async def test_a_made_up_token_is_unauthorized(client, mia, token):
    assert await get_status(client, {"Authorization": f"Bearer {token}".encode()}) == 401


# patients


async def test_a_patients_session_gives_access_only_to_their_own_data(db, client, mia):
    customer_id = await create_customer(client, email="ana@example.org")
    token, _ = await db.atomic(
        service.open_session, ANYONE, user_id=None, customer_id=customer_id, lifetime=IDLE, now=clock.now()
    )
    own = {"Authorization": f"Bearer {token}"}
    account = (await client.get("/api/account", headers=own)).json()
    assert (account["customerId"], account["userId"], account["memberships"]) == (customer_id, None, [])
    assert await get_status(client, own, f"/api/customers/{customer_id}") == 200
    assert await get_status(client, own, "/api/clinics/1/users") == 403
    assert (await client.patch("/api/account", json={"name": "Eve"}, headers=own)).status_code == 403
    assert (
        await client.put("/api/account/password", json={"current": PASSWORD, "new": ANOTHER}, headers=own)
    ).status_code == 403
    await db.execute("update customer set active = false, removed_at = now()")
    assert await get_status(client, own) == 401


async def test_the_audit_log_for_sessions_contains_no_addresses_or_secrets(db, client, mia):
    own = await bearer(client)
    await client.delete("/api/sessions", headers=own)
    rows = await db.fetch(
        "select action, actor, subjects from audit_unsealed where clinic_id = 0 and action like 'sign%' order by at"
    )
    assert [(row.action, row.actor.split(":")[0]) for row in rows] == [
        ("signIn", "open"),
        ("signOutEverywhere", "user"),
    ]
    assert rows[0].subjects == [str(mia)]
    everything = await db.fetchval("select json_agg(a)::text from audit_unsealed a")
    assert "mia@" not in everything
    assert "aps_" not in everything
