"""Users add passkeys to their account and sign in with them."""

import pytest

from appoint.http.access import PROOF_TTL
from appoint.identity.passkeys.model import CHALLENGE_TTL, MAX_PASSKEYS
from support.accounts import WRONG, get_status
from support.audit import unsealed
from support.authenticators import Authenticator, proof, register, sign_in_with
from support.staff import PASSWORD, add_user, bearer, sign_in, type_of

PASSKEYS = "/api/account/passkeys"
REFUSED = (401, "passkey-refused")


@pytest.fixture
def phone():
    return Authenticator()


@pytest.fixture
async def passkey(client, manager, phone):
    """Mia's passkey."""
    return (await register(client, manager, phone, "Mia’s phone")).json()


async def outcomes(db) -> list[str]:
    """Return why sign-ins failed, according to the platform's audit log."""
    return [each["reason"] for each in await unsealed(db) if each["action"] == "signInFailed" and not each["clinic_id"]]


async def test_a_passkey_signs_its_user_in_without_a_password(client, passkey, phone):
    signed_in = await sign_in_with(client, phone)
    assert signed_in.status_code == 201, signed_in.text
    assert signed_in.json()["account"]["email"] == "mia@example.org"
    session = {"Authorization": f"Bearer {signed_in.json()['token']}"}
    (listed,) = (await client.get(PASSKEYS, headers=session)).json()["items"]
    assert listed["name"] == "Mia’s phone"
    assert listed["lastUsedAt"] is not None


async def test_the_options_require_a_verified_user_and_a_passkey_that_names_them(client, manager, passkey):
    creation = (await client.post(f"{PASSKEYS}/options", headers=manager)).json()["publicKey"]
    assert creation["rp"]["id"] == "testserver.local"
    assert creation["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert len(creation["excludeCredentials"]) == 1
    request = (await client.get("/api/sessions/passkey/options")).json()["publicKey"]
    assert (request["userVerification"], request["allowCredentials"]) == ("required", [])


async def test_a_passkey_is_renamed_and_removed(client, manager, passkey, phone):
    address = f"{PASSKEYS}/{passkey['id']}"
    renamed = await client.patch(address, json={"name": "Old phone"}, headers=manager)
    assert renamed.json()["name"] == "Old phone"
    removed = await client.delete(address, headers={**manager, "If-Match": renamed.headers["ETag"]})
    assert removed.status_code == 204
    assert await get_status(client, manager, address) == 404
    assert type_of(await sign_in_with(client, phone)) == REFUSED


async def test_adding_and_removing_a_passkey_require_a_recent_proof(client, manager, passkey, time):
    time.passes(seconds=PROOF_TTL.total_seconds())
    required = (403, "proof-required")
    assert type_of(await client.post(f"{PASSKEYS}/options", headers=manager)) == required
    assert type_of(await client.delete(f"{PASSKEYS}/{passkey['id']}", headers=manager)) == required


async def test_a_passkey_proves_that_the_user_is_still_the_same(client, manager, passkey, phone, time):
    time.passes(seconds=PROOF_TTL.total_seconds())
    content = {"passkey": await proof(client, phone, manager)}
    assert (await client.post("/api/sessions/current/proof", json=content, headers=manager)).status_code == 204
    assert (await client.post(f"{PASSKEYS}/options", headers=manager)).status_code == 200


async def test_another_users_passkey_does_not_count_as_proof(db, client, manager, passkey):
    await add_user(db, "eve@example.org")
    own = Authenticator()
    await register(client, await bearer(client, "eve@example.org"), own)
    content = {"passkey": await proof(client, own, manager)}
    assert (await client.post("/api/sessions/current/proof", json=content, headers=manager)).status_code == 400


async def test_the_first_passkey_turns_two_step_sign_in_on(client, manager, phone):
    other = await bearer(client)
    added = await register(client, manager, phone)
    assert added.status_code == 201, added.text
    assert len(added.json()["recoveryCodes"]) == 10
    assert await get_status(client, other) == 401
    assert await get_status(client, manager) == 200
    assert type_of(await sign_in(client)) == (401, "passkey-required")
    assert "recoveryCodes" not in (await register(client, manager, Authenticator())).json()


async def test_a_passkey_is_a_second_factor_after_the_password(db, client, passkey, phone):
    assert (await sign_in(client, passkey=await proof(client, phone))).status_code == 201
    await add_user(db, "eve@example.org")
    own = Authenticator()
    await register(client, await bearer(client, "eve@example.org"), own)
    assert type_of(await sign_in(client, passkey=await proof(client, own))) == REFUSED
    assert type_of(await sign_in(client, password="not it", passkey=await proof(client, phone))) == WRONG
    assert (await outcomes(db))[-2:] == ["another-users-passkey", "wrong-credentials"]


async def test_every_change_and_use_is_recorded_once_with_its_subject(db, client, mia, manager, phone):
    before = len(await unsealed(db))
    passkey = (await register(client, manager, phone)).json()["id"]
    await client.patch(f"{PASSKEYS}/{passkey}", json={"name": "Old phone"}, headers=manager)
    await client.post("/api/account/recoveryCodes", headers=manager)
    await sign_in_with(client, phone)
    await client.delete(f"{PASSKEYS}/{passkey}", headers=manager)
    entries = [(each["action"], each["subjects"], each["clinic_id"]) for each in await unsealed(db, before)]
    assert [entry for entry in entries if entry[2] == 0] == [
        ("registerPasskey", [passkey], 0),
        ("patchPasskey", [passkey], 0),
        ("createRecoveryCodes", [str(mia)], 0),
        ("signInWithPasskey", [str(mia)], 0),
        ("removePasskey", [passkey], 0),
    ]
    assert [entry[0] for entry in entries if entry[2] == 1] == ["signInWithPasskey"]


async def test_a_passkey_of_a_disabled_account_does_not_work(db, client, mia, passkey, phone):
    await db.execute("update app_user set disabled_at = now() where id = $1", mia)
    assert type_of(await sign_in_with(client, phone)) == REFUSED
    assert await outcomes(db) == ["disabled-account"]


async def test_a_challenge_expires(db, client, passkey, phone, time):
    signed = await proof(client, phone)
    time.passes(seconds=CHALLENGE_TTL.total_seconds())
    assert type_of(await client.post("/api/sessions/passkey", json=signed)) == REFUSED
    assert await outcomes(db) == ["expired-challenge"]


async def test_the_number_of_passkeys_is_limited(client, manager):
    for _ in range(MAX_PASSKEYS):
        assert (await register(client, manager, Authenticator())).status_code == 201
    assert type_of(await register(client, manager, Authenticator())) == (409, "too-many-passkeys")


async def test_a_passkey_is_registered_only_once(db, client, manager, passkey, phone):
    assert type_of(await register(client, manager, phone)) == (409, "passkey-exists")
    await add_user(db, "eve@example.org")
    assert type_of(await register(client, await bearer(client, "eve@example.org"), phone)) == (409, "passkey-exists")


async def test_authenticators_without_a_counter_work_every_time(client, manager):
    phone = Authenticator()
    phone.counts = False
    await register(client, manager, phone)
    assert [(await sign_in_with(client, phone)).status_code for _ in range(2)] == [201, 201]


async def test_an_operator_removes_all_second_factors(client, manager, passkey, phone, run_command):
    assert (await run_command("user", "reset", "mia@example.org", "--print", "--without-totp")).code == 0
    assert type_of(await sign_in_with(client, phone)) == REFUSED
    assert (await sign_in(client, password=PASSWORD)).status_code == 201
