"""Attacks on passkeys: Appoint refuses each of them, and the audit log says why."""

import asyncio

import pytest

from support.audit import unsealed
from support.authenticators import CREATE, GET, SIGN_IN_OPTIONS, Authenticator, encode, proof, register, sign_in_with
from support.staff import add_user, bearer, type_of

SIGN_IN = "/api/sessions/passkey"
REFUSED = (401, "passkey-refused")


@pytest.fixture
async def phone(client, manager):
    """Mia's authenticator, with a passkey."""
    phone = Authenticator()
    assert (await register(client, manager, phone)).status_code == 201
    return phone


async def last_outcome(db) -> str:
    return [each["reason"] for each in await unsealed(db) if each["action"] == "signInFailed"][-1]


async def test_a_signed_challenge_works_only_once(db, client, phone):
    signed = await proof(client, phone)
    assert (await client.post(SIGN_IN, json=signed)).status_code == 201
    assert type_of(await client.post(SIGN_IN, json=signed)) == REFUSED
    assert await last_outcome(db) == "used-challenge"


async def test_only_one_of_several_concurrent_uses_of_a_challenge_signs_in(client, phone):
    signed = await proof(client, phone)
    responses = await asyncio.gather(*(client.post(SIGN_IN, json=signed) for _ in range(4)))
    assert sorted(response.status_code for response in responses) == [201, 401, 401, 401]


async def test_a_challenge_works_only_in_the_browser_that_received_it(db, client, phone):
    signed = await proof(client, phone)
    del client.headers["Cookie"]
    assert type_of(await client.post(SIGN_IN, json=signed)) == REFUSED
    await proof(client, phone)
    assert type_of(await client.post(SIGN_IN, json=signed)) == REFUSED
    assert await last_outcome(db) == "expired-challenge"


async def test_a_challenge_for_one_purpose_is_invalid_for_another(client, manager, phone):
    for_proof = await proof(client, phone, manager)
    assert type_of(await client.post(SIGN_IN, json=for_proof)) == REFUSED
    for_sign_in = {"passkey": await proof(client, phone)}
    assert (await client.post("/api/sessions/current/proof", json=for_sign_in, headers=manager)).status_code == 400


async def test_a_passkey_signed_on_another_site_is_refused(db, client, phone):
    phone.origin = "https://appoint.evil.example"
    assert type_of(await sign_in_with(client, phone)) == REFUSED
    phone.origin = "http://sub.testserver.local"
    assert type_of(await sign_in_with(client, phone)) == REFUSED
    assert await last_outcome(db) == "wrong-passkey"


async def test_a_passkey_for_another_domain_is_refused(client, phone):
    phone.rp_id = "evil.example"
    assert type_of(await sign_in_with(client, phone)) == REFUSED


async def test_a_passkey_in_another_sites_frame_is_refused(client, phone):
    phone.cross_origin = True
    assert type_of(await sign_in_with(client, phone)) == REFUSED


@pytest.mark.parametrize("flags", [0x00, 0x01, 0x04])
async def test_an_authenticator_that_has_not_verified_its_user_is_refused(client, manager, phone, flags):
    phone.flags = flags
    assert type_of(await sign_in_with(client, phone)) == REFUSED
    other = Authenticator()
    other.flags = flags
    assert (await register(client, manager, other)).status_code == 400


async def test_a_copy_of_an_authenticator_is_noticed(db, client, phone):
    copy = Authenticator()
    copy.__dict__.update(phone.__dict__)
    for _ in range(2):
        assert (await sign_in_with(client, phone)).status_code == 201
    assert type_of(await sign_in_with(client, copy)) == REFUSED
    assert await last_outcome(db) == "copied-passkey"


async def test_a_passkey_does_not_sign_in_as_another_user(db, client, phone):
    """Neither someone else's user handle nor someone else's credential id lets an authenticator sign in as them."""
    await add_user(db, "eve@example.org")
    own = Authenticator()
    await register(client, await bearer(client, "eve@example.org"), own)
    own_handle, own_id = own.user_handle, own.credential_id
    own.user_handle = phone.user_handle
    assert type_of(await sign_in_with(client, own)) == REFUSED
    own.user_handle, own.credential_id = own_handle, phone.credential_id
    assert type_of(await sign_in_with(client, own)) == REFUSED
    own.credential_id = own_id
    assert (await sign_in_with(client, own)).json()["account"]["email"] == "eve@example.org"


async def test_a_changed_signature_is_refused(client, phone):
    signed = await proof(client, phone)
    signed["credential"]["signature"] = encode(b"0" * 70)
    assert type_of(await client.post(SIGN_IN, json=signed)) == REFUSED


async def test_a_registration_is_not_accepted_as_a_sign_in(client, phone):
    await proof(client, phone)
    begun = (await client.get(SIGN_IN_OPTIONS)).json()
    for kind, status in ((CREATE, 401), (GET, 201)):
        signed = phone.sign(begun["publicKey"], kind=kind)
        content = {"challengeToken": begun["challengeToken"], "credential": signed}
        assert (await client.post(SIGN_IN, json=content)).status_code == status


async def test_another_session_cannot_finish_a_registration(client, manager):
    """A challenge is bound to the session that asked for it."""
    begun = (await client.post("/api/account/passkeys/options", headers=manager)).json()
    content = {"name": "Phone", "challengeToken": begun["challengeToken"]}
    content["credential"] = Authenticator().create(begun["publicKey"])
    other = await bearer(client)
    assert (await client.post("/api/account/passkeys", json=content, headers=other)).status_code == 400
    assert (await client.post("/api/account/passkeys", json=content, headers=manager)).status_code == 201
    assert (await client.post("/api/account/passkeys", json=content, headers=manager)).status_code == 400


@pytest.mark.parametrize("member", ["id", "clientDataJSON", "authenticatorData", "signature", "userHandle"])
@pytest.mark.parametrize("value", ["A", "AAAA", "bnVsbA", "W10", "n58" * 500])
async def test_malformed_input_is_refused(client, phone, member, value):
    signed = await proof(client, phone)
    signed["credential"][member] = value
    assert type_of(await client.post(SIGN_IN, json=signed)) == REFUSED


@pytest.mark.parametrize("member", ["id", "clientDataJSON", "attestationObject"])
@pytest.mark.parametrize("value", ["A", "AAAA", "bnVsbA", "o2NmbXRkbm9uZQ", "gY" * 2000])
async def test_malformed_registrations_are_invalid(client, manager, member, value):
    begun = (await client.post("/api/account/passkeys/options", headers=manager)).json()
    credential = Authenticator().create(begun["publicKey"]) | {member: value}
    content = {"name": "Phone", "challengeToken": begun["challengeToken"], "credential": credential}
    response = await client.post("/api/account/passkeys", json=content, headers=manager)
    assert response.status_code == 400, member
