"""Users change their own accounts and set up authenticators. Stored data reveals no secrets."""

from datetime import timedelta

import pyotp
import pytest

from appoint.identity.encryption import decrypt, legacy_cipher
from appoint.kit import clock
from appoint.kit.key_ring import EncryptedField, KeyRing
from support.accounts import INVITATION, NEW_PASSWORD, USERS, mailed_tokens
from support.app import ADMIN
from support.encryption import legacy_totp
from support.keys import KEYS, OLDER_KEY
from support.staff import PASSWORD, sign_in, type_of

# own account


async def test_users_can_change_their_own_name_and_language(client, manager):
    account = await client.get("/api/account", headers=manager)
    response = await client.patch(
        "/api/account",
        json={"name": "Mia Groß", "locale": "de"},
        headers=manager | {"If-Match": account.headers["ETag"]},
    )
    assert (response.json()["name"], response.json()["locale"]) == ("Mia Groß", "de")
    outdated = manager | {"If-Match": account.headers["ETag"]}
    assert (await client.patch("/api/account", json={"locale": None}, headers=outdated)).status_code == 412
    assert (await client.patch("/api/account", json={"locale": None}, headers=manager)).json()["locale"] is None
    assert (await client.patch("/api/account", json={"administrator": True}, headers=manager)).status_code == 400
    assert (await client.patch("/api/account", json={"email": "eve@example.org"}, headers=manager)).status_code == 400


async def test_the_admin_token_has_no_account_to_change(client):
    assert (await client.get("/api/account", headers=ADMIN)).json()["administrator"] is True
    assert (await client.patch("/api/account", json={"name": "Root"}, headers=ADMIN)).status_code == 403
    assert (await client.post("/api/account/totp", json={"password": PASSWORD}, headers=ADMIN)).status_code == 403


async def test_an_authenticator_is_required_once_it_is_confirmed(client, manager):
    async def post(path: str = "", **body):
        return await client.post(f"/api/account/totp{path}", json=body, headers=manager)

    setup = await client.post(
        "/api/account/totp", json={"password": PASSWORD}, headers=manager | {"Idempotency-Key": "once"}
    )
    assert setup.headers["Cache-Control"] == "no-store"
    assert (await sign_in(client)).status_code == 201
    totp = pyotp.parse_uri(setup.json()["uri"])
    assert (totp.secret, totp.issuer, totp.name) == (setup.json()["secret"], "Appoint", "mia@example.org")
    now = clock.now()
    code, later_code = totp.at(now), totp.at(now + timedelta(seconds=30))
    wrong = await post("/confirm", code=totp.at(now + timedelta(hours=3)))
    assert wrong.json()["errors"][0]["pointer"] == "#/code"
    assert (await post("/confirm", code=code)).json()["totp"] is True
    assert type_of(await sign_in(client)) == (401, "totp-required")
    # the confirmation has used up this code
    assert type_of(await sign_in(client, totp=code)) == (401, "wrong-credentials")
    assert (await sign_in(client, totp=later_code)).status_code == 201
    assert type_of(await post(password=PASSWORD)) == (409, "totp-on")
    assert type_of(await post("/confirm", code=code)) == (409, "totp-on")
    assert (await post("/remove", password="not it")).status_code == 400
    assert (await post("/remove", password=PASSWORD)).json()["totp"] is False
    assert (await sign_in(client)).status_code == 201


async def test_an_authenticators_secret_is_encrypted_and_never_shown_again(db, client, mia, manager):
    responses = [
        await client.post(
            "/api/account/totp", json={"password": PASSWORD}, headers=manager | {"Idempotency-Key": "once"}
        )
        for _ in range(2)
    ]
    secrets = [response.json()["secret"] for response in responses]
    assert secrets[0] != secrets[1]
    assert await db.fetchval("select count(*) from request_key") == 0
    ciphertext = await db.fetchval("select totp_secret from app_user")
    assert secrets[1].encode() not in ciphertext
    assert ciphertext.startswith(b"enc1:tests:")
    assert KEYS.decrypt_bytes(ciphertext, EncryptedField.TOTP_SECRET, mia).decode() == secrets[1]


async def test_a_secret_that_an_earlier_release_encrypted_still_works(db, client, mia):
    totp = pyotp.TOTP(pyotp.random_base32())
    await db.execute("update app_user set totp_secret = $1, totp_confirmed_at = now()", legacy_totp(totp.secret, mia))
    code = totp.at(clock.now())
    assert (await sign_in(client, totp="000000" if code != "000000" else "111111")).status_code == 401
    assert (await sign_in(client, totp=code)).status_code == 201


async def test_an_authenticator_whose_key_is_missing_refuses_every_code(db, client, mia):
    totp = pyotp.TOTP(pyotp.random_base32())
    secret = KeyRing.parse(OLDER_KEY).encrypt_bytes(totp.secret.encode(), EncryptedField.TOTP_SECRET, mia)
    await db.execute("update app_user set totp_secret = $1, totp_confirmed_at = now()", secret)
    assert (await sign_in(client, totp=totp.at(clock.now()))).status_code == 401


async def test_setting_up_an_authenticator_requires_the_password(client, manager):
    assert (await client.post("/api/account/totp", json={"password": "not it"}, headers=manager)).status_code == 400
    assert type_of(await client.post("/api/account/totp/confirm", json={"code": "123456"}, headers=manager)) == (
        409,
        "totp-not-begun",
    )


def test_a_secret_from_an_earlier_release_is_bound_to_its_key_and_purpose():
    ciphertext = legacy_cipher("a key", "one").encrypt(b"a secret")
    bindings = [("a key", "one"), ("a key", "two"), ("another key", "one")]
    assert [decrypt(*binding, ciphertext) for binding in bindings] == ["a secret", None, None]


# defence in depth


async def test_the_serving_role_cannot_read_password_hashes_or_tokens(db, client, mia, manager):
    app = client._transport.app
    for column in ("password_hash", "totp_secret"):
        with pytest.raises(Exception, match="permission denied"):
            await app.state.services.db.fetch(f"select {column} from app_user")
    with pytest.raises(Exception, match="permission denied"):
        await app.state.services.db.fetch("select token_hash from session")
    assert await app.state.services.db.fetch("select * from membership") == []


async def test_no_table_contains_passwords_tokens_or_addresses(db, client, mia, manager, office):
    await client.post(USERS, json=INVITATION, headers=manager | {"Idempotency-Key": "1"})
    (token,) = await mailed_tokens(office)
    for number, (path, body) in enumerate(
        [
            ("/api/credentials", {"token": token, "password": NEW_PASSWORD}),
            ("/api/passwordResets", {"email": "mia@example.org"}),
            ("/api/account/totp", {"password": PASSWORD}),
        ]
    ):
        assert (
            await client.post(path, json=body, headers=manager | {"Idempotency-Key": f"again-{number}"})
        ).status_code == 200
    for table in ("request_key", "audit_unsealed", "event", "notification", "session"):
        rows = await db.fetchval(f"select coalesce(json_agg(t), '[]')::text from {table} t")
        assert [secret for secret in (token, NEW_PASSWORD, PASSWORD, "mia@example.org") if secret in rows] == [], table
