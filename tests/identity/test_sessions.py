"""Signing in and out, and everything by which somebody else might get in."""

import asyncio
import hashlib
import unicodedata
from datetime import datetime, timedelta

import argon2
import pyotp
import pytest

from appoint.http.access import COOKIE
from appoint.identity import passwords
from appoint.identity.accounts.model import encrypt_totp
from appoint.identity.sessions import model, repository, service
from appoint.kit import clock
from support.app import ADMIN
from support.rows import clinic, customer
from support.staff import ANOTHER, PASSWORD, SECRET, add_user, bearer, sign_in, type_of, works_at

WRONG = (401, "wrong-credentials")
IDLE = timedelta(minutes=60)


class Clock:
    def __init__(self) -> None:
        self.now = clock.now()

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def time(monkeypatch) -> Clock:
    time = Clock()
    monkeypatch.setattr(clock, "now", lambda: time.now)
    return time


@pytest.fixture
async def mia(db, client):
    """A manager of the one clinic there is."""
    await clinic(client)
    user_id = await add_user(db)
    await works_at(db, user_id)
    return user_id


async def status(client, headers, path="/api/account") -> int:
    return (await client.get(path, headers=headers)).status_code


async def test_who_signs_in_is_told_who_they_are_and_can_work(client, mia):
    made = await sign_in(client)
    answer = made.json()
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    assert answer["token"].startswith("aps_")
    assert answer["account"]["memberships"] == [{"clinicId": 1, "role": "manager", "doctorId": None}]
    assert "set-cookie" not in made.headers
    own = {"Authorization": f"Bearer {answer['token']}"}
    assert await status(client, own, made.headers["Location"]) == 200
    assert await status(client, own, "/api/clinics/1/users") == 200


async def test_the_database_has_no_token_and_no_password(db, client, mia):
    token = (await sign_in(client)).json()["token"]
    rows = await db.fetch(
        "select to_json(s)::text as text from session s union all select to_json(u)::text from app_user u"
    )
    assert not [row.text for row in rows if token in row.text or PASSWORD in row.text]
    assert await db.fetchval("select token_hash from session") == hashlib.sha256(token.encode()).digest()
    assert len(token.removeprefix("aps_")) >= 43
    assert (await db.fetchval("select password_hash from app_user")).startswith("$argon2id$")


async def test_a_wrong_password_an_unknown_address_and_one_who_was_only_invited_are_refused_alike(db, client, mia):
    await add_user(db, "new@example.org", password=None)
    await add_user(db, "gone@example.org", active=True)
    await db.execute("update app_user set active = false, removed_at = now() where email = 'gone@example.org'")
    refusals = [
        await sign_in(client, password=ANOTHER),
        await sign_in(client, password=""),
        await sign_in(client, "nobody@example.org"),
        await sign_in(client, "new@example.org"),
        await sign_in(client, "gone@example.org"),
    ]
    assert {type_of(refusal) for refusal in refusals} == {WRONG}
    assert (
        len(
            {
                frozenset((name, value) for name, value in refusal.json().items() if name != "requestId")
                for refusal in refusals
            }
        )
        == 1
    )


def test_hashing_a_password_takes_memory_and_time(production_hash):
    assert production_hash.hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,")


async def test_as_much_is_hashed_for_an_address_that_nobody_has(client, mia, monkeypatch):
    """Hashing is what takes the time."""
    hashed = []
    verify = argon2.PasswordHasher.verify
    monkeypatch.setattr(
        argon2.PasswordHasher,
        "verify",
        lambda self, kept, password: hashed.append(kept.rsplit("$", 2)[0]) or verify(self, kept, password),
    )
    await sign_in(client, password=ANOTHER)
    await sign_in(client, "nobody@example.org", ANOTHER)
    assert len(hashed) == 2
    assert hashed[0] == hashed[1]


async def test_capitals_do_not_matter_in_an_address_and_do_in_a_password(client, mia):
    assert (await sign_in(client, "MIA@Example.ORG")).status_code == 201
    assert type_of(await sign_in(client, password=PASSWORD.upper())) == WRONG


async def test_a_password_is_the_same_however_a_keyboard_composes_it(db, client):
    password = "Grüße vom Gänseblümchen"
    await add_user(db, password=unicodedata.normalize("NFC", password), administrator=True)
    assert (await sign_in(client, password=unicodedata.normalize("NFD", password))).status_code == 201


@pytest.mark.parametrize("password", ["x" * 513, "🦆" * 200_000, "nul\0", "\ud800"])
async def test_what_no_password_can_be_is_not_even_hashed(client, mia, password, monkeypatch):
    monkeypatch.setattr(passwords, "verify", None)
    body = b'{"email": "mia@example.org", "password": "\\ud800"}' if password == "\ud800" else None
    answer = await (
        client.post("/api/sessions", content=body, headers={"Content-Type": "application/json"})
        if body
        else sign_in(client, password=password)
    )
    assert answer.status_code == 400


async def test_a_hash_with_other_parameters_is_made_anew_when_its_password_comes(db, client, mia):
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await db.execute("update app_user set password_hash = $1", old)
    assert type_of(await sign_in(client, password=ANOTHER)) == WRONG
    assert await db.fetchval("select password_hash from app_user") == old
    assert (await sign_in(client)).status_code == 201
    assert await db.fetchval("select password_hash from app_user") != old
    assert (await sign_in(client)).status_code == 201


async def test_repeated_with_the_same_key_it_is_another_session_and_nothing_is_kept(db, client, mia):
    tokens = [(await sign_in(client, headers={"Idempotency-Key": "again"})).json()["token"] for _ in range(2)]
    assert tokens[0] != tokens[1]
    assert await db.fetchval("select count(*) from request_key") == 0


async def test_a_role_counts_from_the_next_request_on(db, client, mia):
    own = await bearer(client)
    assert await status(client, own, "/api/clinics/1/users") == 200
    await db.execute("update membership set role = 'receptionist'")
    assert await status(client, own, "/api/clinics/1/users") == 403
    await db.execute("delete from membership")
    assert await status(client, own, "/api/clinics/1/users") == 403


async def test_who_has_left_is_signed_out(db, client, mia):
    own = await bearer(client)
    await db.execute("update app_user set active = false, removed_at = now()")
    assert await status(client, own) == 401


async def test_an_administrator_who_signs_in_administers(db, client):
    await add_user(db, administrator=True)
    own = await bearer(client)
    assert (
        await client.post("/api/clinics", json={"name": "Lakeside", "timeZone": "Europe/Berlin"}, headers=own)
    ).status_code == 201
    assert (
        await db.fetchval("select actor from audit_unsealed where action = 'createClinic'")
        == f"user:{await db.fetchval('select id from app_user')}"
    )


async def test_a_manager_of_one_clinic_is_nobody_at_another(client, mia):
    await clinic(client)
    assert await status(client, await bearer(client), "/api/clinics/2/users") == 404


# how long it lasts


async def test_unused_for_an_hour_it_has_ended(client, mia, time):
    own = await bearer(client)
    time.passes(minutes=59)
    assert await status(client, own) == 200
    time.passes(minutes=59)
    assert await status(client, own) == 200
    time.passes(minutes=61)
    assert await status(client, own) == 401


async def test_used_all_day_it_ends_after_twelve_hours(client, mia, time):
    own = await bearer(client)
    for _ in range(23):
        time.passes(minutes=31)
        assert await status(client, own) == 200
    time.passes(minutes=8)
    assert await status(client, own) == 401


async def test_it_is_written_down_once_a_minute_that_it_is_used(db, client, mia, time):
    own = await bearer(client)
    opened = time.now
    seen = []
    for _ in range(4):
        time.passes(seconds=25)
        await status(client, own)
        seen.append((await db.fetchval("select seen_at from session") - opened).total_seconds())
    assert seen == [0, 0, 75, 75]


async def test_ended_sessions_are_forgotten_and_others_are_not(db, client, mia):
    now = clock.now()
    for seen, expires in ((-61, 60), (-10, -1), (-10, 60)):
        token_hash = model.hash_token(model.new_token())
        await repository.add(
            db,
            token_hash=token_hash,
            user_id=mia,
            customer_id=None,
            expires_at=now + timedelta(minutes=expires),
            now=now + timedelta(minutes=seen),
        )
    await repository.delete_ended(db, idle=IDLE, now=now)
    assert await db.fetchval("select count(*) from session") == 1


async def test_nobody_has_more_than_fifty_sessions(db, mia):
    now = clock.now()
    for number in range(model.MAX_SESSIONS + 2):
        await db.atomic(
            service.open_session, user_id=mia, customer_id=None, lifetime=IDLE, now=now + timedelta(seconds=number)
        )
    assert await db.fetchval("select count(*) from session") == model.MAX_SESSIONS
    assert await db.fetchval("select min(created_at) from session") == now + timedelta(seconds=2)


# signing out


async def test_signed_out_here_one_is_still_signed_in_there(client, mia):
    here, there = await bearer(client), await bearer(client)
    assert (await client.delete("/api/sessions/current", headers=here)).status_code == 204
    assert (await status(client, here), await status(client, there)) == (401, 200)


async def test_one_sees_ones_own_sessions_and_ends_one_of_them(db, client, mia):
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
    assert (await status(client, first), await status(client, second), await status(client, others)) == (401, 200, 200)


async def test_signed_out_everywhere_no_token_is_good_any_more(client, mia):
    tokens = [await bearer(client) for _ in range(3)]
    assert (await client.delete("/api/sessions", headers=tokens[0])).status_code == 204
    assert [await status(client, token) for token in tokens] == [401] * 3


async def test_the_token_of_the_settings_has_no_sessions(client):
    assert (await client.get("/api/sessions", headers=ADMIN)).json() == {"items": [], "next": None}
    assert (await client.delete("/api/sessions/current", headers=ADMIN)).status_code == 404
    assert (await client.delete("/api/sessions", headers=ADMIN)).status_code == 204


@pytest.mark.parametrize("token", ["aps_", "aps_x", "aps_" + "A" * 43, "aps_" + "é" * 20, "aps_" + "x" * 5000])
async def test_a_made_up_token_is_nobodys(client, mia, token):
    assert await status(client, {"Authorization": f"Bearer {token}".encode()}) == 401


# cookies


async def cookie(client, **headers) -> tuple[dict[str, str], str]:
    """The header that a browser sends from then on, and the token against forged requests."""
    made = await sign_in(client, cookie=True, headers=headers or None)
    client.cookies.clear()
    value, *attributes = made.headers["Set-Cookie"].split("; ")
    assert "token" not in made.json()
    assert {attribute.lower() for attribute in attributes} == {
        "httponly",
        "secure",
        "samesite=lax",
        "path=/",
        f"max-age={12 * 60 * 60}",
    }
    assert value.startswith(f"{COOKIE}=aps_")
    return {"Cookie": value}, made.json()["csrfToken"]


async def test_a_browser_keeps_a_cookie_that_no_script_reads(client, mia):
    own, _ = await cookie(client)
    assert await status(client, own) == 200


async def test_a_change_by_cookie_needs_the_token_that_other_sites_do_not_know(client, mia):
    own, token = await cookie(client)
    _, others = await cookie(client)

    async def rename(**headers):
        return (await client.patch("/api/account", json={"name": "Mia Groß"}, headers=own | headers)).status_code

    assert [await rename(), await rename(**{"X-CSRF-Token": "forged"}), await rename(**{"X-CSRF-Token": others})] == [
        403
    ] * 3
    assert (await client.get("/api/account", headers=own)).json()["name"] == "Mia Klein"
    assert await rename(**{"X-CSRF-Token": token}) == 200


async def test_booking_by_cookie_needs_it_too(client, mia):
    own, token = await cookie(client)
    body = {"name": "Ana"}
    assert (await client.post("/api/customers", json=body, headers=own)).status_code == 403
    assert (await client.post("/api/customers", json=body, headers=own | {"X-CSRF-Token": token})).status_code == 201


async def test_a_forged_request_does_not_sign_out(client, mia):
    own, token = await cookie(client)
    assert (await client.delete("/api/sessions", headers=own)).status_code == 403
    out = await client.delete("/api/sessions/current", headers=own | {"X-CSRF-Token": token})
    assert (out.status_code, "Max-Age=0" in out.headers["Set-Cookie"]) == (204, True)
    assert await status(client, own) == 401


async def test_signing_in_again_ends_the_session_that_the_browser_had(client, mia):
    before, _ = await cookie(client)
    after, _ = await cookie(client, **before)
    assert before != after
    assert (await status(client, before), await status(client, after)) == (401, 200)


async def test_a_session_that_somebody_planted_is_not_taken_over(db, client, mia):
    """Fixation: what the browser brings is ended, never signed in."""
    planted = {"Cookie": f"{COOKIE}=aps_{'A' * 43}"}
    own, _ = await cookie(client, **planted)
    assert own != planted
    assert await status(client, planted) == 401


async def test_a_wrong_password_ends_nothing(client, mia):
    own, _ = await cookie(client)
    assert type_of(await sign_in(client, password=ANOTHER, headers=own)) == WRONG
    assert await status(client, own) == 200


async def test_a_cookie_that_is_left_from_an_ended_session_does_not_keep_anybody_out(client, mia):
    left = {"Cookie": f"{COOKIE}=aps_left"}
    assert (await client.get("/api/clinics", headers=left)).status_code == 200
    assert (await client.post("/api/customers", json={"name": "Ana"}, headers=left)).status_code == 201
    assert await status(client, left) == 401


async def test_who_believes_to_be_signed_in_does_not_book_as_nobody(client, mia):
    own, token = await cookie(client)
    assert (await client.delete("/api/sessions/current", headers=own | {"X-CSRF-Token": token})).status_code == 204
    for left in (own, {}):
        refused = await client.post("/api/customers", json={"name": "Ana"}, headers=left | {"X-CSRF-Token": token})
        assert type_of(refused) == (401, "unauthorized")
    assert (await sign_in(client, cookie=True, headers=own | {"X-CSRF-Token": token})).status_code == 201


# codes of an authenticator


@pytest.fixture
async def totp(db, mia, time) -> pyotp.TOTP:
    """Mia has one. The clock stands at the beginning of a step."""
    time.now = datetime.fromtimestamp(time.now.timestamp() // 30 * 30, tz=time.now.tzinfo)
    secret = pyotp.random_base32()
    await db.execute(
        "update app_user set totp_secret = $1, totp_confirmed_at = now()", encrypt_totp(SECRET, mia, secret)
    )
    return pyotp.TOTP(secret)


async def test_with_an_authenticator_the_password_alone_is_not_enough(client, totp, time):
    assert type_of(await sign_in(client)) == (401, "totp-required")
    assert type_of(await sign_in(client, totp="000000" if totp.at(time.now) != "000000" else "000001")) == WRONG
    assert (await sign_in(client, totp=totp.at(time.now))).status_code == 201


async def test_that_there_is_one_is_told_only_to_who_knows_the_password(client, totp, time):
    assert type_of(await sign_in(client, password=ANOTHER)) == WRONG
    assert type_of(await sign_in(client, password=ANOTHER, totp=totp.at(time.now))) == WRONG


async def test_a_code_is_good_once(client, totp, time):
    code = totp.at(time.now)
    assert (await sign_in(client, totp=code)).status_code == 201
    assert type_of(await sign_in(client, totp=code)) == WRONG
    time.passes(seconds=30)
    assert type_of(await sign_in(client, totp=code)) == WRONG
    assert (await sign_in(client, totp=totp.at(time.now))).status_code == 201


async def test_of_two_who_use_a_code_at_once_one_is_signed_in(client, totp, time):
    answers = await asyncio.gather(*(sign_in(client, totp=totp.at(time.now)) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, *[401] * 3]


async def test_clocks_may_differ_by_a_step_and_no_more(db, client, totp, time):
    codes = {step: totp.at(time.now + timedelta(seconds=30 * step)) for step in (-2, -1, 0, 1, 2)}
    for step, expected in ((-2, 401), (2, 401), (-1, 201), (1, 201), (0, 401)):
        assert (await sign_in(client, totp=codes[step])).status_code == expected, step


async def test_the_secret_of_one_user_is_none_for_another(db, client, totp, time):
    """Who can write into the database does not get in with an authenticator of their own."""
    await add_user(db, "eve@example.org", administrator=True)
    await db.execute(
        "update app_user set totp_confirmed_at = now(), totp_secret = (select totp_secret from app_user where totp_secret is not null limit 1)"
    )
    assert type_of(await sign_in(client, "eve@example.org", totp=totp.at(time.now))) == WRONG


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "١٢٣٤٥٦", "123456\n", 123456, None])
async def test_what_no_code_can_be_is_refused(client, totp, code):
    assert (await sign_in(client, totp=code)).status_code == 400


# patients


async def test_a_patient_who_has_signed_in_sees_who_they_are_and_no_staff(db, client, mia):
    customer_id = await customer(client, email="ana@example.org")
    token, _ = await db.atomic(
        service.open_session, user_id=None, customer_id=customer_id, lifetime=IDLE, now=clock.now()
    )
    own = {"Authorization": f"Bearer {token}"}
    account = (await client.get("/api/account", headers=own)).json()
    assert (account["customerId"], account["userId"], account["memberships"]) == (customer_id, None, [])
    assert await status(client, own, f"/api/customers/{customer_id}") == 200
    assert await status(client, own, "/api/clinics/1/users") == 403
    assert (await client.patch("/api/account", json={"name": "Eve"}, headers=own)).status_code == 403
    assert (
        await client.put("/api/account/password", json={"current": PASSWORD, "new": ANOTHER}, headers=own)
    ).status_code == 403
    await db.execute("update customer set active = false, removed_at = now()")
    assert await status(client, own) == 401


async def test_what_happens_is_recorded_without_addresses_or_secrets(db, client, mia):
    own = await bearer(client)
    await client.delete("/api/sessions", headers=own)
    rows = await db.fetch(
        "select action, actor, subjects from audit_unsealed where action in ('signIn', 'signOutEverywhere') order by at"
    )
    assert [(row.action, row.actor.split(":")[0]) for row in rows] == [
        ("signIn", "open"),
        ("signOutEverywhere", "user"),
    ]
    assert rows[0].subjects == [str(mia)]
    everything = await db.fetchval("select json_agg(a)::text from audit_unsealed a")
    assert "mia@" not in everything
    assert "aps_" not in everything
